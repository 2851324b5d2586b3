"""What a faithful Oura holds, asserted over a year of every persona, as served: six zones, clock changes, journeys.

Numbers in the names of groups are those of the list of invariants the simulator is built after: 1-27 sleep, 28-48 daily
documents, 49-59 series, events and profile. Protocol (60-74) is in tests/unit/simulator.
"""

import math
import statistics
from collections import defaultdict
from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest

from app.simulator import create_simulator
from app.simulator.personas import PERSONAS

NOW = datetime.fromisoformat("2026-06-15T10:30:00+00:00").timestamp()
DAYS = 400
DAILY = (
    "daily_sleep",
    "daily_readiness",
    "daily_activity",
    "daily_stress",
    "daily_spo2",
    "daily_resilience",
    "daily_cardiovascular_age",
)
SLEEP_CONTRIBUTORS = {"deep_sleep", "efficiency", "latency", "rem_sleep", "restfulness", "timing", "total_sleep"}
READINESS_CONTRIBUTORS = {
    "activity_balance",
    "body_temperature",
    "hrv_balance",
    "previous_day_activity",
    "previous_night",
    "recovery_index",
    "resting_heart_rate",
    "sleep_balance",
    "sleep_regularity",
}


class Year:
    """A year of one persona, fetched once."""

    def __init__(self, key):
        self.key = key
        self.persona = PERSONAS[key]
        self._app = create_simulator(personas=[key], clock=lambda: NOW)
        token = self._app.extensions["simulator"].grant()["access_token"]
        self._headers = {"Authorization": f"Bearer {token}"}
        self._held = {}

    def get(self, path, **query):
        return self._app.test_client().get(f"/v2/usercollection/{path}", query_string=query, headers=self._headers).get_json()

    def __getitem__(self, name):
        if name not in self._held:
            # sleep is anchored in the evening before its day, so the first day's needs an earlier start
            start = date(2026, 6, 15) - timedelta(days=DAYS + 2 * (name == "sleep"))
            self._held[name] = self.get(name, start_date=start.isoformat(), end_date="2026-06-15T23:59:59")["data"]
        return self._held[name]

    def series(self, name, start, end):
        rows, query = [], {"start_datetime": start, "end_datetime": end}
        while True:
            page = self.get(name, **query)
            rows += page["data"]
            if page["next_token"] is None:
                return rows
            query["next_token"] = page["next_token"]

    def nights(self):
        longest = {}
        for doc in self["sleep"]:
            if doc["type"] == "long_sleep" and doc["time_in_bed"] > longest.get(doc["day"], doc)["time_in_bed"] - 1:
                longest[doc["day"]] = doc
        return longest


_YEARS = {key: Year(key) for key in PERSONAS}


@pytest.fixture(params=list(PERSONAS))
def year(request):
    return _YEARS[request.param]


@pytest.fixture(params=[key for key in PERSONAS if key != "newcomer"])
def long_owner(request):
    """A persona with enough days for statistics."""
    return _YEARS[request.param]


def at(text):
    return datetime.fromisoformat(text)


def beats(doc, name="heart_rate"):
    return [item for item in doc[name]["items"] if item is not None] if doc[name] else []


# -- sleep, 1 to 27 ----------------------------------------------------------------------------------------------------


def test_durations_of_a_sleep_add_up(year):
    for doc in year["sleep"]:
        assert doc["time_in_bed"] == (at(doc["bedtime_end"]) - at(doc["bedtime_start"])).total_seconds()
        stages = [doc["deep_sleep_duration"], doc["light_sleep_duration"], doc["rem_sleep_duration"]]
        assert doc["total_sleep_duration"] == sum(stages)
        assert doc["awake_time"] == doc["time_in_bed"] - doc["total_sleep_duration"] > 0
        assert all(value % 30 == 0 for value in [*stages, doc["latency"]])
        assert doc["efficiency"] == math.floor(100 * doc["total_sleep_duration"] / doc["time_in_bed"] + 0.5)


