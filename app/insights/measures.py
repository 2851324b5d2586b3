"""The measures that are compared, as one table: unit, which direction is better, and the smallest change worth mentioning."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

Category = Literal["sleep", "readiness", "activity"]


@dataclass(frozen=True, slots=True)
class Measure:
    """*better* is +1 where more is better, -1 where less is, 0 where a change is only worth knowing.

    *meaningful* is in the measure's own unit and is a judgement, not a statistic: a smaller change is called stable however
    sure it is. *worse* and *improved* are what to do then; of a measure with no better direction, *worse* is said of a rise
    and *improved* of a fall.
    """

    key: str
    label: str
    unit: str
    category: Category
    better: int
    meaningful: float
    worse: str
    improved: str
    show: Callable[[float], str]


def duration(seconds: float) -> str:
    """7 h 05 min of 25500; negative values keep their sign in front."""
    hours, minutes = divmod(round(abs(seconds) / 60), 60)
    sign = "-" if seconds < 0 else ""
    return f"{sign}{hours} h {minutes:02} min" if hours else f"{sign}{minutes} min"


def clock_time(minutes_after_midnight: float) -> str:
    """23:40 of -20."""
    hours, minutes = divmod(round(minutes_after_midnight) % 1440, 60)
    return f"{hours:02}:{minutes:02}"


def _plain(unit: str, digits: int = 0) -> Callable[[float], str]:
    suffix = f" {unit}" if unit else ""
    return lambda value: f"{value:,.{digits}f}{suffix}"


def _signed(unit: str) -> Callable[[float], str]:
    return lambda value: f"{round(value, 2) + 0.0:+.2f} {unit}"


_SLEEP_MORE = "Protect the time in bed: a fixed wake-up time and an earlier evening do most."
_KEEP = "Whatever changed is working; keep it up."
_RECOVER = "Plan lighter days and look at late meals, alcohol, stress or a coming illness."
_WATCH = "Worth watching together with how you feel; one measure alone says little."

_TABLE = (
    Measure("sleep_score", "Sleep score", "score", "sleep", 1, 4, _SLEEP_MORE, _KEEP, _plain("")),
    Measure("total_sleep_duration", "Sleep per night", "s", "sleep", 1, 1200, _SLEEP_MORE, _KEEP, duration),
    Measure("deep_sleep_duration", "Deep sleep", "s", "sleep", 1, 600, _WATCH, _KEEP, duration),
    Measure("rem_sleep_duration", "REM sleep", "s", "sleep", 1, 600, _WATCH, _KEEP, duration),
    Measure(
        "efficiency",
        "Sleep efficiency",
        "%",
        "sleep",
        1,
        2,
        "Check light, noise, temperature and late screens.",
        _KEEP,
        _plain("%"),
    ),
    Measure(
        "latency",
        "Time to fall asleep",
        "s",
        "sleep",
        -1,
        300,
        "A calmer last hour and less late caffeine usually help.",
        _KEEP,
        duration,
    ),
    Measure(
        "bedtime",
        "Bedtime",
        "minutes after midnight",
        "sleep",
        0,
        30,
        "Later than usual: if mornings feel heavy, move bedtime back in small steps.",
        "Earlier than usual.",
        clock_time,
    ),
    Measure("readiness_score", "Readiness score", "score", "readiness", 1, 4, _RECOVER, _KEEP, _plain("")),
    Measure("average_hrv", "Night HRV (RMSSD)", "ms", "readiness", 1, 4, _RECOVER, _KEEP, _plain("ms")),
    Measure("lowest_heart_rate", "Lowest night heart rate", "bpm", "readiness", -1, 2, _RECOVER, _KEEP, _plain("bpm", 1)),
    Measure(
        "temperature_deviation",
        "Body temperature deviation",
        "°C",
        "readiness",
        0,
        0.2,
        "A rise can come with illness, alcohol, a hot room or the cycle; take it easy if you feel unwell.",
        _WATCH,
        _signed("°C"),
    ),
    Measure("breath_average", "Breathing rate at night", "per min", "readiness", 0, 0.6, _WATCH, _WATCH, _plain("per min", 1)),
    Measure(
        "activity_score", "Activity score", "score", "activity", 1, 4, "Short walks spread over the day count.", _KEEP, _plain("")
    ),
    Measure("steps", "Steps per day", "steps", "activity", 1, 1000, "A daily walk brings them back.", _KEEP, _plain("steps")),
    Measure(
        "sedentary_time",
        "Sitting time per day",
        "s",
        "activity",
        -1,
        1800,
        "Stand up or walk for a few minutes every hour.",
        _KEEP,
        duration,
    ),
)

MEASURES: Mapping[str, Measure] = {measure.key: measure for measure in _TABLE}
HEADLINES: Mapping[Category, str] = {"sleep": "sleep_score", "activity": "activity_score", "readiness": "readiness_score"}
