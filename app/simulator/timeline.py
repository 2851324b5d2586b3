"""Five-minute activity classes and one-minute METs by UTC date: one truth for activity days, heart rate and steps.

Classes are bytes: 0 not worn, 1 rest, 2 inactive, 3 low, 4 medium, 5 high. METs are tenths, one byte a minute.
UTC dates keep slots the same whatever zone a persona reads them in.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from app.simulator.dice import clamp, dice
from app.simulator.plan import DAY, DAY_S, SLOT, Plan, Span

if TYPE_CHECKING:
    from app.simulator.life import Life

SLOTS = DAY_S // SLOT
_CLASS_OF = {"easy": 3, "moderate": 4, "hard": 5}
# Of 256 equally likely bytes, how many make each class 2, 3, 4 in a waking hour of that kind.
_LAZY = bytes([2] * 232 + [3] * 22 + [4] * 2)
_USUAL = bytes([2] * 166 + [3] * 74 + [4] * 16)
_BUSY = bytes([2] * 96 + [3] * 122 + [4] * 38)
_HOURS = (_LAZY,) * 6 + (_USUAL, _BUSY, _BUSY, _USUAL, _LAZY, _USUAL, _BUSY, _BUSY, _LAZY, _USUAL, _USUAL, _BUSY, _BUSY, _USUAL)
_KIND_BY_HOUR = (*_HOURS, _USUAL, _LAZY, _LAZY, _LAZY)


def _table(low: int, high: int, bend: float) -> bytes:
    """256 METs in tenths from *low* to *high*; *bend* above one crowds them towards *low*."""
    return bytes(round(low + (high - low) * (i / 255) ** bend) for i in range(256))


_METS = (_table(1, 1, 1), _table(8, 10, 1), _table(11, 15, 1.5), _table(16, 29, 3), _table(31, 59, 1), _table(80, 150, 1))
_RUNS = re.compile(b"\x00+|\x01+|\x02+|\x03+|\x04+|\x05+")


def midnight_utc(day: date) -> int:
    return (day.toordinal() - 719_163) * DAY_S


def utc_date(instant: float) -> date:
    return datetime.fromtimestamp(instant, UTC).date()


def slots_of(life: Life, day: date) -> bytes:
    """The 288 classes of the UTC date *day*."""
    start = midnight_utc(day)
    slots = bytearray(b"\x01" * SLOTS)
    plans = [life.plan(day + n * DAY) for n in (-1, 0, 1)]
    for plan in plans:
        _paint_waking(life, plan, slots, start)
    for plan in plans:
        for rest in plan.rests:
            _paint(slots, start, rest.span, 1)
        for exercise in plan.exercises:
            _paint(slots, start, exercise.span, _CLASS_OF[exercise.intensity])
        for moment in plan.moments:
            _paint(slots, start, moment, 1)
        for off in plan.off:
            _paint(slots, start, off, 0)
    _paint(slots, start, Span(0, life.places.instant(life.first_day, 10)), 0)
    return bytes(slots)


def _edges(start: int, span: Span) -> tuple[int, int]:
    """The slots of the day from *start* that *span* touches."""
    return max((span.start - start) // SLOT, 0), min(-(-(span.end - start) // SLOT), SLOTS)


def _paint(slots: bytearray, start: int, span: Span, value: int) -> None:
    first, last = _edges(start, span)
    if first < last:
        slots[first:last] = bytes([value]) * (last - first)


def _paint_waking(life: Life, plan: Plan, slots: bytearray, start: int) -> None:
    first, last = _edges(start, Span(plan.wake, plan.bed))
    if first >= last:
        return
    level = clamp(life.persona.activity * (1 - 0.35 * plan.condition.fever), 0.4, 1.6)
    hour = life.places.local(start + first * SLOT).hour
    roll = dice(life.persona.key, "slots", start, plan.day)
    minute = life.places.local(start + first * SLOT).minute
    at = first
    while at < last:
        until = min(at + (60 - minute) * 60 // SLOT, last)
        kind = _KIND_BY_HOUR[hour] if roll.random() < 0.7 * level else _LAZY
        slots[at:until] = roll.randbytes(until - at).translate(kind)
        at, minute, hour = until, 0, (hour + 1) % 24


def mets_of(life: Life, day: date) -> bytes:
    """The 1,440 METs of the UTC date *day*, in tenths."""
    roll = dice(life.persona.key, "mets", day)
    runs = (run.group() for run in _RUNS.finditer(life.slots(day)))
    return b"".join(roll.randbytes(5 * len(run)).translate(_METS[run[0]]) for run in runs)


def window(life: Life, start: int, slots: int) -> tuple[bytes, bytes]:
    """Classes and METs of *slots* slots from *start*, which must lie on a slot."""
    day = utc_date(start)
    first = (start - midnight_utc(day)) // SLOT
    days = [day + n * DAY for n in range((first + slots - 1) // SLOTS + 1)]
    classes = b"".join(life.slots(d) for d in days)[first : first + slots]
    mets = b"".join(life.mets(d) for d in days)[first * 5 : (first + slots) * 5]
    return classes, mets