def test_hypnogram_and_movement_have_the_length_of_the_time_in_bed(year):
    for doc in year["sleep"]:
        assert len(doc["sleep_phase_5_min"]) == math.ceil(doc["time_in_bed"] / 300)
        assert len(doc["sleep_phase_30_sec"]) == len(doc["movement_30_sec"]) == math.ceil(doc["time_in_bed"] / 30)
        assert set(doc["sleep_phase_5_min"] + doc["sleep_phase_30_sec"] + doc["movement_30_sec"]) <= set("1234")


def test_half_minute_phases_equal_the_durations_and_five_minute_phases_resemble_them(year):
    differing = 0
    for doc in year["sleep"]:
        for stage, name in (("1", "deep_sleep_duration"), ("2", "light_sleep_duration"), ("3", "rem_sleep_duration")):
            assert 30 * doc["sleep_phase_30_sec"].count(stage) == doc[name]
            coarse = 300 * doc["sleep_phase_5_min"].count(stage)
            assert abs(coarse - doc[name]) <= max(0.25 * doc[name], 1200)
            differing += coarse != doc[name]
    assert differing > len(year["sleep"])


def test_latency_is_the_leading_run_of_waking(year):
    for doc in year["sleep"]:
        leading = 30 * (len(doc["sleep_phase_30_sec"]) - len(doc["sleep_phase_30_sec"].lstrip("4")))
        assert doc["latency"] in {0, leading}
        if doc["type"] == "long_sleep":
            assert doc["latency"] == leading


def test_heart_rate_and_hrv_samples_share_their_gaps_and_start_at_bedtime(year):
    for doc in year["sleep"]:
        assert (doc["heart_rate"] is None) == (doc["hrv"] is None)
        if doc["heart_rate"] is None:
            assert doc["lowest_heart_rate"] == 255
            assert doc["average_heart_rate"] is None
            continue
        heart, hrv = doc["heart_rate"], doc["hrv"]
        assert [item is None for item in heart["items"]] == [item is None for item in hrv["items"]]
        assert heart["interval"] == hrv["interval"] == 300
        assert len(heart["items"]) - doc["time_in_bed"] // 300 in {0, 1}
        assert ".000" in heart["timestamp"]
        assert ".000" not in doc["bedtime_start"]
        assert at(heart["timestamp"]) == at(doc["bedtime_start"])
        assert all(isinstance(item, float) and 30 <= item <= 140 for item in beats(doc))
        assert all(5 <= item <= 200 for item in beats(doc, "hrv"))


def test_averages_of_a_sleep_follow_its_samples(year):
    for doc in (doc for doc in year["sleep"] if doc["heart_rate"]):
        assert doc["lowest_heart_rate"] == min(beats(doc))
        assert doc["average_heart_rate"] * 8 % 1 == 0
        assert doc["average_breath"] * 8 % 1 == 0
        assert 0 <= doc["average_heart_rate"] - statistics.mean(beats(doc)) < 12
        if doc["average_hrv"] is not None:
            assert isinstance(doc["average_hrv"], int)
            assert abs(doc["average_hrv"] - statistics.mean(beats(doc, "hrv"))) <= 5


def test_types_follow_length_and_hour(year):
    for doc in year["sleep"]:
        assert (doc["type"] == "long_sleep") == (doc["time_in_bed"] > 3 * 3600)
        if doc["type"] == "late_nap":
            assert at(doc["bedtime_end"]).hour >= 18


def test_a_sleep_belongs_to_the_day_of_waking_with_a_rollover_at_six_in_the_evening(year):
    for doc in year["sleep"]:
        assert doc["day"] == (at(doc["bedtime_end"]) + timedelta(hours=6)).date().isoformat()


def test_periods_are_numbered_in_order_and_never_overlap(year):
    docs = year["sleep"]
    assert docs == sorted(docs, key=lambda doc: (doc["day"], at(doc["bedtime_start"])))
    for before, after in pairwise(docs):
        assert at(before["bedtime_end"]) <= at(after["bedtime_start"])
        if before["day"] == after["day"]:
            assert before["period"] < after["period"]
    assert all(doc["period"] >= 0 for doc in docs)


