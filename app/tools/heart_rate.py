"""get_heart_rate: samples as they are where they fit, else averaged; the summary always counts every sample."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from app.context import Context
from app.errors import OuraError
from app.insights.averages import rounded
from app.oura.answers import Answer, HeartRateAnswer, of_one_connection
from app.oura.days import Dates, Span
from app.oura.heart import DAY_S, HeartSamples
from app.oura.nights import nights
from app.oura.zones import zone_of
from app.registry import tool
from app.tools.arguments import Refresh
from app.tools.coverage import NO_DATA, NOT_SYNCED, TOO_SLOW, Coverage, Missing, Told, moment, named, told

Resolution = Literal["auto", "raw", "5min", "hour", "day"]
BUCKETS: dict[str, int | None] = {"5min": 300, "hour": 3600, "day": None}
USUAL_ROWS = 80
MAX_ROWS = 480
WORKOUT_SHARE = 0.2
SLICE = 50_000  # samples counted before other calls get a turn: a year has half a million
_SECOND = timedelta(seconds=1)  # what lies between an end that is included and one that is not


class HeartRow(TypedDict):
    timestamp: str
    bpm: float
    source: str
    min_bpm: NotRequired[int]
    max_bpm: NotRequired[int]
    n: NotRequired[int]


class HeartNumbers(TypedDict, total=False):
    average_bpm: float | None
    min_bpm: int | None
    max_bpm: int | None
    resting_hr: int | None
    resting_hr_reason: str
    total_readings: int
    readings_by_source: dict[str, int]


class TimePeriod(TypedDict, total=False):
    start_datetime: str
    end_datetime: str


class HeartRate(Told):
    period: TimePeriod
    summary: HeartNumbers
    resolution: str
    data: Sequence[HeartRow]


@tool(title="Heart rate")
def get_heart_rate(
    ctx: Context,
    *,
    start_datetime: Annotated[
        str | None,
        Field(description="ISO 8601; without offset the wearer's local time; a bare date is that whole day. Default: 24 h ago."),
    ] = None,
    end_datetime: Annotated[str | None, Field(description="ISO 8601 as above. Default: now.")] = None,
    resolution: Annotated[
        Resolution, Field(description="auto (default) picks what stays small; raw gives every sample of a few hours.")
    ] = "auto",
    refresh: Refresh = False,
) -> HeartRate:
    """Heart rate over hours or days in bpm: average, minimum, maximum, resting_hr (lowest of the night) and a series.
    For heart rate or HRV per night use get_sleep_summary, for exercises get_workouts.
    """
    answer = ctx.services.oura.heart_rate(
        Span(start_datetime, end_datetime), deadline=ctx.deadline, refresh=refresh, progress=ctx.progress
    )
    summary = _numbers(answer.samples)
    slept = _slept(ctx, answer)
    summary.update(_resting(answer, slept))
    served = _resolution(answer, resolution)
    return {
        "period": {"start_datetime": answer.start.isoformat(), "end_datetime": (answer.end - _SECOND).isoformat()},
        "summary": summary,
        "resolution": served,
        **told(ctx, _coverage(answer, [*_notes(answer, summary, resolution, served), *_elsewhere(answer, slept)])),
        "data": _raw(answer) if served == "raw" else _averaged(answer, BUCKETS[served]),
    }


def _numbers(samples: HeartSamples) -> HeartNumbers:
    n, added, counts = len(samples), 0, [0] * len(samples.names)
    ends: list[int] = []
    for at in range(0, n, SLICE):
        bpm, sources = samples.bpm[at : at + SLICE], samples.sources[at : at + SLICE].tobytes()
        added += sum(bpm)
        ends += min(bpm), max(bpm)
        counts = [count + sources.count(code) for code, count in enumerate(counts)]
        time.sleep(0)
    return {
        "average_bpm": rounded(added / n) if n else None,
        "min_bpm": min(ends, default=None),
        "max_bpm": max(ends, default=None),
        "resting_hr": None,
        "total_readings": n,
        "readings_by_source": {name: count for name, count in zip(samples.names, counts, strict=True) if count},
    }


# -- resting heart rate ------------------------------------------------------------------------------------------------


def _slept(ctx: Context, answer: HeartRateAnswer) -> Answer | OuraError:
    """The sleep of the span, or why it cannot be had.

    A night has the day of the zone it was slept in, which may be a day beside the span's after a journey.
    """
    first, last = answer.start.date() - timedelta(days=1), min(answer.end.date() + timedelta(days=2), answer.today)
    dates = Dates.between(last.isoformat(), last.isoformat()).before((last - first).days)
    try:
        slept = ctx.services.oura.query(["sleep"], dates, deadline=ctx.deadline)
    except OuraError as exc:
        return exc
    of_one_connection(answer, slept)
    return slept


def _resting(answer: HeartRateAnswer, slept: Answer | OuraError) -> Any:
    """The lowest heart rate of the main sleep periods that overlap the span, or null and why."""
    if isinstance(slept, OuraError):
        return {"resting_hr": None, "resting_hr_reason": str(slept)}
    mains = [night.main for night in nights(slept["sleep"].rows).values() if night.main is not None]
    overlapping = [
        main
        for main in mains
        if main.bedtime_start and main.bedtime_end and main.bedtime_start < answer.end and main.bedtime_end > answer.start
    ]
    lowest = min((main.lowest_heart_rate for main in overlapping if main.lowest_heart_rate is not None), default=None)
    if lowest is not None:
        return {"resting_hr": lowest}
    if overlapping:
        return {"resting_hr": None, "resting_hr_reason": "The night's lowest heart rate was not measured."}
    error = slept["sleep"].error
    if error is not None:
        return {"resting_hr": None, "resting_hr_reason": str(error)}
    if slept["sleep"].partial:
        return {"resting_hr": None, "resting_hr_reason": TOO_SLOW}
    return {"resting_hr": None, "resting_hr_reason": "No main sleep period overlaps this time, or it is not synced yet."}


# -- the series --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Bucket:
    start: int  # epoch seconds
    samples: HeartSamples


def _resolution(answer: HeartRateAnswer, asked: str) -> str:
    """The finest resolution not finer than *asked* whose rows fit."""
    room = USUAL_ROWS if asked == "auto" else MAX_ROWS
    finest_first = ["raw", *BUCKETS]
    for name in finest_first[0 if asked == "auto" else finest_first.index(asked) :]:
        if _rows_at_most(answer, name) <= room:
            return name
    return "day"


def _rows_at_most(answer: HeartRateAnswer, resolution: str) -> int:
    width = 1 if resolution == "raw" else BUCKETS[resolution] or DAY_S
    return min(len(answer.samples), int((answer.end - answer.start).total_seconds() // width) + 2)


def _raw(answer: HeartRateAnswer) -> list[HeartRow]:
    zone = answer.zone.tz
    return [
        {"timestamp": datetime.fromtimestamp(at, zone).isoformat(), "bpm": bpm, "source": source}
        for at, bpm, source in answer.samples
    ]


def _averaged(answer: HeartRateAnswer, width_s: int | None) -> list[HeartRow]:
    zone = answer.zone.tz
    return [
        {
            "timestamp": datetime.fromtimestamp(bucket.start, zone).isoformat(),
            "bpm": rounded(sum(bucket.samples.bpm) / len(bucket.samples)) or 0,
            "source": _most_common(bucket.samples),
            "min_bpm": min(bucket.samples.bpm),
            "max_bpm": max(bucket.samples.bpm),
            "n": len(bucket.samples),
        }
        for bucket in _buckets(answer, width_s)
    ]


def _buckets(answer: HeartRateAnswer, width_s: int | None) -> Iterator[_Bucket]:
    """Cut the samples at the wearer's midnights, and within a day every *width_s*; empty buckets are left out."""
    for day in _local_days(answer):
        start, end = _midnight(answer, day), _midnight(answer, day + timedelta(days=1))
        of_day = answer.samples.between(start, end)
        if not of_day:
            continue
        time.sleep(0)
        step = width_s or end - start
        for at in range(start, end, step):
            samples = of_day.between(at, min(at + step, end))
            if samples:
                yield _Bucket(at, samples)


