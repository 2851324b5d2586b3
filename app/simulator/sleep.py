"""Sleep periods, second by second: stages in 30 s epochs, and everything else derived from them.

Keeps the arithmetic that recorded documents show: durations are counts of epochs, awake is the remainder, efficiency rounds
half up, heart rate and HRV have their gaps at the same places, 255 stands for no heart rate.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import TYPE_CHECKING

from app.simulator.dice import bell, clamp, dice
from app.simulator.plan import DAY, Condition, Rest, Span, nights_of

if TYPE_CHECKING:
    from app.simulator.life import Life

NO_HEART_RATE = 255
_STILL = b"1" * 224 + b"2" * 30 + b"3" * 2
_ASLEEP = b"1" * 236 + b"2" * 19 + b"3"
_AWAKE = b"1" * 96 + b"2" * 130 + b"3" * 24 + b"4" * 6
_MOVEMENT = {"1": _ASLEEP, "2": _STILL, "3": _STILL, "4": _AWAKE}


@dataclass(frozen=True, slots=True)
class Sleep:
    """One sleep period as measured; scores are judged elsewhere."""

    day: date
    period: int
    span: Span
    kind: str
    counted: bool
    delta: int | None
    phases_30_s: str
    phases_5_min: str
    movement_30_s: str
    deep_s: int
    light_s: int
    rem_s: int
    latency_s: int
    heart_rate: tuple[float | None, ...] | None
    hrv: tuple[float | None, ...] | None
    average_heart_rate: float | None
    average_hrv: int | None
    average_breath: float | None
    restless_periods: int

    @property
    def total_s(self) -> int:
        return self.deep_s + self.light_s + self.rem_s

    @property
    def efficiency(self) -> int:
        return (200 * self.total_s + self.span.seconds) // (2 * self.span.seconds)

    @property
    def lowest_heart_rate(self) -> int:
        beats = [beat for beat in self.heart_rate or () if beat is not None]
        return int(min(beats)) if beats else NO_HEART_RATE


def sleep_day(life: Life, end: int) -> date:
    """The day a period belongs to: that of waking up, and from 18:00 on the next."""
    return (life.places.local(end) + timedelta(hours=6)).date()


def main_sleep(life: Life, day: date) -> Sleep | None:
    """The night of *day*, whether it was synced or not."""
    return longest(life.sleeps(day))


def longest(sleeps: Iterable[Sleep]) -> Sleep | None:
    """The main one: the longest `long_sleep`."""
    return max((s for s in sleeps if s.kind == "long_sleep"), key=lambda s: s.span.seconds, default=None)


def sleeps_of(life: Life, day: date) -> tuple[Sleep, ...]:
    """All periods of *day* by bedtime. Period numbers keep the gaps that removed periods left."""
    beds = [Rest(span, "long_sleep", counted=True) for span in nights_of(life, day)]
    for awake in (day - DAY, day):
        beds += [rest for rest in life.plan(awake).rests if sleep_day(life, rest.span.end) == day]
    sleeps, period = [], 0
    for number, bed in enumerate(sorted(beds, key=lambda bed: bed.span.start)):
        roll = dice(life.persona.key, "sleep", day, number)
        period += roll.random() < 0.12
        sleeps.append(_slept(life, day, period, bed, roll))
        period += 1
    return tuple(sleeps)


def _slept(life: Life, day: date, period: int, bed: Rest, roll: Random) -> Sleep:
    epochs = -(-bed.span.seconds // 30)
    condition = life.condition(day)
    latency, phases = _night(condition, epochs, roll) if bed.kind == "long_sleep" else _nap(bed, epochs, roll)
    heart_rate, hrv = _beats(life, day, bed, phases, roll)
    beats = [beat for beat in heart_rate or () if beat is not None]
    gaps = [gap for gap in hrv or () if gap is not None]
    movement = _movement(phases, roll)
    delta = 0 if bed.kind == "long_sleep" else roll.randint(3, 6) if bed.counted else None
    return Sleep(
        day=day,
        period=period,
        span=bed.span,
        kind=bed.kind,
        counted=bed.counted,
        delta=delta,
        phases_30_s=phases,
        phases_5_min=_by_five_minutes(phases),
        movement_30_s=movement,
        deep_s=30 * phases.count("1"),
        light_s=30 * phases.count("2"),
        rem_s=30 * phases.count("3"),
        latency_s=30 * latency,
        heart_rate=heart_rate,
        hrv=hrv,
        average_heart_rate=_eighths(sum(beats) / len(beats) + 0.5 + abs(roll.gauss(0, 1.3))) if beats else None,
        average_hrv=round(sum(gaps) / len(gaps)) + roll.randint(-3, 3) if len(gaps) > 5 else None,
        average_breath=_eighths(life.persona.breath + 0.3 * bell(life.persona.key, "breath", day)) if beats else None,
        restless_periods=round(1.9 * (len(movement) - movement.count("1"))),
    )


def _eighths(value: float) -> float:
    return math.ceil(value * 8) / 8


def _night(condition: Condition, epochs: int, roll: Random) -> tuple[int, str]:
    """Cycles of about 90 minutes, deep sleep early, REM late, and waking in between."""
    latency = int(clamp(roll.lognormvariate(3.05, 0.5), 6, 50))
    tail = roll.randrange(2, 16)
    middle = epochs - latency - tail
    deep = clamp(0.155 + 0.03 * roll.gauss(0, 1) + 0.015 * condition.quality - 0.03 * condition.drank, 0.07, 0.25)
    rem = clamp(0.17 + 0.035 * roll.gauss(0, 1) + 0.02 * condition.quality, 0.07, 0.26)
    awake = clamp(0.07 + 0.02 * roll.gauss(0, 1) - 0.018 * condition.quality, 0.02, 0.16)
    count = max(2, round(middle / 180))
    text = []
    for cycle in range(count):
        size = middle * (cycle + 1) // count - middle * cycle // count
        late = cycle / (count - 1)
        text.append(_cycle(size, deep * (1.75 - 1.5 * late), rem * (0.35 + 1.3 * late), awake, roll))
    return latency, "4" * latency + "".join(text) + "4" * tail


def _cycle(size: int, deep: float, rem: float, awake: float, roll: Random) -> str:
    d = round(size * deep * roll.uniform(0.75, 1.25))
    r = round(size * rem * roll.uniform(0.75, 1.25))
    w = round(size * awake * roll.uniform(0.5, 1.5))
    light = max(size - d - r - w, 0)
    before, between = round(light * 0.3), round(light * 0.5)
    stir = min(roll.randrange(1, 4), w)
    after = light - before - between
    text = "2" * before + "1" * d + "2" * between + "4" * stir + "3" * r + "4" * (w - stir) + "2" * after
    return text[:size]


def _nap(bed: Rest, epochs: int, roll: Random) -> tuple[int, str]:
    """A counted nap is mostly light sleep; a scrap holds a minute or two of it."""
    if not bed.counted:
        asleep = min(epochs - 1, 1 + roll.randrange(8))
        before = roll.randrange(epochs - asleep)
        return 0, "4" * before + "2" * asleep + "4" * (epochs - before - asleep)
    latency, tail = min(roll.randrange(4, 16), epochs // 4), roll.randrange(2, 8)
    middle = epochs - latency - tail
    deep, rem = int(middle * roll.uniform(0, 0.25)), int(middle * roll.uniform(0, 0.1))
    light = middle - deep - rem
    return latency, "4" * latency + "2" * (light // 2) + "1" * deep + "2" * (light - light // 2) + "3" * rem + "4" * tail


def _by_five_minutes(phases: str) -> str:
    """Ten epochs to a character: of the stages in a window the one that was short-changed most so far.

    Sums stay within minutes of the durations and, as in recorded documents, are not equal to them.
    """
    owed = dict.fromkeys("1234", 0)
    text = []
    for start in range(0, len(phases), 10):
        window = phases[start : start + 10]
        for stage in "1234":
            owed[stage] += window.count(stage)
        chosen = max(set(window), key=lambda stage: (owed[stage], stage))
        owed[chosen] -= len(window)
        text.append(chosen)
    return "".join(text)


def _movement(phases: str, roll: Random) -> str:
    runs = (run.group() for run in re.finditer(r"1+|2+|3+|4+", phases))
    return b"".join(roll.randbytes(len(run)).translate(_MOVEMENT[run[0]]) for run in runs).decode()


def _beats(
    life: Life, day: date, bed: Rest, phases: str, roll: Random
) -> tuple[tuple[float | None, ...] | None, tuple[float | None, ...] | None]:
    """Five-minute heart rate and HRV: a hammock with its lowest point past the middle, REM bumps, gaps around waking."""
    count = bed.span.seconds // 300
    long = bed.kind == "long_sleep"
    if not long and (not bed.counted or roll.random() < 0.3):
        return None, None
    persona, condition = life.persona, life.condition(day)
    winter = bell(persona.key, "fit", day.toordinal() // 60) * 0.7
    lowest = (
        persona.lowest_hr + winter + 2.2 * roll.gauss(0, 1) * 0.8 - condition.quality + 5 * condition.drank + 6 * condition.fever
    )
    lowest += 0 if long else 7
    nadir = clamp(0.58 + 0.12 * roll.gauss(0, 1) + 0.25 * condition.drank, 0.2, 0.92)
    level = persona.hrv_ms * (2.718 ** (0.22 * condition.quality + 0.2 * roll.gauss(0, 1))) * (0.75 if condition.drank else 1.0)
    lost = 0.06 if long else 0.6
    heart: list[float | None] = []
    hrv: list[float | None] = []
    gap = 0
    for index in range(count):
        away = (index / count - nadir) / max(nadir, 1 - nadir)
        stage = phases[index * 10 + 5]
        rate = lowest + 1.5 + 9 * away * away + (2 if stage == "3" else 3 if stage == "4" else 0) + abs(roll.gauss(0, 1.6))
        gap = gap - 1 if gap > 0 else (1 + roll.randrange(3) if roll.random() < lost * (2.5 if stage == "4" else 0.6) else 0)
        if gap:
            heart.append(None)
            hrv.append(None)
            continue
        heart.append(float(round(clamp(rate, 34, 130))))
        hrv.append(float(round(clamp(level * (1 - 0.25 * away * away) * roll.uniform(0.65, 1.4), 6, 190))))
    if all(beat is None for beat in heart):
        return None, None
    return tuple(heart), tuple(hrv)
