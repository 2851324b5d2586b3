"""Reads Oura's JSON documents into records.

Forgiving on purpose: a field that is missing, null or of the wrong kind becomes None, unknown fields and enum members pass, so
that one odd value never sinks a range. Only a document whose day cannot be told is refused.
"""

from __future__ import annotations

import math
import sys
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, TypeVar, get_type_hints

from app.oura.records import Contributors, RingConfiguration, Series

T = TypeVar("T")
Reader = Callable[[Any], Any]

NO_HEART_RATE: Final = frozenset({0, 255})
_INTERNED_CHARS: Final = 24  # enum members repeat, ids do not
_SLEEP_DAY_ENDS: Final = timedelta(hours=6)  # after 18:00 a period belongs to the next day


class UnreadableError(ValueError):
    """A document that cannot be placed in any day."""


def integer(value: Any) -> int | None:
    """Read a whole number; Oura writes some of them as `66.0`."""
    if type(value) is int:
        return value
    return round(value) if type(value) is float and math.isfinite(value) else None


def number(value: Any) -> float | None:
    if type(value) is float:
        return value if math.isfinite(value) else None
    return float(value) if type(value) is int and abs(value) < 1 << 53 else None


def text(value: Any) -> str | None:
    if type(value) is not str:
        return None
    return sys.intern(value) if len(value) <= _INTERNED_CHARS else value


def flag(value: Any) -> bool | None:
    return value if type(value) is bool else None


def day(value: Any) -> date | None:
    """Read a calendar day; a date-time gives its own date."""
    if type(value) is not str:
        return None
    try:
        return date.fromisoformat(value[:10])
    except ValueError:
        return None


def local_time(value: Any) -> datetime | None:
    """Read a date-time with its own offset; without one it cannot be placed in time."""
    if type(value) is not str:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def contributors(value: Any) -> Contributors:
    return {sys.intern(name): integer(rating) for name, rating in value.items()} if isinstance(value, dict) else {}


def texts(value: Any) -> tuple[str, ...]:
    return tuple(item for item in map(text, value) if item is not None) if isinstance(value, list) else ()


def series(value: Any) -> Series | None:
    """Read a Sample; without its interval nobody knows when a value was."""
    if not isinstance(value, dict) or not isinstance(value.get("items"), list):
        return None
    interval_s = number(value.get("interval"))
    if interval_s is None or interval_s <= 0:
        return None
    values = array("d", (math.nan if (read := number(item)) is None else read for item in value["items"]))
    return Series(local_time(value.get("timestamp")), interval_s, values)


_READERS: Final[Mapping[Any, Reader]] = {
    int | None: integer,
    float | None: number,
    str | None: text,
    bool | None: flag,
    date: day,
    date | None: day,
    datetime | None: local_time,
    Series | None: series,
    Contributors: contributors,
    tuple[str, ...]: texts,
}


def _heart_rate(read: Reader) -> Reader:
    def read_heart_rate(value: Any) -> Any:
        made = read(value)
        if isinstance(made, Series):
            return made.without(NO_HEART_RATE)
        return None if made in NO_HEART_RATE else made

    return read_heart_rate


class Reading:
    """How one kind of document becomes one kind of record; made once per collection from the record's annotations."""

    def __init__(self, record: type[Any]) -> None:
        self.record = record
        hints = get_type_hints(record)
        self._plan: list[tuple[str, Reader]] = []
        for column in fields(record):
            assert column.default is MISSING
            read = _READERS[hints[column.name]]
            self._plan.append((column.name, _heart_rate(read) if column.metadata.get("heart_rate") else read))
        self.names = tuple(name for name, _ in self._plan)
        self._day = next((name for name in ("day", "start_day") if name in self.names), None)

    def __call__(self, document: Any) -> Any:
        """Return the record of *document*. Raises UnreadableError if its day cannot be told."""
        if not isinstance(document, dict):
            raise UnreadableError
        if self._day is not None and day(document.get(self._day)) is None:
            document = {**document, self._day: _day_by_rule(document)}
        get = document.get
        return self.record(*[read(get(name)) for name, read in self._plan])


def _day_by_rule(document: Mapping[str, Any]) -> str:
    """Tell the day of a document that does not, by Oura's own rules: a Sleep Day ends at 18:00, others begin on their day."""
    end = local_time(document.get("bedtime_end"))
    if end is not None and end.year < date.max.year:
        return (end + _SLEEP_DAY_ENDS).date().isoformat()
    for name in ("start_datetime", "start_time", "timestamp"):
        start = local_time(document.get(name))
        if start is not None:
            return start.date().isoformat()
    raise UnreadableError


def newest_first(rings: Sequence[RingConfiguration]) -> tuple[RingConfiguration, ...]:
    """Order rings by set-up; where dates are missing or alike, Oura's own order (oldest first) decides."""
    never = datetime.min.replace(tzinfo=UTC)
    order = sorted(range(len(rings)), key=lambda n: (rings[n].set_up_at or never, n), reverse=True)
    return tuple(rings[n] for n in order)
