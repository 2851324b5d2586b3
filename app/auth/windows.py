"""Fixed windows in this process's memory, as a storage of the `limits` library.

Its own memory storage starts a timer thread at nearly every hit, to sweep what has expired; here a hit sweeps, once a minute.
"""

from __future__ import annotations

import time

from limits.storage.base import Storage

SWEEP_S = 60.0


class FixedWindows(Storage):
    """Counts by key, each with the time at which its window ends. Greenlets share it: nothing in here waits."""

    STORAGE_SCHEME = ["windows"]  # noqa: RUF012 - read by the library's registry

    def __init__(self, uri: str | None = None, wrap_exceptions: bool = False, **options: float | str | bool) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions, **options)
        self._windows: dict[str, tuple[int, float]] = {}
        self._swept_at = 0.0

    @property
    def base_exceptions(self) -> type[Exception]:
        return KeyError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count *amount*; the first hit opens a window of *expiry* seconds."""
        now = time.time()
        if now - self._swept_at > SWEEP_S:
            self._sweep(now)
        count, ends_at = self._windows.get(key, (0, 0.0))
        if ends_at <= now:
            count, ends_at = 0, now + expiry
        self._windows[key] = (count + amount, ends_at)
        return count + amount

    def get(self, key: str) -> int:
        count, ends_at = self._windows.get(key, (0, 0.0))
        return count if ends_at > time.time() else 0

    def get_expiry(self, key: str) -> float:
        return self._windows.get(key, (0, time.time()))[1]

    def check(self) -> bool:
        return True

    def reset(self) -> int | None:
        count = len(self._windows)
        self._windows.clear()
        return count

    def clear(self, key: str) -> None:
        self._windows.pop(key, None)

    def _sweep(self, now: float) -> None:
        self._swept_at = now
        self._windows = {key: window for key, window in self._windows.items() if window[1] > now}
