"""Heart-rate samples, packed: a year is half a million of them.

Pure; days are UTC days, times are whole epoch seconds.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from typing import Any, Final

from app.oura.documents import NO_HEART_RATE, integer, number

DAY_S: Final = 86_400
OTHER: Final = "other"
_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()
_KNOWN_SOURCES: Final = ("awake", "rest", "sleep", "workout", "live", "session", OTHER)
_MAX_SOURCES: Final = 64
_MAX_SOURCE_CHARS: Final = 40


def utc_day(at: float) -> date:
    """Return the UTC day of *at* (epoch seconds)."""
    return date.fromordinal(_EPOCH_ORDINAL + int(at // DAY_S))


def utc_midnight(day: date) -> int:
    """Return the epoch second at which UTC *day* begins."""
    return (day.toordinal() - _EPOCH_ORDINAL) * DAY_S


class HeartSamples:
    """Samples in order of time: epoch seconds, bpm, and a code into *names* for the source."""

    __slots__ = ("bpm", "names", "sources", "times")

    def __init__(self, times: array[int], bpm: array[int], sources: array[int], names: tuple[str, ...]) -> None:
        self.times = times
        self.bpm = bpm
        self.sources = sources
        self.names = names

    def __len__(self) -> int:
        return len(self.times)

    def __iter__(self) -> Iterator[tuple[int, int, str]]:
        """Yield (epoch seconds, bpm, source)."""
        for at, bpm, code in zip(self.times, self.bpm, self.sources, strict=True):
            yield at, bpm, self.names[code]

    def __repr__(self) -> str:
        return f"HeartSamples({len(self)} samples)"  # never the values: a repr may end in a log

    @property
    def nbytes(self) -> int:
        return sum(len(packed) * packed.itemsize for packed in (self.times, self.bpm, self.sources))

    def between(self, start: float, end: float) -> HeartSamples:
        """Return the samples with start ≤ time < end (epoch seconds)."""
        low, high = bisect_left(self.times, start), bisect_left(self.times, end)
        return HeartSamples(self.times[low:high], self.bpm[low:high], self.sources[low:high], self.names)


class Sources:
    """The names of sources seen so far; Oura may add members, so the list is open, and it is bounded."""

    def __init__(self) -> None:
        self._codes = {name: code for code, name in enumerate(_KNOWN_SOURCES)}
        self.names: tuple[str, ...] = _KNOWN_SOURCES

    def code(self, name: Any) -> int:
        if not isinstance(name, str) or len(name) > _MAX_SOURCE_CHARS:
            return self._codes[OTHER]
        code = self._codes.get(name)
        if code is None:
            if len(self._codes) >= _MAX_SOURCES:
                return self._codes[OTHER]
            code = self._codes[name] = len(self._codes)
            self.names = (*self.names, name)
        return code


class DayPacker:
    """Collects rows of any order into packed days; a row that occurs twice (pages and windows overlap) counts once."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._days: dict[date, set[int]] = {}

    def add(self, row: Any) -> bool:
        """Take one row of `heartrate`; False if its time cannot be read. A row without a heart rate is no sample."""
        at = _instant_of(row) if isinstance(row, dict) else None
        if at is None or not 0 <= at < 1 << 32:
            return False
        bpm = integer(row.get("bpm"))
        if bpm is not None and 0 < bpm < 255 and bpm not in NO_HEART_RATE:
            self._days.setdefault(utc_day(at), set()).add(at << 16 | bpm << 8 | self._sources.code(row.get("source")))
        return True

    def packed(self, day: date) -> HeartSamples:
        ordered = sorted(self._days.get(day, ()))
        return HeartSamples(
            array("I", (key >> 16 for key in ordered)),
            array("B", (key >> 8 & 255 for key in ordered)),
            array("B", (key & 255 for key in ordered)),
            self._sources.names,
        )


def joined(days: Iterable[HeartSamples], names: tuple[str, ...]) -> HeartSamples:
    """Return the samples of *days*, which come in order of time, as one."""
    times, bpm, sources = array("I"), array("B"), array("B")
    for samples in days:
        times.extend(samples.times)
        bpm.extend(samples.bpm)
        sources.extend(samples.sources)
    return HeartSamples(times, bpm, sources, names)


def _instant_of(row: dict[str, Any]) -> int | None:
    """Return the epoch second of a row; Oura's time series are in UTC, so a time without offset is UTC."""
    moment = row.get("timestamp")
    if isinstance(moment, str):
        try:
            read = datetime.fromisoformat(moment)
            return int((read if read.tzinfo is not None else read.replace(tzinfo=UTC)).timestamp())
        except (ValueError, OverflowError):
            pass
    unix_ms = number(row.get("timestamp_unix"))
    return None if unix_ms is None else int(unix_ms // 1000)
