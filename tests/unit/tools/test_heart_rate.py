"""get_heart_rate: every sample counts in the summary, rows thin to what fits, resting heart rate comes from the night."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from app.errors import (
    ArgumentError,
    ConnectionChangedError,
    ConnectionNeededError,
    DeadlineError,
    ScopeMissingError,
    ToolError,
)
from app.tools.coverage import TOO_SLOW
from tests.unit.tools.answers import ask, text_of
from tests.unit.tools.wearer import NOW, TODAY, TZ, Wearer, at, days_ago, nap, samples, slept

PRESENT = datetime.fromtimestamp(NOW, TZ)


def every(minutes: int, count: int) -> list[tuple[datetime, int]]:
    """Samples that end now, from 50 bpm upwards and round again."""
    return [(PRESENT - timedelta(minutes=minutes * back), 50 + back % 60) for back in range(count)]


def test_a_few_samples_are_given_as_they_are_in_the_wearers_time() -> None:
    heart = samples((at(TODAY, "08:00"), 60, "awake"), (at(TODAY, "08:05"), 70, "workout"))

    answer = ask("get_heart_rate", Wearer(heart=heart))

    assert answer["resolution"] == "raw"
    assert answer["data"] == [
        {"timestamp": "2026-03-29T08:00:00+02:00", "bpm": 60, "source": "awake"},
        {"timestamp": "2026-03-29T08:05:00+02:00", "bpm": 70, "source": "workout"},
    ]


def test_the_summary_counts_every_sample_whatever_the_resolution() -> None:
    heart = samples(*every(5, 288))
    expected = {"average_bpm": 78.5, "min_bpm": 50, "max_bpm": 109, "total_readings": 288}

    for resolution in ("auto", "raw", "5min", "hour", "day"):
        summary = ask("get_heart_rate", Wearer(heart=heart), resolution=resolution)["summary"]
        assert {key: summary[key] for key in expected} == expected, resolution


def test_a_day_comes_by_hour_unless_more_is_asked() -> None:
    wearer = Wearer(heart=samples(*every(5, 288)))

    by_hour = ask("get_heart_rate", wearer)
    assert by_hour["resolution"] == "hour"
    assert 24 <= len(by_hour["data"]) <= 25
    assert sum(row["n"] for row in by_hour["data"]) == 288
    assert any("5min" in note for note in by_hour["coverage"]["notes"])
    assert len(text_of(by_hour)) < 8_000
    assert len(ask("get_heart_rate", wearer, resolution="raw")["data"]) == 288


def test_buckets_start_at_local_hours_and_midnights() -> None:
    heart = samples(
        (at(days_ago(1), "23:59"), 50), (at(TODAY, "00:00"), 60), (at(TODAY, "00:59:59"), 70), (at(TODAY, "01:00"), 80)
    )
    wearer = Wearer(heart=heart)

    hours = ask("get_heart_rate", wearer, resolution="hour")["data"]
    days = ask("get_heart_rate", wearer, resolution="day", start_datetime="2026-03-28", end_datetime="2026-03-29")["data"]

    assert [(row["timestamp"][11:16], row["bpm"], row["n"]) for row in hours] == [
        ("23:00", 50, 1),
        ("00:00", 65, 2),
        ("01:00", 80, 1),
    ]
    assert [(row["timestamp"][:10], row["min_bpm"], row["max_bpm"]) for row in days] == [
        ("2026-03-28", 50, 50),
        ("2026-03-29", 60, 80),
    ]


def test_raw_that_does_not_fit_is_averaged_and_says_how_to_get_it() -> None:
    wearer = Wearer(heart=samples(*every(1, 1_440 * 7)))

    answer = ask("get_heart_rate", wearer, resolution="raw", start_datetime="2026-03-23T00:00")

    assert answer["resolution"] == "hour"
    assert any("resolution='raw'" in note and "start_datetime" in note for note in answer["coverage"]["notes"])


def test_a_year_of_samples_stays_small() -> None:
    heart = samples(*[(PRESENT - timedelta(minutes=15 * back), 60) for back in range(4 * 24 * 365)])

    for resolution in ("auto", "raw", "day"):
        answer = ask("get_heart_rate", Wearer(heart=heart), resolution=resolution, start_datetime="2025-04-01T00:00")
        assert answer["resolution"] == "day"
        assert answer["summary"]["total_readings"] > 30_000


def test_resting_hr_is_the_lowest_of_the_nights_that_overlap() -> None:
    nights = [slept(TODAY, lowest_heart_rate=54), slept(days_ago(1), lowest_heart_rate=50), nap(TODAY, lowest_heart_rate=40)]
    wearer = Wearer({"sleep": sorted(nights, key=lambda night: night.day)}, heart=samples((at(TODAY, "09:00"), 48)))

    assert (
        ask("get_heart_rate", wearer, start_datetime="2026-03-29T00:00", end_datetime="2026-03-29T09:00")["summary"]["resting_hr"]
        == 54
    )
    assert ask("get_heart_rate", wearer, start_datetime="2026-03-27", end_datetime="2026-03-29")["summary"]["resting_hr"] == 50


def test_a_night_that_ended_before_the_time_asked_is_not_its_resting_heart_rate() -> None:
    wearer = Wearer({"sleep": [slept(TODAY, lowest_heart_rate=54)]})

    summary = ask("get_heart_rate", wearer, start_datetime="2026-03-29T07:00", end_datetime="2026-03-29T09:00")["summary"]

    assert summary["resting_hr"] is None


def test_an_evening_belongs_to_the_night_that_ends_the_next_day() -> None:
    wearer = Wearer({"sleep": [slept(TODAY, lowest_heart_rate=54)]})

    summary = ask("get_heart_rate", wearer, start_datetime="2026-03-28T22:00", end_datetime="2026-03-28T23:30")["summary"]

    assert summary["resting_hr"] == 54


@pytest.mark.parametrize(("hours", "beside"), [(-10, -1), (13, 1)])
def test_a_night_slept_in_another_zone_may_have_a_day_beside_the_span(hours: int, beside: int) -> None:
    there = timezone(timedelta(hours=hours))
    day = days_ago(5)
    noon = at(day, "01:00") if hours < 0 else at(day, "22:00")
    start, end = noon - timedelta(hours=1), noon + timedelta(hours=1)
    night = slept(
        day + timedelta(days=beside),
        bedtime_start=start.astimezone(there),
        bedtime_end=end.astimezone(there),
        lowest_heart_rate=51,
    )

    wearer = Wearer({"sleep": [night]})
    asked = {"start_datetime": noon.isoformat(), "end_datetime": (noon + timedelta(minutes=30)).isoformat()}

    assert ask("get_heart_rate", wearer, **asked)["summary"]["resting_hr"] == 51


def test_a_year_of_heart_rate_has_its_resting_heart_rate() -> None:
    wearer = Wearer({"sleep": [slept(TODAY, lowest_heart_rate=54)]})

    summary = ask("get_heart_rate", wearer, start_datetime=at(days_ago(365), "10:30").isoformat())["summary"]

    assert summary["resting_hr"] == 54


def test_what_was_not_fetched_in_time_is_not_said_to_be_none() -> None:
    wearer = Wearer(unknown={"sleep": [TODAY], "heartrate": [days_ago(1), TODAY]}, partial=True)

    answer = ask("get_heart_rate", wearer)

    assert answer["summary"]["resting_hr_reason"] == TOO_SLOW
    assert answer["coverage"]["notes"] == []


@pytest.mark.parametrize(
    ("wearer", "words"),
    [
        (Wearer(), "No main sleep period overlaps"),
        (Wearer({"sleep": [slept(TODAY, lowest_heart_rate=None)]}), "not measured"),
        (Wearer(errors={"sleep": ScopeMissingError("daily")}), "'daily'"),
    ],
)
def test_without_a_resting_heart_rate_there_is_null_and_a_reason(wearer: Wearer, words: str) -> None:
    summary = ask("get_heart_rate", wearer)["summary"]

    assert summary["resting_hr"] is None
    assert words in summary["resting_hr_reason"]


@pytest.mark.parametrize(
    "wearer",
    [
        Wearer({"sleep": [slept(TODAY)]}, exchanged=True),
        Wearer(errors={"sleep": ConnectionChangedError()}),
        Wearer(errors={"sleep": ConnectionNeededError("Connect.", url=None)}),
        Wearer(errors={"sleep": DeadlineError()}),
    ],
)
def test_what_ends_the_call_ends_it_at_the_night_too(wearer: Wearer) -> None:
    wearer.heart = samples((at(TODAY, "08:00"), 60, "awake"))
    with pytest.raises(ToolError):
        ask("get_heart_rate", wearer)


def test_a_span_of_another_offset_than_todays_says_so() -> None:
    there = timezone(timedelta(hours=9))
    day = days_ago(40)
    nights = {offset: slept(day, bedtime_end=at(day, "07:00").astimezone(offset)) for offset in (there, TZ)}

    def notes(offset: timezone, **span: str) -> list[str]:
        return [
            note
            for note in ask("get_heart_rate", Wearer({"sleep": [nights[offset]]}), **span)["coverage"]["notes"]
            if "UTC" in note
        ]

    (note,) = notes(there, start_datetime=day.isoformat())
    assert "in UTC+09:00; the days and times here are those of UTC+02:00" in note
    assert notes(TZ, start_datetime=day.isoformat()) == []
    for beside in (39, 42):  # the night is looked at, but is none of this day's
        assert notes(there, start_datetime=days_ago(beside).isoformat()) == []


def test_no_samples_give_nulls_and_an_explanation() -> None:
    answer = ask("get_heart_rate", Wearer(), start_datetime="2026-03-20")

    assert answer["data"] == []
    assert {key: answer["summary"][key] for key in ("average_bpm", "min_bpm", "max_bpm", "total_readings")} == {
        "average_bpm": None,
        "min_bpm": None,
        "max_bpm": None,
        "total_readings": 0,
    }
    assert answer["coverage"]["missing"] == [{"why": "no data: ring not worn, or not synced", "days": ["2026-03-20"]}]
    assert any("Gen2" in note for note in answer["coverage"]["notes"])


def test_many_workout_samples_are_told_to_raise_the_average() -> None:
    heart = samples(
        *[(at(TODAY, "08:00") + timedelta(seconds=5 * n), 150, "workout") for n in range(60)], (at(TODAY, "09:00"), 60)
    )

    answer = ask("get_heart_rate", Wearer(heart=heart))

    assert answer["summary"]["readings_by_source"] == {"awake": 1, "workout": 60}
    assert any("workouts" in note for note in answer["coverage"]["notes"])


def test_a_partial_answer_names_the_datetimes_that_continue() -> None:
    utc_days = [datetime(2026, 3, 28, tzinfo=UTC).date()]
    wearer = Wearer(heart=samples((at(TODAY, "09:00"), 60)), unknown={"heartrate": utc_days}, partial=True)

    coverage = ask("get_heart_rate", wearer, start_datetime="2026-03-28")["coverage"]

    assert coverage["partial"] is True
    assert set(coverage["continue_with"]) == {"start_datetime", "end_datetime"}
    assert coverage["missing"][0]["why"].startswith("not fetched in time")


def test_the_end_that_is_told_is_included() -> None:
    period = ask("get_heart_rate", Wearer(), start_datetime="2026-03-27", end_datetime="2026-03-27")["period"]

    assert period == {"start_datetime": "2026-03-27T00:00:00+02:00", "end_datetime": "2026-03-27T23:59:59+02:00"}


def test_an_unknown_resolution_says_which_there_are() -> None:
    with pytest.raises(ArgumentError, match="'auto', 'raw', '5min', 'hour' or 'day'"):
        ask("get_heart_rate", Wearer(), resolution="second")
