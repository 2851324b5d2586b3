"""The main job: a ring is connected once, every tool is asked over HTTP, and each number is what Oura's raw documents say.

What is right is worked out here anew, from the simulator's JSON, with none of the application's code.
"""

from datetime import date, datetime, timedelta
from statistics import mean

import pytest
from gevent.pool import Pool

from tests.e2e.harness import Browser, Server

ASKED_DAYS = 28
END = date.today() - timedelta(days=3)  # noqa: DTZ011 - three days back is past in every zone
START = END - timedelta(days=ASKED_DAYS - 1)
PERIOD = {"start_date": str(START), "end_date": str(END)}
DAYS = [str(START + timedelta(days=i)) for i in range(ASKED_DAYS)]
BLACK_BOX = {"start_date": str(START - timedelta(days=3)), "end_date": str(END + timedelta(days=3))}
NO_RATE = {None, 0, 255}


@pytest.fixture(scope="module")
def raw(simulator):
    """Oura's documents of a wider period than is asked about, by collection, each with the day it belongs to."""

    def documents(collection, key="day"):
        return [row for row in simulator.documents(collection, **BLACK_BOX) if row[key] in DAYS]

    return documents


@pytest.fixture(scope="module")
def nights(raw):
    """The longest long sleep of each day."""
    periods = [row for row in raw("sleep") if row["type"] == "long_sleep" and row.get("total_sleep_duration")]
    return {row["day"]: row for row in sorted(periods, key=lambda row: row["total_sleep_duration"])}


@pytest.fixture(scope="module")
def ask(server):
    return server.caller().tool


def by_date(answer):
    return {row["date"]: row for row in answer["data"]}


def same(ours, theirs):
    return ours == theirs if theirs is None or isinstance(theirs, str) else ours == pytest.approx(theirs, abs=0.051)


def instant(text):
    return datetime.fromisoformat(text)


@pytest.mark.requirement("true-numbers")
def test_each_night_is_the_day_s_longest_sleep_as_oura_measured_it(ask, nights, raw):
    answer = ask("get_sleep_summary", **PERIOD, include_hrv=True)
    rows, scores = by_date(answer), {row["day"]: row["score"] for row in raw("daily_sleep")}
    readiness = {row["day"]: row["contributors"] for row in raw("daily_readiness")}
    assert len(nights) > ASKED_DAYS / 2
    assert answer["period"] == PERIOD
    assert nights.keys() | scores.keys() >= rows.keys() >= nights.keys()
    renamed = {"breath_average": "average_breath"}
    told = "total_sleep_duration efficiency latency deep_sleep_duration light_sleep_duration rem_sleep_duration awake_time"
    told += " time_in_bed lowest_heart_rate average_heart_rate average_hrv breath_average"
    for day, night in nights.items():
        for name in told.split():
            theirs = night[renamed.get(name, name)]
            assert same(rows[day][name], None if name == "lowest_heart_rate" and theirs in NO_RATE else theirs), (day, name)
        assert instant(rows[day]["bedtime_start"]) == instant(night["bedtime_start"])
        assert instant(rows[day]["bedtime_end"]) == instant(night["bedtime_end"])
        assert rows[day]["score"] == scores.get(day)
        assert rows[day]["hrv_balance"] == readiness.get(day, {}).get("hrv_balance")


@pytest.mark.requirement("true-numbers")
def test_averages_skip_what_is_missing_and_say_how_many_they_are_of(ask, nights):
    summary = ask("get_sleep_summary", **PERIOD)["summary"]
    durations = [night["total_sleep_duration"] for night in nights.values()]
    assert summary["average_duration"] == pytest.approx(mean(durations), abs=0.51)
    assert summary["n"]["duration"] == len(durations)


@pytest.mark.requirement("coverage")
def test_a_day_without_data_is_missing_and_never_zero(ask, nights):
    answer = ask("get_sleep_summary", **PERIOD)
    coverage = answer["coverage"]
    missing = {day for item in coverage.get("missing", []) for day in item["days"]}
    assert coverage["days_asked"] == ASKED_DAYS
    assert coverage["days_with_data"] == len(answer["data"])
    assert missing == set(DAYS) - {row["date"] for row in answer["data"]}
    for row in answer["data"]:
        assert row["date"] in nights or row["total_sleep_duration"] is None


@pytest.mark.requirement("true-numbers")
def test_activity_is_oura_s_own(ask, raw):
    answer = ask("get_activity_summary", **PERIOD)
    rows, documents = by_date(answer), {row["day"]: row for row in raw("daily_activity")}
    assert rows.keys() == documents.keys()
    told = "score active_calories total_calories steps equivalent_walking_distance high_activity_time medium_activity_time"
    told += " low_activity_time resting_time target_calories target_meters inactivity_alerts"
    for day, document in documents.items():
        for name in told.split():
            assert same(rows[day][name], document[name]), (day, name)
    assert answer["summary"]["total_steps"] == sum(document["steps"] for document in documents.values())


