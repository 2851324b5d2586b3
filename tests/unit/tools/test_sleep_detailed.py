"""get_sleep_detailed: every period with its durations, samples for short ranges."""

import math

from app.oura.records import Series
from tests.unit.tools.answers import ask
from tests.unit.tools.wearer import TODAY, Wearer, at, days_ago, nap, slept, week


def test_one_night_comes_with_its_samples() -> None:
    series = Series(at(days_ago(1), "23:00"), 300, [66.0, math.nan, 55.5])
    wearer = Wearer({"sleep": [slept(TODAY, heart_rate=series)]})

    (row,) = ask("get_sleep_detailed", wearer, start_date="2026-03-29")["data"]

    assert row["heart_rate"] == {"interval": 300, "samples": [66, None, 55.5], "average": 62.375}
    assert row["hrv"]["average"] == 45
    assert row["sleep_phase_5_min"] == "4221" * 24
    assert len(row["movement_30_sec"]) == 960
    assert (row["total_sleep_duration"], row["efficiency"], row["breath_average"]) == (25_920, 90, 15.125)


def test_a_week_leaves_samples_out_unless_asked_and_says_so() -> None:
    answer = ask("get_sleep_detailed", Wearer(week()))

    assert answer["samples_included"] is False
    assert answer["data"][0]["heart_rate"] == {"interval": 300, "samples": None, "average": 62.375}
    assert answer["data"][0]["movement_30_sec"] is None
    assert any("include_samples=true" in note for note in answer["coverage"]["notes"])
    assert ask("get_sleep_detailed", Wearer(week()), include_samples=True)["data"][0]["heart_rate"]["samples"] is not None
    assert ask("get_sleep_detailed", Wearer(week()), start_date="2026-03-29", include_samples=False)["samples_included"] is False


def test_a_period_without_series_does_not_sink_the_range() -> None:
    rows = [*week()["sleep"], nap(TODAY, type="rest", sleep_phase_5_min=None, movement_30_sec=None)]

    answer = ask("get_sleep_detailed", Wearer({"sleep": rows}), include_samples=True)

    assert len(answer["data"]) == 8
    assert answer["data"][-1]["heart_rate"] == {"interval": None, "samples": None, "average": None}


def test_each_period_says_what_it_is() -> None:
    rows = [
        slept(TODAY),
        nap(TODAY),
        nap(TODAY, bedtime_start=at(TODAY, "16:00"), total_sleep_duration=30),
        slept(TODAY, bedtime_start=at(TODAY, "07:10"), total_sleep_duration=11_000),
        nap(TODAY, type="rest", bedtime_start=at(TODAY, "09:00")),
        slept(TODAY, type="deleted"),
        slept(TODAY, bedtime_start=at(TODAY, "09:30"), bedtime_end=None, total_sleep_duration=None, type=None),
    ]

    answer = ask("get_sleep_detailed", Wearer({"sleep": rows}))

    assert [row["role"] for row in answer["data"]] == [
        "night",
        "other long sleep",
        "not sleep",
        "still recording",
        "nap",
        "brief",
    ]
    assert answer["summary"] == {
        "total_periods": 6,
        "by_role": {"night": 1, "other long sleep": 1, "not sleep": 1, "still recording": 1, "nap": 1, "brief": 1},
    }
    assert any("deleted" in note for note in answer["coverage"]["notes"])


def test_the_average_of_the_samples_stands_in_where_oura_gives_none() -> None:
    series = Series(at(TODAY, "00:00"), 300, [60.0, math.nan, 70.0])

    (row,) = ask("get_sleep_detailed", Wearer({"sleep": [slept(TODAY, average_heart_rate=None, heart_rate=series)]}))["data"]

    assert row["heart_rate"]["average"] == 65


def test_a_year_with_samples_gives_the_newest_nights_and_the_dates_of_the_rest() -> None:
    rows = [slept(days_ago(back)) for back in range(364, -1, -1)]
    wearer = Wearer({"sleep": rows})

    answer = ask("get_sleep_detailed", wearer, start_date=days_ago(364).isoformat(), include_samples=True)

    assert answer["summary"]["total_periods"] == 365
    assert answer["data"][-1]["date"] == "2026-03-29"
    assert len(answer["data"]) > 10
    rest = answer["coverage"]["continue_with"]
    older = ask("get_sleep_detailed", wearer, include_samples=True, **rest)
    assert older["data"][-1]["date"] == rest["end_date"]
    assert answer["data"][0]["date"] > rest["end_date"]


def test_an_absurdly_long_record_is_cut_to_size() -> None:
    series = Series(at(TODAY, "00:00"), 1, [60.0] * 100_000)
    monster = slept(TODAY, heart_rate=series, hrv=series, movement_30_sec="1" * 1_000_000, sleep_phase_5_min="2" * 1_000_000)

    ask("get_sleep_detailed", Wearer({"sleep": [monster]}), start_date="2026-03-29")
