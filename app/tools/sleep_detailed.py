"""get_sleep_detailed: every sleep period as Oura holds it, with its samples where they fit."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from app.context import Context
from app.insights.averages import rounded
from app.oura.answers import Answer
from app.oura.days import Dates
from app.oura.nights import Night, is_long, nights
from app.oura.records import Series, SleepPeriod
from app.registry import tool
from app.tools.arguments import EndDate, Refresh, StartDate
from app.tools.coverage import Period, Told, cover, leave_out, period, told
from app.tools.sleep import naps, night_notes
from app.tools.thinning import newest_that_fit, short_text

SAMPLES_UP_TO_DAYS = 2
MAX_SAMPLES = 600  # fifty hours of five minutes
MAX_MOVEMENTS = 6000
UNITS = "durations, latency and interval s; efficiency %; heart rate bpm; hrv ms (RMSSD); breath_average per min"
SAMPLE_UNITS = (
    "; samples start at bedtime_start, null where nothing was measured; sleep_phase_5_min 1 deep 2 light 3 REM 4 awake; "
    "movement_30_sec 1 still 2 restless 3 tossing 4 active"
)


class Samples(TypedDict, total=False):
    interval: float | None
    samples: list[float | None] | None
    average: float | None


class OriginalEntry(TypedDict):
    date: str
    type: str | None
    bedtime_start: str | None
    bedtime_end: str | None
    breath_average: float | None
    heart_rate: Samples
    hrv: Samples
    movement_30_sec: str | None
    sleep_phase_5_min: str | None


class SleepPeriodEntry(OriginalEntry, total=False):
    role: str
    time_in_bed: int | None
    total_sleep_duration: int | None
    deep_sleep_duration: int | None
    light_sleep_duration: int | None
    rem_sleep_duration: int | None
    awake_time: int | None
    latency: int | None
    efficiency: int | None
    lowest_heart_rate: int | None


class PeriodCounts(TypedDict, total=False):
    total_periods: int
    by_role: dict[str, int]


class SleepDetailed(Told):
    period: Period
    summary: PeriodCounts
    samples_included: bool
    units: str
    data: Sequence[SleepPeriodEntry]


@tool(title="Sleep periods in detail")
def get_sleep_detailed(
    ctx: Context,
    *,
    start_date: StartDate = None,
    end_date: EndDate = None,
    include_samples: Annotated[
        bool | None, Field(description="Five-minute heart rate, HRV, sleep stages and movement. Default: only up to two days.")
    ] = None,
    refresh: Refresh = False,
) -> SleepDetailed:
    """Every sleep period on its own: night, naps, and what the wearer rejected, with durations, and for short ranges
    the course of heart rate, HRV, stages and movement. For averages over nights use get_sleep_summary.
    """
    answer = ctx.services.oura.query(
        ["sleep"], Dates.between(start_date, end_date), deadline=ctx.deadline, refresh=refresh, progress=ctx.progress
    )
    with_samples = len(answer.days) <= SAMPLES_UP_TO_DAYS if include_samples is None else include_samples
    by_night = nights(answer["sleep"].rows)
    periods = [(role, slept) for night in by_night.values() for role, slept in roles(night)]
    rows, cut = newest_that_fit(
        [period_entry(role, slept, with_samples=with_samples) for role, slept in periods],
        lambda entry: date.fromisoformat(entry["date"]),
    )
    coverage = cover(
        answer, ["sleep"], {day for day, night in by_night.items() if night.main or naps(night)}, notes=_notes(answer, by_night)
    )
    if not with_samples and periods:
        coverage["notes"].append("Samples, stages and movement are left out: include_samples=true gives them, best for few days.")
    if cut is not None:
        leave_out(coverage, cut, answer, f"Only the newest {len(rows)} of {len(periods)} periods fit.")
    names = [role for role, _ in periods]
    return {
        "period": period(answer),
        "summary": {"total_periods": len(periods), "by_role": {name: names.count(name) for name in dict.fromkeys(names)}},
        "samples_included": with_samples,
        "units": UNITS + SAMPLE_UNITS if with_samples else UNITS,
        **told(ctx, coverage),
        "data": rows,
    }


def roles(night: Night) -> list[tuple[str, SleepPeriod]]:
    """What each period of *night* is, in order of their beginning."""
    counted = naps(night)
    named = [
        *([("night", night.main)] if night.main is not None else []),
        *((_other_role(other, counted), other) for other in night.naps),
        *(("not sleep", rest) for rest in night.rest),
        *(("still recording", running) for running in night.unfinished),
    ]
    return sorted(named, key=lambda item: item[1].bedtime_start.timestamp() if item[1].bedtime_start is not None else 0.0)


def _other_role(other: SleepPeriod, counted: Sequence[SleepPeriod]) -> str:
    if is_long(other):
        return "other long sleep"
    return "nap" if any(nap is other for nap in counted) else "brief"


def period_entry(role: str, slept: SleepPeriod, *, with_samples: bool) -> SleepPeriodEntry:
    return {
        "date": slept.day.isoformat(),
        "type": short_text(slept.type),
        "role": role,
        "bedtime_start": slept.bedtime_start.isoformat() if slept.bedtime_start is not None else None,
        "bedtime_end": slept.bedtime_end.isoformat() if slept.bedtime_end is not None else None,
        "time_in_bed": slept.time_in_bed,
        "total_sleep_duration": slept.total_sleep_duration,
        "deep_sleep_duration": slept.deep_sleep_duration,
        "light_sleep_duration": slept.light_sleep_duration,
        "rem_sleep_duration": slept.rem_sleep_duration,
        "awake_time": slept.awake_time,
        "latency": slept.latency,
        "efficiency": slept.efficiency,
        "lowest_heart_rate": slept.lowest_heart_rate,
        "breath_average": slept.average_breath,
        "heart_rate": _samples(slept.heart_rate, slept.average_heart_rate, with_samples=with_samples),
        "hrv": _samples(slept.hrv, slept.average_hrv, with_samples=with_samples),
        "movement_30_sec": slept.movement_30_sec[:MAX_MOVEMENTS] if with_samples and slept.movement_30_sec else None,
        "sleep_phase_5_min": slept.sleep_phase_5_min[:MAX_SAMPLES] if with_samples and slept.sleep_phase_5_min else None,
    }


def _samples(series: Series | None, average: float | None, *, with_samples: bool) -> Samples:
    """Oura's own average where it gives one (it knows more than the five-minute samples), else that of the samples."""
    if series is None:
        return {"interval": None, "samples": None, "average": average}
    return {
        "interval": rounded(series.interval_s),
        "samples": [rounded(value) for value in series.items()[:MAX_SAMPLES]] if with_samples else None,
        "average": average if average is not None else rounded(series.mean()),
    }


def _notes(answer: Answer, by_night: Mapping[date, Night]) -> list[str]:
    notes = night_notes(by_night)
    deleted = sum(slept.type == "deleted" for slept in answer["sleep"].rows)
    if deleted:
        notes.append(f"{deleted} periods that the wearer deleted in the app are left out.")
    return notes