def _local_days(answer: HeartRateAnswer) -> list[date]:
    first = answer.start.astimezone(answer.zone.tz).date()
    last = (answer.end - _SECOND).astimezone(answer.zone.tz).date()
    return [first + timedelta(days=n) for n in range(max(0, (last - first).days) + 1)]


def _midnight(answer: HeartRateAnswer, day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=answer.zone.tz).timestamp())


def _most_common(samples: HeartSamples) -> str:
    sources = samples.sources.tobytes()
    return samples.names[max(set(sources), key=sources.count)]


# -- coverage ----------------------------------------------------------------------------------------------------------


def _coverage(answer: HeartRateAnswer, notes: Sequence[str]) -> Coverage:
    days = _local_days(answer)
    reasons: dict[str, list[date]] = {}
    for day in days:
        if not answer.samples.between(_midnight(answer, day), _midnight(answer, day + timedelta(days=1))):
            reasons.setdefault(_why(answer, day), []).append(day)
    missing: list[Missing] = [{"why": why, "days": named(lacking)} for why, lacking in reasons.items()]
    coverage: Coverage = {
        "days_asked": len(days),
        "days_with_data": len(days) - sum(len(lacking) for lacking in reasons.values()),
        "missing": missing,
        "partial": answer.partial,
        "stale": bool(answer.stale),
        "fetched_at": moment(answer.fetched_at, answer.zone),
        "timezone": answer.zone.name,
        "timezone_assumed": answer.zone.assumed,
        "notes": [*answer.notes, *notes],
    }
    if answer.partial:
        start, end = answer.resume_from or answer.start, answer.resume_to or answer.end
        coverage["continue_with"] = {"start_datetime": start.isoformat(), "end_datetime": end.isoformat()}
    return coverage


