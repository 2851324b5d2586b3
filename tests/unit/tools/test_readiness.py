"""get_readiness_score: scores, contributors as ratings, measured temperature, a trend over all days."""

from tests.unit.tools.answers import ask
from tests.unit.tools.wearer import TODAY, Wearer, days_ago, readiness, week


def test_a_row_has_every_contributor_under_its_own_name() -> None:
    row = ask("get_readiness_score", Wearer(week()))["data"][-1]

    assert row == {
        "date": "2026-03-29",
        "score": 78,
        "temperature_deviation": -0.1,
        "temperature_trend_deviation": 0.05,
        "activity_balance": 80,
        "body_temperature": 81,
        "hrv_balance": 82,
        "previous_day_activity": 83,
        "previous_night": 84,
        "recovery_index": 85,
        "resting_heart_rate": 86,
        "sleep_balance": 87,
        "sleep_regularity": 88,
    }


def test_old_documents_without_sleep_regularity_have_null_there() -> None:
    row = ask("get_readiness_score", Wearer({"daily_readiness": [readiness(TODAY, contributors={})]}))["data"][0]

    assert (row["sleep_regularity"], row["hrv_balance"]) == (None, None)


def test_a_null_score_is_no_zero() -> None:
    rows = [readiness(days_ago(1), None), readiness(TODAY, 80)]

    answer = ask("get_readiness_score", Wearer({"daily_readiness": rows}))

    assert answer["summary"]["average_score"] == 80
    assert answer["summary"]["n"]["score"] == 1
    assert answer["summary"]["total_days"] == 2
    assert answer["data"][0]["score"] is None


def test_the_trend_is_a_line_through_all_days_not_two_of_them() -> None:
    rising = [readiness(days_ago(6 - number), 60 + 4 * number) for number in range(7)]
    jumpy = [readiness(days_ago(6 - number), score) for number, score in enumerate([70, 90, 62, 88, 64, 90, 80])]

    assert ask("get_readiness_score", Wearer({"daily_readiness": rising}))["summary"]["trend"] == "improving"
    assert ask("get_readiness_score", Wearer({"daily_readiness": jumpy}))["summary"]["trend"] == "stable"
    assert ask("get_readiness_score", Wearer({"daily_readiness": rising[:3]}))["summary"]["trend"] == "not enough data"
    assert ask("get_readiness_score", Wearer())["summary"]["trend"] == "not enough data"


def test_a_year_is_averaged_by_week() -> None:
    rows = [readiness(days_ago(back), 80 if back % 2 else None) for back in range(364, -1, -1)]

    answer = ask("get_readiness_score", Wearer({"daily_readiness": rows}), start_date=days_ago(364).isoformat())

    assert len(answer["data"]) == 53
    assert answer["data"][0]["score"] == 80
    assert answer["summary"]["n"]["score"] == 182


def test_units_say_that_contributors_are_ratings() -> None:
    assert "not measurements" in ask("get_readiness_score", Wearer(week()))["units"]
