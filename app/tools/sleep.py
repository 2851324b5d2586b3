"""get_sleep_summary: one row a night, durations from the night itself, scores from Oura's daily document."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import Field, WithJsonSchema
from typing_extensions import TypedDict

from app.context import Context
from app.insights.averages import mean, rounded
from app.oura.answers import Answer
from app.oura.days import Dates
from app.oura.nights import Night, is_long, nights
from app.oura.records import DailyReadiness, DailySleep, SleepPeriod
from app.registry import tool
from app.tools.arguments import EndDate, Refresh, StartDate
from app.tools.coverage import NOT_SYNCED, Period, Told, cover, named, period, told
from app.tools.thinning import MAX_DAILY_ROWS, WEEKLY_NOTE, by_week

UNITS = (
    "durations, latency, naps (sleep of each) s; efficiency %; heart rate bpm; average_hrv ms; breath_average per min; "
    "score, restfulness, timing, hrv_balance: Oura ratings 1-100, not measurements"
)
_AVERAGES = [  # the average, its name under `n`, what it is made of
    ("average_score", "score", "score"),
    ("average_duration", "duration", "total_sleep_duration"),
    ("average_efficiency", "efficiency", "efficiency"),
    ("average_deep_sleep_duration", "deep_sleep_duration", "deep_sleep_duration"),
    ("average_rem_sleep_duration", "rem_sleep_duration", "rem_sleep_duration"),
    ("average_lowest_heart_rate", "lowest_heart_rate", "lowest_heart_rate"),
    ("average_hrv", "hrv", "average_hrv"),
]
Moment = Annotated[datetime, WithJsonSchema({"type": "string"})]  # the encoder writes it as ISO 8601, ten times as fast as Python
NAP_S = 600  # Oura keeps scraps of half a minute that nobody would call a nap
ONLY_NAPS = "no main night, only naps"


class OriginalSleepDay(TypedDict):
    date: str
    score: float | None
    total_sleep_duration: float | None
    efficiency: float | None
    latency: float | None
    deep_sleep_duration: float | None
    light_sleep_duration: float | None
    rem_sleep_duration: float | None
    awake_time: float | None
    restfulness: float | None
    timing: float | None


class SleepDay(OriginalSleepDay, total=False):
    time_in_bed: float | None
    bedtime_start: Moment | None
    bedtime_end: Moment | None
    lowest_heart_rate: float | None
    average_heart_rate: float | None
    breath_average: float | None
    naps: list[int | None] | None
    average_hrv: float | None
    hrv_balance: float | None
    days: int


_SLEEP_DAY = dict.fromkeys(name for name in SleepDay.__annotations__ if name not in {"average_hrv", "hrv_balance", "days"})


class SleepAverages(TypedDict, total=False):
    average_score: float | None
    average_duration: float | None
    average_efficiency: float | None
    average_deep_sleep_duration: float | None
    average_rem_sleep_duration: float | None
    average_lowest_heart_rate: float | None
    average_hrv: float | None
    total_days: int
    n: dict[str, int]


class SleepSummary(Told):
    period: Period
    summary: SleepAverages
    units: str
    data: Sequence[SleepDay]


@tool(title="Sleep summary")
def get_sleep_summary(
    ctx: Context,
    *,
    start_date: StartDate = None,
    end_date: EndDate = None,
    include_hrv: Annotated[bool, Field(description="Also give each night's HRV (average_hrv, ms).")] = False,
    refresh: Refresh = False,
) -> SleepSummary:
    """Start here for sleep: each night's score, duration, stages, efficiency, bedtimes, lowest and average heart rate,
    breathing and naps, with averages over the period. A night is dated by the morning it ends.
    """
    collections = ["daily_sleep", "sleep", "daily_readiness"] if include_hrv else ["daily_sleep", "sleep"]
    answer = ctx.services.oura.query(
        collections, Dates.between(start_date, end_date), deadline=ctx.deadline, refresh=refresh, progress=ctx.progress
    )
    by_night = nights(answer["sleep"].rows)
    rows = sleep_days(answer, by_night, with_hrv=include_hrv)
    summary = sleep_averages(rows, with_hrv=include_hrv)
    notes = night_notes(by_night)
    with_data = {day for day, night in by_night.items() if night.main is not None}
    with_data.update(row.day for row in answer["daily_sleep"].rows if row.score is not None)
    napped = [day for day, night in by_night.items() if day not in with_data and naps(night)]
    why = {day: NOT_SYNCED if day == answer.today else ONLY_NAPS for day in napped}
    if len(answer.days) > MAX_DAILY_ROWS:
        rows = by_week(rows, answer.start)
        notes.append(WEEKLY_NOTE)
    return {
        "period": period(answer),
        "summary": summary,
        "units": UNITS,
        **told(ctx, cover(answer, collections, with_data, why=why, notes=notes)),
        "data": rows,
    }


def sleep_days(answer: Answer, by_night: Mapping[date, Night], *, with_hrv: bool = False) -> list[Any]:
    """One SleepDay for every day of *answer* that has a score or a sleep period."""
    scores: dict[date, DailySleep] = {row.day: row for row in answer["daily_sleep"].rows}
    readiness: dict[date, DailyReadiness] = {row.day: row for row in answer["daily_readiness"].rows} if with_hrv else {}
    rows = []
    for day in answer.days:
        night, score = by_night.get(day), scores.get(day)
        slept = naps(night) if night is not None else []
        if night is not None and night.main is None and not slept:
            night = None
        if night is None and score is None:
            continue
        row = _sleep_day(day, score, night, slept)
        if with_hrv:
            row["average_hrv"] = night.main.average_hrv if night is not None and night.main is not None else None
            row["hrv_balance"] = readiness[day].contributors.get("hrv_balance") if day in readiness else None
        rows.append(row)
    return rows


def _sleep_day(day: date, score: DailySleep | None, night: Night | None, slept: Sequence[SleepPeriod]) -> dict[str, Any]:
    row: dict[str, Any] = _SLEEP_DAY.copy()
    row["date"] = day.isoformat()
    if score is not None:
        row["score"] = score.score
        row["restfulness"] = score.contributors.get("restfulness")
        row["timing"] = score.contributors.get("timing")
    if night is None:
        return row
    row["naps"] = [nap.total_sleep_duration for nap in slept]
    main = night.main
    if main is not None:
        row["total_sleep_duration"] = main.total_sleep_duration
        row["efficiency"] = main.efficiency
        row["latency"] = main.latency
        row["deep_sleep_duration"] = main.deep_sleep_duration
        row["light_sleep_duration"] = main.light_sleep_duration
        row["rem_sleep_duration"] = main.rem_sleep_duration
        row["awake_time"] = main.awake_time
        row["time_in_bed"] = main.time_in_bed
        row["bedtime_start"] = main.bedtime_start
        row["bedtime_end"] = main.bedtime_end
        row["lowest_heart_rate"] = main.lowest_heart_rate
        row["average_heart_rate"] = main.average_heart_rate
        row["breath_average"] = main.average_breath
    return row


def naps(night: Night) -> list[SleepPeriod]:
    """The other periods of sleep that Oura counted (it gives them score deltas), or that are long enough to be naps."""
    return [nap for nap in night.naps if nap.sleep_score_delta is not None or (nap.total_sleep_duration or 0) >= NAP_S]


def sleep_averages(rows: Sequence[Mapping[str, Any]], *, with_hrv: bool = False) -> SleepAverages:
    """Average what was measured; `n` has the number of values under each average's name without `average_`."""
    summary: dict[str, Any] = {}
    n: dict[str, int] = {}
    for name, short, key in _AVERAGES:
        if key == "average_hrv" and not with_hrv:
            continue
        average, n[short] = mean([row[key] for row in rows])
        summary[name] = rounded(average)
    return {**summary, "total_days": len(rows), "n": n}  # type: ignore[typeddict-item]


def night_notes(by_night: Mapping[date, Night]) -> list[str]:
    """Say what durations cannot: a night in two parts, a night still running, periods the wearer rejected."""
    found, broken, running, rejected = [], [], [], []
    for day, night in by_night.items():
        if night.naps and any(map(is_long, night.naps)):
            broken.append(day)
        if night.main is None and night.unfinished:
            running.append(day)
        if night.main is None and night.rest and not naps(night):
            rejected.append(day)
    if broken:
        found.append(
            f"More than one long sleep on {', '.join(named(broken))}: the longest is the night, the other is under naps."
        )
    if running:
        found.append(f"Still being recorded: the night of {', '.join(named(running))}.")
    if rejected:
        found.append(f"Only periods that the wearer marked as not sleep on {', '.join(named(rejected))}.")
    return found