def _why(answer: HeartRateAnswer, day: date) -> str:
    start = max(answer.start, datetime.fromtimestamp(_midnight(answer, day), answer.zone.tz))
    end = min(answer.end, datetime.fromtimestamp(_midnight(answer, day + timedelta(days=1)), answer.zone.tz))
    if not answer.covers(start, end):
        if answer.error is not None:
            return str(answer.error)
        if answer.partial:
            return TOO_SLOW
    return NOT_SYNCED if day >= answer.today else NO_DATA


def _notes(answer: HeartRateAnswer, summary: HeartNumbers, asked: str, served: str) -> list[str]:
    n = summary["total_readings"]
    notes = []
    if not n and not answer.partial and answer.error is None:
        notes.append("No heart-rate samples in this time. Gen2 rings measure heart rate only at night: see get_sleep_summary.")
    elif n and served != "raw":
        notes.append(f"{n} samples, averaged per {served}; the summary counts every sample. {_finer(answer, asked, served)}")
    workout = summary["readings_by_source"].get("workout", 0)
    if workout > WORKOUT_SHARE * n:
        notes.append(f"{workout} samples are from workouts, taken every 5 s: they raise average_bpm.")
    if answer.error is not None:
        notes.append(str(answer.error))
    return notes


def _elsewhere(answer: HeartRateAnswer, slept: Answer | OuraError) -> list[str]:
    """Say so where the ring was in another zone, or the clocks were, than this answer's days and times are those of."""
    if isinstance(slept, OuraError):
        return []
    ends = [row.bedtime_end for row in slept["sleep"].rows if row.bedtime_end is not None]
    within = [end for end in ends if answer.start < end <= answer.end + timedelta(hours=12)]
    others = {zone_of(end).name for end in within if end.utcoffset() != end.astimezone(answer.zone.tz).utcoffset()}
    if not others:
        return []
    where = f"Sleep of this time was in {', '.join(sorted(others))}; the days and times here are those of {answer.zone.name}."
    return [f"{where} Times with an offset are exact."]


def _finer(answer: HeartRateAnswer, asked: str, served: str) -> str:
    if asked == "auto":
        finer = ["raw", *BUCKETS][["raw", *BUCKETS].index(served) - 1]
        return f"For more use resolution='{finer}' or a shorter time."
    if asked == served:
        return "For every sample use resolution='raw' and a shorter time."
    hours = (answer.end - answer.start).total_seconds() / 3600 * MAX_ROWS / max(1, _rows_at_most(answer, asked))
    return f"For resolution='{asked}' ask for at most about {hours:.0f} h with start_datetime and end_datetime."
