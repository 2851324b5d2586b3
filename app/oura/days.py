"""The days and spans a person asks for: raw arguments in, checked days of the wearer out.

Every problem is reported at once, in words that say what would be right. Knows nothing of Oura's own date rules.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Final, NamedTuple

from app.errors import ArgumentError

MAX_DAYS: Final = 365
DEFAULT_DAYS: Final = 7
FIRST_YEAR: Final = 2013  # Oura was founded; no ring can know an earlier day
EARLIEST_ZONE: Final = timezone(timedelta(hours=14))  # where a day begins first
LATEST_ZONE: Final = timezone(-timedelta(hours=12))  # and last
WIDEST_OFFSETS: Final = timedelta(hours=26)  # from one to the other
_MAX_CHARS: Final = 64
_QUOTED_CHARS: Final = 40
_DAY: Final = timedelta(days=1)
_GRACE: Final = timedelta(hours=2)  # the clocks change, and an end includes its own second
_NEVER: Final = datetime.max.replace(microsecond=0, tzinfo=UTC)  # year 9999: no arithmetic is possible there


class Period(NamedTuple):
    """Checked days, inclusive: *first* is *start* minus the baseline; *notes* say what was changed of what was asked."""

    first: date
    start: date
    end: date
    notes: tuple[str, ...] = ()


class Dates(NamedTuple):
    """Inclusive days of the wearer, as they were asked for."""

    start: object = None
    end: object = None
    days: int | None = None
    baseline_days: int = 0

    @classmethod
    def between(cls, start: str | None = None, end: str | None = None) -> Dates:
        """Take raw `start_date` and `end_date`; *end* defaults to today, *start* to six days before *end*."""
        return cls(start=start, end=end)

    @classmethod
    def last(cls, days: int) -> Dates:
        """Take the *days* days that end today."""
        return cls(days=days)

    def before(self, days: int) -> Dates:
        """Add *days* earlier days, a baseline: they are fetched too, `Answer.first` is where they start."""
        return self._replace(baseline_days=days)

    def period(self, today: date, tz: tzinfo = UTC) -> Period:
        """Return the days meant, *today* being the wearer's. Raises ArgumentError with every problem."""
        if self.days is not None:
            return self._last(today)
        problems: list[str] = []
        start = _day(self.start, "start_date", tz, today, problems)
        end = _day(self.end, "end_date", tz, today, problems)
        notes: list[str] = []
        if start is not None and start > today:
            problems.append(f"start_date {start} is in the future: today is {today} where the ring is worn.")
        if end is not None and end > today and not problems:
            notes.append(f"end_date {end} is in the future; the answer ends today, {today}.")
        last = end if end is not None and end < today else today
        first = start if start is not None else last - (DEFAULT_DAYS - 1) * _DAY
        if start is not None and end is not None and start > end:
            problems.append(f"start_date {start} is after end_date {end}: swap them, both days are included.")
        elif (last - first).days >= MAX_DAYS and not problems:
            nearest = last - (MAX_DAYS - 1) * _DAY
            problems.append(f"{first} to {last} is {(last - first).days + 1} days; at most {MAX_DAYS} can be asked for at once. ")
            problems[-1] += f"The longest range that ends then starts on {nearest}."
        if problems:
            raise ArgumentError(problems)
        return Period(first - self.baseline_days * _DAY if self.baseline_days else first, first, last, tuple(notes))

    def _last(self, today: date) -> Period:
        if not 1 <= (self.days or 0) <= MAX_DAYS:
            raise ArgumentError([f"days must be a whole number from 1 to {MAX_DAYS}."])
        start = today - (self.days - 1) * _DAY if self.days else today
        return Period(start - self.baseline_days * _DAY, start, today)


