"""The nine tools over a real server that behaves as Oura does, against truth computed here from its raw documents.

Nothing of the application computes the truth: raw JSON, plain loops.
"""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from statistics import fmean
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from app.errors import ConnectionNeededError
from app.oura.cache import DayCache
from app.oura.client import OuraClient
from app.oura.data import OuraData
from app.services import Deadline
from app.simulator import SimulatorServer
from tests.unit.tools.answers import REGISTRY, ask, text_of

NOW = datetime(2026, 4, 20, 9, 30, tzinfo=UTC).timestamp()
PERSONAS = ("adult", "napper", "traveller", "classic", "newcomer", "patchy")
DATED = ("sleep", "daily_sleep", "daily_readiness", "daily_activity", "workout", "enhanced_tag", "tag")


class Source:
    """A connection that never needs a refresh."""

    scopes = None

    def __init__(self, token: str) -> None:
        self._token = token

    def access_token(self, deadline: Deadline) -> str:
        return self._token

    def refused(self) -> ConnectionNeededError:
        return ConnectionNeededError("Connect again.", url=None)

    def rejected(self, token: str, deadline: Deadline) -> str:
        raise AssertionError("the token was good")


class World:
    """One persona's Oura, the tools in front of it, and its raw documents behind them; time stands still."""

    def __init__(self, simulator: SimulatorServer, scopes: tuple[str, ...] | None = None) -> None:
        self.simulator = simulator
        source = Source(simulator.grant(scopes)["access_token"])
        client = OuraClient(simulator.url, source, clock=lambda: NOW)
        self.oura = OuraData(client, DayCache(), clock=lambda: NOW)
        self._raw: dict[str, list[dict[str, Any]]] = {}

    def ask(self, tool: str, **arguments: Any) -> Any:
        return ask(tool, self.oura, **arguments)

    def raw(self, collection: str, **query: str) -> list[dict[str, Any]]:
        """Every document of *collection*, asked for by another client, once."""
        if collection not in self._raw:
            self._raw[collection] = self._fetched(collection, query)
        return self._raw[collection]

    def _fetched(self, collection: str, query: dict[str, str]) -> list[dict[str, Any]]:
        if collection in DATED:
            query = {"start_date": "2026-01-01", "end_date": "2026-12-31"}
        headers = {"Authorization": f"Bearer {self.simulator.grant()['access_token']}"}
        rows: list[dict[str, Any]] = []
        while True:
            url = f"{self.simulator.url}/v2/usercollection/{collection}?{urlencode(query)}"
            with urlopen(Request(url, headers=headers)) as answer:
                page = json.load(answer)
            rows += page["data"]
            if page.get("next_token") is None:
                return rows
            query = {**query, "next_token": page["next_token"]}

    def by_day(self, collection: str) -> dict[str, dict[str, Any]]:
        return {row["day"]: row for row in self.raw(collection)}

    def mains(self) -> dict[str, dict[str, Any]]:
        """The longest long_sleep of every day."""
        found: dict[str, dict[str, Any]] = {}
        for row in self.raw("sleep"):
            best = found.get(row["day"])
            if row["type"] == "long_sleep" and (best is None or row["total_sleep_duration"] > best["total_sleep_duration"]):
                found[row["day"]] = row
        return found


@pytest.fixture(params=PERSONAS, scope="module")
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with SimulatorServer(personas=(request.param,), clock=lambda: NOW) as simulator:
        yield World(simulator)


@pytest.fixture
def adult() -> Iterator[World]:
    with SimulatorServer(personas=("adult",), clock=lambda: NOW) as simulator:
        yield World(simulator)


def asked_days(answer: Any) -> list[str]:
    period = answer["period"]
    start, end = date.fromisoformat(period["start_date"]), date.fromisoformat(period["end_date"])
    return [(start + timedelta(days=n)).isoformat() for n in range((end - start).days + 1)]


def same_moment(one: str | None, other: str | None) -> bool:
    return datetime.fromisoformat(one or "") == datetime.fromisoformat(other or "")


