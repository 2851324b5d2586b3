"""Days of Oura data: held where fresh, asked for where not, always with what they cover."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from app.oura.answers import Answer, HeartRateAnswer, Profile
from app.oura.days import Dates, Span
from app.services import Deadline

Progress = Callable[[float, float, str], None]


class OuraData:
    """What tools see of Oura."""

    def query(
        self,
        collections: Sequence[str],
        dates: Dates,
        *,
        deadline: Deadline,
        refresh: bool = False,
        progress: Progress | None = None,
    ) -> Answer:
        """Return the rows of *collections* (names of `collections.COLLECTIONS`) for *dates*.

        One collection's failure lands in its `Fetched.error`; if all fail and nothing is held, the first one's error is raised.
        Raises ArgumentError (bad dates), ConnectionNeededError, OuraError.
        """
        raise NotImplementedError

    def heart_rate(
        self, span: Span, *, deadline: Deadline, refresh: bool = False, progress: Progress | None = None
    ) -> HeartRateAnswer:
        """Return every sample of *span*. Raises ArgumentError, ConnectionNeededError, OuraError (if nothing is here)."""
        raise NotImplementedError

    def heart_rate_within(
        self, windows: Sequence[tuple[datetime, datetime]], *, deadline: Deadline, progress: Progress | None = None
    ) -> HeartRateAnswer:
        """Return the samples inside *windows* (aware datetimes), fetched newest first until the soft deadline.

        Never raises OuraError: `covers(start, end)` tells which windows are known, `error` why others are not.
        """
        raise NotImplementedError

    def profile(self, *, deadline: Deadline, refresh: bool = False) -> Profile:
        """Return the wearer and the rings. Raises ConnectionNeededError, or OuraError if both parts fail alike."""
        raise NotImplementedError

    def clear(self) -> None:
        """Forget everything, fetches under way included: the connection was cut or is another person's now."""
        raise NotImplementedError

    def stats(self) -> dict[str, Any]:
        """Return numbers about the cache and the budget: no health values."""
        raise NotImplementedError
