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
    stages = " · ".join(
        f"{name} {_hours(night.get(f'{name}_sleep_duration'))}"
        for name in ("deep", "rem", "light")
        if f"{name}_sleep_duration" in night
    )
    rows = [
        ("Sleep score", _number(night.get("score"), "of 100")),
        ("Asleep", f"{_hours(night['total_sleep_duration'])} of {_hours(night.get('time_in_bed'))} in bed"),
        ("Stages", stages),
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


def _hours(seconds: float | None) -> str:
    if seconds is None:
        return "unknown"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"


def _number(value: float | None, unit: str) -> str:
    return "unknown" if value is None else f"{round(value, 1):g} {unit}"


def _clock(moment: str | None) -> str:
    return "unknown" if moment is None else f"{datetime.fromisoformat(moment):%H:%M}"
