"""A person with a ring, as the tools see one: records built by hand behind the query methods of `OuraData`.

A real class, not a mock: it trims to the asked days, knows today and a zone, and has errors per collection as Oura's layer has.
"""

import math
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime, time, timedelta, timezone
from types import SimpleNamespace
from typing import Any

from app.context import Context
from app.errors import ToolError
from app.oura.answers import Answer, Fetched, HeartRateAnswer, Profile
from app.oura.days import Dates, Span
from app.oura.heart import HeartSamples, utc_day
from app.oura.records import DailyActivity, DailyReadiness, DailySleep, EnhancedTag, Series, SleepPeriod, Workout
from app.oura.zones import Zone
from app.services import OWNER, Deadline

TODAY = date(2026, 3, 29)  # a Sunday
TZ = timezone(timedelta(hours=2))
NOW = datetime(2026, 3, 29, 10, 30, tzinfo=TZ).timestamp()
SOURCES = ("awake", "rest", "sleep", "workout")


def days_ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def at(day: date, clock: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), TZ)


def record(kind: type[Any], **values: Any) -> Any:
    """Build a record of which only *values* are known."""
    return kind(**{column.name: values.pop(column.name, None) for column in fields(kind)}, **values)


def slept(day: date, **changes: Any) -> SleepPeriod:
    """An ordinary night that ends on *day*: 23:00 to 07:00, 7 h 12 min of sleep."""
    start = changes.pop("bedtime_start", at(day - timedelta(days=1), "23:00"))
    ordinary = {
        "id": f"night-{day}",
        "day": day,
        "type": "long_sleep",
        "bedtime_start": start,
        "bedtime_end": at(day, "07:00"),
        "time_in_bed": 28_800,
        "total_sleep_duration": 25_920,
        "deep_sleep_duration": 4_320,
        "light_sleep_duration": 16_200,
        "rem_sleep_duration": 5_400,
        "awake_time": 2_880,
        "efficiency": 90,
        "latency": 600,
        "average_breath": 15.125,
        "average_heart_rate": 62.375,
        "lowest_heart_rate": 55,
        "average_hrv": 45,
        "heart_rate": Series(start, 300, [66.0, math.nan, 55.0] * 32),
        "hrv": Series(start, 300, [40.0, math.nan, 50.0] * 32),
        "restless_periods": 200,
        "sleep_phase_5_min": "4221" * 24,
        "movement_30_sec": "1211" * 240,
    }
    return record(SleepPeriod, **(ordinary | changes))


def nap(day: date, **changes: Any) -> SleepPeriod:
    """Half an hour after lunch; too short for heart rate."""
    ordinary = {
        "type": "sleep",
        "bedtime_start": at(day, "14:00"),
        "bedtime_end": at(day, "14:30"),
        "time_in_bed": 1_800,
        "total_sleep_duration": 1_500,
        "average_heart_rate": None,
        "lowest_heart_rate": None,
        "average_hrv": None,
        "heart_rate": None,
        "hrv": None,
    }
    return slept(day, **({"id": f"nap-{day}"} | ordinary | changes))


def sleep_score(day: date, score: int | None = 80, **contributors: int | None) -> DailySleep:
    ratings = {"restfulness": 70, "timing": 60, "deep_sleep": 75, "efficiency": 88} | contributors
    return record(DailySleep, id=f"score-{day}", day=day, score=score, contributors=ratings)


def readiness(day: date, score: int | None = 78, **changes: Any) -> DailyReadiness:
    names = (
        "activity_balance body_temperature hrv_balance previous_day_activity previous_night recovery_index resting_heart_rate "
        "sleep_balance sleep_regularity"
    )
    ordinary = {
        "id": f"readiness-{day}",
        "day": day,
        "score": score,
        "temperature_deviation": -0.1,
        "temperature_trend_deviation": 0.05,
        "contributors": {name: 80 + rank for rank, name in enumerate(names.split())},
    }
    return record(DailyReadiness, **(ordinary | changes))


def activity(day: date, **changes: Any) -> DailyActivity:
    ordinary = {
        "id": f"activity-{day}",
        "day": day,
        "timestamp": at(day, "04:00"),
        "score": 85,
        "active_calories": 450,
        "total_calories": 2_400,
        "target_calories": 500,
        "steps": 9_000,
        "equivalent_walking_distance": 8_000,
        "target_meters": 9_000,
        "high_activity_time": 600,
        "medium_activity_time": 3_000,
        "low_activity_time": 12_000,
        "sedentary_time": 30_000,
        "resting_time": 34_800,
        "non_wear_time": 6_000,
        "average_met_minutes": 1.5,
        "inactivity_alerts": 2,
        "class_5_min": "1" * 288,
        "contributors": {"meet_daily_targets": 60},
    }
    return record(DailyActivity, **(ordinary | changes))


def workout(day: date, start: str = "18:00", minutes: int = 30, **changes: Any) -> Workout:
    begin = at(day, start)
    ordinary = {
        "id": f"workout-{begin.isoformat()}",
        "day": day,
        "activity": "running",
        "intensity": "moderate",
        "source": "confirmed",
        "start_datetime": begin,
        "end_datetime": begin + timedelta(minutes=minutes),
        "calories": 250.5,
        "distance": 5000.0,
    }
    return record(Workout, **(ordinary | changes))


