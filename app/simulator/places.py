"""Where a persona is, and so which local time it lives by: home, or a journey that comes back at fixed times of the calendar.

A journey begins and ends at noon of a day, local time of the place that is left.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from app.simulator.dice import dice
from app.simulator.personas import Persona

_ROUND = 42  # days; one journey in each


class Places:
    """The time zones of one persona, by night and by instant."""

    def __init__(self, persona: Persona) -> None:
        self._key = persona.key
        self._home = ZoneInfo(persona.home)
        self._journeys = tuple(ZoneInfo(name) for name in persona.journeys)
        self.of_night = lru_cache(maxsize=2048)(self._of_night)

    def _of_night(self, day: date) -> ZoneInfo:
        """The zone one wakes up in on *day*."""
        if not self._journeys:
            return self._home
        number, offset = divmod(day.toordinal(), _ROUND)
        roll = dice(self._key, "journey", number)
        left = 6 + roll.randrange(15)
        back = left + 5 + roll.randrange(9)
        return self._journeys[number % len(self._journeys)] if left < offset <= back else self._home

    def travels(self, day: date) -> bool:
        return self.of_night(day) is not self.of_night(day + timedelta(days=1))

    def instant(self, day: date, hours: float) -> int:
        """The instant at which the clocks where *day* began show *hours* after its midnight (negative: the evening before)."""
        wall = datetime.combine(day, datetime.min.time()) + timedelta(seconds=round(hours * 3600))
        return int(wall.replace(tzinfo=self.of_night(day)).timestamp())

    def zone_at(self, instant: float) -> ZoneInfo:
        if not self._journeys:
            return self._home
        day = datetime.fromtimestamp(instant, UTC).date() + timedelta(days=1)
        while self.instant(day, 12) > instant:
            day -= timedelta(days=1)
        return self.of_night(day + timedelta(days=1))

    def local(self, instant: float) -> datetime:
        return datetime.fromtimestamp(instant, self.zone_at(instant))

    def stamp(self, instant: int) -> str:
        """Oura's local date-time, whole seconds: `2024-10-10T09:04:12+02:00`."""
        return self.local(instant).isoformat()

    def stamp_ms(self, instant: int) -> str:
        """The same as Samples print it, with milliseconds."""
        return self.local(instant).isoformat(timespec="milliseconds")
