"""Which of a day's sleep periods is the night, which are naps, and which are not sleep at all.

Pure: sleep periods in, nights out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Final, NamedTuple

from app.oura.records import SleepPeriod

LONG_SLEEP_S: Final = 3 * 3600  # Oura counts more than three hours as `long_sleep` by itself
_SHORT: Final = frozenset({"sleep", "late_nap", "rest", "deleted"})
_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)


class Night(NamedTuple):
    """What one Sleep Day (18:00 to 18:00, dated by waking up) holds; deleted periods are in none of it."""

    day: date
    main: SleepPeriod | None  # the longest finished `long_sleep`
    naps: tuple[SleepPeriod, ...]  # every other period of sleep, a second `long_sleep` of a broken night included
    rest: tuple[SleepPeriod, ...]  # the wearer said this was not sleep
    unfinished: tuple[SleepPeriod, ...]  # Oura is still recording: no end, and durations that still grow, if any


def nights(periods: Iterable[SleepPeriod]) -> dict[date, Night]:
    """Sort *periods* into nights by their own day, in order of the days."""
    by_day: dict[date, list[SleepPeriod]] = defaultdict(list)
    for period in periods:
        if period.type != "deleted":
            by_day[period.day].append(period)
    return {day: _night(day, of_day) for day, of_day in sorted(by_day.items())}


def is_long(period: SleepPeriod) -> bool:
    """Tell whether *period* may be the night: `long_sleep`, or a type we do not know and long enough to be one."""
    if period.type == "long_sleep":
        return True
    return period.type not in _SHORT and (period.time_in_bed or 0) > LONG_SLEEP_S


def _night(day: date, periods: list[SleepPeriod]) -> Night:
    if len(periods) == 1 and periods[0].type == "long_sleep" and periods[0].bedtime_end is not None:  # most days
        return Night(day, periods[0], (), (), ())
    rest: list[SleepPeriod] = []
    unfinished: list[SleepPeriod] = []
    slept: list[SleepPeriod] = []
    for period in sorted(periods, key=_start):
        (rest if period.type == "rest" else unfinished if period.bedtime_end is None else slept).append(period)
    main = max(filter(is_long, slept), key=_length, default=None)
    naps = [period for period in slept if period is not main]
    return Night(day, main, tuple(naps), tuple(rest), tuple(unfinished))


def _start(period: SleepPeriod) -> datetime:
    return period.bedtime_start or _EARLIEST


def _length(period: SleepPeriod) -> tuple[int, int]:
    return (period.total_sleep_duration or 0, period.time_in_bed or 0)
