"""get_health_insights: the last days against the person's own earlier weeks, through the tool."""

from datetime import date

from app.errors import ScopeMissingError
from tests.unit.tools.answers import ask, text_of
from tests.unit.tools.wearer import TODAY, Wearer, activity, at, days_ago, nap, readiness, sleep_score, slept


def history(recent: dict[str, int], usual: dict[str, int], *, days: int = 35, recent_days: int = 7) -> Wearer:
    """A wearer whose nights are *usual* until *recent_days* ago, then *recent*, with a wobble that is the same all along."""
    rows: dict[str, list[object]] = {"sleep": [], "daily_sleep": [], "daily_readiness": [], "daily_activity": []}
    for back in range(days - 1, -1, -1):
        day, wobble = days_ago(back), (-1, 1, 0, 2, -2)[back % 5]
        levels = recent if back < recent_days else usual
        rows["sleep"].append(
            slept(
                day,
                average_hrv=levels.get("hrv", 50) + 2 * wobble,
                total_sleep_duration=levels.get("sleep", 27_000) + 600 * wobble,
            )
        )
        rows["daily_sleep"].append(sleep_score(day, 80 + wobble))
        rows["daily_readiness"].append(readiness(day, levels.get("readiness", 80) + 2 * wobble))
        rows["daily_activity"].append(activity(day, steps=levels.get("steps", 9_000) + 500 * wobble, score=80 + wobble))
    return Wearer(rows)


def metric(answer: dict[str, object], key: str) -> dict[str, object]:
    return next(row for row in answer["metrics"] if row["metric"] == key)


def test_a_clear_fall_is_found_with_n_baseline_change_and_certainty() -> None:
    answer = ask("get_health_insights", history({"hrv": 30, "readiness": 60}, {"hrv": 50, "readiness": 80}))

    insight = next(found for found in answer["insights"] if found["metric"] == "average_hrv")
    assert (insight["category"], insight["priority"], insight["certainty"]) == ("readiness", "high", "high")
    assert (insight["n"], insight["baseline_n"]) == (7, 28)
    assert insight["change"] == round(insight["average"] - insight["baseline"], 2)
    assert insight["change"] < -15
    assert answer["trends"] == {"sleep": "stable", "activity": "stable", "readiness": "declining"}
    assert answer["period"] == {"start_date": "2026-03-23", "end_date": "2026-03-29"}
    assert answer["baseline_period"] == {"start_date": "2026-02-23", "end_date": "2026-03-22"}


def test_unchanged_weeks_have_no_insight_and_say_so() -> None:
    answer = ask("get_health_insights", history({}, {}))

    assert answer["insights"] == []
    assert answer["trends"] == {"sleep": "stable", "activity": "stable", "readiness": "stable"}
    assert any("Nothing changed" in note for note in answer["coverage"]["notes"])


def test_a_new_ring_has_not_enough_data_and_nothing_is_invented() -> None:
    answer = ask("get_health_insights", history({}, {}, days=5))

    assert answer["insights"] == []
    assert answer["trends"] == dict.fromkeys(("sleep", "activity", "readiness"), "not enough data")
    assert {row["verdict"] for row in answer["metrics"]} == {"not enough data"}
    assert any("Not enough data to compare anything" in note for note in answer["coverage"]["notes"])


def test_no_data_at_all_gives_no_numbers() -> None:
    answer = ask("get_health_insights", Wearer())

    assert answer["insights"] == []
    assert {row["average"] for row in answer["metrics"]} == {None}
    assert {row["n"] for row in answer["metrics"]} == {0}


def test_null_readiness_is_no_readiness_of_zero() -> None:
    wearer = Wearer({"daily_readiness": [readiness(days_ago(back), None) for back in range(35)]})

    assert ask("get_health_insights", wearer)["insights"] == []


def test_seven_days_are_seven_days() -> None:
    assert metric(ask("get_health_insights", history({}, {})), "sleep_score")["n"] == 7
    assert metric(ask("get_health_insights", history({}, {}), days=1), "sleep_score")["n"] == 1
    assert metric(ask("get_health_insights", history({}, {}, days=180), days="90"), "sleep_score")["baseline_n"] == 90


def test_naps_and_days_off_the_finger_do_not_enter_a_baseline() -> None:
    wearer = history({}, {})
    wearer.rows["sleep"].append(nap(TODAY, total_sleep_duration=600))
    wearer.rows["daily_activity"][-3] = activity(days_ago(2), steps=0, non_wear_time=86_400, score=None)

    answer = ask("get_health_insights", wearer)

    assert metric(answer, "total_sleep_duration")["average"] > 26_000
    assert metric(answer, "steps")["n"] == 5  # neither the day off nor today, which is still running
    assert any("Today's activity is not complete" in note for note in answer["coverage"]["notes"])


def test_a_last_night_that_is_not_synced_is_told_although_today_has_activity() -> None:
    wearer = history({}, {})
    for name in ("sleep", "daily_sleep", "daily_readiness"):
        wearer.rows[name] = [row for row in wearer.rows[name] if row.day != TODAY]

    answer = ask("get_health_insights", wearer)

    assert metric(answer, "sleep_score")["n"] == 6
    assert any(note.startswith("Last night is left out, not synced yet") for note in answer["coverage"]["notes"])


def test_bedtimes_around_midnight_average_by_the_clock() -> None:
    rows = []
    for back in range(35):
        day = days_ago(back)
        late = at(day, "00:20") if back % 2 else at(date.fromordinal(day.toordinal() - 1), "23:40")
        rows.append(slept(day, bedtime_start=late))

    found = metric(ask("get_health_insights", Wearer({"sleep": rows})), "bedtime")

    assert -20 < found["average"] < 20
    assert abs(found["baseline"]) < 1


def test_one_refused_collection_leaves_the_others() -> None:
    wearer = history({}, {})
    wearer.rows["daily_activity"] = []
    wearer.errors = {"daily_activity": ScopeMissingError("daily")}

    answer = ask("get_health_insights", wearer)

    assert metric(answer, "sleep_score")["verdict"] == "stable"
    assert answer["trends"]["activity"] == "not enough data"
    assert any("'daily'" in note for note in answer["coverage"]["notes"])


def test_what_was_fetched_in_part_is_asked_for_again_as_it_was() -> None:
    wearer = history({}, {})
    wearer.unknown, wearer.partial = {"daily_activity": [days_ago(3)]}, True

    coverage = ask("get_health_insights", wearer)["coverage"]

    assert coverage["partial"] is True
    assert "continue_with" not in coverage, "this tool has no dates to continue with"
    assert any("ask the same again" in note for note in coverage["notes"])


def test_a_usual_answer_is_small() -> None:
    assert len(text_of(ask("get_health_insights", history({"hrv": 30, "sleep": 20_000, "steps": 3_000}, {})))) < 8_000
