"""What is here of the days somebody wants: held where fresh, fetched where not, stale where Oura cannot be asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import chain
from typing import TYPE_CHECKING, Any

import gevent

from app.errors import ConnectionChangedError, ToolError
from app.oura.answers import Fetched
from app.oura.cache import DayCache, DayEntry, Freshness
from app.oura.client import OuraClient
from app.oura.collections import COLLECTIONS
from app.oura.flights import Flight, Flights
from app.services import Deadline

if TYPE_CHECKING:
    from app.metrics import Metrics

Progress = Callable[[float, float, str], None]


@dataclass(slots=True)
class Here:
    """One collection's wanted days."""

    entries: dict[date, DayEntry] = field(default_factory=dict)  # known: held and fresh, just fetched, or stale
    stale: set[date] = field(default_factory=set)
    doubtful: dict[date, DayEntry] = field(default_factory=dict)  # rows that came, of days that may lack more
    pending: set[date] = field(default_factory=set)  # still being fetched
    errors: dict[date, ToolError] = field(default_factory=dict)

    def fetched(self, days: Sequence[date]) -> Fetched[Any]:
        """Return the records of *days*, in their order, and what they cover."""
        held = {**self.doubtful, **self.entries} if self.doubtful else self.entries
        entries = [entry for day in days if (entry := held.get(day)) is not None]
        rows = tuple(chain.from_iterable([entry.rows for entry in entries]))
        if len(entries) < len(days) or self.doubtful or self.stale:
            return self.covered(days, rows)
        return Fetched(rows, frozenset(days), fetched_at=min([entry.fetched_at for entry in entries], default=None))

    def covered(self, days: Sequence[date], rows: tuple[Any, ...] = ()) -> Fetched[Any]:
        """Return *rows* with what is known of *days*."""
        pending = [day for day in days if day in self.pending]
        return Fetched(
            rows,
            frozenset(self.entries.keys() & days),
            frozenset(self.stale.intersection(days)),
            min([entry.fetched_at for day in days if (entry := self.entries.get(day)) is not None], default=None),
            next((self.errors[day] for day in days if day in self.errors), None),
            partial=bool(pending),
            resume_from=min(pending, default=None),
            resume_to=max(pending, default=None),
        )


class Holdings:
    """The cache and the fetches that fill it."""

    def __init__(
        self,
        client: OuraClient,
        cache: DayCache,
        *,
        clock: Callable[[], float],
        cache_ttl_s: float,
        metrics: Metrics | None,
        on_rows: Callable[[str, Iterable[object]], None],
        on_change: Callable[[frozenset[date]], None],
    ) -> None:
        self._cache = cache
        self._clock = clock
        self._cache_ttl_s = cache_ttl_s
        self._metrics = metrics
        self.era = 0  # how often everything was forgotten
        self.flights = Flights(client, cache, clock=clock, on_rows=on_rows, on_change=on_change)

    def obtain(
        self,
        wants: Mapping[str, Sequence[date]],
        today: date,
        *,
        deadline: Deadline,
        is_refresh: bool = False,
        progress: Progress | None = None,
    ) -> dict[str, Here]:
        """Return what is here of *wants* (days by collection), having waited for the rest until the soft deadline at most.

        Raises ConnectionChangedError if everything held was forgotten meanwhile: what this call had found is not to be shown.
        """
        freshness = Freshness(self._clock(), today, self._cache_ttl_s, is_refresh=is_refresh)
        found: dict[str, Here] = {}
        awaited: list[tuple[Here, dict[date, DayEntry | None], list[Flight]]] = []
        hits = 0
        for name, days in wants.items():
            here = found[name] = Here()
            held = self._cache.several(name, days)
            here.entries = freshness.fresh(held)
            missing = {} if len(here.entries) == len(held) else {day: held[day] for day in days if day not in here.entries}
            hits += len(here.entries)
            if missing:
                flights = self.flights.join(COLLECTIONS[name], list(missing), is_refresh=is_refresh)
                awaited.append((here, missing, flights))
        if awaited:
            era = self.era
            _wait([flight for _, _, flights in awaited for flight in flights], deadline, progress)
            if self.era != era:
                raise ConnectionChangedError
            for here, missing, flights in awaited:
                _land(here, missing, flights, freshness)
        self._count(hits, awaited)
        return found

    def clear(self) -> None:
        """Forget everything, fetches under way included."""
        self.era += 1
        self.flights.abandon()
        self._cache.clear()

    def _count(self, hits: int, awaited: Sequence[tuple[Here, Mapping[date, Any], Any]]) -> None:
        if self._metrics is None:
            return
        if hits:
            self._metrics.cache("hit", hits)
        for here, missing, _ in awaited:
            self._metrics.cache("miss", len(missing))
            if here.stale:
                self._metrics.cache("stale", len(here.stale))


def _wait(flights: Sequence[Flight], deadline: Deadline, progress: Progress | None) -> None:
    unique = list({id(flight): flight for flight in flights}.values())
    total = len(unique)
    if progress is not None:
        progress(0, total, "Asking Oura")
    by_event = {flight.done: flight for flight in unique}
    for done, event in enumerate(gevent.iwait(list(by_event), timeout=deadline.soft_left_s()), start=1):
        if progress is not None:
            progress(done, total, f"Fetched {by_event[event].run.words}")


def _land(here: Here, missing: Mapping[date, DayEntry | None], flights: Sequence[Flight], freshness: Freshness) -> None:
    """Sort what *flights* brought, or did not, into *here*; what was held before stands in for what could not be fetched."""
    for flight in flights:
        days = [day for day in flight.run.days if day in missing]
        if not flight.done.is_set():
            here.pending.update(days)
        elif flight.error is None:
            here.entries.update((day, flight.entries[day]) for day in days)
            here.entries.update((day, entry) for day, entry in flight.moved.items() if day in here.entries)
        elif isinstance(flight.error, ToolError):
            here.errors.update(dict.fromkeys(days, flight.error))
            here.doubtful.update((day, flight.entries[day]) for day in days if day in flight.entries)
        else:
            raise flight.error
    for day, held in missing.items():
        if day not in here.entries and held is not None and (held.rows or not freshness.is_young(day)):
            here.entries[day] = held
            here.stale.add(day)
