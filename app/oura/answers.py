"""What the data layer answers with: rows, and exactly what they cover.

`Fetched` and `Answer` are made for nearly every call and so are no frozen dataclasses, which take four times as long to make.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Generic, NamedTuple, TypeVar

from app.errors import ConnectionChangedError, ToolError
from app.oura.heart import HeartSamples, utc_day
from app.oura.records import PersonalInfo, RingConfiguration
from app.oura.zones import ASSUMED_UTC, Zone

T = TypeVar("T")


class Fetched(NamedTuple, Generic[T]):
    """One collection's part of an answer."""

    rows: tuple[T, ...]  # own day within first..end; sorted by day, then start
    known: frozenset[date]  # days Oura was completely asked about, stale ones included
    stale: frozenset[date] = frozenset()  # days served from before because Oura could not be asked again
    fetched_at: float | None = None  # when the oldest of the known days was fetched, epoch seconds
    error: ToolError | None = None  # why days are stale or not known
    partial: bool = False  # the soft deadline came first; the fetch goes on, asking again continues
    resume_from: date | None = None  # first and last day that are not known, where partial
    resume_to: date | None = None


@dataclass(slots=True)
class Answer:
    """Rows of several collections for one period of the wearer's days."""

    start: date  # the period asked for, after cutting a future end
    end: date
    first: date  # `start` minus the baseline days
    days: Sequence[date]  # every day from start to end
    zone: Zone
    today: date
    notes: tuple[str, ...]  # what was changed of what was asked, in words
    fetched: Mapping[str, Fetched[Any]]
    era: int = 0  # answers of different eras are of different connections, perhaps of different people

    def __getitem__(self, collection: str) -> Fetched[Any]:
        return self.fetched[collection]


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
    error: ToolError | None = None
    partial: bool = False
    resume_from: datetime | None = None  # what is not known of start..end, where partial
    resume_to: datetime | None = None
    era: int = 0

    def covers(self, start: datetime, end: datetime) -> bool:
        """Tell whether Oura was completely asked about start ≤ time < end."""
        first, last = utc_day(start.timestamp()), utc_day(end.timestamp() - 1)
        return all(first + timedelta(days=n) in self.known for n in range((last - first).days + 1))

    def between(self, start: datetime, end: datetime) -> HeartSamples:
        """Return the samples with start ≤ time < end."""
        return self.samples.between(start.timestamp(), end.timestamp())


def of_one_connection(one: Answer | HeartRateAnswer, other: Answer | HeartRateAnswer) -> None:
    """Raise ConnectionChangedError unless both can be shown together."""
    if one.era != other.era:
        raise ConnectionChangedError


@dataclass(frozen=True, slots=True)
class Profile:
    """The wearer and the rings ever set up, newest first; each part with the reason why it is missing."""

    person: PersonalInfo | None
    person_error: ToolError | None
    rings: tuple[RingConfiguration, ...] | None
    rings_error: ToolError | None
    stale: bool = False
    partial: bool = False
    fetched_at: float | None = None
    zone: Zone = ASSUMED_UTC
