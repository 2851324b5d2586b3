"""Fetches under way: one for each collection and run of missing days, however many ask at once.

A fetch belongs to nobody. Whoever asked may stop waiting at its soft deadline; the fetch goes on and fills the cache.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date
from itertools import count
from typing import Any, Final

import gevent
from gevent.event import Event
from gevent.lock import BoundedSemaphore

from app import logs
from app.errors import AppError, ConnectionChangedError, OuraError
from app.oura.cache import DayCache, DayEntry
from app.oura.client import OuraClient
from app.oura.collections import Collection
from app.oura.heart import Sources
from app.oura.runs import WIDER_DAYS, Harvest, Run, fetch, runs_of
from app.services import Deadline

FAILURE_S: Final = 3.0  # for so long a failure answers whoever else asks for the same days
_AT_ONCE: Final = {"days": 10, "instants": 6, "none": 2}  # a year of heart rate must not keep last night's sleep waiting

_logger = logging.getLogger(__name__)


class Flight:
    """One fetch; *entries*, *error* and *moved* (neighbouring days that lost a document to it) are there once *done* is set."""

    __slots__ = ("asked_at", "done", "entries", "error", "forget_at", "is_abandoned", "is_refresh", "moved", "run", "turn")

    def __init__(self, run: Run, *, is_refresh: bool) -> None:
        self.run = run
        self.is_refresh = is_refresh
        self.done = Event()
        self.entries: dict[date, DayEntry] = {}
        self.moved: dict[date, DayEntry] = {}
        self.error: Exception | None = None
        self.asked_at = 0.0
        self.turn = 0
        self.forget_at = 0.0
        self.is_abandoned = False


class Flights:
    """Starts fetches, lets callers join those under way, and puts what they bring into the cache."""

    def __init__(
        self,
        client: OuraClient,
        cache: DayCache,
        *,
        clock: Callable[[], float],
        on_rows: Callable[[str, Iterable[object]], None],
        on_change: Callable[[frozenset[date]], None],
    ) -> None:
        self._client = client
        self._cache = cache
        self._clock = clock
        self._on_rows = on_rows
        self._on_change = on_change
        self._by_day: dict[tuple[str, date], Flight] = {}
        self._under_way: set[Flight] = set()
        self._turns = count(1)
        self._slots = {rule: BoundedSemaphore(slots) for rule, slots in _AT_ONCE.items()}
        self.sources = Sources()
        self.unreadable = 0
        self.last_error: tuple[str, float] | None = None

    @property
    def under_way(self) -> int:
        return len(self._under_way)

    def join(self, collection: Collection, days: Sequence[date], *, is_refresh: bool) -> list[Flight]:
        """Return the flights that bring *days*: those under way, those that failed a moment ago, and new ones for the rest."""
        now = self._clock()
        self._by_day = {key: flight for key, flight in self._by_day.items() if not flight.done.is_set() or now < flight.forget_at}
        joined: dict[int, Flight] = {}
        lacking: list[date] = []
        for day in days:
            flight = self._by_day.get((collection.name, day))
            if flight is not None and (flight.is_refresh or not is_refresh):
                joined[id(flight)] = flight
            else:
                lacking.append(day)
        return [*joined.values(), *(self._start(run, is_refresh=is_refresh) for run in runs_of(collection, lacking))]

    def abandon(self) -> None:
        """End every fetch under way: nothing it still brings may reach a caller or the cache."""
        for flight in self._under_way:
            flight.is_abandoned = True
            flight.error = ConnectionChangedError()
            flight.done.set()
        self._under_way.clear()
        self._by_day.clear()

    def _start(self, run: Run, *, is_refresh: bool) -> Flight:
        flight = Flight(run, is_refresh=is_refresh)
        for day in run.days:
            if is_refresh:
                self._by_day[run.collection.name, day] = flight
            else:
                self._by_day.setdefault((run.collection.name, day), flight)  # a bridged gap may be somebody else's
        self._under_way.add(flight)
        gevent.spawn(self._fly, flight)
        return flight

    def _fly(self, flight: Flight) -> None:
        try:
            with self._slots[flight.run.collection.dates]:
                _check(flight)
                flight.asked_at, flight.turn = self._clock(), next(self._turns)
                deadline = Deadline()  # its own: callers come and go
                harvest = fetch(self._client, flight.run, self.sources, deadline=deadline, check=lambda: _check(flight))
            _check(flight)
            self._store(flight, harvest)
        except AppError as exc:
            if not flight.is_abandoned:
                self._note(flight, exc)
        except Exception as exc:
            flight.error = exc  # a defect: whoever waits raises it
            raise
        finally:
            self._under_way.discard(flight)
            if not flight.forget_at:
                self._leave(flight)
            flight.done.set()

    def _leave(self, flight: Flight) -> None:
        """Let nobody join *flight* any more: from now on the cache alone holds what it brought, under its budget."""
        for day in flight.run.days:
            if self._by_day.get((flight.run.collection.name, day)) is flight:
                del self._by_day[flight.run.collection.name, day]

    def _note(self, flight: Flight, error: AppError) -> None:
        flight.error = error
        if isinstance(error, OuraError):  # what a person mends (connecting again) is not remembered
            flight.forget_at = self._clock() + FAILURE_S
        self.last_error = (type(error).__name__, self._clock())
        logs.event(
            _logger, "oura.failed", level=logging.WARNING, collection=flight.run.collection.name, error=type(error).__name__
        )

    def _store(self, flight: Flight, harvest: Harvest) -> None:
        collection = flight.run.collection
        flight.entries = {
            day: DayEntry(rows, flight.asked_at, flight.is_refresh, flight.turn) for day, rows in harvest.rows.items()
        }
        if harvest.unreadable:
            self.unreadable += harvest.unreadable
            logs.event(_logger, "oura.unreadable", level=logging.WARNING, collection=collection.name, rows=harvest.unreadable)
        if harvest.error is not None:
            self._note(flight, harvest.error)
            return
        changed = set()
        for day, entry in flight.entries.items():
            held = self._cache.get(collection.name, day)
            if held is not None and collection.dates == "days" and held.rows != entry.rows:
                changed.add(day)
            self._cache.put(collection.name, day, entry)
        if collection.dates == "days":
            self._drop_moved(flight)
            changed.update(flight.moved)
            self._on_rows(collection.name, (row for entry in flight.entries.values() for row in entry.rows))
        if changed:
            self._on_change(frozenset(changed))

    def _drop_moved(self, flight: Flight) -> None:
        """Take documents that Oura has moved into this run out of the neighbouring days that still hold them."""
        run = flight.run
        arrived = {row.id for entry in flight.entries.values() for row in _records(entry) if row.id}
        for day, entry in list(self._cache.around(run.collection.name, run.first, run.last, WIDER_DAYS)):
            rows = tuple(row for row in _records(entry) if row.id not in arrived)
            if len(rows) < len(entry.rows):
                flight.moved[day] = replace(entry, rows=rows)
                self._cache.put(run.collection.name, day, flight.moved[day])


def _records(entry: DayEntry) -> tuple[Any, ...]:
    return entry.rows if isinstance(entry.rows, tuple) else ()


def _check(flight: Flight) -> None:
    if flight.is_abandoned:
        raise ConnectionChangedError
