"""What has reached Oura from the phone, and when.

Sleep and what is made of it arrive only when the app is opened; activity, stress and heart rate come in the background.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from app.simulator.dice import chance
from app.simulator.sleep import Sleep, longest

if TYPE_CHECKING:
    from app.simulator.life import Life

_BACKGROUND_S = 600


@dataclass(frozen=True, slots=True)
class Sync:
    """The time *now*, and when the app was last opened (None: within the hour of every waking).

    Days in *recomputed* were judged a second time, as Oura does with recent days.
    """

    now: float
    opened_at: float | None = None
    recomputed: frozenset[date] = frozenset()

    @property
    def synced_at(self) -> float:
        """The end of what the background brought."""
        return self.now // _BACKGROUND_S * _BACKGROUND_S

    @property
    def latest_opening(self) -> float:
        return self.now if self.opened_at is None else min(self.opened_at, self.now)

    def sleeps(self, life: Life, day: date) -> list[Sleep]:
        """The periods of *day* that an opening of the app has brought."""
        return [sleep for sleep in life.sleeps(day) if self._opened_after(life.persona.key, sleep.span.end)]

    def night(self, life: Life, day: date) -> Sleep | None:
        return longest(self.sleeps(life, day))

    def _opened_after(self, key: str, end: int) -> bool:
        if self.opened_at is not None:
            return end <= self.latest_opening
        return end + 480 + int(1800 * chance(key, "opens", end)) <= self.now