def test_score_deltas_tell_counted_naps_from_the_rest(year):
    for doc in year["sleep"]:
        deltas = {doc["readiness_score_delta"], doc["sleep_score_delta"]}
        if doc["type"] == "long_sleep":
            assert deltas == {0}
        elif doc["type"] in {"rest", "deleted"}:
            assert deltas == {None}
        else:
            assert deltas == {None} or all(1 <= delta <= 10 for delta in deltas)


def test_every_sleep_carries_readiness_and_no_ring(year):
    for doc in year["sleep"]:
        assert set(doc["readiness"]["contributors"]) == READINESS_CONTRIBUTORS
        assert doc["ring_id"] is None
    alerts = [doc["low_battery_alert"] for doc in year["sleep"]]
    assert sum(alerts) < max(2, 0.1 * len(alerts))


# -- daily documents, 28 to 48 -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DAILY)
def test_a_day_has_one_row_and_rows_ascend(year, name):
    days = [doc["day"] for doc in year[name]]
    assert days == sorted(set(days))


def test_contributors_have_exactly_their_keys_and_range(year):
    for name, keys in (("daily_sleep", SLEEP_CONTRIBUTORS), ("daily_readiness", READINESS_CONTRIBUTORS)):
        for doc in year[name]:
            assert set(doc["contributors"]) == keys
            assert all(value is None or (isinstance(value, int) and 1 <= value <= 100) for value in doc["contributors"].values())


def test_hrv_balance_is_missing_for_the_first_weeks():
    readiness = _YEARS["newcomer"]["daily_readiness"]
    assert len(readiness) > 10
    assert all(doc["contributors"]["hrv_balance"] is None for doc in readiness)
    assert any(doc["contributors"]["hrv_balance"] is not None for doc in _YEARS["adult"]["daily_readiness"])


def test_scores_exist_only_with_a_long_sleep(year):
    nights = set(year.nights())
    assert {doc["day"] for doc in year["daily_sleep"]} <= nights
    assert {doc["day"] for doc in year["daily_readiness"]} <= nights


def test_readiness_is_that_of_the_long_sleep_raised_by_naps(year):
    deltas = defaultdict(int)
    for doc in year["sleep"]:
        deltas[doc["day"]] += doc["readiness_score_delta"] or 0
    nights = year.nights()
    for doc in year["daily_readiness"]:
        own = nights[doc["day"]]["readiness"]
        assert doc["score"] == own["score"] + deltas[doc["day"]] <= 100
        assert doc["temperature_deviation"] == own["temperature_deviation"]


def test_temperature_has_two_decimals_and_a_smoother_trend(year):
    rows = [doc for doc in year["daily_readiness"] if doc["temperature_deviation"] is not None]
    for doc in rows:
        assert round(doc["temperature_deviation"], 2) == doc["temperature_deviation"]
    if len(rows) > 100:
        steps = [abs(b["temperature_deviation"] - a["temperature_deviation"]) for a, b in pairwise(rows)]
        trend = [abs(b["temperature_trend_deviation"] - a["temperature_trend_deviation"]) for a, b in pairwise(rows)]
        assert statistics.mean(trend) < 0.6 * statistics.mean(steps)


def test_scores_drift_and_the_previous_night_follows_the_sleep_score(long_owner):
    sleep = {doc["day"]: doc["score"] for doc in long_owner["daily_sleep"]}
    readiness = {doc["day"]: doc for doc in long_owner["daily_readiness"]}
    previous = [readiness[day]["contributors"]["previous_night"] for day in sleep]
    assert statistics.correlation(list(sleep.values()), previous) > 0.8
    for scores in (list(sleep.values()), [doc["score"] for doc in readiness.values()]):
        assert 0.1 < statistics.correlation(scores[1:], scores[:-1]) < 0.5
        assert 4 < statistics.stdev(scores) < 13
        assert 68 < statistics.median(scores) < 85


