"""get_workouts: heart rate from the samples inside each workout, null where nobody measured or could look."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from app.errors import ConnectionChangedError, OuraUnavailableError, ScopeMissingError
from app.tools.coverage import TOO_SLOW
from tests.unit.tools.answers import ask
from tests.unit.tools.wearer import TODAY, Wearer, at, days_ago, samples, workout


def test_heart_rate_counts_only_the_samples_inside() -> None:
    run = workout(days_ago(1))
    heart = samples(
        (at(days_ago(1), "17:59:59"), 200),
        (at(days_ago(1), "18:00"), 120, "workout"),
        (at(days_ago(1), "18:29:55"), 150, "workout"),
        (at(days_ago(1), "18:30"), 199),
    )

    (row,) = ask("get_workouts", Wearer({"workout": [run]}, heart=heart))["data"]

    assert (row["average_heart_rate"], row["max_heart_rate"], row["heart_rate_samples"]) == (135, 150, 2)
    assert (row["duration"], row["calories"], row["distance"]) == (1_800, 250.5, 5_000)
    assert row["start_datetime"] == "2026-03-28T18:00:00+02:00"


def test_no_sample_inside_is_null_never_zero_and_told() -> None:
    answer = ask("get_workouts", Wearer({"workout": [workout(days_ago(1))]}))

    (row,) = answer["data"]
    assert (row["average_heart_rate"], row["max_heart_rate"], row["heart_rate_samples"]) == (None, None, 0)
    assert any("no heart-rate sample inside 1 of 1" in note for note in answer["coverage"]["notes"])


def test_a_missing_scope_for_heart_rate_keeps_the_workouts() -> None:
    wearer = Wearer({"workout": [workout(days_ago(1))]}, errors={"heartrate": ScopeMissingError("heartrate")})

    answer = ask("get_workouts", wearer)

    assert answer["data"][0]["heart_rate_samples"] is None
    assert any("'heartrate'" in note for note in answer["coverage"]["notes"])


def test_heart_rate_of_another_connection_is_not_shown_beside_the_workouts() -> None:
    wearer = Wearer({"workout": [workout(days_ago(1))]}, exchanged=True)
    with pytest.raises(ConnectionChangedError):
        ask("get_workouts", wearer)


def test_heart_rate_cut_by_the_deadline_says_which_days_to_ask_again() -> None:
    rows = [workout(days_ago(5)), workout(TODAY, "08:00")]
    wearer = Wearer({"workout": rows}, unknown={"heartrate": [days_ago(5)]}, partial=True)

    answer = ask("get_workouts", wearer)

    assert [row["heart_rate_samples"] for row in answer["data"]] == [None, 0]
    assert answer["coverage"]["continue_with"] == {"start_date": "2026-03-24", "end_date": "2026-03-24"}


def test_totals_count_what_is_known() -> None:
    rows = [
        workout(days_ago(2), distance=None, calories=None),
        workout(days_ago(1), activity="yoga"),
        workout(TODAY, "07:00", 45),
    ]

    summary = ask("get_workouts", Wearer({"workout": rows}))["summary"]

    assert summary == {
        "total_workouts": 3,
        "total_calories": 501,
        "total_duration": 1_800 + 1_800 + 2_700,
        "total_distance": 10_000,
        "activities": ["running", "yoga"],
    }


def test_no_workouts_is_no_missing_data_and_asks_for_no_heart_rate() -> None:
    wearer = Wearer()

    answer = ask("get_workouts", wearer)

    assert answer["coverage"]["missing"] == []
    assert answer["coverage"]["notes"][0].startswith("No workouts were recorded")
    assert answer["summary"]["total_duration"] is None
    assert [what for what, _ in wearer.asked] == ["query"]


def test_workouts_that_were_not_fetched_in_time_are_not_said_to_be_none() -> None:
    coverage = ask("get_workouts", Wearer(unknown={"workout": [TODAY]}, partial=True))["coverage"]

    assert coverage["missing"] == [{"why": TOO_SLOW, "days": [TODAY.isoformat()]}]
    assert coverage["notes"] == []


def test_heart_rate_from_an_earlier_fetch_is_stale_and_not_said_to_be_null() -> None:
    day = days_ago(1)
    wearer = Wearer(
        {"workout": [workout(day)]},
        heart=samples((at(day, "18:05"), 120)),
        errors={"heartrate": OuraUnavailableError("Oura is away.")},
        unknown={"heartrate": []},
        stale={"heartrate": [day]},
    )

    answer = ask("get_workouts", wearer)

    assert answer["data"][0]["average_heart_rate"] == 120
    assert answer["coverage"]["stale"] is True
    (note,) = answer["coverage"]["notes"]
    assert "an earlier fetch" in note
    assert "Oura is away." in note
    assert "null" not in note


def test_a_workout_across_a_clock_change_lasts_its_physical_time() -> None:
    begin = at(TODAY, "01:30")
    end = (begin + timedelta(hours=1)).astimezone(at(TODAY, "01:30").tzinfo)

    (row,) = ask("get_workouts", Wearer({"workout": [workout(TODAY, start_datetime=begin, end_datetime=end)]}))["data"]

    assert row["duration"] == 3_600


def test_a_workout_that_ends_before_it_starts_has_no_duration() -> None:
    backwards = workout(TODAY, start_datetime=at(TODAY, "09:00"), end_datetime=at(TODAY, "08:00"))

    answer = ask("get_workouts", Wearer({"workout": [backwards]}))

    assert answer["data"][0]["duration"] is None
    assert answer["summary"]["total_duration"] is None


@pytest.mark.parametrize(
    "changes",
    [
        {"start_datetime": datetime(1970, 1, 1, tzinfo=UTC)},
        {"start_datetime": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))},
        {"end_datetime": datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone(-timedelta(hours=12)))},
        {"start_datetime": None},
    ],
)
def test_no_heart_rate_is_asked_for_a_workout_of_unbelievable_length(changes: dict[str, datetime | None]) -> None:
    wearer = Wearer({"workout": [workout(TODAY, "07:00", id="odd", **changes), workout(TODAY, "08:00")]})

    answer = ask("get_workouts", wearer)

    assert wearer.asked[1] == ("heart_rate_within", [(at(TODAY, "08:00"), at(TODAY, "08:30"))])
    assert [(row["duration"], row["heart_rate_samples"]) for row in answer["data"]] == [(None, None), (1_800, 0)]
    assert answer["coverage"]["notes"][0].startswith("Without believable start and end")


def test_a_year_of_workouts_keeps_the_newest_and_names_the_rest() -> None:
    rows = [workout(days_ago(back), start) for back in range(364, -1, -1) for start in ("07:00", "18:00")]

    answer = ask("get_workouts", Wearer({"workout": rows}), start_date=days_ago(364).isoformat())

    assert answer["summary"]["total_workouts"] == 730
    first = answer["data"][0]["date"]
    assert answer["data"][-1]["date"] == TODAY.isoformat()
    rest = answer["coverage"]["continue_with"]
    assert rest["start_date"] == days_ago(364).isoformat()
    older = ask("get_workouts", Wearer({"workout": rows}), **rest)
    assert older["data"][-1]["date"] < first
    assert older["data"][-1]["date"] == rest["end_date"]
