"""One night of `get_sleep_summary`, told to a person at a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any


def told(answer: Mapping[str, Any]) -> str:
    """The newest night of *answer* in a few lines; what is missing is said, never shown as 0."""
    nights = [night for night in answer.get("data", []) if night.get("total_sleep_duration") is not None]
    if not nights:
        return "There is no night in the answer."
    night = max(nights, key=lambda each: each["date"])
    rows = [
        ("Sleep score", _number(night.get("score"), "of 100")),
        ("Asleep", f"{_hours(_minutes(night['total_sleep_duration']))} of {_hours(_minutes(night.get('time_in_bed')))} in bed"),
        ("Stages", _stages(night)),
        ("Efficiency", _number(night.get("efficiency"), "%")),
        ("In bed", f"{_clock(night.get('bedtime_start'))} to {_clock(night.get('bedtime_end'))}"),
        (
            "Heart rate",
            f"{_number(night.get('lowest_heart_rate'), 'bpm')} lowest, {_number(night.get('average_heart_rate'), 'bpm')} average",
        ),
        ("HRV", _number(night.get("average_hrv"), "ms")),
        ("Breathing", _number(night.get("breath_average"), "breaths a minute")),
    ]
    day = date.fromisoformat(night["date"])
    head = f"The night that ended on {day:%A}, {day.day} {day:%B %Y}" + (" (invented data)" if answer.get("synthetic") else "")
    return "\n".join([head, *(f"  {name:<12} {text}" for name, text in rows)])


def _stages(night: Mapping[str, Any]) -> str:
    """Each stage in whole minutes; light sleep takes what rounding left over, so that they add up to the time asleep."""
    seconds = {name: night.get(f"{name}_sleep_duration") for name in ("deep", "rem", "light")}
    minutes = {name: _minutes(value) for name, value in seconds.items()}
    asleep, deep, rem = _minutes(night["total_sleep_duration"]), minutes["deep"], minutes["rem"]
    if asleep is not None and deep is not None and rem is not None and minutes["light"] is not None:
        rest = asleep - deep - rem
        minutes["light"] = rest if abs(rest - minutes["light"]) <= 2 else minutes["light"]
    return " · ".join(f"{name} {_hours(value)}" for name, value in minutes.items())


def _minutes(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds / 60)


def _hours(minutes: int | None) -> str:
    return "unknown" if minutes is None else f"{minutes // 60} h {minutes % 60:02d} min"


def _number(value: float | None, unit: str) -> str:
    return "unknown" if value is None else f"{round(value, 1):g} {unit}"


def _clock(moment: str | None) -> str:
    return "unknown" if moment is None else f"{datetime.fromisoformat(moment):%H:%M}"
