"""One slotted record per Oura document: attribute names are exactly Oura's field names, missing or unusable values are None.

Datetimes keep the wearer's own offset. Left out on purpose: `met` (92 % of a daily_activity's bytes), `readiness` of a sleep
period (daily_readiness has it), `ring_id` (always null) and `app_sleep_phase_5_min` (to be removed by Oura).
Knows nothing of HTTP and of JSON; `documents` reads JSON into these.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

Contributors = dict[str, int | None]

IS_HEART_RATE: Final = {"heart_rate": True}  # 0 and 255 bpm are Oura's words for "no heart rate"


class Series:
    """Equally spaced samples, packed as doubles (NaN for null) until somebody asks for them."""

    __slots__ = ("_values", "interval_s", "start")

    def __init__(self, start: datetime | None, interval_s: float, values: Iterable[float]) -> None:
        self.start = start
        self.interval_s = interval_s
        self._values = array("d", values)

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Series):
            return NotImplemented
        return (self.start, self.interval_s) == (other.start, other.interval_s) and self.items() == other.items()

    def __hash__(self) -> int:
        return hash((self.start, self.interval_s, len(self._values)))

    def __repr__(self) -> str:
        return f"Series({len(self._values)} samples)"  # never the values: a repr may end in a log

    @property
    def nbytes(self) -> int:
        return len(self._values) * self._values.itemsize

    def without(self, sentinels: Collection[float]) -> Series:
        """Return the same samples with each of *sentinels* read as null."""
        return Series(self.start, self.interval_s, (math.nan if value in sentinels else value for value in self._values))

    def items(self) -> list[float | None]:
        """Return every sample in order, null as None."""
        return [None if math.isnan(value) else value for value in self._values]

    def valid(self) -> list[float]:
        """Return the samples that are not null."""
        return [value for value in self._values if not math.isnan(value)]

    def mean(self) -> float | None:
        """Return the mean of the valid samples, None if there is none."""
        values = self.valid()
        return math.fsum(values) / len(values) if values else None

    def min(self) -> float | None:
        return min(self.valid(), default=None)

    def max(self) -> float | None:
        return max(self.valid(), default=None)


@dataclass(frozen=True, slots=True)
class SleepPeriod:
    """One document of `sleep`; durations in seconds. `bedtime_end` is None while the night is still running."""

    id: str | None
    day: date
    bedtime_start: datetime | None
    bedtime_end: datetime | None
    time_in_bed: int | None
    total_sleep_duration: int | None
    deep_sleep_duration: int | None
    light_sleep_duration: int | None
    rem_sleep_duration: int | None
    awake_time: int | None
    efficiency: int | None  # percent
    latency: int | None  # s
    type: str | None  # long_sleep, sleep, late_nap, rest, deleted, or a member Oura adds
    period: int | None
    average_breath: float | None  # per minute
    average_heart_rate: float | None = field(metadata=IS_HEART_RATE)
    lowest_heart_rate: int | None = field(metadata=IS_HEART_RATE)
    average_hrv: int | None  # ms, RMSSD
    heart_rate: Series | None = field(metadata=IS_HEART_RATE)
    hrv: Series | None
    restless_periods: int | None
    sleep_phase_5_min: str | None  # 1 deep, 2 light, 3 REM, 4 awake
    sleep_phase_30_sec: str | None
    movement_30_sec: str | None  # 1 still, 2 restless, 3 tossing, 4 active
    readiness_score_delta: int | None
    sleep_score_delta: int | None
    low_battery_alert: bool | None
    sleep_algorithm_version: str | None
    sleep_analysis_reason: str | None


@dataclass(frozen=True, slots=True)
class DailySleep:
    """One document of `daily_sleep`: scores only, every contributor is a rating of 1-100, never a duration."""

    id: str | None
    day: date
    timestamp: datetime | None
    score: int | None
    contributors: Contributors


@dataclass(frozen=True, slots=True)
class DailyReadiness:
    """One document of `daily_readiness`; contributors are ratings of 1-100, temperatures are deviations in °C."""

    id: str | None
    day: date
    timestamp: datetime | None
    score: int | None
    temperature_deviation: float | None
    temperature_trend_deviation: float | None
    contributors: Contributors


@dataclass(frozen=True, slots=True)
class DailyActivity:
    """One document of `daily_activity`, 04:00 to 04:00; times in seconds, distances in metres, energy in kcal."""

    id: str | None
    day: date
    timestamp: datetime | None  # 04:00 local of `day`
    score: int | None
    active_calories: int | None
    total_calories: int | None
    target_calories: int | None
    steps: int | None
    equivalent_walking_distance: int | None
    target_meters: int | None
    meters_to_target: int | None  # may be negative
    high_activity_time: int | None
    medium_activity_time: int | None
    low_activity_time: int | None
    sedentary_time: int | None
    resting_time: int | None
    non_wear_time: int | None
    high_activity_met_minutes: int | None
    medium_activity_met_minutes: int | None
    low_activity_met_minutes: int | None
    sedentary_met_minutes: int | None
    average_met_minutes: float | None
    inactivity_alerts: int | None
    class_5_min: str | None  # 0 non-wear, 1 rest, 2 inactive, 3 low, 4 medium, 5 high; shorter for the running day
    contributors: Contributors


@dataclass(frozen=True, slots=True)
class Workout:
    """One document of `workout`; calories in kcal, distance in metres."""

    id: str | None
    day: date
    activity: str | None  # free text: camelCase and snake_case both occur
    intensity: str | None
    source: str | None
    start_datetime: datetime | None
    end_datetime: datetime | None
    calories: float | None
    distance: float | None
    label: str | None


@dataclass(frozen=True, slots=True)
class EnhancedTag:
    """One document of `enhanced_tag`; `tag_type_code` None means text only."""

    id: str | None
    start_day: date
    start_time: datetime | None
    end_day: date | None
    end_time: datetime | None
    tag_type_code: str | None
    custom_name: str | None
    comment: str | None

    @property
    def day(self) -> date:
        return self.start_day


@dataclass(frozen=True, slots=True)
class Tag:
    """One document of the deprecated `tag` collection."""

    id: str | None
    day: date
    timestamp: datetime | None
    text: str | None
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PersonalInfo:
    """The one document of `personal_info`; fields outside the granted scopes are None."""

    id: str | None
    age: int | None  # years
    weight: float | None  # kg
    height: float | None  # m
    biological_sex: str | None
    email: str | None


@dataclass(frozen=True, slots=True)
class RingConfiguration:
    """One ring that was ever set up."""

    id: str | None
    color: str | None
    design: str | None
    firmware_version: str | None
    hardware_type: str | None
    set_up_at: datetime | None  # UTC; None and 1970-01-01 both occur
    size: int | None


Record = SleepPeriod | DailySleep | DailyReadiness | DailyActivity | Workout | EnhancedTag | Tag