@dataclass(frozen=True, slots=True)
class Window:
    """A checked span of time: start ≤ sample < end, both aware."""

    start: datetime
    end: datetime
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """Raw `start_datetime` and `end_datetime` of get_heart_rate.

    Neither: the last 24 hours. A bare date is that whole day of the wearer; without an offset a time is the wearer's.
    A start alone runs until now (a bare date alone: that day), an end alone takes the 24 hours before it (a bare date: that day).
    """

    start: object = None
    end: object = None

    def window(self, now: float, tz: tzinfo, *, is_zone_sure: bool = True) -> Window:
        """Return the time meant, *tz* being the wearer's zone. Raises ArgumentError with every problem.

        While the zone is not sure, the order of a time with an offset and one without cannot be judged and is not, and a span
        is too long only if it is in every zone.
        """
        problems: list[str] = []
        present = datetime.fromtimestamp(math.floor(now), tz)
        start = _moment(self.start, "start_datetime", f"{present.date()} or {present.date()}T22:00", problems)
        end = _moment(self.end, "end_datetime", f"{present.date()} or {present.isoformat()}", problems)
        if problems:
            raise ArgumentError(problems)
        after = present + timedelta(seconds=1) if end is None else _end_of(end, tz)
        if start is None:
            begins = _begin_of(end, tz) if _is_bare(end) else (after.astimezone(UTC) - _DAY).astimezone(tz)
        else:
            begins = _begin_of(start, tz)
            if end is None and _is_bare(start):
                after = _end_of(start, tz)
        if begins > present:
            problems.append(
                f"start_datetime is in the future: it is {present.isoformat(timespec='minutes')} where the ring is worn."
            )
        elif begins >= after and (is_zone_sure or _is_aware(start) == _is_aware(end)):
            problems.append("start_datetime is not before end_datetime: swap them.")
        if min(after, present) - begins > MAX_DAYS * _DAY + (_GRACE if is_zone_sure else WIDEST_OFFSETS):
            problems.append(
                f"That is {(min(after, present) - begins).days} days of heart rate; at most {MAX_DAYS} can be asked for at once."
            )
        if problems:
            raise ArgumentError(problems)
        return _until_now(begins, after, present, is_told=end not in {None, present.date()})

    def needs_zone(self) -> bool:
        """Tell whether the time meant depends on where the wearer is."""
        moments = [_moment(value, "", "", []) for value in (self.start, self.end)]
        return not all(map(_is_aware, moments))


def _until_now(begins: datetime, after: datetime, present: datetime, *, is_told: bool) -> Window:
    limit = present + timedelta(seconds=1)
    if after <= limit:
        return Window(begins, after)
    note = f"end_datetime is in the future; the answer ends now, {present.isoformat(timespec='minutes')}."
    return Window(begins, limit, (note,) if is_told else ())


def _is_bare(moment: date | datetime | None) -> bool:
    return moment is not None and not isinstance(moment, datetime)


def _is_aware(moment: date | datetime | None) -> bool:
    return moment is None or (isinstance(moment, datetime) and moment.tzinfo is not None)


def _begin_of(moment: date | datetime | None, tz: tzinfo) -> datetime:
    assert moment is not None
    if moment.year == date.max.year:
        return _NEVER
    if not isinstance(moment, datetime):
        return datetime.combine(moment, time.min, tz)
    return moment.replace(tzinfo=tz) if moment.tzinfo is None else moment.astimezone(tz)


def _end_of(moment: date | datetime, tz: tzinfo) -> datetime:
    """Return the first instant after *moment*: a bare date lasts all day, a sample at the very second asked for is included."""
    if moment.year == date.max.year:
        return _NEVER
    if not isinstance(moment, datetime):
        return datetime.combine(moment + _DAY, time.min, tz)
    return _begin_of(moment, tz).replace(microsecond=0) + timedelta(seconds=1)


def _day(value: object, name: str, tz: tzinfo, today: date, problems: list[str]) -> date | None:
    """Read a day; a full date-time is accepted as the day it falls on where the ring is worn."""
    moment = _moment(value, name, today.isoformat(), problems)
    if isinstance(moment, datetime):
        return moment.date() if moment.tzinfo is None else _begin_of(moment, tz).date()
    return moment


def _moment(value: object, name: str, example: str, problems: list[str]) -> date | datetime | None:
    """Read any ISO 8601 date or date-time; what is wrong goes to *problems*."""
    if value is None:
        return None
    if not isinstance(value, str):
        problems.append(f"{name} must be text such as {example}.")
        return None
    if len(value) > _MAX_CHARS:
        problems.append(f"{name} is {len(value)} characters long; it must be such as {example}.")
        return None
    try:
        moment = _parsed(value.strip().upper())
    except ValueError:
        problems.append(f"{name} {value[:_QUOTED_CHARS]!a} is not a date or time that exists; it must be such as {example}.")
        return None
    if moment.year < FIRST_YEAR:
        problems.append(f"{name} {value[:_QUOTED_CHARS]!a} is before any Oura ring existed; ask for {FIRST_YEAR} or later.")
        return None
    return moment


def _parsed(text: str) -> date | datetime:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return datetime.fromisoformat(text)
