"""Days held in memory: least recently used go first, under a budget of real bytes.

An entry knows when it was fetched; whether that is fresh is judged at reading, so a stale day can still be served.
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, timedelta
from typing import Any, Final

from app.oura.heart import HeartSamples
from app.oura.records import Series

MAX_BYTES: Final = 16 << 20
DAYLESS: Final = date.min  # the "day" of a collection that has none
YOUNG_DAYS: Final = 7
REFRESH_S: Final = 60.0
_RECENT_S: Final = 3600.0
_OLD_S: Final = 86_400.0
_OVERHEAD_BYTES: Final = 320  # key, entry, and their place in the table

Rows = tuple[Any, ...] | HeartSamples
Key = tuple[str, date]


@dataclass(frozen=True, slots=True)
class DayEntry:
    """What one complete fetch said of one collection and day. *fetched_at* is when the question was asked, epoch seconds."""

    rows: Rows
    fetched_at: float
    was_refresh: bool = False
    turn: int = 0  # questions are numbered, for clocks may be set back


class Freshness:
    """How long an entry may be answered from, given the wearer's day and the time of one call."""

    __slots__ = ("_is_refresh", "_now", "_recent_s", "_today")

    def __init__(self, now: float, today: date, cache_ttl_s: float, *, is_refresh: bool = False) -> None:
        self._now = now
        self._today = today.toordinal()
        self._recent_s = cache_ttl_s
        self._is_refresh = is_refresh

    def fresh(self, held: Mapping[date, DayEntry | None]) -> dict[date, DayEntry]:
        """Return those of *held*, in their order, that need no question."""
        return {day: entry for day, entry in held.items() if entry is not None and self.holds(day, entry)}

    def holds(self, day: date, entry: DayEntry) -> bool:
        """Tell whether *entry* needs no question. An empty young day always needs one: perhaps it was only not synced yet."""
        age_days = self._today - day.toordinal()
        age_s = self._now - entry.fetched_at
        if age_s < 0 or (age_days < YOUNG_DAYS and not entry.rows):
            return False  # the clock was set back, or nobody knows
        if self._is_refresh and (age_days < YOUNG_DAYS or day == DAYLESS):
            return entry.was_refresh and age_s < REFRESH_S
        if age_days <= 1:
            return age_s < self._recent_s
        return age_s < (_RECENT_S if age_days <= YOUNG_DAYS or day == DAYLESS else _OLD_S)

    def is_young(self, day: date) -> bool:
        return self._today - day.toordinal() < YOUNG_DAYS


class DayCache:
    """Entries by collection and day; only the byte budget evicts."""

    def __init__(self, *, max_bytes: int = MAX_BYTES) -> None:
        self.max_bytes = max_bytes
        self._entries: OrderedDict[Key, DayEntry] = OrderedDict()
        self._sizes: dict[Key, int] = {}
        self._bytes = 0

    @property
    def days(self) -> int:
        return len(self._entries)

    @property
    def nbytes(self) -> int:
        return self._bytes

    def get(self, collection: str, day: date) -> DayEntry | None:
        """Return the entry and count it as used."""
        key = (collection, day)
        entry = self._entries.get(key)
        if entry is not None:
            self._entries.move_to_end(key)
        return entry

    def several(self, collection: str, days: Iterable[date]) -> dict[date, DayEntry | None]:
        """Return the entry of each of *days*, None where there is none, and count them as used."""
        entries, held = self._entries, {}
        for day in days:
            key = (collection, day)
            entry = held[day] = entries.get(key)
            if entry is not None:
                entries.move_to_end(key)
        return held

    def put(self, collection: str, day: date, entry: DayEntry) -> None:
        """Hold *entry* in place of what was held, unless that was asked for later."""
        key = (collection, day)
        held = self._entries.get(key)
        if held is not None and held.turn > entry.turn:
            return
        size = _OVERHEAD_BYTES + weight(entry.rows)
        self._bytes += size - self._sizes.get(key, 0)
        self._entries[key], self._sizes[key] = entry, size
        self._entries.move_to_end(key)
        while self._bytes > self.max_bytes and self._entries:
            oldest, _ = self._entries.popitem(last=False)
            self._bytes -= self._sizes.pop(oldest)

    def around(self, collection: str, first: date, last: date, days: int) -> Iterator[tuple[date, DayEntry]]:
        """Yield what is held of the *days* days before *first* and after *last*."""
        for n in range(1, days + 1):
            for day in (first - timedelta(days=n), last + timedelta(days=n)):
                entry = self._entries.get((collection, day))
                if entry is not None:
                    yield day, entry

    def clear(self) -> None:
        self._entries.clear()
        self._sizes.clear()
        self._bytes = 0


def weight(value: Any) -> int:
    """Return the bytes *value* occupies with all it refers to; interned strings and small numbers are counted too, to be safe."""
    size = sys.getsizeof(value)
    if isinstance(value, tuple):
        return size + sum(map(weight, value))
    if isinstance(value, Mapping):
        return size + sum(weight(key) + weight(item) for key, item in value.items())
    if isinstance(value, Series):
        return size + value.nbytes + weight(value.start) + 64
    if isinstance(value, HeartSamples):
        return size + value.nbytes + 3 * 64
    if is_dataclass(value):
        return size + sum(weight(getattr(value, column.name)) for column in fields(value))
    return size
