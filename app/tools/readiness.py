"""get_readiness_score: Oura's daily readiness with its contributors, which are ratings, and temperature, which is measured."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from typing_extensions import TypedDict

from app.context import Context
from app.insights.averages import mean, rounded
from app.insights.trend import Trend, trend
from app.oura.answers import Answer
from app.oura.days import Dates
from app.oura.records import DailyReadiness
from app.registry import tool
from app.tools.arguments import EndDate, Refresh, StartDate
from app.tools.coverage import Period, Told, cover, period, told
from app.tools.thinning import MAX_DAILY_ROWS, WEEKLY_NOTE, by_week

UNITS = (
    "score and activity_balance to sleep_regularity: Oura ratings 1-100, not measurements (resting_heart_rate is not bpm); "
    "temperatures: °C away from this person's normal"
)
MEANINGFUL_TREND = 5


class OriginalReadinessDay(TypedDict):
    date: str
    score: float | None
    temperature_deviation: float | None
    temperature_trend_deviation: float | None
    activity_balance: float | None
    body_temperature: float | None
    hrv_balance: float | None
    previous_day_activity: float | None
    previous_night: float | None
    recovery_index: float | None
    resting_heart_rate: float | None
    sleep_balance: float | None


class ReadinessDay(OriginalReadinessDay, total=False):
    sleep_regularity: float | None
    days: int


class ReadinessAverages(TypedDict, total=False):
    average_score: float | None
    average_temperature_deviation: float | None
    trend: Trend
    total_days: int
    n: dict[str, int]


class Readiness(Told):
    period: Period
    summary: ReadinessAverages
    units: str
    data: Sequence[ReadinessDay]


@tool(title="Readiness")
def get_readiness_score(
    ctx: Context, *, start_date: StartDate = None, end_date: EndDate = None, refresh: Refresh = False
) -> Readiness:
    """How recovered the body is each day: Oura's readiness score, body temperature deviation and the ratings of what made
    the score, with the average and the trend. For measured resting heart rate and HRV use get_sleep_summary.
    """
    answer = ctx.services.oura.query(
        ["daily_readiness"], Dates.between(start_date, end_date), deadline=ctx.deadline, refresh=refresh, progress=ctx.progress
    )
    documents: Sequence[DailyReadiness] = answer["daily_readiness"].rows
    rows = readiness_days(answer)
    notes = []
    if len(answer.days) > MAX_DAILY_ROWS:
        rows = by_week(rows, answer.start)
        notes.append(WEEKLY_NOTE)
    return {
        "period": period(answer),
        "summary": readiness_averages(documents),
        "units": UNITS,
        **told(ctx, cover(answer, ["daily_readiness"], {row.day for row in documents}, notes=notes)),
        "data": rows,
    }


def readiness_days(answer: Answer) -> list[Any]:
    """One ReadinessDay for every document of *answer*."""
    return [_readiness_day(row) for row in answer["daily_readiness"].rows]


def _readiness_day(row: DailyReadiness) -> dict[str, Any]:
    rating = row.contributors.get
    return {
        "date": row.day.isoformat(),
        "score": row.score,
        "temperature_deviation": row.temperature_deviation,
        "temperature_trend_deviation": row.temperature_trend_deviation,
        "activity_balance": rating("activity_balance"),
        "body_temperature": rating("body_temperature"),
        "hrv_balance": rating("hrv_balance"),
        "previous_day_activity": rating("previous_day_activity"),
        "previous_night": rating("previous_night"),
        "recovery_index": rating("recovery_index"),
        "resting_heart_rate": rating("resting_heart_rate"),
        "sleep_balance": rating("sleep_balance"),
        "sleep_regularity": rating("sleep_regularity"),
    }


def readiness_averages(documents: Sequence[DailyReadiness]) -> ReadinessAverages:
    score, scores = mean(row.score for row in documents)
    temperature, temperatures = mean(row.temperature_deviation for row in documents)
    by_day: dict[date, float] = {row.day: row.score for row in documents if row.score is not None}
    return {
        "average_score": rounded(score),
        "average_temperature_deviation": rounded(temperature, 2),
        "trend": trend(by_day, meaningful=MEANINGFUL_TREND),
        "total_days": len(documents),
        "n": {"score": scores, "temperature_deviation": temperatures},
    }