def test_score_timestamps_are_local_midnight_of_the_day(year):
    for name in ("daily_sleep", "daily_readiness"):
        for doc in year[name]:
            assert doc["timestamp"].startswith(f"{doc['day']}T00:00:00")
            assert at(doc["timestamp"]).utcoffset() is not None


def finished(year):
    return [doc for doc in year["daily_activity"] if len(doc["class_5_min"]) == 288]


def test_an_activity_day_starts_at_four_and_is_whole_when_over(year):
    rows = year["daily_activity"]
    assert len(finished(year)) >= len(rows) - 2
    for doc in rows:
        assert doc["timestamp"].startswith(f"{doc['day']}T04:00:00")
        assert set(doc["class_5_min"]) <= set("012345")
        assert doc["met"]["interval"] == 60
        assert len(doc["met"]["items"]) == 5 * len(doc["class_5_min"])
        assert all(met >= 0.1 and round(met, 1) == met for met in doc["met"]["items"])
    for doc in finished(year):
        assert len(doc["met"]["items"]) == 1440


def test_a_running_day_is_cut_at_the_last_sync(year):
    running = year["daily_activity"][-1]
    start = at(running["timestamp"]).timestamp()
    seconds = 300 * len(running["class_5_min"])
    assert start + seconds <= NOW < start + seconds + 1200
    assert sum(running[f"{name}_time"] for name in CLASS_TIMES) == seconds


CLASS_TIMES = ("non_wear", "resting", "sedentary", "low_activity", "medium_activity", "high_activity")


def test_activity_times_fill_the_day_and_match_the_classes(year):
    for doc in finished(year):
        times = [doc[f"{name}_time"] for name in CLASS_TIMES]
        assert sum(times) == 86_400
        assert all(seconds % 60 == 0 for seconds in times)
        for number, seconds in enumerate(times):
            assert abs(300 * doc["class_5_min"].count(str(number)) - seconds) <= 0.1 * max(seconds, 600)


def test_met_rises_with_the_class_and_gives_the_average(year):
    for doc in finished(year):
        items = doc["met"]["items"]
        assert abs(statistics.mean(items) - doc["average_met_minutes"]) <= 0.05
        assert doc["average_met_minutes"] * 32 % 1 == 0
        by_class = defaultdict(list)
        for index, number in enumerate(doc["class_5_min"]):
            by_class[number] += items[5 * index : 5 * index + 5]
        means = [statistics.mean(by_class[number]) for number in sorted(by_class) if number != "0"]
        assert means == sorted(set(means))


def test_energy_and_steps_rise_together_above_a_constant_basal_rate(year):
    rows = finished(year)
    basal = [doc["total_calories"] - doc["active_calories"] for doc in rows]
    assert max(basal) - min(basal) <= 0.05 * statistics.mean(basal)
    worn = [doc for doc in rows if doc["non_wear_time"] < 40_000]
    if len(worn) > 30:
        steps = [doc["steps"] for doc in worn]
        assert statistics.correlation(steps, [doc["active_calories"] for doc in worn]) > 0.7
        assert statistics.correlation(steps, [doc["equivalent_walking_distance"] for doc in worn]) > 0.7
    for doc in rows:
        assert all(
            value is None or value >= 0 for name, value in doc.items() if isinstance(value, int) and name != "meters_to_target"
        )
        if doc["non_wear_time"] == 86_400:
            assert doc["steps"] == doc["active_calories"] == doc["equivalent_walking_distance"] == 0


def test_a_ring_that_lay_in_a_drawer_leaves_empty_days_and_gaps():
    rows = finished(_YEARS["patchy"])
    assert any(doc["non_wear_time"] == 86_400 and doc["score"] is None for doc in rows)
    assert len(rows) < DAYS - 2
    assert len(_YEARS["patchy"]["daily_sleep"]) < 0.95 * DAYS


