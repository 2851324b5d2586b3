"""The wearer's zone: what it is, and how it is known.

Offsets of records are kept as they are; this one decides only what "today" is and what a local time without offset means.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from app.oura.records import DailyActivity, SleepPeriod

LOOKUP_DAYS: Final = 14
TELLING: Final = ("sleep", "daily_activity")  # the collections whose records carry the wearer's offset
REMEMBERED_S: Final = 6 * 3600.0
ASSUMED_S: Final = 300.0  # nothing told a zone: look again soon, the first sync may come any minute
_LARGEST_OFFSET: Final = timedelta(hours=14)
_AHEAD: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Zone:
    """*assumed* is True when nothing told where the wearer is and UTC stands in."""

    tz: tzinfo
    name: str  # "Europe/Paris" or "UTC+02:00"
    assumed: bool

    def today(self, now: float) -> date:
        """Return the wearer's day at *now* (epoch seconds)."""
        return datetime.fromtimestamp(now, self.tz).date()


ASSUMED_UTC: Final = Zone(UTC, "UTC", assumed=True)


class WearerZone:
    """Remembers where the wearer is: the setting, else the newest offset that a record told."""

    def __init__(self, user_timezone: str = "") -> None:
        self._fixed = Zone(ZoneInfo(user_timezone), user_timezone, assumed=False) if user_timezone else None
        self.clear()

    def clear(self) -> None:
        self._zone: Zone | None = None
        self._told_at: datetime | None = None
        self._forget_at = 0.0

    def current(self, now: float) -> Zone | None:
        """Return the zone, None if records must be looked at (again)."""
        if self._fixed is not None:
            return self._fixed
        return self._zone if now < self._forget_at else None

    def observe(self, rows: Iterable[object], now: float) -> None:
        """Learn from records that have just arrived; only the newest moment seen counts, and none older than the look-up."""
        present = datetime.fromtimestamp(now, UTC)
        newest = max(
            (moment for row in rows if (moment := _moment_of(row)) is not None and moment <= present + _AHEAD), default=None
        )
        if newest is None or newest < present - timedelta(days=LOOKUP_DAYS + 1):
            return
        if self._told_at is None or newest >= self._told_at:
            self._told_at = newest
            self._zone = zone_of(newest)
            self._forget_at = now + REMEMBERED_S

    def settle(self, now: float, *, is_complete: bool) -> Zone:
        """Return the zone after a look-up; where a complete one told nothing, UTC is assumed for a while."""
        zone = self.current(now)
        if zone is not None:
            return zone
        if self._zone is not None and not self._zone.assumed:
            return self._zone  # a day old, and nothing newer could be had
        if is_complete:
            self._zone, self._forget_at = ASSUMED_UTC, now + ASSUMED_S
        return ASSUMED_UTC


def _moment_of(row: object) -> datetime | None:
    moment = row.bedtime_end if isinstance(row, SleepPeriod) else row.timestamp if isinstance(row, DailyActivity) else None
    offset = moment.utcoffset() if moment is not None else None
    return moment if offset is not None and abs(offset) <= _LARGEST_OFFSET else None


def zone_of(moment: datetime) -> Zone:
    """Return the zone of a record's moment: its offset, and nothing of when that changes."""
    offset = moment.utcoffset() or timedelta()
    minutes = round(offset.total_seconds() / 60)
    sign = "-" if minutes < 0 else "+"
    name = f"UTC{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}" if minutes else "UTC"
    return Zone(timezone(offset), name, assumed=False)
