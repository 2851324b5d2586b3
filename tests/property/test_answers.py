"""What must hold of every tool's answer whatever the wearer's records are: valid, small, true sums, nulls never counted."""

import math
from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from app.tools.coverage import MAX_NAMED_DAYS, named
from app.tools.thinning import by_week, newest_that_fit
from tests.unit.tools.answers import ask
from tests.unit.tools.wearer import (
    NOW,
    TODAY,
    TZ,
    Wearer,
    activity,
    days_ago,
    enhanced_tag,
    nap,
    readiness,
    samples,
    sleep_score,
    slept,
    workout,
)

MAYBE = st.none() | st.integers(0, 90_000)
RATING = st.none() | st.integers(1, 100)
PAST = st.integers(0, 364)


@st.composite
def wearers(draw: Any) -> Wearer:
    """A person of whom anything may be missing."""
    days = sorted(draw(st.sets(PAST, max_size=40)), reverse=True)
    rows: dict[str, list[Any]] = {name: [] for name in ("sleep", "daily_sleep", "daily_readiness", "daily_activity", "workout")}
    rows["enhanced_tag"] = []
    for back in days:
        day = days_ago(back)
        kind = draw(st.sampled_from(["long_sleep", "deleted", "rest", "new_kind", None]))
        night = slept(day, type=kind, total_sleep_duration=draw(MAYBE), efficiency=draw(RATING), average_hrv=draw(RATING))
        rows["sleep"] += [night, nap(day, total_sleep_duration=draw(MAYBE))] if draw(st.booleans()) else [night]
        rows["daily_sleep"] += [sleep_score(day, draw(RATING))]
        rows["daily_readiness"] += [readiness(day, draw(RATING), contributors={})]
        rows["daily_activity"] += [
            activity(day, steps=draw(MAYBE), score=draw(RATING), class_5_min=draw(st.none() | st.just("1" * 99)))
        ]
        rows["workout"] += [workout(day, calories=draw(MAYBE))] if draw(st.booleans()) else []
        rows["enhanced_tag"] += [enhanced_tag(day, draw(st.text(max_size=700)))] if draw(st.booleans()) else []
    return Wearer(rows)


@settings(max_examples=40, deadline=None)
@given(wearers(), PAST, PAST)
def test_every_answer_is_valid_small_and_counts_only_what_is_there(wearer: Wearer, one: int, other: int) -> None:
    dates = {"start_date": days_ago(max(one, other)).isoformat(), "end_date": days_ago(min(one, other)).isoformat()}
    for tool in (
        "get_sleep_summary",
        "get_readiness_score",
        "get_activity_summary",
        "get_workouts",
        "get_tags",
        "get_sleep_detailed",
    ):
        coverage = ask(tool, wearer, **dates)["coverage"]
        assert 0 <= coverage["days_with_data"] <= coverage["days_asked"] == abs(one - other) + 1
    asked = [score for score in wearer.rows["daily_sleep"] if dates["start_date"] <= score.day.isoformat() <= dates["end_date"]]
    known = [score.score for score in asked if score.score is not None]
    summary = ask("get_sleep_summary", wearer, include_hrv=True, **dates)["summary"]
    assert summary["n"]["score"] == len(known)
    assert (
        summary["average_score"] is None
        if not known
        else math.isclose(summary["average_score"], sum(known) / len(known), abs_tol=0.051)
    )


@settings(max_examples=30, deadline=None)
@given(wearers(), st.integers(1, 90))
def test_insights_are_valid_and_never_built_on_nothing(wearer: Wearer, days: int) -> None:
    answer = ask("get_health_insights", wearer, days=days)

    for insight in answer["insights"]:
        assert insight["n"] >= min(3, days)
        assert insight["certainty"] is None or insight["baseline_n"] >= 14


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 30 * 86_400), st.integers(20, 220)), max_size=1_500),
    st.sampled_from(["auto", "raw", "5min", "hour", "day"]),
    st.integers(1, 31 * 24),
)
def test_thinning_keeps_least_greatest_mean_and_number(rows: list[tuple[int, int]], resolution: str, hours: int) -> None:
    present = datetime.fromtimestamp(NOW, TZ)
    start = present - timedelta(hours=hours)
    inside = [bpm for back, bpm in rows if present - timedelta(seconds=back) >= start]
    wearer = Wearer(heart=samples(*[(present - timedelta(seconds=back), bpm) for back, bpm in rows]))

    answer = ask("get_heart_rate", wearer, start_datetime=start.isoformat(), resolution=resolution)

    summary, data = answer["summary"], answer["data"]
    assert summary["total_readings"] == len(inside)
    assert sum(row.get("n", 1) for row in data) == len(inside)
    assert summary["min_bpm"] == min(inside, default=None)
    assert summary["max_bpm"] == max(inside, default=None)
    assert min((row.get("min_bpm", row["bpm"]) for row in data), default=None) == summary["min_bpm"]
    assert max((row.get("max_bpm", row["bpm"]) for row in data), default=None) == summary["max_bpm"]
    if inside:
        assert math.isclose(summary["average_bpm"], sum(inside) / len(inside), abs_tol=0.051)
    assert [row["timestamp"] for row in data] == sorted(row["timestamp"] for row in data)


@settings(deadline=None)
@given(st.sets(PAST, max_size=365))
def test_named_days_are_few_and_lose_no_gap_that_is_recent(backs: set[int]) -> None:
    days = sorted(days_ago(back) for back in backs)

    names = named(days)

    assert len(names) <= MAX_NAMED_DAYS
    if days:
        assert days[-1].isoformat() in names[-1]
    if len(days) <= MAX_NAMED_DAYS:
        assert names == [day.isoformat() for day in days]


@settings(deadline=None)
@given(st.lists(st.tuples(PAST, st.integers(0, 30_000)), max_size=120))
def test_what_does_not_fit_is_older_and_named_by_its_newest_day(entries: list[tuple[int, int]]) -> None:
    rows = [(days_ago(back), "x" * size) for back, size in sorted(entries, reverse=True)]

    kept, cut = newest_that_fit(
        [{"day": day.isoformat(), "text": text} for day, text in rows], lambda row: date.fromisoformat(row["day"])
    )

    assert [row["text"] for row in kept] == [text for _, text in rows[len(rows) - len(kept) :]]
    if cut is None:
        assert len(kept) == len(rows)
        return
    left_out = {day.isoformat() for day, _ in rows[: len(rows) - len(kept)]}
    shown = {row["day"] for row in kept}
    if len(shown) > 1 or cut.isoformat() in left_out:
        assert shown.isdisjoint(left_out), "a day is there whole or not at all"
        assert max(left_out) == cut.isoformat()


@settings(deadline=None)
@given(st.sets(PAST, min_size=1, max_size=365), st.integers(0, 400))
def test_weeks_hold_every_day_once(backs: set[int], value: int) -> None:
    start = TODAY - timedelta(days=364)
    rows = [{"date": days_ago(back).isoformat(), "score": value if back % 3 else None} for back in sorted(backs, reverse=True)]

    weeks = by_week(rows, start)

    assert sum(week["days"] for week in weeks) == len(rows)
    assert {week["score"] for week in weeks} <= {None, value}
