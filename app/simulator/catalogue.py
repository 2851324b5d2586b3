"""The collections as routes see them: scope, anchor, order, and the rows of a range.

The date rule (the one that explains every published measurement): each bound becomes an instant, a bare date being 00:00 UTC,
and a row is returned where start <= anchor <= end. Day-keyed rows are anchored at 00:00 UTC of their `day`, others at the
instant they start.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from app.simulator import activity, events, scores, vitals
from app.simulator.life import Life
from app.simulator.plan import DAY, DAY_S
from app.simulator.sync import Sync
from app.simulator.timeline import midnight_utc, utc_date

_SETTLED_S = 9 * DAY_S
_KEPT = 5000  # documents of one collection and day; the largest are 7 kB
_LONG_AFTER = Sync(now=float(1 << 40))


def compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True, slots=True)
class Row:
    """One document as JSON, with the instant the date filter compares."""

    id: str
    anchor: float
    text: str


Documents = Iterable[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Collection:
    """*make* gives the documents of one day; *anchor* is the field whose instant is compared, None where nothing is dated."""

    name: str
    scope: str
    make: Callable[[Life, date, Sync], Documents]
    anchor: str | None = "day"
    selects_fields: bool = True

    def rows(self, life: Life, day: date, sync: Sync) -> tuple[Row, ...]:
        return tuple(Row(made["id"], self._instant(made), compact(made)) for made in self.make(life, day, sync))

    def _instant(self, document: Mapping[str, Any]) -> float:
        if self.anchor is None:
            return 0.0
        if self.anchor == "day":
            return midnight_utc(date.fromisoformat(document["day"]))
        return datetime.fromisoformat(document[self.anchor]).timestamp()


def _daily(make: Callable[[Life, date, Sync], Mapping[str, Any] | None]) -> Callable[[Life, date, Sync], Documents]:
    """At most one document a day."""

    def documents(life: Life, day: date, sync: Sync) -> Documents:
        made = make(life, day, sync)
        return () if made is None else (made,)

    return documents


_ALL = (
    Collection("daily_sleep", "daily", _daily(scores.daily_sleep_document)),
    Collection("daily_readiness", "daily", _daily(scores.daily_readiness_document)),
    Collection("daily_activity", "daily", _daily(activity.activity_document), "timestamp"),
    Collection("daily_stress", "daily", _daily(vitals.stress_document)),
    Collection("daily_spo2", "spo2", _daily(vitals.spo2_document)),
    Collection("daily_resilience", "stress", _daily(vitals.resilience_document), selects_fields=False),
    Collection("daily_cardiovascular_age", "heart_health", _daily(vitals.cardiovascular_age_document)),
    Collection("vO2_max", "heart_health", _daily(vitals.vo2_max_document)),
    Collection("sleep", "daily", scores.sleep_documents, "bedtime_start"),
    Collection("sleep_time", "daily", _daily(vitals.sleep_time_document)),
    Collection("workout", "workout", events.workout_documents, "start_datetime"),
    Collection("session", "session", events.session_documents, "start_datetime"),
    Collection("enhanced_tag", "tag", events.enhanced_tag_documents, "start_time", selects_fields=False),
    Collection("tag", "tag", events.tag_documents, "timestamp", selects_fields=False),
    Collection("rest_mode_period", "daily", events.rest_mode_documents, "start_time"),
    Collection("ring_configuration", "ring_configuration", events.ring_documents, anchor=None),
)
COLLECTIONS: Mapping[str, Collection] = {collection.name: collection for collection in _ALL}
SERIES: Mapping[str, str] = {"heartrate": "heartrate", "ring_battery_level": "ring_configuration"}


class Archive:
    """One persona's documents by collection and day; days that can no longer change are remembered."""

    def __init__(self, life: Life) -> None:
        self.life = life
        self._settled = lru_cache(_KEPT)(self._rows_of)

    def between(self, name: str, start: float, end: float, sync: Sync) -> list[Row]:
        """Rows whose anchor lies in [start, end], in the collection's order."""
        if COLLECTIONS[name].anchor is None:
            return list(self._rows_of(name, self.life.first_day, sync))
        rows = (row for day in self._days(start, end, sync) for row in self._of_day(name, day, sync))
        return [row for row in rows if start <= row.anchor <= end]

    def by_id(self, name: str, document_id: str, sync: Sync) -> Row | None:
        days = [self.life.first_day] if COLLECTIONS[name].anchor is None else self._days(-math.inf, math.inf, sync)[::-1]
        rows = (row for day in days for row in self._of_day(name, day, sync))
        return next((row for row in rows if row.id == document_id), None)

    def _days(self, start: float, end: float, sync: Sync) -> list[date]:
        first, last = self.life.first_day, utc_date(sync.now) + DAY
        if start > midnight_utc(first):
            first = max(first, utc_date(min(start, sync.now + DAY_S)) - 2 * DAY)
        if end < midnight_utc(last):
            last = min(last, utc_date(max(end, 0.0)) + 2 * DAY)
        return [first + n * DAY for n in range((last - first).days + 1)]

    def _of_day(self, name: str, day: date, sync: Sync) -> tuple[Row, ...]:
        if midnight_utc(day) + _SETTLED_S < sync.latest_opening and day not in sync.recomputed:
            return self._settled(name, day, _LONG_AFTER)
        return self._rows_of(name, day, sync)

    def _rows_of(self, name: str, day: date, sync: Sync) -> tuple[Row, ...]:
        return COLLECTIONS[name].rows(self.life, day, sync)