@pytest.mark.requirement("true-numbers")
def test_readiness_is_oura_s_own(ask, raw):
    rows, documents = by_date(ask("get_readiness_score", **PERIOD)), {row["day"]: row for row in raw("daily_readiness")}
    assert rows.keys() == documents.keys()
    for day, document in documents.items():
        for name in ("score", "temperature_deviation", "temperature_trend_deviation"):
            assert same(rows[day][name], document[name]), (day, name)
        for name, rating in document["contributors"].items():
            assert rows[day][name] == rating, (day, name)


@pytest.mark.requirement("true-numbers")
def test_heart_rate_counts_every_sample_whatever_the_resolution(ask, simulator):
    start, end = f"{END}T06:02:31+00:00", f"{END}T20:57:29+00:00"
    samples = simulator.documents("heartrate", start_datetime=start, end_datetime=end)
    bpm = [sample["bpm"] for sample in samples if sample["bpm"] not in NO_RATE]
    assert len(bpm) > 50
    for resolution in ("auto", "raw", "5min", "hour", "day"):
        answer = ask("get_heart_rate", start_datetime=start, end_datetime=end, resolution=resolution)
        summary = answer["summary"]
        assert summary["total_readings"] == len(bpm), resolution
        assert summary["average_bpm"] == pytest.approx(mean(bpm), abs=0.06)
        assert (summary["min_bpm"], summary["max_bpm"]) == (min(bpm), max(bpm))


@pytest.mark.requirement("true-numbers")
def test_resting_heart_rate_is_the_lowest_of_the_nights_in_the_window(ask, nights):
    day = max(nights)
    night = nights[day]
    answer = ask("get_heart_rate", start_datetime=night["bedtime_start"], end_datetime=night["bedtime_end"])
    assert answer["summary"]["resting_hr"] == night["lowest_heart_rate"]


@pytest.mark.requirement("true-numbers")
def test_a_workout_s_heart_rate_is_that_of_the_samples_inside_it(ask, raw, simulator):
    documents = raw("workout")
    entries = ask("get_workouts", **PERIOD)["data"]
    assert len(documents) > 3
    assert sorted(entry["activity"] for entry in entries) == sorted(document["activity"] for document in documents)
    found = {instant(entry["start_datetime"]): entry for entry in entries}
    measured = 0
    for document in documents:
        entry = found[instant(document["start_datetime"])]
        window = {"start_datetime": document["start_datetime"], "end_datetime": document["end_datetime"]}
        samples = simulator.documents("heartrate", **window)
        begin, end = instant(document["start_datetime"]), instant(document["end_datetime"])
        bpm = [s["bpm"] for s in samples if s["bpm"] not in NO_RATE and begin <= instant(s["timestamp"]) <= end]
        assert same(entry["calories"], document["calories"])
        assert same(entry["distance"], document["distance"])
        assert entry["heart_rate_samples"] == len(bpm)
        assert same(entry["average_heart_rate"], mean(bpm) if bpm else None)
        assert entry["max_heart_rate"] == (max(bpm) if bpm else None)
        measured += bool(bpm)
    assert measured


@pytest.mark.requirement("true-numbers")
def test_every_sleep_period_is_told_with_its_role(ask, raw):
    answer = ask("get_sleep_detailed", **PERIOD)
    told = sorted(instant(entry["bedtime_start"]) for entry in answer["data"])
    assert told == sorted(instant(row["bedtime_start"]) for row in raw("sleep") if row["type"] != "deleted")
    assert answer["summary"]["total_periods"] == len(told)


@pytest.mark.requirement("true-numbers")
def test_samples_of_a_night_are_oura_s_own(ask, nights):
    day = max(nights)
    answer = ask("get_sleep_detailed", start_date=day, end_date=day)
    [entry] = [e for e in answer["data"] if instant(e["bedtime_start"]) == instant(nights[day]["bedtime_start"])]
    theirs = nights[day]["heart_rate"]
    assert entry["heart_rate"]["interval"] == theirs["interval"]
    assert len(entry["heart_rate"]["samples"]) == len(theirs["items"])
    for ours, sample in zip(entry["heart_rate"]["samples"], theirs["items"], strict=True):
        assert same(ours, None if sample in NO_RATE else sample)
    assert entry["sleep_phase_5_min"] == nights[day]["sleep_phase_5_min"]


@pytest.mark.requirement("true-numbers")
def test_tags_of_both_collections_are_told_once(ask, raw):
    answer = ask("get_tags", **PERIOD)
    enhanced = raw("enhanced_tag", "start_day")
    assert len(answer["data"]) >= len({row["id"] for row in enhanced})
    moments = [(entry["timestamp"], tuple(entry["tags"]), entry["text"]) for entry in answer["data"]]
    assert len(moments) == len(set(moments))
    names = {name for entry in answer["data"] for name in entry["tags"]}
    assert {row["custom_name"] or row["tag_type_code"] for row in enhanced} - {None} <= names


