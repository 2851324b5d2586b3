"""get_health_insights: the person's last days against their own earlier weeks."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from app.context import Context
from app.insights.averages import rounded
from app.insights.comparison import Comparison
from app.insights.findings import Finding, Judged, report
from app.insights.measures import MEASURES
from app.insights.trend import Trend
from app.oura.answers import Answer
from app.oura.days import Dates
from app.oura.nights import nights
from app.oura.records import SleepPeriod
from app.registry import tool
from app.tools.activity import is_off_finger, is_running
from app.tools.arguments import Refresh
from app.tools.coverage import NOT_SYNCED, Coverage, Period, Told, cover, period, told

COLLECTIONS = ("daily_sleep", "sleep", "daily_readiness", "daily_activity")
BASELINE_DAYS = 28
METHOD = (
    "baseline: this person's earlier days, weekdays and weekends matched where they clearly differ. A change is told only if "
    "it is meaningful and unlikely to be day-to-day chance, corrected for the number of metrics; at certainty moderate about "
    "one call in ten still raises a false alarm. certainty null: a low average, not a change"
)
_NIGHT_MEASURES = {
    "total_sleep_duration": "total_sleep_duration",
    "deep_sleep_duration": "deep_sleep_duration",
    "rem_sleep_duration": "rem_sleep_duration",
    "efficiency": "efficiency",
    "latency": "latency",
    "average_hrv": "average_hrv",
    "lowest_heart_rate": "lowest_heart_rate",
    "breath_average": "average_breath",
}
Series = dict[str, dict[date, float]]


class Insight(TypedDict, total=False):
    category: str
    finding: str
    recommendation: str
    priority: str
    metric: str
    average: float | None
    n: int
    baseline: float | None
    baseline_n: int
    change: float | None
    certainty: str | None


class Metric(TypedDict, total=False):
    metric: str
    unit: str
    average: float | None
    n: int
    baseline: float | None
    baseline_n: int
    change: float | None
    change_95: list[float] | None
    verdict: str
    certainty: str | None


class Trends(TypedDict, total=False):
    sleep: Trend
    activity: Trend
    readiness: Trend


class HealthInsights(Told):
    period: Period
    baseline_period: Period
    insights: list[Insight]
    trends: Trends
    metrics: list[Metric]
    method: str


@tool(title="Health insights")
def get_health_insights(
    ctx: Context,
    *,
    days: Annotated[int, Field(ge=1, le=90, description="How many days, ending today, are compared.")] = 7,
    refresh: Refresh = False,
) -> HealthInsights:
    """Start here for "how am I doing": what changed in sleep, recovery and activity over the last days against this person's
    own earlier weeks, with averages, baseline, change and how sure it is. Says when nothing changed or data is too little.
    """
    before = max(BASELINE_DAYS, days)
    answer = ctx.services.oura.query(
        COLLECTIONS, Dates.last(days).before(before), deadline=ctx.deadline, refresh=refresh, progress=ctx.progress
    )
    found = report(measured(answer), start=answer.start, end=answer.end)
    return {
        "period": period(answer),
        "baseline_period": {
            "start_date": answer.first.isoformat(),
            "end_date": (answer.start - timedelta(days=1)).isoformat(),
        },
        "insights": [_insight(finding) for finding in found.findings],
        "trends": {
            "sleep": found.trends["sleep"],
            "activity": found.trends["activity"],
            "readiness": found.trends["readiness"],
        },
        "metrics": [_metric(judged) for judged in found.measures],
        "method": METHOD,
        **told(ctx, _coverage(answer, found.measures)),
    }


def measured(answer: Answer) -> Series:
    """Every measure by day, baseline days included; a day that was not measured, or is still running, is not in it."""
    series: Series = {key: {} for key in MEASURES}
    for row in answer["daily_sleep"].rows:
        _put(series, "sleep_score", row.day, row.score)
    for night in nights(answer["sleep"].rows).values():
        if night.main is not None:
            _put_night(series, night.day, night.main)
    for row in answer["daily_readiness"].rows:
        _put(series, "readiness_score", row.day, row.score)
        _put(series, "temperature_deviation", row.day, row.temperature_deviation)
    for row in answer["daily_activity"].rows:
        if not is_running(row, answer.today) and not is_off_finger(row):
            _put(series, "activity_score", row.day, row.score)
            _put(series, "steps", row.day, row.steps)
            _put(series, "sedentary_time", row.day, row.sedentary_time)
    return series


def _put_night(series: Series, day: date, main: SleepPeriod) -> None:
    for key, field in _NIGHT_MEASURES.items():
        _put(series, key, day, getattr(main, field))
    if main.bedtime_start is not None:
        _put(series, "bedtime", day, _minutes_after_midnight(day, main.bedtime_start))


def _minutes_after_midnight(day: date, bedtime: datetime) -> float:
    """Of the night that ends on *day*, by the wearer's own clock: -20 is 23:40 the evening before."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=bedtime.tzinfo)
    return (bedtime - midnight).total_seconds() / 60


def _put(series: Series, key: str, day: date, value: float | None) -> None:
    if value is not None:
        series[key][day] = value


def _insight(finding: Finding) -> Insight:
    return {
        "category": finding.category,
        "finding": finding.finding,
        "recommendation": finding.recommendation,
        "priority": finding.priority,
        "metric": finding.metric,
        **_numbers(finding.comparison),  # type: ignore[typeddict-item]
        "certainty": finding.certainty,
    }


def _metric(judged: Judged) -> Metric:
    found = judged.comparison
    interval = [rounded(found.low, 2), rounded(found.high, 2)] if found.low is not None else None
    return {
        "metric": judged.measure.key,
        "unit": judged.measure.unit,
        **_numbers(found),  # type: ignore[typeddict-item]
        "change_95": interval,
        "verdict": judged.verdict,
        "certainty": judged.certainty,
    }


def _numbers(found: Comparison) -> Mapping[str, Any]:
    return {
        "average": rounded(found.recent, 2),
        "n": found.n,
        "baseline": rounded(found.baseline, 2),
        "baseline_n": found.baseline_n,
        "change": rounded(found.change, 2),
    }


def _coverage(answer: Answer, measures: Sequence[Judged]) -> Coverage:
    with_data = {row.day for name in COLLECTIONS for row in answer[name].rows if answer.start <= row.day <= answer.end}
    notes = []
    lacking = [judged for judged in measures if judged.verdict == "not enough data"]
    if len(lacking) == len(measures):
        notes.append(
            "Not enough data to compare anything with earlier weeks: this needs three of the last days and two weeks before them."
        )
    elif lacking:
        notes.append(f"Not enough data to compare: {', '.join(judged.measure.key for judged in lacking)}.")
    if len(lacking) < len(measures) and not any(judged.verdict not in {"stable", "not enough data"} for judged in measures):
        notes.append("Nothing changed beyond the usual day-to-day variation of this person.")
    if any(is_running(row, answer.today) for row in answer["daily_activity"].rows):
        notes.append("Today's activity is not complete and is left out of the comparison.")
    slept = {row.day for row in answer["daily_sleep"].rows} | {row.day for row in answer["sleep"].rows}
    if answer.today in with_data - slept:
        notes.append(f"Last night is left out, {NOT_SYNCED}.")
    coverage = cover(answer, COLLECTIONS, with_data, notes=notes)
    if coverage["partial"]:
        coverage.pop("continue_with", None)
        coverage["notes"].append("Fetched in part: ask the same again, what was fetched is kept.")
    return coverage
