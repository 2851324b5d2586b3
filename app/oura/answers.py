"""What the data layer answers with: rows, and exactly what they cover."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Generic, TypeVar

from app.errors import OuraError
from app.oura.records import PersonalInfo, RingConfiguration
from app.oura.zones import Zone

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fetched(Generic[T]):
    """One collection's part of an answer."""

    rows: tuple[T, ...]  # own day within first..end; sorted by day, then start
    known: frozenset[date]  # days Oura was completely asked about, stale ones included
    stale: frozenset[date] = frozenset()  # days served from before because Oura could not be asked again
    fetched_at: float | None = None  # when the oldest of the known days was fetched, epoch seconds
    error: OuraError | None = None  # why days are stale or not known
    partial: bool = False  # the soft deadline came first; the fetch goes on, asking again continues
    resume_from: date | None = None  # first and last day that are not known, where partial
    resume_to: date | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows of several collections for one period of the wearer's days."""

    start: date  # the period asked for, after cutting a future end
    end: date
    first: date  # `start` minus the baseline days
    zone: Zone
    today: date
    notes: tuple[str, ...]  # what was changed of what was asked, in words
    fetched: Mapping[str, Fetched[Any]]

    @property
    def days(self) -> list[date]:
        """Every day from start to end."""
        return [self.start + timedelta(days=n) for n in range((self.end - self.start).days + 1)]

    def __getitem__(self, collection: str) -> Fetched[Any]:
        return self.fetched[collection]


class HeartSamples:
    """Heart-rate samples in order of time, packed: epoch seconds, bpm, and a code into *names* for the source."""

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

    def between(self, start: float, end: float) -> HeartSamples:
        """Return the samples with start ≤ time < end (epoch seconds)."""
        low, high = bisect_left(self.times, start), bisect_left(self.times, end)
        return HeartSamples(self.times[low:high], self.bpm[low:high], self.sources[low:high], self.names)


@dataclass(frozen=True, slots=True)
class HeartRateAnswer:
    """Heart rate of one span of time, or of several windows inside it."""

    start: datetime  # start ≤ sample < end, both in the wearer's zone
    end: datetime
    samples: HeartSamples
    zone: Zone
    today: date
    known: frozenset[date]  # UTC days Oura was completely asked about, stale ones included
    notes: tuple[str, ...] = ()
    stale: frozenset[date] = frozenset()  # UTC days
    fetched_at: float | None = None
    error: OuraError | None = None
    partial: bool = False
    resume_from: datetime | None = None  # what is not known of start..end, where partial
    resume_to: datetime | None = None

    def covers(self, start: datetime, end: datetime) -> bool:
        """Tell whether Oura was completely asked about start..end."""
        first, last = utc_day(start.timestamp()), utc_day(end.timestamp())
        return all(first + timedelta(days=n) in self.known for n in range((last - first).days + 1))

    def between(self, start: datetime, end: datetime) -> HeartSamples:
        """Return the samples with start ≤ time < end."""
        return self.samples.between(start.timestamp(), end.timestamp())


@dataclass(frozen=True, slots=True)
class Profile:
    """The wearer and the rings ever set up, newest first; each part with the reason why it is missing."""

    person: PersonalInfo | None
    person_error: OuraError | None
    rings: tuple[RingConfiguration, ...] | None
    rings_error: OuraError | None
    stale: bool = False
    fetched_at: float | None = None


_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
DAY_S = 86_400


def utc_day(at: float) -> date:
    """Return the UTC day of *at* (epoch seconds)."""
    return date.fromordinal(_EPOCH_ORDINAL + int(at // DAY_S))


def utc_midnight(day: date) -> int:
    """Return the epoch second at which UTC *day* begins."""
    return (day.toordinal() - _EPOCH_ORDINAL) * DAY_S