@pytest.mark.requirement("true-numbers")
def test_every_night_is_the_raw_main_period_and_the_raw_score(world: World) -> None:
    answer = world.ask("get_sleep_summary", start_date="2026-03-15", end_date="2026-04-20", include_hrv=True)

    mains, scores, readiness = world.mains(), world.by_day("daily_sleep"), world.by_day("daily_readiness")
    others: dict[str, list[int]] = {}
    for row in world.raw("sleep"):
        is_main = row["id"] == mains.get(row["day"], {}).get("id")
        is_counted = row["total_sleep_duration"] >= 600 or row["sleep_score_delta"] is not None
        if row["type"] not in {"deleted", "rest"} and not is_main and is_counted:
            others.setdefault(row["day"], []).append(row["total_sleep_duration"])
    expected = [day for day in asked_days(answer) if day in mains or day in scores or day in others]
    assert [row["date"] for row in answer["data"]] == expected
    for row in answer["data"]:
        main, score = mains.get(row["date"]), scores.get(row["date"])
        for key in (
            "total_sleep_duration",
            "deep_sleep_duration",
            "light_sleep_duration",
            "rem_sleep_duration",
            "awake_time",
            "efficiency",
            "latency",
            "time_in_bed",
            "average_heart_rate",
            "average_hrv",
        ):
            assert row[key] == (main[key] if main else None), key
        assert row["breath_average"] == (main["average_breath"] if main else None)
        assert row["lowest_heart_rate"] == (main["lowest_heart_rate"] if main and main["lowest_heart_rate"] != 255 else None)
        assert main is None or same_moment(row["bedtime_start"], main["bedtime_start"])
        assert main is None or row["bedtime_end"] == main["bedtime_end"]
        assert row["score"] == (score["score"] if score else None)
        assert row["timing"] == (score["contributors"]["timing"] if score else None)
        assert row["naps"] == others.get(row["date"], []) or row["naps"] is None
        assert row["hrv_balance"] == readiness.get(row["date"], {}).get("contributors", {}).get("hrv_balance")
    known = [mains[day]["total_sleep_duration"] for day in asked_days(answer) if day in mains]
    assert answer["summary"]["average_duration"] == pytest.approx(fmean(known), abs=0.06)
    assert answer["summary"]["n"]["duration"] == len(known)


def test_readiness_and_activity_are_the_raw_documents_of_exactly_these_days(world: World) -> None:
    dates = {"start_date": "2026-03-20", "end_date": "2026-04-20"}
    ready, active = world.ask("get_readiness_score", **dates), world.ask("get_activity_summary", **dates)

    raw = world.by_day("daily_readiness")
    assert [row["date"] for row in ready["data"]] == [day for day in asked_days(ready) if day in raw]
    for row in ready["data"]:
        document = raw[row["date"]]
        assert row == {
            "date": document["day"],
            "score": document["score"],
            "temperature_deviation": document["temperature_deviation"],
            "temperature_trend_deviation": document["temperature_trend_deviation"],
            **document["contributors"],
        }
    raw = world.by_day("daily_activity")
    worn = [
        raw[day]
        for day in asked_days(active)
        if day in raw and not (raw[day]["non_wear_time"] >= 82_800 and not raw[day]["steps"])
    ]
    assert [row["date"] for row in active["data"]] == [day for day in asked_days(active) if day in raw]
    assert active["summary"]["total_steps"] == (sum(row["steps"] for row in worn) if worn else None)
    assert active["coverage"]["days_with_data"] == len(worn)
    for row, document in ((row, raw[row["date"]]) for row in active["data"]):
        if document in worn:
            assert (row["steps"], row["sedentary_time"], row["average_met"]) == (
                document["steps"],
                document["sedentary_time"],
                document["average_met_minutes"],
            )


