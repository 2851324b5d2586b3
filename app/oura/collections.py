"""The collections this server reads: where each is, what consent opens it, and which record its documents become.

A further collection is one row here and one record in `records`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from app.oura import records
from app.oura.documents import Reading

DateRule = Literal["days", "instants", "none"]


@dataclass(frozen=True, slots=True)
class Collection:
    """*dates* is how a range is asked for: `start_date`/`end_date`, `start_datetime`/`end_datetime`, or not at all."""

    name: str
    scope: str
    dates: DateRule
    read: Callable[[Any], Any] | None = None  # None: rows that become packed arrays
    fields: tuple[str, ...] = ()  # ask only for these
    starts: str = "timestamp"  # the field that orders the records of a day
    window_days: int = 92  # Oura advises one to three months a query
    is_bare: bool = False  # one document without an envelope
    is_deprecated: bool = False  # once Oura has dropped it there is nothing in it

    @property
    def path(self) -> str:
        return f"/v2/usercollection/{self.name}"


def _days(name: str, record: type[Any], *, scope: str = "daily", starts: str = "timestamp") -> Collection:
    return Collection(name, scope, "days", Reading(record), starts=starts)


_ACTIVITY: Final = Reading(records.DailyActivity)

COLLECTIONS: Final[Mapping[str, Collection]] = {
    collection.name: collection
    for collection in (
        _days("sleep", records.SleepPeriod, starts="bedtime_start"),
        _days("daily_sleep", records.DailySleep),
        _days("daily_readiness", records.DailyReadiness),
        Collection("daily_activity", "daily", "days", _ACTIVITY, fields=_ACTIVITY.names),
        _days("workout", records.Workout, scope="workout", starts="start_datetime"),
        _days("enhanced_tag", records.EnhancedTag, scope="tag", starts="start_time"),
        Collection("tag", "tag", "days", Reading(records.Tag), is_deprecated=True),
        Collection("heartrate", "heartrate", "instants", window_days=10),
        Collection("personal_info", "personal", "none", Reading(records.PersonalInfo), is_bare=True),
        Collection("ring_configuration", "ring_configuration", "none", Reading(records.RingConfiguration)),
    )
}
