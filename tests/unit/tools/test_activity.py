"""get_activity_summary: a day off the finger is missing, today is still growing."""

from tests.unit.tools.answers import ask
from tests.unit.tools.wearer import TODAY, Wearer, activity, days_ago, week


def test_a_row_is_the_document_in_the_original_names() -> None:
    row = ask("get_activity_summary", Wearer(week()))["data"][-1]

    assert row == {
        "date": "2026-03-29",
        "score": 85,
        "active_calories": 450,
        "total_calories": 2_400,
        "steps": 9_000,
        "equivalent_walking_distance": 8_000,
        "high_activity_time": 600,
        "medium_activity_time": 3_000,
        "low_activity_time": 12_000,
        "sedentary_time": 30_000,
        "resting_time": 34_800,
        "non_wear_time": 6_000,
        "average_met": 1.5,
        "inactivity_alerts": 2,
        "target_calories": 500,
        "target_meters": 9_000,
        "meet_daily_targets": 60,
    }


def test_totals_and_averages_with_their_n() -> None:
    rows = [activity(days_ago(2), steps=4_000), activity(days_ago(1), steps=8_000, score=None)]

    summary = ask("get_activity_summary", Wearer({"daily_activity": rows}))["summary"]

    assert summary == {
        "average_score": 85,
        "total_steps": 12_000,
        "total_calories": 4_800,
        "average_steps_per_day": 6_000,
        "total_days": 2,
        "n": {"score": 1, "steps_per_day": 2},
    }


def test_nothing_known_has_null_totals_and_no_division_by_zero() -> None:
    answer = ask("get_activity_summary", Wearer())

    assert answer["summary"]["total_steps"] is None
    assert answer["summary"]["average_steps_per_day"] is None
    assert answer["coverage"]["missing"][0]["why"].startswith("no data")


def test_a_day_off_the_finger_is_missing_not_zero_steps() -> None:
    off = activity(days_ago(1), non_wear_time=86_400, steps=0, active_calories=0, total_calories=1_600, score=None)

    answer = ask("get_activity_summary", Wearer({"daily_activity": [activity(days_ago(2), steps=8_000), off]}))

    assert answer["summary"]["average_steps_per_day"] == 8_000
    assert (answer["data"][1]["steps"], answer["data"][1]["total_calories"]) == (None, None)
    assert answer["data"][1]["non_wear_time"] == 86_400
    assert {"why": "not worn: Oura counted no time on the finger", "days": ["2026-03-28"]} in answer["coverage"]["missing"]
    assert answer["coverage"]["days_with_data"] == 1


def test_a_few_steps_are_a_day_on_the_finger_however_long_the_ring_lay_off() -> None:
    answer = ask("get_activity_summary", Wearer({"daily_activity": [activity(days_ago(1), steps=300, non_wear_time=85_000)]}))

    assert answer["data"][0]["steps"] == 300
    assert answer["coverage"]["days_with_data"] == 1


def test_a_lazy_day_on_the_finger_counts_even_with_no_step() -> None:
    answer = ask("get_activity_summary", Wearer({"daily_activity": [activity(days_ago(1), steps=0, non_wear_time=3_600)]}))

    assert answer["data"][0]["steps"] == 0
    assert answer["summary"]["average_steps_per_day"] == 0


def test_today_is_told_as_incomplete_and_averaged_apart() -> None:
    rows = [activity(days_ago(1), steps=10_000), activity(TODAY, steps=2_000, class_5_min="1" * 72)]

    answer = ask("get_activity_summary", Wearer({"daily_activity": rows}))

    assert answer["summary"]["average_steps_per_day"] == 6_000
    assert answer["summary"]["average_steps_finished_days"] == 10_000
    assert answer["summary"]["n"]["steps_finished_days"] == 1
    assert "2026-03-29 is not complete: it counts up to 10:00, the last sync." in answer["coverage"]["notes"]


def test_yesterday_half_synced_is_incomplete_too() -> None:
    rows = [activity(days_ago(1), class_5_min="1" * 100), activity(days_ago(2))]

    notes = ask("get_activity_summary", Wearer({"daily_activity": sorted(rows, key=lambda row: row.day)}))["coverage"]["notes"]

    assert [note[:10] for note in notes] == ["2026-03-28"]


def test_a_year_keeps_its_totals() -> None:
    rows = [activity(days_ago(back), steps=back) for back in range(364, 0, -1)]

    answer = ask("get_activity_summary", Wearer({"daily_activity": rows}), start_date=days_ago(364).isoformat())

    assert answer["summary"]["total_steps"] == sum(range(1, 365))
    assert len(answer["data"]) == 52
