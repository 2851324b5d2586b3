"""The resources: today, the last week, any one day; and which of them a changed day touches."""

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from app.context import Context
from app.errors import ArgumentError
from app.oura.answers import Answer
from app.oura.days import Dates
from app.oura.nights import nights
from app.registry import resource
from app.tools import activity, readiness, sleep, tags, workouts
from app.tools.coverage import Coverage, cover, period, told
from app.tools.thinning import newest_that_fit

PARTS: Final = {"sleep": ("daily_sleep", "sleep"), "readiness": ("daily_readiness",), "activity": ("daily_activity",)}
EVENTS: Final = ("workout", "enhanced_tag", "tag")
COLLECTIONS: Final = (*(name for part in PARTS.values() for name in part), *EVENTS)
WEEK_DAYS: Final = 7
OFFERED_DAYS: Final = 60
UNITS: Final = {"sleep": sleep.UNITS, "readiness": readiness.UNITS, "activity": activity.UNITS}
_HEART_RATE_KEYS: Final = ("average_heart_rate", "max_heart_rate", "heart_rate_samples")


def recent_days(ctx: Context, value: str) -> list[str]:
    """Complete a date: the last days that begin with *value*, newest first. Asks Oura nothing, so the day is that of UTC."""
    today = datetime.fromtimestamp(ctx.services.clock(), UTC).date()
    offered = [(today - timedelta(days=back)).isoformat() for back in range(OFFERED_DAYS)]
    return [day for day in offered if day.startswith(value.strip())]


@resource("oura://today", title="Today")
def today(ctx: Context) -> dict[str, Any]:
    """Last night's sleep, today's readiness, today's activity so far, workouts and tags."""
    return _one_day(ctx, Dates.last(1))


@resource("oura://day/{date}", title="One day", completers={"date": recent_days})
def day(ctx: Context, *, date: str) -> dict[str, Any]:
    """Sleep, readiness, activity, workouts and tags of one day, YYYY-MM-DD."""
    try:
        return _one_day(ctx, Dates.between(date, date))
    except ArgumentError as exc:
        raise LookupError(str(exc)) from exc


@resource("oura://week", title="The last seven days")
def week(ctx: Context) -> dict[str, Any]:
    """Averages and one line a day of sleep, readiness and activity of the seven days that end today."""
    answer = ctx.services.oura.query(COLLECTIONS, Dates.last(WEEK_DAYS), deadline=ctx.deadline, progress=ctx.progress)
    nightly = sleep.sleep_days(answer, nights(answer["sleep"].rows))
    return {
        "period": period(answer),
        "sleep": sleep.sleep_averages(nightly),
        "readiness": readiness.readiness_averages(answer["daily_readiness"].rows),
        "activity": activity.activity_totals(answer),
        "workouts": workouts.workout_totals(answer["workout"].rows),
        "units": UNITS,
        **told(ctx, _coverage(answer)),
        "days": _lines(answer, nightly),
    }


def touched_resources(changed: Collection[date], today: date) -> list[str]:
    """The URIs whose content a change of these days touches, *today* being the wearer's."""
    uris = [f"oura://day/{day.isoformat()}" for day in sorted(changed)]
    if today in changed:
        uris.append("oura://today")
    if any(today - timedelta(days=WEEK_DAYS) < day <= today for day in changed):
        uris.append("oura://week")
    return uris


def _one_day(ctx: Context, dates: Dates) -> dict[str, Any]:
    answer = ctx.services.oura.query(COLLECTIONS, dates, deadline=ctx.deadline, progress=ctx.progress)
    exercises = [workouts.workout_entry(row, None) for row in answer["workout"].rows]
    return {
        "date": answer.end.isoformat(),
        "sleep": _only(sleep.sleep_days(answer, nights(answer["sleep"].rows), with_hrv=True)),
        "readiness": _only(readiness.readiness_days(answer)),
        "activity": _only(activity.activity_days(answer["daily_activity"].rows)),
        "workouts": [{key: value for key, value in row.items() if key not in _HEART_RATE_KEYS} for row in exercises],
        "tags": newest_that_fit(tags.tag_entries(answer), lambda _: answer.end)[0],
        "units": UNITS,
        **told(ctx, _coverage(answer)),
    }


def _only(rows: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    return rows[-1] if rows else None


def _coverage(answer: Answer) -> Coverage:
    """One coverage of several parts: a day counts as soon as one part has it, and notes say which parts lack days and why."""
    notes = [*sleep.night_notes(nights(answer["sleep"].rows)), *activity.activity_notes(answer)]
    anything: set[date] = {row.day for name in EVENTS for row in answer[name].rows}
    for name, collections in PARTS.items():
        there = {row.day for collection in collections for row in answer[collection].rows}
        anything |= there
        gaps = cover(answer, collections, there)["missing"]
        notes += [f"{name} of {', '.join(gap['days'])}: {gap['why']}" for gap in gaps]
    return cover(answer, COLLECTIONS, anything, notes=notes)


def _lines(answer: Answer, nightly: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    slept = {row["date"]: row for row in nightly}
    rested = {row.day: row.score for row in answer["daily_readiness"].rows}
    moved = {row["date"]: row for row in activity.activity_days(answer["daily_activity"].rows)}
    return [
        {
            "date": name,
            "sleep_score": slept.get(name, {}).get("score"),
            "total_sleep_duration": slept.get(name, {}).get("total_sleep_duration"),
            "lowest_heart_rate": slept.get(name, {}).get("lowest_heart_rate"),
            "readiness_score": rested.get(one),
            "activity_score": moved.get(name, {}).get("score"),
            "steps": moved.get(name, {}).get("steps"),
        }
        for one in answer.days
        for name in (one.isoformat(),)
    ]
