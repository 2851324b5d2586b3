"""What Oura judges of a night: `daily_sleep`, `daily_readiness`, and the `sleep` document that carries a readiness of its own.

The formulas are ours; what is faithful is which number equals which, and when a row exists at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from app.simulator.dice import bell, chance, curve, dice, drift, identity, rating
from app.simulator.plan import DAY
from app.simulator.sleep import NO_HEART_RATE, Sleep, longest, main_sleep
from app.simulator.sync import Sync

if TYPE_CHECKING:
    from app.simulator.life import Life

_SLEEP_WEIGHTS = {
    "deep_sleep": 0.12,
    "efficiency": 0.12,
    "latency": 0.08,
    "rem_sleep": 0.13,
    "restfulness": 0.13,
    "timing": 0.10,
    "total_sleep": 0.32,
}
_READINESS = (
    "activity_balance",
    "body_temperature",
    "hrv_balance",
    "previous_day_activity",
    "previous_night",
    "recovery_index",
    "resting_heart_rate",
    "sleep_balance",
    "sleep_regularity",
)
_DAYS_TO_HRV_BALANCE = 18
_MEMORY = 14


def sleep_contributors(life: Life, sleep: Sleep) -> dict[str, int]:
    """The seven contributors of a night's sleep score."""
    bed = sleep.span.start - life.places.instant(sleep.day, 0)
    middle_h = (bed + sleep.span.seconds / 2) / 3600
    return {
        "deep_sleep": rating(curve(sleep.deep_s / 60, ((15, 30), (45, 68), (75, 90), (100, 100)))),
        "efficiency": rating(curve(sleep.efficiency, ((65, 20), (80, 62), (88, 82), (95, 100)))),
        "latency": rating(curve(sleep.latency_s / 60, ((2, 62), (9, 90), (15, 96), (30, 66), (50, 30)))),
        "rem_sleep": rating(curve(sleep.rem_s / 60, ((20, 25), (60, 64), (90, 88), (120, 100)))),
        "restfulness": rating(curve(sleep.restless_periods, ((180, 98), (300, 72), (400, 48), (600, 10)))),
        "timing": rating(curve(abs(middle_h - 3), ((0.5, 100), (1.5, 84), (3.0, 45), (6.0, 5)))),
        "total_sleep": rating(curve(sleep.total_s / 3600, ((3.5, 10), (5.5, 42), (6.5, 64), (7.3, 83), (8.2, 98), (8.6, 100)))),
    }


def sleep_score(life: Life, sleep: Sleep) -> int:
    contributors = sleep_contributors(life, sleep)
    return rating(sum(weight * contributors[name] for name, weight in _SLEEP_WEIGHTS.items()) - 3)


def temperature(life: Life, day: date) -> tuple[float, float] | tuple[None, None]:
    """(deviation, trend) of the skin in °C; both missing on one day in seventy."""
    if chance(life.persona.key, "no temperature", day) < 0.014:
        return None, None
    recent = [_warmth(life, day - n * DAY) for n in range(5)]
    return round(recent[0], 2), round(sum(recent) / len(recent), 2)


def _warmth(life: Life, day: date) -> float:
    ordinal, persona = day.toordinal(), life.persona
    luteal = persona.cycle_days and ordinal % persona.cycle_days >= persona.cycle_days / 2
    cycle = 0.0 if not persona.cycle_days else (0.17 if luteal else -0.17)
    noise = 0.13 * bell(persona.key, "warmth", ordinal) + 0.12 * drift(persona.key, "warm", ordinal=ordinal, span=5)
    condition = life.condition(day)
    return noise + cycle + condition.fever + 0.12 * condition.drank


def readiness_of(life: Life, sleep: Sleep) -> dict[str, Any]:
    """The readiness object of one long sleep."""
    nights = [night for n in range(_MEMORY) if (night := main_sleep(life, sleep.day - n * DAY))]
    deviation, trend = temperature(life, sleep.day)
    contributors = _readiness_contributors(life, sleep, nights, deviation or 0.0)
    known = [value for value in contributors.values() if value is not None]
    weakest = min(known)
    noise = 1.5 * bell(life.persona.key, "readiness", sleep.span.start)
    level = 0.8 * sum(known) / len(known) + 0.2 * weakest
    room = 100 - sum(nap.delta or 0 for nap in life.sleeps(sleep.day))  # naps are added to this score
    score = min(rating(77 + 1.4 * (level - 79) + noise), room)
    return {
        "contributors": contributors,
        "score": score,
        "temperature_deviation": deviation,
        "temperature_trend_deviation": trend,
    }


