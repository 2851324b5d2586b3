"""get_sleep_summary: true durations, nights told apart from naps, gaps explained."""

from app.errors import OuraUnavailableError, ScopeMissingError
from app.oura.zones import ASSUMED_UTC
from tests.unit.tools.answers import ask, text_of
from tests.unit.tools.wearer import TODAY, Wearer, at, days_ago, nap, readiness, sleep_score, slept, week


def test_durations_are_those_of_the_night_and_not_contributors() -> None:
    answer = ask("get_sleep_summary", Wearer(week()))

    assert answer["data"][-1] == {
        "date": "2026-03-29",
        "score": 80,
        "total_sleep_duration": 25_920,
        "efficiency": 90,
        "latency": 600,
        "deep_sleep_duration": 4_320,
        "light_sleep_duration": 16_200,
        "rem_sleep_duration": 5_400,
        "awake_time": 2_880,
        "restfulness": 70,
        "timing": 60,
        "time_in_bed": 28_800,
        "bedtime_start": "2026-03-28T23:00:00+02:00",
        "bedtime_end": "2026-03-29T07:00:00+02:00",
        "lowest_heart_rate": 55,
        "average_heart_rate": 62.375,
        "breath_average": 15.125,
        "naps": [],
    }


def test_rows_come_oldest_first_for_the_default_seven_days() -> None:
    answer = ask("get_sleep_summary", Wearer(week()))

    assert [row["date"] for row in answer["data"]] == [days_ago(back).isoformat() for back in range(6, -1, -1)]
    assert answer["period"] == {"start_date": "2026-03-23", "end_date": "2026-03-29"}


def test_averages_skip_nulls_and_give_their_n() -> None:
    rows = week(daily_sleep=[sleep_score(days_ago(1), 90), sleep_score(days_ago(0), None)])
    rows["sleep"] = [slept(days_ago(2), efficiency=80), slept(days_ago(1), efficiency=None, lowest_heart_rate=None)]

    summary = ask("get_sleep_summary", Wearer(rows))["summary"]

    assert (summary["average_score"], summary["n"]["score"]) == (90, 1)
    assert (summary["average_efficiency"], summary["n"]["efficiency"]) == (80, 1)
    assert (summary["average_duration"], summary["n"]["duration"]) == (25_920, 2)
    assert summary["n"]["lowest_heart_rate"] == 1
    assert summary["total_days"] == 3


def test_hrv_in_ms_stands_beside_the_readiness_contributor_only_when_asked() -> None:
    wearer = Wearer(week())

    row = ask("get_sleep_summary", wearer, include_hrv=True)["data"][-1]

    assert (row["average_hrv"], row["hrv_balance"]) == (45, 82)
    assert "average_hrv" not in ask("get_sleep_summary", wearer)["data"][-1]
    assert [asked for _, (asked, _) in wearer.asked] == [("daily_sleep", "sleep", "daily_readiness"), ("daily_sleep", "sleep")]


def test_hrv_of_the_first_weeks_is_null_not_zero() -> None:
    rows = week(daily_readiness=[readiness(TODAY, contributors={"hrv_balance": None})], sleep=[slept(TODAY, average_hrv=None)])

    answer = ask("get_sleep_summary", Wearer(rows), include_hrv=True)

    assert (answer["data"][-1]["average_hrv"], answer["data"][-1]["hrv_balance"]) == (None, None)
    assert (answer["summary"]["average_hrv"], answer["summary"]["n"]["hrv"]) == (None, 0)


def test_a_nap_never_shadows_the_night() -> None:
    rows = week()
    rows["sleep"] = [*rows["sleep"], nap(TODAY), nap(TODAY, type="late_nap", total_sleep_duration=900)]

    row = ask("get_sleep_summary", Wearer(rows))["data"][-1]

    assert row["total_sleep_duration"] == 25_920
    assert row["naps"] == [1_500, 900]


def test_deleted_and_rejected_periods_are_not_sleep() -> None:
    rows = week(sleep=[slept(TODAY, type="deleted"), nap(TODAY, type="rest")], daily_sleep=[])

    answer = ask("get_sleep_summary", Wearer(rows), start_date="2026-03-29")

    assert answer["data"] == []
    assert answer["summary"]["average_duration"] is None
    assert any("marked as not sleep" in note for note in answer["coverage"]["notes"])


def test_a_day_with_only_a_nap_has_null_durations_and_says_why() -> None:
    answer = ask("get_sleep_summary", Wearer({"sleep": [nap(days_ago(1))], "daily_sleep": []}))

    (row,) = answer["data"]
    assert (row["total_sleep_duration"], row["score"], row["naps"]) == (None, None, [1_500])
    assert {"why": "no main night, only naps", "days": ["2026-03-28"]} in answer["coverage"]["missing"]


