"""get_workouts: every exercise, with heart rate from the samples inside it."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from typing_extensions import TypedDict

from app.context import Context
from app.insights.averages import rounded, total
from app.oura.answers import HeartRateAnswer, of_one_connection
from app.oura.days import Dates
from app.oura.records import Workout
from app.registry import tool
from app.tools.arguments import EndDate, Refresh, StartDate
from app.tools.coverage import Period, Told, cover, leave_out, named, period, told
from app.tools.thinning import newest_that_fit, short_text

UNITS = "duration s; calories kcal; distance m; heart rate bpm, of the heart_rate_samples inside the workout"
MAX_ACTIVITIES = 40
LONGEST = timedelta(days=7)
_TWO_DAYS = timedelta(days=2)  # the day is the wearer's, the time may be in any offset


class OriginalEntry(TypedDict):
    date: str
    activity: str | None
    intensity: str | None
    start_datetime: str | None
    end_datetime: str | None
    calories: float | None
    distance: float | None
    average_heart_rate: float | None
    max_heart_rate: float | None


class WorkoutEntry(OriginalEntry, total=False):
    label: str | None
    source: str | None
    duration: float | None
    heart_rate_samples: int | None


class WorkoutTotals(TypedDict, total=False):
    total_workouts: int
    total_calories: float | None
    total_duration: float | None
    total_distance: float | None
    activities: list[str]


class Workouts(Told):
    period: Period
    summary: WorkoutTotals
    units: str
    data: Sequence[WorkoutEntry]


@tool(title="Workouts")
def get_workouts(ctx: Context, *, start_date: StartDate = None, end_date: EndDate = None, refresh: Refresh = False) -> Workouts:
    """Exercises one by one: activity, intensity, times, calories, distance, average and maximum heart rate, with totals.
    For steps and movement of whole days use get_activity_summary.
    """
    answer = ctx.services.oura.query(
        ["workout"], Dates.between(start_date, end_date), deadline=ctx.deadline, refresh=refresh, progress=ctx.progress
    )
    documents: Sequence[Workout] = answer["workout"].rows
    windows = [span for row in documents if (span := span_of(row)) is not None]
    heart = ctx.services.oura.heart_rate_within(windows, deadline=ctx.deadline, progress=ctx.progress) if windows else None
    if heart is not None:
        of_one_connection(answer, heart)
    entries = [workout_entry(row, heart) for row in documents]
    rows, cut = newest_that_fit(entries, lambda entry: date.fromisoformat(entry["date"]))
    notes = _notes(documents, entries, heart) if documents or answer["workout"].known.issuperset(answer.days) else []
    coverage = cover(answer, ["workout"], {row.day for row in documents}, every_day=False, notes=notes)
    if heart is not None and heart.stale:
        coverage["stale"] = True
    if heart is not None and heart.partial:
        coverage["partial"] = True
        unknown = _not_looked_up(documents, entries)
        days = {
            "start_date": min(unknown, default=answer.start).isoformat(),
            "end_date": max(unknown, default=answer.end).isoformat(),
        }
        coverage.setdefault("continue_with", days)
    if cut is not None:
        leave_out(coverage, cut, answer, f"Only the newest {len(rows)} of {len(entries)} workouts fit; the totals count all.")
    return {
        "period": period(answer),
        "summary": workout_totals(documents),
        "units": UNITS,
        **told(ctx, coverage),
        "data": rows,
    }


def workout_entry(row: Workout, heart: HeartRateAnswer | None) -> WorkoutEntry:
    """One row; without *heart*, or where it does not cover the workout, its heart-rate values are null."""
    average, highest, count = _heart_rate(row, heart)
    return {
        "date": row.day.isoformat(),
        "activity": short_text(row.activity),
        "label": short_text(row.label),
        "intensity": short_text(row.intensity),
        "source": short_text(row.source),
        "start_datetime": row.start_datetime.isoformat() if row.start_datetime is not None else None,
        "end_datetime": row.end_datetime.isoformat() if row.end_datetime is not None else None,
        "duration": duration_s(row),
        "calories": row.calories,
        "distance": row.distance,
        "average_heart_rate": average,
        "max_heart_rate": highest,
        "heart_rate_samples": count,
    }


def workout_totals(documents: Sequence[Workout]) -> WorkoutTotals:
    activities = dict.fromkeys(short_text(row.activity) or "" for row in documents if row.activity)
    return {
        "total_workouts": len(documents),
        "total_calories": rounded(total(row.calories for row in documents)),
        "total_duration": total(duration_s(row) for row in documents),
        "total_distance": rounded(total(row.distance for row in documents)),
        "activities": list(activities)[:MAX_ACTIVITIES],
    }


def span_of(row: Workout) -> tuple[datetime, datetime] | None:
    """Start and end, where they can be a workout's: Oura writes 1970 for times it does not know, and half a century of heart
    rate must not be asked for.
    """
    start, end = row.start_datetime, row.end_datetime
    if start is None or end is None or abs(start.date() - row.day) > _TWO_DAYS or not timedelta() <= end - start <= LONGEST:
        return None
    return start, end


def duration_s(row: Workout) -> float | None:
    span = span_of(row)
    return None if span is None else rounded((span[1] - span[0]).total_seconds())


def _heart_rate(row: Workout, heart: HeartRateAnswer | None) -> tuple[float | None, int | None, int | None]:
    """Average, maximum and number of the samples inside *row*; the number is None where nobody could look."""
    span = span_of(row)
    if heart is None or span is None or not heart.covers(*span):
        return None, None, None
    bpm = heart.between(*span).bpm
    if not bpm:
        return None, None, 0
    return rounded(sum(bpm) / len(bpm)), max(bpm), len(bpm)


def _not_looked_up(documents: Sequence[Workout], entries: Sequence[WorkoutEntry]) -> list[date]:
    """The days of workouts whose heart rate may exist and is not here."""
    pairs = zip(documents, entries, strict=True)
    return [row.day for row, entry in pairs if entry["heart_rate_samples"] is None and span_of(row) is not None]


def _notes(documents: Sequence[Workout], entries: Sequence[WorkoutEntry], heart: HeartRateAnswer | None) -> list[str]:
    if not documents:
        return ["No workouts were recorded in these days. A walk or an import may count in get_activity_summary only."]
    notes = []
    unknown = _not_looked_up(documents, entries)
    odd = [row.day for row in documents if span_of(row) is None]
    without = sum(entry["heart_rate_samples"] == 0 for entry in entries)
    if heart is not None and heart.stale:
        why = f" ({heart.error})" if heart.error is not None else ""
        notes.append(f"heartrate: Oura could not be asked again{why}; samples from an earlier fetch are shown.")
    if unknown and heart is not None and heart.error is not None:
        notes.append(f"Heart rate of workouts on {', '.join(named(unknown))} is null: {heart.error}")
    elif unknown and heart is not None and heart.partial:
        notes.append(f"Heart rate was not fetched in time for workouts on {', '.join(named(unknown))}: ask again.")
    if odd:
        notes.append(
            f"Without believable start and end, so without duration and heart rate: workouts on {', '.join(named(odd))}."
        )
    if without:
        notes.append(f"Oura has no heart-rate sample inside {without} of {len(entries)} workouts: average and maximum are null.")
    return notes
