"""`daily_activity`: a day from four in the morning to the next, read off the timeline; a running day is cut at the last sync."""

from __future__ import annotations

from collections import Counter
from datetime import date
from random import Random
from typing import TYPE_CHECKING, Any

from app.simulator.dice import bell, clamp, curve, dice, drift, identity, rating
from app.simulator.plan import DAY, SLOT, unworn
from app.simulator.sync import Sync
from app.simulator.timeline import SLOTS, window

if TYPE_CHECKING:
    from app.simulator.life import Life

_TENTHS = tuple(i / 10 for i in range(256))
_NAMES = ("non_wear", "resting", "sedentary", "low", "medium", "high")


def day_start(life: Life, day: date) -> int:
    """04:00 where *day* began."""
    return life.places.instant(day, 4)


def activity_document(life: Life, day: date, sync: Sync) -> dict[str, Any] | None:
    """The row of *day* as far as it was synced; None before its first slot, and where the ring lay unworn for days on end."""
    start = day_start(life, day)
    slots = min(SLOTS, int(sync.synced_at - start) // SLOT)
    if slots < 1 or (unworn(life, day) and (unworn(life, day - DAY) or unworn(life, day + DAY))):
        return None
    classes, mets = window(life, start, slots)
    roll = dice(life.persona.key, "activity", day)
    minutes = _minutes(classes, roll)
    energy = _energy(life, classes, mets)
    worn = minutes["non_wear"] < len(mets)
    walked = round(energy["steps"] * (0.70 + 0.02 * bell(life.persona.key, "stride", day)))
    target = 9000 + 500 * round(drift(life.persona.key, "target", ordinal=day.toordinal(), span=9))
    contributors = _contributors(life, day, minutes, energy["steps"])
    return {
        "id": identity(life.persona.key, "daily_activity", day),
        "class_5_min": "".join(map(str, classes)),
        "score": rating(sum(contributors.values()) / 6 + roll.gauss(0, 2)) if worn else None,
        "active_calories": energy["active"],
        "average_met_minutes": round(sum(mets) / 10 / len(mets) * 32) / 32,
        "contributors": contributors if worn else dict.fromkeys(contributors),
        "equivalent_walking_distance": walked,
        "inactivity_alerts": min(8, minutes["sedentary"] // 130) if worn else 0,
        "met": {"interval": 60.0, "items": [_TENTHS[met] for met in mets], "timestamp": life.places.stamp_ms(start)},
        "meters_to_target": target - walked - roll.randrange(0, 400),
        "steps": energy["steps"],
        "target_calories": 400 + target // 90,
        "target_meters": target,
        "total_calories": round(life.persona.basal_kcal * len(mets) / 1440) + energy["active"],
        "day": day.isoformat(),
        "timestamp": life.places.stamp(start),
        "sedentary_met_minutes": energy["sedentary"],
        **{f"{name}_activity_met_minutes": energy[name] for name in ("low", "medium", "high")},
        **{f"{name}_activity_time": 60 * minutes[name] for name in ("low", "medium", "high")},
        **{f"{name}_time": 60 * minutes[name] for name in ("non_wear", "resting", "sedentary")},
    }


def _minutes(classes: bytes, roll: Random) -> dict[str, int]:
    """Minutes by class. Minutes are classified one by one, so a few of each five-minute slot count next door."""
    minutes = {name: 5 * classes.count(bytes([number])) for number, name in enumerate(_NAMES)}
    for one, other in (("resting", "sedentary"), ("sedentary", "low"), ("low", "medium")):
        moved = round(0.03 * min(minutes[one], minutes[other]) * roll.uniform(-1, 1))
        minutes[one] += moved
        minutes[other] -= moved
    return minutes


def _energy(life: Life, classes: bytes, mets: bytes) -> dict[str, int]:
    """Steps, active kilocalories and MET minutes by class; active is what is above 1.5 MET."""
    counts = Counter(mets)
    low = sum(met * n for met, n in counts.items() if 15 < met < 30) / 10
    medium = sum(met * n for met, n in counts.items() if 30 <= met < 60) / 10
    high = sum(met * n for met, n in counts.items() if met >= 60) / 10
    sedentary = sum((met - 10) * n for met, n in counts.items() if 10 < met <= 15) / 10
    minutes_above = sum(n for met, n in counts.items() if met > 15)
    active = (low + medium + high - minutes_above) * life.persona.weight_kg / 62
    low_n, medium_n, high_n = (5 * classes.count(bytes([number])) for number in (3, 4, 5))
    return {
        "steps": 14 * low_n + 58 * medium_n + 125 * high_n,
        "active": round(active),
        "low": round(low),
        "medium": round(medium),
        "high": round(high),
        "sedentary": round(sedentary),
    }


def _contributors(life: Life, day: date, minutes: dict[str, int], steps: int) -> dict[str, int]:
    key, ordinal = life.persona.key, day.toordinal()
    trained = minutes["medium"] + 2 * minutes["high"]
    slow = drift(key, "training", ordinal=ordinal, span=7)
    return {
        "meet_daily_targets": rating(78 + 14 * slow),
        "move_every_hour": rating(curve(minutes["sedentary"], ((300, 100), (520, 90), (760, 60), (1000, 30)))),
        "recovery_time": rating(92 - 8 * abs(slow) + 3 * bell(key, "recovery", ordinal)),
        "stay_active": rating(curve(minutes["sedentary"], ((300, 100), (480, 88), (700, 65), (960, 35)))),
        "training_frequency": rating(clamp(74 + 18 * drift(key, "often", ordinal=ordinal, span=7), 20, 100)),
        "training_volume": rating(curve(trained + steps / 400, ((0, 40), (40, 70), (120, 95), (200, 100)))),
    }