@pytest.mark.requirement("true-numbers")
def test_the_profile_is_the_account_s_with_its_rings(ask, simulator):
    answer, [person] = ask("get_personal_info"), simulator.documents("personal_info")
    for name in ("age", "weight", "height", "biological_sex", "email"):
        assert answer[name] == person[name]
    rings = simulator.documents("ring_configuration")
    assert sorted(ring["hardware_type"] for ring in answer["rings"]) == sorted(ring["hardware_type"] for ring in rings)


@pytest.mark.requirement("true-numbers")
def test_insights_average_what_the_summary_shows_and_never_invent(ask):
    insights = ask("get_health_insights", days=14)
    nights = ask("get_sleep_summary", **insights["period"])
    durations = [row["total_sleep_duration"] for row in nights["data"] if row["total_sleep_duration"] is not None]
    [sleep] = [metric for metric in insights["metrics"] if metric["metric"] == "total_sleep_duration"]
    assert sleep["n"] == len(durations)
    assert sleep["average"] == pytest.approx(mean(durations), abs=0.51)
    assert insights["baseline_period"]["end_date"] < insights["period"]["start_date"]
    assert all(insight["finding"] and insight["n"] >= 0 for insight in insights["insights"])


@pytest.mark.requirement("answers-small")
@pytest.mark.parametrize(
    ("tool", "arguments", "limit"),
    [
        ("get_sleep_summary", {}, 4_000),
        ("get_sleep_summary", {"start_date": str(END - timedelta(days=29)), "end_date": str(END)}, 14_000),
        ("get_sleep_summary", {"start_date": str(END - timedelta(days=364)), "end_date": str(END)}, 60_000),
        ("get_activity_summary", {}, 8_000),
        ("get_readiness_score", {}, 8_000),
        ("get_heart_rate", {}, 8_000),
        ("get_heart_rate", {"start_datetime": str(START), "end_datetime": str(END), "resolution": "raw"}, 60_000),
        ("get_sleep_detailed", {"start_date": str(START), "end_date": str(END), "include_samples": True}, 60_000),
        ("get_sleep_detailed", {}, 16_000),
        ("get_workouts", {"start_date": str(END - timedelta(days=364)), "end_date": str(END)}, 60_000),
        ("get_tags", {"start_date": str(END - timedelta(days=364)), "end_date": str(END)}, 60_000),
        ("get_health_insights", {}, 8_000),
        ("get_personal_info", {}, 8_000),
    ],
    ids=str,
)
def test_answers_are_small(server, tool, arguments, limit):
    result = server.caller().result("tools/call", {"name": tool, "arguments": arguments})
    assert not result.get("isError"), result
    assert len(result["content"][0]["text"].encode()) < limit


@pytest.mark.requirement("cache")
def test_an_overlapping_question_asks_oura_only_for_what_is_lacking(ask, simulator):
    start = END - timedelta(days=200)
    ask("get_readiness_score", start_date=str(start), end_date=str(start + timedelta(days=20)))
    simulator.forget_requests()
    ask("get_readiness_score", start_date=str(start + timedelta(days=5)), end_date=str(start + timedelta(days=15)))
    assert "daily_readiness" not in simulator.seen()["counts"]
    ask("get_readiness_score", start_date=str(start + timedelta(days=5)), end_date=str(start + timedelta(days=40)))
    assert simulator.seen()["counts"]["daily_readiness"] == 1
    [asked] = [request["query"] for request in simulator.seen()["requests"] if request["target"] == "daily_readiness"]
    assert asked["start_date"] > str(start + timedelta(days=15)), "the days that are held are not asked for again"


@pytest.mark.requirement("cache")
def test_many_cold_questions_at_once_cost_one_fetch_a_collection(start, simulator):
    server = start(Server, simulator)
    assert server.connect().ok
    callers = [server.caller() for _ in range(50)]
    simulator.forget_requests()
    with simulator.turned(latency_s=0.3):
        answers = Pool(50).map(lambda caller: caller.tool("get_sleep_summary")["data"], callers)
    assert all(answer == answers[0] for answer in answers)
    counts = simulator.seen()["counts"]
    assert counts.keys() >= {"sleep", "daily_sleep"}
    assert all(count == 1 for count in counts.values()), counts


@pytest.mark.requirement("oauth-pages")
def test_connecting_passes_through_sign_in_consent_and_a_clean_page(start, simulator):
    browser = Browser(start(Server, simulator))
    done = browser.connect()
    assert done.ok
    assert "?" not in done.url, "no code is left in the address bar"
    assert done.headers["Cache-Control"] == "no-store"
    sent = next(url for url in browser.visited if url.startswith(f"{simulator.url}/oauth/authorize"))
    assert "code_challenge_method=S256" in sent
    assert "state=" in sent
