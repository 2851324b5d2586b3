"""The two time series, by UTC date: heart rate, and the ring's battery.

Nights repeat the sleep document's five-minute values, labelled `rest`; waking hours are sparse; a workout is sampled every 5 s.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from datetime import UTC, date, datetime
from random import Random
from typing import TYPE_CHECKING, Any

from app.simulator.dice import clamp, dice
from app.simulator.plan import DAY, DAY_S, SLOT, Span
from app.simulator.timeline import midnight_utc

if TYPE_CHECKING:
    from app.simulator.life import Life

SOURCES = ("awake", "rest", "workout")
_AWAKE, _REST, _WORKOUT = range(3)
_BPM = {2: 16.0, 3: 26.0, 4: 44.0, 5: 70.0}  # above the lowest of the night, by class
_EFFORT = {"easy": 38.0, "moderate": 62.0, "hard": 88.0}


@dataclass(frozen=True, slots=True)
class HeartRows:
    """One UTC date, packed: epoch seconds, beats a minute, number of the source."""

    times: array[int]
    beats: bytes
    sources: bytes

    def row(self, index: int) -> dict[str, Any]:
        at = self.times[index]
        return {
            "timestamp": utc_stamp(at),
            "timestamp_unix": at * 1000,
            "bpm": self.beats[index],
            "source": SOURCES[self.sources[index]],
        }


@dataclass(frozen=True, slots=True)
class BatteryRows:
    """One UTC date, packed: epoch seconds, level, and 1 where the ring was in its charger."""

    times: array[int]
    levels: bytes
    docked: bytes

    def row(self, index: int) -> dict[str, Any]:
        at, level, docked = self.times[index], self.levels[index], bool(self.docked[index])
        return {
            "timestamp": utc_stamp(at),
            "timestamp_unix": at * 1000,
            "charging": docked and level < 100,
            "in_charger": docked,
            "level": level,
        }


def utc_stamp(instant: int) -> str:
    return datetime.fromtimestamp(instant, UTC).isoformat()


def heart_rows(life: Life, day: date) -> HeartRows:
    """Every heart rate of the UTC date *day*, in order."""
    start = midnight_utc(day)
    rows: dict[int, tuple[int, int]] = {}
    busy = [*_asleep(life, day, start, rows)]
    if life.persona.sees_daytime:
        for n in (-1, 0, 1):
            for exercise in life.plan(day + n * DAY).exercises:
                busy.append(exercise.span)
                roll = dice(life.persona.key, "effort", exercise.span.start)
                _workout(exercise.span, life.persona.lowest_hr + _EFFORT[exercise.intensity], roll, rows)
        _awake(life, day, start, busy, rows)
    times = sorted(at for at in rows if start <= at < start + DAY_S)
    return HeartRows(array("q", times), bytes(rows[at][0] for at in times), bytes(rows[at][1] for at in times))


def _asleep(life: Life, day: date, start: int, rows: dict[int, tuple[int, int]]) -> list[Span]:
    spans = []
    for n in (-1, 0, 1, 2):
        for sleep in life.sleeps(day + n * DAY):
            if sleep.span.end <= start or sleep.span.start >= start + DAY_S:
                continue
            spans.append(sleep.span)
            for index, beat in enumerate(sleep.heart_rate or ()):
                if beat is not None:
                    rows[sleep.span.start + 300 * index] = (round(beat), _REST)
    return spans


def _workout(span: Span, target: float, roll: Random, rows: dict[int, tuple[int, int]]) -> None:
    """Five-second samples that climb to *target* and wander about it, with a lost stretch now and then."""
    beat, lost = target - 30.0, 0
    for at in range(span.start, span.end, 5):
        beat += 0.02 * (target - beat) + 0.9 * roll.gauss(0, 1)
        lost = lost - 1 if lost else (roll.randrange(2, 20) if roll.random() < 0.01 else 0)
        if not lost:
            rows[at] = (round(clamp(beat, 45, 195)), _WORKOUT)


def _awake(life: Life, day: date, start: int, busy: list[Span], rows: dict[int, tuple[int, int]]) -> None:
    """About every second slot of waking: one sample, none without the ring and none beside sleep or workout."""
    roll = dice(life.persona.key, "awake", day)
    base = life.persona.lowest_hr + 3 * life.condition(day).fever
    taken = [False] * (DAY_S // SLOT)
    for span in busy:
        for slot in range(max((span.start - start) // SLOT, 0), min((span.end - start) // SLOT + 1, len(taken))):
            taken[slot] = True
    for slot, kind in enumerate(life.slots(day)):
        keep, quiet, jitter, wobble = roll.random(), roll.random(), roll.randrange(60), roll.gauss(0, 1)
        if kind < 2 or taken[slot] or keep > 0.6:
            continue
        resting = kind == 2 and quiet < 0.2
        beat = base + (11 if resting else _BPM[kind]) + 6 * wobble
        rows[start + slot * SLOT + jitter] = (round(clamp(beat, 40, 190)), _REST if resting else _AWAKE)


def battery_rows(life: Life, day: date) -> BatteryRows:
    """The ring's battery over the UTC date *day*: every half hour worn, every five minutes in the charger."""
    start = midnight_utc(day)
    docks = [plan.charging for n in range(-8, 2) if (plan := life.plan(day + n * DAY)).charging]
    times, levels, docked = array("q"), bytearray(), bytearray()
    for at in range(max(start, life.places.instant(life.first_day, 10)), start + DAY_S, SLOT):
        in_dock = any(dock.start <= at < dock.end for dock in docks)
        if not in_dock and at % 1800:
            continue
        times.append(at)
        levels.append(_level(life, at, docks))
        docked.append(in_dock)
    return BatteryRows(times, bytes(levels), bytes(docked))


def _level(life: Life, at: int, docks: list[Span]) -> int:
    """Full after each charge, about 14 % lower a day later; while it charges, on a line from there back to full."""
    past = [dock for dock in docks if dock.start <= at]
    if not past:
        return _uncharged(life, at)
    dock = past[-1]
    if at >= dock.end:
        return round(clamp(100 - (at - dock.end) / 6200, 2, 100))
    low = clamp(100 - (dock.start - past[-2].end) / 6200, 2, 100) if len(past) > 1 else _uncharged(life, at)
    return round(low + (100 - low) * min(1.0, (at - dock.start) / (0.8 * dock.seconds)))


def _uncharged(life: Life, at: int) -> int:
    """A new ring comes out of its box at 60 %; one that saw no charger for a week is all but empty."""
    return 60 if at - midnight_utc(life.first_day) < 7 * DAY_S else 2
