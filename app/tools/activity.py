"""get_activity_summary: Oura's daily activity; a day off the finger is missing, a running day says so."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from typing_extensions import TypedDict

from app.context import Context
from app.insights.averages import mean, rounded, total
from app.oura.answers import Answer
from app.oura.days import Dates
from app.oura.records import DailyActivity
from app.registry import tool
from app.tools.arguments import EndDate, Refresh, StartDate
from app.tools.coverage import NOT_WORN, Period, Told, cover, period, told
from app.tools.thinning import MAX_DAILY_ROWS, WEEKLY_NOTE, by_week

UNITS = "times s; calories kcal; distances m; average_met MET (1 = at rest); score and meet_daily_targets: Oura ratings 1-100"
FULL_DAY_CLASSES = 288  # five-minute classes of a finished day
OFF_FINGER_S = 23 * 3600


class OriginalActivityDay(TypedDict):
    date: str
    score: float | None
    active_calories: float | None
    total_calories: float | None
    steps: float | None
    equivalent_walking_distance: float | None
    high_activity_time: float | None
    medium_activity_time: float | None
    low_activity_time: float | None
    sedentary_time: float | None
    resting_time: float | None
    average_met: float | None
    inactivity_alerts: float | None
    target_calories: float | None
    target_meters: float | None
    meet_daily_targets: float | None


class ActivityDay(OriginalActivityDay, total=False):
    non_wear_time: float | None
    days: int


class ActivityTotals(TypedDict, total=False):
    average_score: float | None
    total_steps: float | None
    total_calories: float | None
    average_steps_per_day: float | None
    average_steps_finished_days: float | None
    total_days: int
    n: dict[str, int]


class Activity(Told):
    period: Period
    summary: ActivityTotals
    units: str
    data: Sequence[ActivityDay]


@tool(title="Activity")
def get_activity_summary(
    ctx: Context, *, start_date: StartDate = None, end_date: EndDate = None, refresh: Refresh = False
) -> Activity:
    """Each day's steps, calories, distance, time at each intensity, sitting time and activity score, with totals and averages.
    An activity day runs from 04:00 to 04:00; today is partial until then. For single exercises use get_workouts.
    """
    answer = ctx.services.oura.query(
        ["daily_activity"], Dates.between(start_date, end_date), deadline=ctx.deadline, refresh=refresh, progress=ctx.progress
    )
    documents: Sequence[DailyActivity] = answer["daily_activity"].rows
    off = {row.day for row in documents if is_off_finger(row)}
    rows = activity_days(documents)
    notes = activity_notes(answer)
    if len(answer.days) > MAX_DAILY_ROWS:
        rows = by_week(rows, answer.start)
        notes.append(WEEKLY_NOTE)
    worn = {row.day for row in documents} - off
    return {
        "period": period(answer),
        "summary": activity_totals(answer),
        "units": UNITS,
        **told(ctx, cover(answer, ["daily_activity"], worn, why=dict.fromkeys(off, NOT_WORN), notes=notes)),
        "data": rows,
    }


def activity_days(documents: Sequence[DailyActivity]) -> list[Any]:
    """One ActivityDay for every document; of a day off the finger only what Oura did not have to measure."""
    return [_activity_day(row, None if is_off_finger(row) else row) for row in documents]


def _activity_day(row: DailyActivity, worn: DailyActivity | None) -> dict[str, Any]:
    return {
        "date": row.day.isoformat(),
        "score": row.score,
        "active_calories": worn and worn.active_calories,
        "total_calories": worn and worn.total_calories,
        "steps": worn and worn.steps,
        "equivalent_walking_distance": worn and worn.equivalent_walking_distance,
        "high_activity_time": worn and worn.high_activity_time,
        "medium_activity_time": worn and worn.medium_activity_time,
        "low_activity_time": worn and worn.low_activity_time,
        "sedentary_time": worn and worn.sedentary_time,
        "resting_time": worn and worn.resting_time,
        "non_wear_time": row.non_wear_time,
        "average_met": worn and worn.average_met_minutes,
        "inactivity_alerts": worn and worn.inactivity_alerts,
        "target_calories": row.target_calories,
        "target_meters": row.target_meters,
        "meet_daily_targets": row.contributors.get("meet_daily_targets"),
    }


def activity_totals(answer: Answer) -> ActivityTotals:
    """Sum and average the days on the finger; where a day is still running, also without it."""
    documents: Sequence[DailyActivity] = answer["daily_activity"].rows
    worn = [row for row in documents if not is_off_finger(row)]
    finished = [row for row in worn if not is_running(row, answer.today)]
    score, scores = mean(row.score for row in documents)
    steps, days = mean(row.steps for row in worn)
    totals: ActivityTotals = {
        "average_score": rounded(score),
        "total_steps": total(row.steps for row in worn),
        "total_calories": total(row.total_calories for row in worn),
        "average_steps_per_day": rounded(steps),
        "total_days": len(documents),
        "n": {"score": scores, "steps_per_day": days},
    }
    if len(finished) < len(worn):
        average, count = mean(row.steps for row in finished)
        totals["average_steps_finished_days"] = rounded(average)
        totals["n"]["steps_finished_days"] = count
    return totals


def activity_notes(answer: Answer) -> list[str]:
    """Say which days are still growing, and up to when they count."""
    running = [row for row in answer["daily_activity"].rows if is_running(row, answer.today)]
    return [f"{row.day.isoformat()} is not complete: it counts up to {_counted_until(row)}." for row in running]


def is_off_finger(row: DailyActivity) -> bool:
    """Tell whether the ring lay off all day: Oura then writes zeros, which nobody measured."""
    return (row.non_wear_time or 0) >= OFF_FINGER_S and not row.steps


def is_running(row: DailyActivity, today: date) -> bool:
    """Tell whether *row* still grows: today's, and yesterday's as long as it was not synced to its end."""
    if row.day >= today:
        return True
    return row.day == today - timedelta(days=1) and row.class_5_min is not None and len(row.class_5_min) < FULL_DAY_CLASSES - 12


def _counted_until(row: DailyActivity) -> str:
    if not row.class_5_min or row.timestamp is None:
        return "the last sync"
    return (row.timestamp + timedelta(minutes=5 * len(row.class_5_min))).strftime("%H:%M, the last sync")