@pytest.mark.requirement("coverage")
def test_every_day_asked_is_there_or_missing_with_a_reason(world: World) -> None:
    for tool in ("get_sleep_summary", "get_readiness_score", "get_activity_summary"):
        answer = world.ask(tool, start_date="2026-03-25", end_date="2026-04-20")
        lacking = {day for gap in answer["coverage"]["missing"] for day in gap["days"]}
        there = {row["date"] for row in answer["data"]}
        assert lacking | there == set(asked_days(answer))
        assert answer["coverage"]["days_with_data"] + len(lacking) == answer["coverage"]["days_asked"] == 27


@pytest.mark.requirement("true-numbers")
def test_heart_rate_counts_every_raw_sample_of_the_wearers_day(world: World) -> None:
    zone = datetime.fromisoformat(world.ask("get_sleep_detailed")["data"][-1]["bedtime_end"]).tzinfo
    answer = world.ask("get_heart_rate", start_datetime="2026-04-18", end_datetime="2026-04-19")

    start, end = datetime(2026, 4, 18, tzinfo=zone), datetime(2026, 4, 20, tzinfo=zone)
    raw = world.raw("heartrate", start_datetime="2026-04-04T00:00:00Z", end_datetime="2026-04-20T09:30:00Z")
    inside = [row["bpm"] for row in raw if start <= datetime.fromisoformat(row["timestamp"]) < end and row["bpm"] != 255]
    summary = answer["summary"]
    assert summary["total_readings"] == len(inside)
    assert (summary["min_bpm"], summary["max_bpm"]) == ((min(inside), max(inside)) if inside else (None, None))
    assert summary["average_bpm"] == (pytest.approx(fmean(inside), abs=0.06) if inside else None)
    overlapping = [
        main["lowest_heart_rate"]
        for main in world.mains().values()
        if datetime.fromisoformat(main["bedtime_start"]) < end
        and datetime.fromisoformat(main["bedtime_end"]) > start
        and main["lowest_heart_rate"] != 255
    ]
    assert summary["resting_hr"] == min(overlapping, default=None)


def test_workouts_have_the_heart_rate_of_their_own_samples(world: World) -> None:
    answer = world.ask("get_workouts", start_date="2026-04-06", end_date="2026-04-20")

    wanted = [row for row in world.raw("workout") if "2026-04-06" <= row["day"] <= "2026-04-20"]
    heart = world.raw("heartrate", start_datetime="2026-04-04T00:00:00Z", end_datetime="2026-04-20T09:30:00Z")
    moments = [(datetime.fromisoformat(row["timestamp"]), row["bpm"]) for row in heart if row["bpm"] != 255]
    assert [row["start_datetime"] for row in answer["data"]] == [row["start_datetime"] for row in wanted]
    for row, document in zip(answer["data"], wanted, strict=True):
        start, end = (datetime.fromisoformat(document[key]) for key in ("start_datetime", "end_datetime"))
        inside = [bpm for at, bpm in moments if start <= at < end]
        assert row["heart_rate_samples"] == len(inside)
        assert row["max_heart_rate"] == max(inside, default=None)
        assert row["average_heart_rate"] == (pytest.approx(fmean(inside), abs=0.06) if inside else None)
        assert (row["calories"], row["distance"], row["duration"]) == (
            document["calories"],
            document["distance"],
            (end - start).total_seconds(),
        )


def test_periods_in_detail_are_the_raw_ones_without_the_deleted(world: World) -> None:
    answer = world.ask("get_sleep_detailed", start_date="2026-04-10", end_date="2026-04-20")

    raw = [row for row in world.raw("sleep") if "2026-04-10" <= row["day"] <= "2026-04-20" and row["type"] != "deleted"]
    assert [(row["bedtime_start"], row["type"]) for row in answer["data"]] == [(row["bedtime_start"], row["type"]) for row in raw]
    last = raw[-1]
    (shown,) = [
        row
        for row in world.ask("get_sleep_detailed", start_date=last["day"], end_date=last["day"])["data"]
        if row["bedtime_start"] == last["bedtime_start"]
    ]
    assert shown["heart_rate"]["samples"] == (last["heart_rate"] and last["heart_rate"]["items"])
    assert shown["sleep_phase_5_min"] == last["sleep_phase_5_min"]