def test_a_nap_of_today_does_not_hide_that_the_night_is_not_synced() -> None:
    answer = ask("get_sleep_summary", Wearer({"sleep": [nap(TODAY)], "daily_sleep": []}), start_date="2026-03-29")

    assert answer["data"][0]["naps"] == [1_500]
    assert answer["coverage"]["missing"][0]["why"].startswith("not synced yet")
    assert answer["coverage"]["days_with_data"] == 0


def test_a_scrap_of_sleep_is_no_nap_unless_oura_counted_it() -> None:
    rows = week()
    scrap = nap(days_ago(1), total_sleep_duration=30)
    counted = nap(TODAY, total_sleep_duration=540, sleep_score_delta=3)
    rows["sleep"] = [*rows["sleep"], scrap, counted]

    data = ask("get_sleep_summary", Wearer(rows))["data"]

    assert [row["naps"] for row in data[-2:]] == [[], [540]]
    assert ask("get_sleep_summary", Wearer({"sleep": [scrap], "daily_sleep": []}))["data"] == []


def test_a_night_in_two_parts_is_told() -> None:
    rows = week()
    rows["sleep"] = [*rows["sleep"], slept(TODAY, bedtime_start=at(TODAY, "07:30"), total_sleep_duration=11_000)]

    answer = ask("get_sleep_summary", Wearer(rows))

    assert (answer["data"][-1]["total_sleep_duration"], answer["data"][-1]["naps"]) == (25_920, [11_000])
    assert any("More than one long sleep on 2026-03-29" in note for note in answer["coverage"]["notes"])


def test_a_night_that_is_still_running_is_told() -> None:
    running = slept(TODAY, bedtime_end=None, total_sleep_duration=None)

    answer = ask("get_sleep_summary", Wearer({"sleep": [running], "daily_sleep": []}))

    assert answer["data"] == []
    assert "Still being recorded: the night of 2026-03-29." in answer["coverage"]["notes"]


def test_this_morning_not_synced_is_told_apart_from_an_older_gap() -> None:
    rows = week()
    rows["sleep"] = [row for row in rows["sleep"] if row.day not in {TODAY, days_ago(3)}]
    rows["daily_sleep"] = [row for row in rows["daily_sleep"] if row.day not in {TODAY, days_ago(3)}]

    coverage = ask("get_sleep_summary", Wearer(rows))["coverage"]

    assert (coverage["days_asked"], coverage["days_with_data"]) == (7, 5)
    why = {gap["days"][0]: gap["why"] for gap in coverage["missing"]}
    assert why["2026-03-29"].startswith("not synced yet: open the Oura app")
    assert why["2026-03-26"] == "no data: ring not worn, or not synced"


def test_an_empty_answer_explains_itself() -> None:
    answer = ask("get_sleep_summary", Wearer(), start_date="2026-03-01", end_date="2026-03-02")

    assert answer["data"] == []
    assert answer["summary"]["average_score"] is None
    assert answer["coverage"]["missing"] == [
        {"why": "no data: ring not worn, or not synced", "days": ["2026-03-01", "2026-03-02"]}
    ]


def test_scores_without_nights_say_what_was_refused() -> None:
    wearer = Wearer(week(sleep=[]), errors={"sleep": ScopeMissingError("daily")})

    answer = ask("get_sleep_summary", wearer)

    assert answer["data"][-1]["score"] == 80
    assert answer["data"][-1]["total_sleep_duration"] is None
    assert answer["data"][-1]["naps"] is None
    assert any(note.startswith("sleep: ") and "'daily'" in note for note in answer["coverage"]["notes"])


def test_nights_that_oura_did_not_give_are_told_also_where_other_days_have_nothing_at_all() -> None:
    scores = [sleep_score(days_ago(back)) for back in range(6)]
    wearer = Wearer({"daily_sleep": scores}, errors={"sleep": OuraUnavailableError("Oura does not answer.")})

    coverage = ask("get_sleep_summary", wearer)["coverage"]

    assert coverage["missing"] == [{"why": "Oura does not answer.", "days": [days_ago(6).isoformat()]}]
    assert coverage["notes"] == ["sleep: Oura does not answer."]


def test_days_that_could_not_be_fetched_name_the_arguments_that_continue() -> None:
    unknown = [days_ago(6), days_ago(5)]
    rows = week(sleep=[slept(days_ago(back)) for back in range(4, -1, -1)], daily_sleep=[])
    wearer = Wearer(rows, unknown={"sleep": unknown, "daily_sleep": unknown}, partial=True)

    coverage = ask("get_sleep_summary", wearer)["coverage"]

    assert coverage["partial"] is True
    assert coverage["continue_with"] == {"start_date": "2026-03-23", "end_date": "2026-03-24"}
    assert coverage["missing"][0]["why"].startswith("not fetched in time")