def test_stress_comes_in_quarters_of_an_hour_and_fits_the_waking_day(year):
    rows = year["daily_stress"]
    for doc in rows:
        assert doc["stress_high"] % 900 == doc["recovery_high"] % 900 == 0
        assert doc["stress_high"] + doc["recovery_high"] <= 20 * 3600
        if doc["stress_high"] == doc["recovery_high"] == 0:
            assert doc["day_summary"] is None
    by_summary = defaultdict(list)
    for doc in rows:
        by_summary[doc["day_summary"]].append(doc["stress_high"])
    if len(rows) > 100:
        assert statistics.mean(by_summary["stressful"]) > statistics.mean(by_summary["normal"])
        assert statistics.mean(by_summary["normal"]) > statistics.mean(by_summary["restored"])


def test_spo2_implies_a_night_and_is_rarely_missing(year):
    nights, rows = set(year.nights()), year["daily_spo2"]
    bad = 0
    for doc in rows:
        assert doc["day"] in nights
        assert "timestamp" not in doc
        average = (doc["spo2_percentage"] or {"average": 0.0})["average"]
        if average == 0.0:
            bad += 1
            assert doc["breathing_disturbance_index"] is None
        else:
            assert 90 <= average <= 100
            assert round(average, 3) == average
    assert bad <= max(1, 0.03 * len(rows))


def test_resilience_moves_one_step_at_a_time(year):
    levels = ["limited", "adequate", "solid", "strong", "exceptional"]
    rows = year["daily_resilience"]
    changes = []
    for before, after in pairwise(rows):
        step = levels.index(after["level"]) - levels.index(before["level"])
        assert abs(step) <= 1 or date.fromisoformat(after["day"]) - date.fromisoformat(before["day"]) > timedelta(days=4)
        if step:
            changes.append(date.fromisoformat(after["day"]))
    assert all(later - earlier >= timedelta(days=3) for earlier, later in pairwise(changes))
    for doc in rows:
        assert all(0 <= value <= 100 and round(value, 1) == value for value in doc["contributors"].values())


def test_pulse_wave_velocity_rises_with_vascular_age(year):
    rows = sorted(year["daily_cardiovascular_age"], key=lambda doc: doc["vascular_age"])
    for before, after in pairwise(rows):
        assert before["pulse_wave_velocity"] <= after["pulse_wave_velocity"]
    assert all(18 <= doc["vascular_age"] <= 100 for doc in rows)


def test_slow_measures_wait_for_enough_nights():
    newcomer = _YEARS["newcomer"]
    assert min(doc["day"] for doc in newcomer["daily_cardiovascular_age"]) > newcomer["daily_sleep"][10]["day"]
    assert {doc["status"] for doc in newcomer["sleep_time"][:5]} == {"not_enough_nights"}


def test_an_optimal_bedtime_is_given_only_where_one_was_found(year):
    for doc in year["sleep_time"]:
        window = doc["optimal_bedtime"]
        assert (window is not None) == (doc["status"] == "optimal_found")
        if window:
            assert window["start_offset"] < window["end_offset"]


def test_an_old_ring_measures_nothing_by_day():
    classic = _YEARS["classic"]
    for name in ("daily_spo2", "daily_stress", "daily_resilience", "daily_cardiovascular_age", "vO2_max"):
        assert classic[name] == []
    rows = classic.series("heartrate", "2026-05-01T00:00:00Z", "2026-05-08T00:00:00Z")
    assert rows
    assert {row["source"] for row in rows} == {"rest"}
    assert len(classic["sleep"]) > 300


# -- series, events, profile: 49 to 59 ---------------------------------------------------------------------------------

MONTH = ("2026-05-01T00:00:00Z", "2026-05-31T00:00:00Z")
_MONTHS = {}


@pytest.fixture
def heart(year):
    if year.key not in _MONTHS:
        start, end = MONTH if year.key != "newcomer" else ("2026-06-01T00:00:00Z", "2026-06-15T00:00:00Z")
        _MONTHS[year.key] = year.series("heartrate", start, end)
    return _MONTHS[year.key]


