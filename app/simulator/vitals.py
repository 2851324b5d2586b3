"""Daily numbers that need a Gen3 ring or later: SpO2, stress, resilience, cardiovascular age, VO2 max; and the bedtime advice.

Slow ones are functions of the calendar, so that a day's value never depends on how long the simulator has run.
"""

from __future__ import annotations

import math
from datetime import date
from typing import TYPE_CHECKING, Any

from app.simulator.dice import bell, chance, clamp, dice, drift, identity
from app.simulator.personas import age_on
from app.simulator.plan import DAY, unworn
from app.simulator.sleep import main_sleep
from app.simulator.sync import Sync

if TYPE_CHECKING:
    from app.simulator.life import Life

_LEVELS = ("limited", "adequate", "solid", "strong", "exceptional")
_QUARTER_H = 900


def _owned(life: Life, day: date) -> int:
    return (day - life.first_day).days


def spo2_document(life: Life, day: date, sync: Sync) -> dict[str, Any] | None:
    night = sync.night(life, day)
    if night is None or not life.persona.sees_daytime:
        return None
    roll = dice(life.persona.key, "spo2", day)
    bad = roll.random()
    average = round(clamp(96.45 + 0.8 * roll.gauss(0, 1), 90, 99.9), 3)
    index = round(clamp(9 + 3.5 * roll.gauss(0, 1), 0, 100))
    return {
        "id": identity(life.persona.key, "daily_spo2", day),
        "breathing_disturbance_index": None if bad < 0.008 else index,
        "day": day.isoformat(),
        "spo2_percentage": None if bad < 0.004 else {"average": 0.0 if bad < 0.008 else average},
    }


def stress_document(life: Life, day: date, sync: Sync) -> dict[str, Any] | None:
    """Seconds of high stress and of recovery by day; a running day holds what was synced."""
    plan = life.plan(day)
    if not life.persona.sees_daytime or unworn(life, day) or sync.synced_at < plan.wake + 3600:
        return None
    roll = dice(life.persona.key, "stress", day)
    gone = min(1.0, (sync.synced_at - plan.wake) / (plan.bed - plan.wake))
    quarters = (plan.bed - plan.wake) // _QUARTER_H
    if roll.random() < 0.03:  # too little data: a row all the same
        stress = recovery = 0
    else:
        stress = int(gone * clamp(5.0 + 4.2 * plan.condition.stress + 1.6 * roll.gauss(0, 1), 0, 24))
        recovery = int(gone * clamp(5.0 - 3.2 * plan.condition.stress + 2.4 * roll.gauss(0, 1), 0, 22))
        stress, recovery = min(stress, quarters // 2), min(recovery, quarters // 2)
    summary = "stressful" if stress - recovery >= 8 else "restored" if recovery - stress >= 7 else "normal"
    return {
        "id": identity(life.persona.key, "daily_stress", day),
        "day": day.isoformat(),
        "day_summary": summary if stress or recovery else None,
        "recovery_high": recovery * _QUARTER_H,
        "stress_high": stress * _QUARTER_H,
    }


def resilience_document(life: Life, day: date, sync: Sync) -> dict[str, Any] | None:
    """Changes its level at four-day steps at most, and by one step only."""
    night = sync.night(life, day)
    if night is None or not life.persona.sees_daytime or _owned(life, day) < 14:
        return None
    key, ordinal = life.persona.key, day.toordinal()
    phase = 6.283 * chance(key, "resilience")
    step = ordinal // 4 * 4
    slow = 1.45 + 0.75 * math.sin(step / 19 + phase) + 0.35 * math.sin(step / 53 + 2 * phase)
    level = 46 + 12 * (slow - 1.45)
    return {
        "id": identity(key, "daily_resilience", day),
        "day": day.isoformat(),
        "contributors": {
            name: round(clamp(level + offset + 5 * drift(key, name, ordinal=ordinal, span=4), 0, 100), 1)
            for name, offset in (("sleep_recovery", 2.0), ("daytime_recovery", -3.0), ("stress", 1.0))
        },
        "level": _LEVELS[int(clamp(slow, 0, 4))],
    }


def cardiovascular_age_document(life: Life, day: date, sync: Sync) -> dict[str, Any] | None:
    night = sync.night(life, day)
    if night is None or not life.persona.sees_daytime or _owned(life, day) < 14:
        return None
    persona = life.persona
    noise = 2.2 * drift(persona.key, "vascular", ordinal=day.toordinal(), span=6) + bell(persona.key, "artery", day.toordinal())
    age = round(clamp(age_on(persona.born, day) + persona.vascular_offset + noise, 18, 100))
    return {
        "id": identity(persona.key, "daily_cardiovascular_age", day),
        "day": day.isoformat(),
        "pulse_wave_velocity": round(4.4 + 0.07 * age, 2),
        "vascular_age": age,
    }


def vo2_max_document(life: Life, day: date, sync: Sync) -> dict[str, Any] | None:
    """An estimate about once a week, made at noon."""
    persona = life.persona
    made = life.places.instant(day, 12)
    if not persona.sees_daytime or _owned(life, day) < 21 or unworn(life, day) or made > sync.synced_at:
        return None
    if chance(persona.key, "vo2", day) > 0.14:
        return None
    fit = 52 - 0.35 * age_on(persona.born, day) + 1.5 * drift(persona.key, "fitness", ordinal=day.toordinal() // 7, span=8)
    return {
        "id": identity(persona.key, "vO2_max", day),
        "day": day.isoformat(),
        "timestamp": life.places.stamp(made),
        "vo2_max": round(fit),
    }


def sleep_time_document(life: Life, day: date, sync: Sync) -> dict[str, Any] | None:
    """Advice on most days; a window only where the status says that an optimal one was found."""
    key = life.persona.key
    night = sync.night(life, day)
    if night is None or chance(key, "sleep time", day) > 0.76:
        return None
    nights = sum(main_sleep(life, day - n * DAY) is not None for n in range(14))
    roll = dice(key, "advice", day)
    recommendation, window = None, None
    if _owned(life, day) < 14:
        status = "not_enough_nights"
    elif nights < 8:
        status = "not_enough_recent_nights"
    elif night.efficiency < 84:
        status, recommendation = "bad_sleep_quality", "improve_efficiency"
    elif roll.random() < 0.35:
        status = "only_recommended_found"
        recommendation = roll.choice(("earlier_bedtime", "later_bedtime", "earlier_wake_up_time", "later_wake_up_time"))
    else:
        status, recommendation = "optimal_found", "follow_optimal_bedtime"
        start = round(life.persona.bedtime_h * 4 - 1) * 900
        offset = life.places.local(night.span.end).utcoffset()
        window = {"day_tz": int(offset.total_seconds()) if offset else 0, "end_offset": start + 3600, "start_offset": start}
    return {
        "id": identity(key, "sleep_time", day),
        "day": day.isoformat(),
        "optimal_bedtime": window,
        "recommendation": recommendation,
        "status": status,
    }