def test_stale_days_are_served_and_marked() -> None:
    down = {name: OuraUnavailableError("Oura does not answer.") for name in ("sleep", "daily_sleep")}
    everything = {name: [days_ago(back) for back in range(7)] for name in down}
    wearer = Wearer(week(), errors=down, stale=everything, unknown={name: [] for name in down})

    answer = ask("get_sleep_summary", wearer)

    assert answer["coverage"]["stale"] is True
    assert len(answer["data"]) == 7
    assert any("Oura does not answer." in note for note in answer["coverage"]["notes"])


def test_freshness_and_zone_are_told_in_the_wearers_time() -> None:
    coverage = ask("get_sleep_summary", Wearer(week()))["coverage"]

    assert coverage["fetched_at"] == "2026-03-29T10:29:00+02:00"
    assert (coverage["timezone"], coverage["timezone_assumed"]) == ("UTC+02:00", False)


def test_an_assumed_zone_is_told() -> None:
    assert ask("get_sleep_summary", Wearer(week(), zone=ASSUMED_UTC))["coverage"]["timezone_assumed"] is True


def test_the_demo_marks_its_data_as_invented() -> None:
    assert ask("get_sleep_summary", Wearer(week()), demo=True)["synthetic"] is True


def test_refresh_reaches_oura() -> None:
    wearer = Wearer(week())

    ask("get_sleep_summary", wearer, refresh=True)

    assert wearer.asked[0][1][1] is True


def test_a_week_stays_under_4_kb_and_a_month_of_31_days_under_14() -> None:
    month = [days_ago(back) for back in range(30, -1, -1)]
    bedtime = {"bedtime_start": None, "average_heart_rate": 62.375}
    rows = {
        "sleep": [slept(day, **(bedtime | {"bedtime_start": at(day, "00:12:30")})) for day in month]
        + [nap(day) for day in month],
        "daily_sleep": [sleep_score(day) for day in month],
        "daily_readiness": [readiness(day) for day in month],
    }

    assert len(text_of(ask("get_sleep_summary", Wearer(rows)))) < 4_000
    assert len(text_of(ask("get_sleep_summary", Wearer(rows), include_hrv=True))) < 4_000
    assert len(text_of(ask("get_sleep_summary", Wearer(rows), start_date="2026-02-27"))) < 14_000
    assert len(text_of(ask("get_sleep_summary", Wearer(rows), start_date="2026-02-27", include_hrv=True))) < 15_000


def test_hrv_that_nobody_measured_is_null_in_the_summary_also_where_there_is_no_night() -> None:
    summary = ask("get_sleep_summary", Wearer(), include_hrv=True)["summary"]

    assert (summary["average_hrv"], summary["n"]["hrv"], summary["total_days"]) == (None, 0, 0)
    assert "average_hrv" not in ask("get_sleep_summary", Wearer())["summary"]


def test_a_week_without_a_night_has_the_keys_of_the_others() -> None:
    rows = {
        "sleep": [slept(days_ago(back)) for back in range(100) if not 20 <= back < 36],
        "daily_sleep": [sleep_score(days_ago(back)) for back in range(100)],
    }

    data = ask("get_sleep_summary", Wearer(rows), start_date=days_ago(99).isoformat())["data"]

    assert len({frozenset(week) for week in data}) == 1
    assert any(week["total_sleep_duration"] is None for week in data)
    assert not {"naps", "bedtime_start", "bedtime_end"} & set(data[0])


def test_a_year_comes_as_weeks_with_the_summary_of_every_night() -> None:
    year = [days_ago(back) for back in range(364, -1, -1)]
    rows = {
        "sleep": [slept(day, total_sleep_duration=25_000 + 10 * number) for number, day in enumerate(year)],
        "daily_sleep": [sleep_score(day) for day in year if day.day != 13],
    }

    answer = ask("get_sleep_summary", Wearer(rows), start_date=year[0].isoformat())

    assert len(answer["data"]) == 53
    assert answer["data"][0]["date"] == year[0].isoformat()
    assert (answer["data"][0]["days"], answer["data"][0]["total_sleep_duration"]) == (7, 25_030)
    assert answer["data"][-1]["days"] == 1
    assert answer["summary"]["average_duration"] == 25_000 + 10 * 182
    assert answer["summary"]["n"]["score"] == len(rows["daily_sleep"])
    assert any("start_date and end_date" in note for note in answer["coverage"]["notes"])