def test_heart_rates_ascend_without_doubles(heart):
    times = [row["timestamp_unix"] for row in heart]
    assert times == sorted(set(times))
    for row in heart:
        assert set(row) == {"timestamp", "timestamp_unix", "bpm", "source"}
        assert at(row["timestamp"]).timestamp() * 1000 == row["timestamp_unix"]
        assert at(row["timestamp"]).utcoffset() == timedelta(0)
        assert isinstance(row["bpm"], int)
        assert row["source"] in {"awake", "rest", "workout", "sleep", "live", "session"}


def test_heart_rates_are_sparse_by_day_and_dense_in_workouts(heart):
    steps = defaultdict(list)
    for before, after in pairwise(heart):
        if before["source"] == after["source"]:
            steps[before["source"]].append((after["timestamp_unix"] - before["timestamp_unix"]) / 1000)
    assert 240 <= statistics.median(steps["rest"]) <= 360
    if steps["awake"]:
        assert 240 <= statistics.median(steps["awake"]) <= 660
        assert min(steps["awake"]) > 200
    if steps["workout"]:
        assert statistics.median(steps["workout"]) == 5


def test_there_is_no_heart_rate_without_the_ring(year, heart):
    off = []
    for doc in finished(year):
        start = at(doc["timestamp"]).timestamp()
        off += [start + 300 * index for index, number in enumerate(doc["class_5_min"]) if number == "0"]
    slots = {row["timestamp_unix"] // 300_000 * 300 for row in heart}
    assert off
    assert not slots & {int(slot) for slot in off}


def test_nights_agree_with_their_heart_rate_rows(year, heart):
    rows = {row["timestamp_unix"] // 1000: row for row in heart}
    compared = 0
    for doc in year["sleep"]:
        for index, item in enumerate((doc["heart_rate"] or {"items": []})["items"]):
            row = rows.get(int(at(doc["bedtime_start"]).timestamp()) + 300 * index)
            if item is not None and row:
                assert abs(row["bpm"] - item) <= 3
                assert row["source"] == "rest"
                compared += 1
    assert compared > 1000


def test_workouts_are_minute_aligned_and_leave_their_traces(year, heart):
    first, last = heart[0]["timestamp_unix"] / 1000, heart[-1]["timestamp_unix"] / 1000
    activity = {doc["day"]: doc for doc in year["daily_activity"]}
    for doc in year["workout"]:
        start, end = at(doc["start_datetime"]), at(doc["end_datetime"])
        assert end - start >= timedelta(minutes=10)
        assert start.second == end.second == 0
        assert doc["day"] == start.date().isoformat()
        assert doc["calories"] > 0
        assert round(doc["calories"], 3) == doc["calories"]
        if doc["activity"] in {"yoga", "strengthTraining", "houseWork"}:
            assert doc["distance"] is None
        day = activity.get(doc["day"])
        slot = int((start.timestamp() - at(day["timestamp"]).timestamp()) // 300) + 1 if day else -1
        if 0 <= slot < len(day["class_5_min"] if day else ""):
            assert day["class_5_min"][slot] in "345"
        if year.persona.sees_daytime and first < start.timestamp() and end.timestamp() < last:
            inside = [row for row in heart if start.timestamp() <= row["timestamp_unix"] / 1000 < end.timestamp()]
            assert {row["source"] for row in inside} == {"workout"}


def test_session_samples_come_every_five_seconds(year):
    for doc in year["session"]:
        seconds = (at(doc["end_datetime"]) - at(doc["start_datetime"])).total_seconds()
        assert doc["day"] == at(doc["start_datetime"]).date().isoformat()
        for name in ("heart_rate", "heart_rate_variability", "motion_count"):
            sample = doc[name]
            assert sample["interval"] == 5
            assert abs(len(sample["items"]) - seconds / 5) <= 1
            assert at(sample["timestamp"]) == at(doc["start_datetime"])


def test_tags_are_custom_exactly_where_they_are_named(year):
    for doc in year["enhanced_tag"]:
        assert (doc["tag_type_code"] == "custom") == (doc["custom_name"] is not None)
        assert (doc["end_time"] is None) == (doc["end_day"] is None)
        assert doc["start_day"] == at(doc["start_time"]).date().isoformat()
    assert {doc["tag_type_code"] for doc in year["enhanced_tag"]} >= {"tag_generic_coffee"}


def test_rest_mode_comes_with_illness():
    periods = _YEARS["napper"]["rest_mode_period"]
    assert periods
    for doc in periods:
        assert (doc["end_time"] is None) == (doc["end_day"] is None)
        assert all(set(episode) == {"tags", "timestamp"} for episode in doc["episodes"])


def test_an_open_rest_mode_has_no_end():
    doc = _YEARS["napper"]["rest_mode_period"][-1]
    during = at(doc["start_time"]).timestamp() + 86_400
    app = create_simulator(personas=["napper"], clock=lambda: during)
    headers = {"Authorization": f"Bearer {app.extensions['simulator'].grant()['access_token']}"}
    rows = app.test_client().get("/v2/usercollection/rest_mode_period", headers=headers).get_json()["data"]
    assert rows[0]["id"] == doc["id"]
    assert rows[0]["end_time"] is rows[0]["end_day"] is None


def test_the_battery_rises_only_in_the_charger(year):
    rows = year.series("ring_battery_level", "2026-06-01T00:00:00Z", "2026-06-15T00:00:00Z")
    assert len(rows) > 300
    assert any(row["charging"] for row in rows)
    for before, after in pairwise(rows):
        if after["level"] > before["level"]:
            assert after["in_charger"] or before["in_charger"]
    for row in rows:
        assert 0 <= row["level"] <= 100
        assert row["in_charger"] or not row["charging"]


def test_rings_are_listed_oldest_first_and_the_newest_fits_the_persona(year):
    rings = year["ring_configuration"]
    assert rings == sorted(rings, key=lambda ring: at(ring["set_up_at"]))
    assert len(rings) == len(year.persona.rings)
    assert rings[-1]["hardware_type"] == year.persona.rings[-1].hardware_type


def test_personal_info_is_bare_and_metric(year):
    info = year.get("personal_info")
    assert set(info) == {"id", "age", "weight", "height", "biological_sex", "email"}
    assert 1.4 < info["height"] < 2.2
    assert 40 < info["weight"] < 150


# -- places and time ---------------------------------------------------------------------------------------------------


def test_offsets_change_with_the_clocks_and_with_journeys():
    def offsets(key):
        return {at(doc["bedtime_end"]).utcoffset() for doc in _YEARS[key]["sleep"]}

    assert len(offsets("adult")) == len(offsets("napper")) == len(offsets("patchy")) == 2
    assert offsets("newcomer") == {timedelta(hours=5, minutes=30)}
    assert len(offsets("traveller")) >= 5


def test_a_night_in_which_the_clocks_change_lasts_as_long_as_it_lasts():
    night = _YEARS["adult"].nights()["2026-03-29"]
    start, end = at(night["bedtime_start"]), at(night["bedtime_end"])
    assert end.utcoffset() - start.utcoffset() == timedelta(hours=1)
    assert end.replace(tzinfo=None) - start.replace(tzinfo=None) == timedelta(seconds=night["time_in_bed"] + 3600)


def test_values_are_plausible(year):
    nights = list(year.nights().values())
    assert 6.5 < statistics.median(doc["time_in_bed"] for doc in nights) / 3600 < 9
    assert 84 < statistics.median(doc["efficiency"] for doc in nights) < 94
    shares = [doc["deep_sleep_duration"] / doc["total_sleep_duration"] for doc in nights]
    assert 0.12 < statistics.median(shares) < 0.2
    assert 5000 < statistics.median(doc["steps"] for doc in finished(year)) < 11_000