def test_tags_of_both_collections_are_told_once(world: World) -> None:
    answer = world.ask("get_tags", start_date="2026-01-20", end_date="2026-04-20")

    raw = [row for row in world.raw("enhanced_tag") if "2026-01-20" <= row["start_day"] <= "2026-04-20"]
    told = [(row["timestamp"], tuple(row["tags"])) for row in answer["data"]]
    names = [(row["start_time"], tuple(filter(None, [row["custom_name"] or row["tag_type_code"]]))) for row in raw]
    assert sorted(told) == sorted(names)
    assert len(set(told)) == len(told)


def test_the_profile_is_the_raw_one(world: World) -> None:
    answer = world.ask("get_personal_info")

    rings = world.raw("ring_configuration")
    assert [ring["hardware_type"] for ring in answer["rings"]] == [ring["hardware_type"] for ring in reversed(rings)]
    assert answer["email"].endswith("@example.com")
    assert answer["coverage"]["partial"] is False


def test_insights_average_exactly_these_days_and_the_ones_before(world: World) -> None:
    answer = world.ask("get_health_insights", days=14)

    assert asked_days(answer)[0] == "2026-04-07"
    (hrv,) = [row for row in answer["metrics"] if row["metric"] == "average_hrv"]
    mains = world.mains()
    recent = [mains[day]["average_hrv"] for day in asked_days(answer) if day in mains and mains[day]["average_hrv"] is not None]
    assert hrv["n"] == len(recent)
    assert hrv["average"] == (pytest.approx(fmean(recent), abs=0.006) if recent else None)
    (steps,) = [row for row in answer["metrics"] if row["metric"] == "steps"]
    raw = world.by_day("daily_activity")
    before = [raw[day]["steps"] for day in raw if "2026-03-10" <= day < "2026-04-07" and raw[day]["non_wear_time"] < 82_800]
    assert steps["baseline_n"] == len(before)
    for row in answer["metrics"]:
        assert (row["verdict"] == "not enough data") == (row["change"] is None)


def test_a_morning_before_the_app_was_opened_is_not_synced_rather_than_not_worn(adult: World) -> None:
    adult.simulator.turn(app_opened_at=NOW - 20 * 3600)

    answer = adult.ask("get_sleep_summary")

    (gap,) = answer["coverage"]["missing"]
    assert gap["days"] == ["2026-04-20"]
    assert "open the Oura app" in gap["why"]
    assert [row["date"] for row in answer["data"]][-1] == "2026-04-19"


def test_a_narrow_consent_names_the_scope_and_gives_the_rest() -> None:
    with SimulatorServer(personas=("adult",), clock=lambda: NOW) as simulator:
        world = World(simulator, scopes=("daily", "workout", "personal"))
        workouts = world.ask("get_workouts", start_date="2026-04-01")
        profile = world.ask("get_personal_info")
        answer = world.ask("get_sleep_summary")

    assert workouts["data"]
    assert {row["average_heart_rate"] for row in workouts["data"]} == {None}
    assert "heartrate" in " ".join(workouts["coverage"]["notes"])
    assert (profile["rings"], profile["email"]) == (None, None)
    assert len(answer["data"]) == 7


@pytest.mark.requirement("answers-small")
def test_usual_questions_have_small_answers(world: World) -> None:
    assert len(text_of(world.ask("get_sleep_summary"))) < 4_000
    assert len(text_of(world.ask("get_sleep_summary", start_date="2026-03-21"))) < 14_000
    for tool in REGISTRY.tools:
        assert len(text_of(world.ask(tool))) < 8_000, tool


@pytest.mark.parametrize("tool", sorted(set(REGISTRY.tools) - {"get_personal_info", "get_health_insights", "get_heart_rate"}))
def test_a_year_of_anything_is_never_over_60_kb(adult: World, tool: str) -> None:
    answer = adult.ask(tool, start_date="2025-04-21")

    assert answer["coverage"]["days_asked"] == 365
    if tool == "get_sleep_detailed":
        adult.ask(tool, start_date="2025-04-21", include_samples=True)
