"""A run of days of one collection: how missing days become runs, how a run is asked for, and what came of it.

Oura compares bare dates in UTC and drops the last day of half its collections, so a run is asked for two days wider on both
sides and rows are kept by their own day.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import gevent

from app.errors import OuraUnavailableError
from app.oura.cache import DAYLESS, Rows
from app.oura.client import OURS, NoSuchRouteError, OuraClient, PagesRepeatError
from app.oura.collections import Collection
from app.oura.documents import UnreadableError
from app.oura.heart import DayPacker, Sources
from app.services import Deadline

WIDER_DAYS: Final = 2
_DAY: Final = timedelta(days=1)
_UNKNOWN_START: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive days, inclusive."""

    collection: Collection
    first: date
    last: date

    @property
    def words(self) -> str:
        return self.collection.name if self.first == DAYLESS else f"{self.collection.name} {self.first} to {self.last}"

    @property
    def days(self) -> list[date]:
        if self.first == DAYLESS:
            return [DAYLESS]
        return [self.first + n * _DAY for n in range((self.last - self.first).days + 1)]


@dataclass(slots=True)
class Harvest:
    """What a run gave, for every one of its days."""

    rows: dict[date, Rows]
    unreadable: int = 0
    error: PagesRepeatError | None = None  # rows are real but perhaps not all


def runs_of(collection: Collection, days: Iterable[date]) -> list[Run]:
    """Group *days* into as few runs as the collection's window allows, newest first.

    Documents' runs that would overlap once widened become one; heart rate is too bulky to fetch a day nobody asked for.
    """
    bridge = 2 * WIDER_DAYS if collection.dates == "days" else 0
    found: list[Run] = []
    for day in sorted(days):
        if found and (day - found[-1].last).days <= bridge + 1 and (day - found[-1].first).days < collection.window_days:
            found[-1] = Run(collection, found[-1].first, day)
        else:
            found.append(Run(collection, day, day))
    return found[::-1]


def fetch(client: OuraClient, run: Run, sources: Sources, *, deadline: Deadline, check: Callable[[], None]) -> Harvest:
    """Ask Oura for *run*, page by page; *check* is called after each page and may raise to stop. Raises OuraError."""
    crop = _Samples(run, sources) if run.collection.dates == "instants" else _Documents(run)
    error = None
    try:
        for page in client.pages(run.collection, _parameters(run), deadline=deadline):
            check()
            for count, row in enumerate(page.rows):
                if count % crop.rows_a_slice == 0:
                    gevent.sleep(0)
                crop.add(row)
    except PagesRepeatError as exc:
        error = exc
    except NoSuchRouteError:
        if not run.collection.is_deprecated:
            raise
    harvest = crop.harvest()
    harvest.error = error
    return harvest


class _Documents:
    """Records by day; one that occurs twice (pages may overlap) counts once, as it was last seen."""

    rows_a_slice = 25  # about 1.5 ms of parsing, and ten fetches may take turns

    def __init__(self, run: Run) -> None:
        assert run.collection.read is not None
        self._run = run
        self._read = run.collection.read
        self._records: dict[str, Any] = {}
        self._unreadable = 0

    def add(self, row: Any) -> None:
        try:
            record = self._read(row)
        except UnreadableError:
            self._unreadable += 1
        else:
            self._records[record.id or json.dumps(row, sort_keys=True)] = record

    def harvest(self) -> Harvest:
        if self._unreadable and not self._records:
            raise OuraUnavailableError(f"Oura sent documents whose day cannot be told. {OURS}")  # not: "the ring was not worn"
        by_day: dict[date, list[Any]] = defaultdict(list)
        for record in self._records.values():
            by_day[getattr(record, "day", DAYLESS)].append(record)
        starts = self._run.collection.starts
        for records in by_day.values():
            records.sort(key=lambda record: getattr(record, starts, None) or _UNKNOWN_START)
        return Harvest({day: tuple(by_day.get(day, ())) for day in self._run.days}, self._unreadable)


class _Samples:
    """Heart rate, packed by UTC day; the one sample at the closing midnight belongs to nobody's run."""

    rows_a_slice = 500

    def __init__(self, run: Run, sources: Sources) -> None:
        self._run = run
        self._packer = DayPacker(sources)
        self._unreadable = 0

    def add(self, row: Any) -> None:
        self._unreadable += not self._packer.add(row)

    def harvest(self) -> Harvest:
        rows: dict[date, Rows] = {}
        for day in self._run.days:
            gevent.sleep(0)
            rows[day] = self._packer.packed(day)
        return Harvest(rows, self._unreadable)


def _parameters(run: Run) -> dict[str, str]:
    parameters: dict[str, str] = {}
    if run.collection.dates == "days":
        parameters["start_date"] = (run.first - WIDER_DAYS * _DAY).isoformat()
        parameters["end_date"] = (run.last + WIDER_DAYS * _DAY).isoformat()
    elif run.collection.dates == "instants":
        parameters["start_datetime"] = f"{run.first.isoformat()}T00:00:00Z"
        parameters["end_datetime"] = f"{(run.last + _DAY).isoformat()}T00:00:00Z"
    if run.collection.fields:
        parameters["fields"] = ",".join(run.collection.fields)
    return parameters
