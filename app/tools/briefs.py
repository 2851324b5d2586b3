"""The prompts: conversations that a person can start with one click."""

from datetime import date as calendar_date
from typing import Annotated

from app.context import Context
from app.errors import ArgumentError
from app.insights.measures import MEASURES
from app.registry import prompt
from app.tools.days import recent_days

RULES = (
    "Use only numbers the tools return and say how many nights or days an average is made of. If coverage says that something is "
    "missing, say so and why; never fill it in. Write durations as hours and minutes. This is not medical advice: for symptoms "
    "point to a doctor."
)


def metrics(_ctx: Context, value: str) -> list[str]:
    """Complete the name of a measure that get_health_insights compares."""
    return [key for key in MEASURES if value.strip().lower() in key]


@prompt(title="Morning brief", completers={"date": recent_days})
def morning_brief(_ctx: Context, *, date: Annotated[str, "The day, YYYY-MM-DD; today if left out"] = "") -> str:
    """How the night was and what today asks for, in a few lines."""
    day = _day(date)
    when = f"on {day}" if day else "today"
    dates = f" with start_date and end_date {day}" if day else " with start_date and end_date set to today"
    return (
        f"Give me a morning brief: how I slept and how ready I am {when}.\n"
        f"Call get_sleep_summary (include_hrv=true) and get_readiness_score{dates}, then get_health_insights for what is unusual "
        "for me. If last night is not synced yet, tell me to open the Oura app, then ask again with refresh=true.\n"
        "Answer in at most six lines: the night in one line, recovery in one line, what stands out against my usual, and one "
        f"suggestion for the day.\n{RULES}"
    )


@prompt(title="Weekly review", completers={"focus": metrics})
def weekly_review(_ctx: Context, *, focus: Annotated[str, "A measure to look at closely, such as average_hrv"] = "") -> str:
    """The last seven days against my own earlier weeks."""
    chosen = focus.strip().lower()
    if chosen and chosen not in MEASURES:
        raise ArgumentError([f"focus must be one of: {', '.join(MEASURES)}."])
    closely = f" Look closely at {MEASURES[chosen].label.lower()} ({chosen}), day by day." if chosen else ""
    return (
        "Review my last seven days.\n"
        "Call get_health_insights (days=7) first, then get_sleep_summary, get_readiness_score, get_activity_summary, "
        f"get_workouts and get_tags for the same days.{closely}\n"
        "Tell me what improved, what declined and what stayed stable against my own baseline, with n and how sure it is; which "
        f"tags or workouts fall together with good or bad nights, as coincidence, not cause; and one thing to try.\n{RULES}"
    )


@prompt(title="Why am I tired?", completers={"date": recent_days})
def why_am_i_tired(_ctx: Context, *, date: Annotated[str, "The day, YYYY-MM-DD; today if left out"] = "") -> str:
    """Looks for what in my nights and days could explain tiredness."""
    day = _day(date)
    when = f"on {day}" if day else "today"
    end = f" (end_date {day})" if day else ""
    return (
        f"I feel tired {when}. Look for what my ring shows that could explain it.\n"
        f"Call get_sleep_summary (include_hrv=true) and get_readiness_score for the last seven days{end}, get_health_insights, "
        "and get_tags and get_workouts for the same days. Look at short or late nights, low deep or REM sleep, sleep "
        "debt over the week, high lowest heart rate, low HRV, raised temperature, hard workouts, alcohol or late meals.\n"
        "List the likely reasons, strongest first, each with its number and my usual value. If nothing stands out, say that the "
        f"ring shows no reason.\n{RULES}"
    )


def _day(text: str) -> str:
    """The day as it will stand in a prompt; empty if none was given."""
    if not text.strip():
        return ""
    try:
        return calendar_date.fromisoformat(text.strip()).isoformat()
    except ValueError as exc:
        raise ArgumentError(["date must be a day such as 2026-01-31."]) from exc
