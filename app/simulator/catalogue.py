"""The collections as routes see them: scope, anchor, order, and the rows of a range.

The date rule (the one that explains every published measurement): each bound becomes an instant, a bare date being 00:00 UTC, and a row
is returned where start <= anchor <= end. Day-keyed rows are anchored at 00:00 UTC of their `day`, others at the instant they start.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from app.simulator import activity, events, scores, vitals
from app.simulator.dice import chance
from app.simulator.life import Life
from app.simulator.plan import DAY, DAY_S
from app.simulator.sleep import Sleep
from app.simulator.timeline import midnight_utc, utc_date

_BACKGROUND_S = 600
_SETTLED_S = 4 * DAY_S


@dataclass(frozen=True, slots=True)
class Sync:
    """What has reached Oura: *now*; background data up to *synced_at*; the app was last opened at *opened_at* (None: every morning).

    Sleep and what is made of it arrive only when the app is opened; activity, stress and heart rate in the background.
    """

    now: float
    opened_at: float | None = None

    @property
    def synced_at(self) -> float:
        return self.now // _BACKGROUND_S * _BACKGROUND_S

    def app_opened(self, key: str, end: int) -> bool:
        """Whether the app was opened after something that ended at *end*."""
        if self.opened_at is not None:
            return end <= min(self.opened_at, self.now)
        return end + 480 + int(1800 * chance(key, "opens", end)) <= self.now

    @property
    def latest_opening(self) -> float:
        return self.now if self.opened_at is None else min(self.opened_at, self.now)


@dataclass(frozen=True, slots=True)
class Row:
    """One document with the instant the date filter compares, and its JSON."""

    anchor: float
    document: Mapping[str, Any]
    text: str

    @classmethod
    def of(cls, anchor: float, document: Mapping[str, Any]) -> Row:
        return cls(anchor, document, compact(document))


def compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


Builder = Callable[[Life, date, Sync], Iterable[tuple[float, Mapping[str, Any]]]]


@dataclass(frozen=True, slots=True)
class Collection:
    name: str
    scope: str
    rows: Builder
    selects_fields: bool = True
    dated: bool = True


def _synced_sleeps(life: Life, day: date, sync: Sync) -> list[Sleep]:
    return [sleep for sleep in life.sleeps(day) if sync.app_opened(life.persona.key, sleep.span.end)]


def _instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _daily(make: Callable[[Life, date, Sync], Mapping[str, Any] | None]) -> Builder:
    def rows(life: Life, day: date, sync: Sync) -> Iterator[tuple[float, Mapping[str, Any]]]:
        document = make(life, day, sync)
        if document is not None:
            yield midnight_utc(day), document

    return rows


def _of_night(make: Callable[[Life, date, Sleep | None], Mapping[str, Any] | None]) -> Builder:
    def document(life: Life, day: date, sync: Sync) -> Mapping[str, Any] | None:
        return make(life, day, scores.main_of(_synced_sleeps(life, day, sync)))

    return _daily(document)


def _anchored(key: str, make: Callable[[Life, date, Sync], Iterable[Mapping[str, Any]]]) -> Builder:
    def rows(life: Life, day: date, sync: Sync) -> Iterator[tuple[float, Mapping[str, Any]]]:
        for document in make(life, day, sync):
            yield _instant(document[key]), document

    return rows


def _activity(life: Life, day: date, sync: Sync) -> Iterator[Mapping[str, Any]]:
    document = activity.activity_document(life, day, sync.synced_at)
    if document is not None:
        yield document


def _sleep(life: Life, day: date, sync: Sync) -> Iterator[Mapping[str, Any]]:
    return (scores.sleep_document(life, sleep) for sleep in _synced_sleeps(life, day, sync))


_ALL = (
    Collection("daily_sleep", "daily", _daily(lambda l, d, s: scores.daily_sleep_document(l, d, _synced_sleeps(l, d, s)))),
    Collection(
        "daily_readiness", "daily", _daily(lambda l, d, s: scores.daily_readiness_document(l, d, _synced_sleeps(l, d, s)))
    ),
    Collection("daily_activity", "daily", _anchored("timestamp", _activity)),
    Collection("daily_stress", "daily", _daily(lambda l, d, s: vitals.stress_document(l, d, s.synced_at))),
    Collection("daily_spo2", "spo2", _of_night(vitals.spo2_document)),
    Collection("daily_resilience", "stress", _of_night(vitals.resilience_document), selects_fields=False),
    Collection("daily_cardiovascular_age", "heart_health", _of_night(vitals.cardiovascular_age_document)),
    Collection("vO2_max", "heart_health", _daily(lambda l, d, s: vitals.vo2_max_document(l, d, s.synced_at))),
    Collection("sleep", "daily", _anchored("bedtime_start", _sleep)),
    Collection("sleep_time", "daily", _of_night(vitals.sleep_time_document)),
    Collection(
        "workout", "workout", _anchored("start_datetime", lambda l, d, s: events.workout_documents(l, d, s.latest_opening))
    ),
    Collection(
        "session", "session", _anchored("start_datetime", lambda l, d, s: events.session_documents(l, d, s.latest_opening))
    ),
    Collection("enhanced_tag", "tag", _anchored("start_time", lambda l, d, s: events.enhanced_tag_documents(l, d, s.now)), False),
    Collection("tag", "tag", _anchored("timestamp", lambda l, d, s: events.tag_documents(l, d, s.now)), False),
    Collection("rest_mode_period", "daily", _anchored("start_time", lambda l, d, s: events.rest_mode_documents(l, d, s.now))),
    Collection(
        "ring_configuration", "ring_configuration", lambda l, d, s: ((0.0, r) for r in events.ring_documents(l)), dated=False
    ),
)
COLLECTIONS: Mapping[str, Collection] = {collection.name: collection for collection in _ALL}
SERIES: Mapping[str, str] = {"heartrate": "heartrate", "ring_battery_level": "ring_configuration"}


class Archive:
    """One persona's documents by collection and day; days that can no longer change are remembered."""

    def __init__(self, life: Life) -> None:
        self.life = life
        self._settled = lru_cache(8000)(self._rows_of)

    def between(self, name: str, start: float, end: float, sync: Sync) -> list[Row]:
        """Rows whose anchor lies in [start, end], in the collection's order."""
        if not COLLECTIONS[name].dated:
            return list(self._rows_of(name, self.life.first_day, sync))
        rows = (row for day in self._days(start, end, sync) for row in self._of_day(name, day, sync))
        return [row for row in rows if start <= row.anchor <= end]

    def by_id(self, name: str, document_id: str, sync: Sync) -> Row | None:
        rows = self.between(name, float("-inf"), float("inf"), sync)
        return next((row for row in rows if row.document["id"] == document_id), None)

    def _days(self, start: float, end: float, sync: Sync) -> Iterator[date]:
        first, last = self.life.first_day, utc_date(sync.now) + DAY
        if start > midnight_utc(first):
            first = max(first, utc_date(min(start, sync.now + DAY_S)) - 2 * DAY)
        if end < midnight_utc(last):
            last = min(last, utc_date(max(end, 0.0)) + 2 * DAY)
        return (first + n * DAY for n in range((last - first).days + 1))

    def _of_day(self, name: str, day: date, sync: Sync) -> tuple[Row, ...]:
        if midnight_utc(day) + _SETTLED_S < sync.latest_opening:
            return self._settled(name, day, SETTLED)
        return self._rows_of(name, day, sync)

    def _rows_of(self, name: str, day: date, sync: Sync) -> tuple[Row, ...]:
        return tuple(Row.of(anchor, document) for anchor, document in COLLECTIONS[name].rows(self.life, day, sync))


SETTLED = Sync(now=float(1 << 40))