def _readiness_contributors(life: Life, sleep: Sleep, nights: Sequence[Sleep], deviation: float) -> dict[str, int | None]:
    persona, day, ordinal = life.persona, sleep.day, sleep.day.toordinal()
    mean_h = sum(night.total_s for night in nights) / len(nights) / 3600
    starts = [(night.span.start - life.places.instant(night.day, 0)) / 3600 for night in nights]
    spread = (sum((start - sum(starts) / len(starts)) ** 2 for start in starts) / len(starts)) ** 0.5
    hrvs = [night.average_hrv for night in nights if night.average_hrv]
    balance = sum(hrvs) / len(hrvs) / persona.hrv_ms if hrvs else 1.0
    yesterday = drift(persona.key, "load", ordinal=ordinal - 1, span=2)
    lowest = sleep.lowest_heart_rate
    values: dict[str, float | None] = {
        "activity_balance": 82 + 9 * drift(persona.key, "load", ordinal=ordinal, span=10),
        "body_temperature": curve(abs(deviation), ((0.1, 100), (0.35, 86), (0.7, 55), (1.3, 15))),
        "hrv_balance": 84 + 75 * (balance - 0.93) if (day - life.first_day).days >= _DAYS_TO_HRV_BALANCE and hrvs else None,
        "previous_day_activity": 84 - 9 * abs(yesterday) + 3 * bell(persona.key, "yesterday", ordinal),
        "previous_night": sleep_score(life, sleep) + 2.2 * bell(persona.key, "previous", ordinal),
        "recovery_index": curve(_hours_after_lowest(sleep), ((0.3, 25), (2, 66), (4, 92), (6, 100))),
        "resting_heart_rate": None if lowest == NO_HEART_RATE else 92 - 6.0 * (lowest - persona.lowest_hr - 1),
        "sleep_balance": curve(mean_h, ((4.5, 25), (6, 60), (7, 82), (8, 96), (8.6, 100))),
        "sleep_regularity": curve(spread, ((0.3, 100), (0.8, 82), (1.5, 55), (3, 15))) if len(nights) > 4 else None,
    }
    return {name: None if value is None else rating(value) for name, value in values.items()}


def _hours_after_lowest(sleep: Sleep) -> float:
    beats = sleep.heart_rate or ()
    at = next((i for i, beat in enumerate(beats) if beat == sleep.lowest_heart_rate), len(beats))
    return (len(beats) - at) * 300 / 3600


def daily_sleep_document(life: Life, day: date, sync: Sync) -> dict[str, Any] | None:
    """The day's sleep scores; there are none before a night was synced."""
    sleeps = sync.sleeps(life, day)
    night = longest(sleeps)
    if night is None:
        return None
    return {
        "id": identity(life.persona.key, "daily_sleep", day),
        "contributors": sleep_contributors(life, night),
        "day": day.isoformat(),
        "score": rating(sleep_score(life, night) + sum(s.delta or 0 for s in sleeps) - 3 * (day in sync.recomputed)),
        "timestamp": life.places.stamp(life.places.instant(day, 0)),
    }


def daily_readiness_document(life: Life, day: date, sync: Sync) -> dict[str, Any] | None:
    """The readiness of the day's long sleep, raised by its naps."""
    sleeps = sync.sleeps(life, day)
    night = longest(sleeps)
    if night is None:
        return None
    readiness = readiness_of(life, night)
    return {
        "id": identity(life.persona.key, "daily_readiness", day),
        "contributors": readiness["contributors"],
        "day": day.isoformat(),
        "score": readiness["score"] + sum(s.delta or 0 for s in sleeps),
        "temperature_deviation": readiness["temperature_deviation"],
        "temperature_trend_deviation": readiness["temperature_trend_deviation"],
        "timestamp": life.places.stamp(life.places.instant(day, 0)),
    }


def sleep_documents(life: Life, day: date, sync: Sync) -> Iterator[dict[str, Any]]:
    return (_sleep_document(life, sleep) for sleep in sync.sleeps(life, day))


def _sleep_document(life: Life, sleep: Sleep) -> dict[str, Any]:
    """One period as `sleep` lists it."""
    scored = sleep.kind == "long_sleep" or sleep.counted
    blank = {"contributors": dict.fromkeys(_READINESS), "score": None, "temperature_deviation": None}
    readiness = readiness_of(life, sleep) if sleep.kind == "long_sleep" else {**blank, "temperature_trend_deviation": None}
    roll = dice(life.persona.key, "sleep document", sleep.span.start)
    return {
        "id": identity(life.persona.key, "sleep", sleep.span.start),
        "average_breath": sleep.average_breath,
        "average_heart_rate": sleep.average_heart_rate,
        "average_hrv": sleep.average_hrv,
        "awake_time": sleep.span.seconds - sleep.total_s,
        "bedtime_end": life.places.stamp(sleep.span.end),
        "bedtime_start": life.places.stamp(sleep.span.start),
        "day": sleep.day.isoformat(),
        "deep_sleep_duration": sleep.deep_s,
        "efficiency": sleep.efficiency,
        "heart_rate": _sample(life, sleep, sleep.heart_rate),
        "hrv": _sample(life, sleep, sleep.hrv),
        "latency": sleep.latency_s,
        "light_sleep_duration": sleep.light_s,
        "low_battery_alert": roll.random() < 0.02,
        "lowest_heart_rate": sleep.lowest_heart_rate,
        "movement_30_sec": sleep.movement_30_s,
        "period": sleep.period,
        "readiness": readiness,
        "readiness_score_delta": sleep.delta if scored else None,
        "rem_sleep_duration": sleep.rem_s,
        "restless_periods": sleep.restless_periods,
        "sleep_phase_5_min": sleep.phases_5_min,
        "sleep_phase_30_sec": sleep.phases_30_s,
        "sleep_score_delta": sleep.delta if scored else None,
        "sleep_algorithm_version": "v2",
        "sleep_analysis_reason": "bedtime_edit" if roll.random() < 0.04 else _analysis(life),
        "time_in_bed": sleep.span.seconds,
        "total_sleep_duration": sleep.total_s,
        "type": sleep.kind,
        "ring_id": None,
        "app_sleep_phase_5_min": sleep.phases_5_min,
    }


def _analysis(life: Life) -> str:
    return "background_created_foreground_updated" if life.persona.generation >= 5 else "foreground_sleep_analysis"


def _sample(life: Life, sleep: Sleep, items: Sequence[float | None] | None) -> dict[str, Any] | None:
    if items is None:
        return None
    return {"interval": 300.0, "items": list(items), "timestamp": life.places.stamp_ms(sleep.span.start)}