def enhanced_tag(day: date, comment: str | None = None, **changes: Any) -> EnhancedTag:
    ordinary = {
        "id": f"tag-{day}",
        "start_day": day,
        "start_time": at(day, "20:00"),
        "tag_type_code": "tag_generic_alcohol",
        "comment": comment,
    }
    return record(EnhancedTag, **(ordinary | changes))


def samples(*rows: tuple[datetime, int] | tuple[datetime, int, str]) -> HeartSamples:
    """Pack (time, bpm[, source]) rows."""
    full = sorted((int(row[0].timestamp()), row[1], row[2] if len(row) > 2 else "awake") for row in rows)
    return HeartSamples(
        array("I", (row[0] for row in full)),
        array("B", (row[1] for row in full)),
        array("B", (SOURCES.index(row[2]) for row in full)),
        SOURCES,
    )


@dataclass
class Wearer:
    """What Oura holds of one person. *errors* are by collection; *unknown* days could not be asked about."""

    rows: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    heart: HeartSamples = field(default_factory=samples)
    profile_answer: Profile | None = None
    errors: Mapping[str, ToolError] = field(default_factory=dict)
    unknown: Mapping[str, Iterable[date]] = field(default_factory=dict)
    stale: Mapping[str, Iterable[date]] = field(default_factory=dict)
    partial: bool = False
    zone: Zone = field(default_factory=lambda: Zone(TZ, "UTC+02:00", assumed=False))
    asked: list[tuple[str, Any]] = field(default_factory=list)
    exchanged: bool = False

    def query(
        self, collections: Sequence[str], dates: Dates, *, deadline: Deadline, refresh: bool = False, progress: Any = None
    ) -> Answer:
        self.asked.append(("query", (tuple(collections), refresh)))
        period = dates.period(TODAY, TZ)
        if all(name in self.errors and not self.rows.get(name) for name in collections):
            raise self.errors[collections[0]]
        span = {period.first + timedelta(days=n) for n in range((period.end - period.first).days + 1)}
        return Answer(
            period.start,
            period.end,
            period.first,
            [period.start + timedelta(days=n) for n in range((period.end - period.start).days + 1)],
            self.zone,
            TODAY,
            tuple(period.notes),
            {name: self._fetched(name, span) for name in collections},
            self._era(),
        )

    def _era(self) -> int:
        """Which connection this is; with *exchanged* the ring is another person's at each question."""
        return len(self.asked) if self.exchanged else 0

    def _fetched(self, name: str, span: set[date]) -> Fetched[Any]:
        error = self.errors.get(name)
        unknown = set(self.unknown.get(name, span if error is not None else ())) & span
        return Fetched(
            rows=tuple(row for row in self.rows.get(name, ()) if row.day in span),
            known=frozenset(span - unknown),
            stale=frozenset(self.stale.get(name, ())) & span,
            fetched_at=NOW - 60,
            error=error,
            partial=self.partial and bool(unknown),
            resume_from=min(unknown, default=None) if self.partial else None,
            resume_to=max(unknown, default=None) if self.partial else None,
        )

    def heart_rate(self, span: Span, *, deadline: Deadline, refresh: bool = False, progress: Any = None) -> HeartRateAnswer:
        self.asked.append(("heart_rate", refresh))
        window = span.window(NOW, TZ)
        return self._heart_answer(window.start, window.end, window.notes)

    def heart_rate_within(
        self, windows: Sequence[tuple[datetime, datetime]], *, deadline: Deadline, progress: Any = None
    ) -> HeartRateAnswer:
        self.asked.append(("heart_rate_within", list(windows)))
        return self._heart_answer(min(start for start, _ in windows), max(end for _, end in windows), ())

    def _heart_answer(self, start: datetime, end: datetime, notes: Sequence[str]) -> HeartRateAnswer:
        first, last = utc_day(start.timestamp()), utc_day(end.timestamp() - 1)
        span = {first + timedelta(days=n) for n in range((last - first).days + 1)}
        error = self.errors.get("heartrate")
        unknown = set(self.unknown.get("heartrate", span if error is not None else ())) & span
        return HeartRateAnswer(
            start,
            end,
            self.heart.between(start.timestamp(), end.timestamp()),
            self.zone,
            TODAY,
            frozenset(span - unknown),
            tuple(notes),
            stale=frozenset(self.stale.get("heartrate", ())) & span,
            fetched_at=NOW - 60,
            error=error,
            partial=self.partial and bool(unknown),
            era=self._era(),
        )

    def profile(self, *, deadline: Deadline, refresh: bool = False) -> Profile:
        self.asked.append(("profile", refresh))
        assert self.profile_answer is not None
        return self.profile_answer


def asking(wearer: Wearer, *, demo: bool = False) -> Context:
    """A call's context whose Oura is *wearer*; the tools touch nothing else of the services but the settings and the clock."""
    services = SimpleNamespace(oura=wearer, settings=SimpleNamespace(demo=demo), clock=lambda: NOW)
    return Context(services=services, principal=OWNER, deadline=Deadline())  # type: ignore[arg-type]


def week(**changes: Any) -> dict[str, list[Any]]:
    """Seven ordinary days that end today, in every daily collection."""
    last = [days_ago(back) for back in range(6, -1, -1)]
    return {
        "sleep": [slept(day) for day in last],
        "daily_sleep": [sleep_score(day) for day in last],
        "daily_readiness": [readiness(day) for day in last],
        "daily_activity": [activity(day) for day in last],
    } | changes
