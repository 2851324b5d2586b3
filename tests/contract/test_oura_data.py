"""The Oura layer against a real server that follows Oura's date rule, its paging, its scopes and its faults."""

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.request import Request, urlopen

import pytest
from flask import request as flask_request

from app.errors import ConnectionNeededError, MembershipError, OuraUnavailableError, RateLimitedError, ScopeMissingError
from app.oura.cache import DayCache
from app.oura.client import OuraClient
from app.oura.collections import COLLECTIONS
from app.oura.data import OuraData
from app.oura.days import Dates, Span
from app.services import Deadline
from app.simulator import SimulatorServer

NOW = datetime(2026, 4, 20, 9, 30, tzinfo=UTC).timestamp()  # after a change of clocks in Europe and America
DATED = ("sleep", "daily_sleep", "daily_readiness", "daily_activity", "workout", "enhanced_tag", "tag")
PERSONAS = ("adult", "napper", "traveller", "classic", "newcomer", "patchy")


class Source:
    """A connection whose refresh gives the tokens of a new consent."""

    scopes = None

    def __init__(self, simulator: SimulatorServer, scopes: tuple[str, ...] | None = None) -> None:
        self._simulator = simulator
        self._scopes = scopes
        self._token = self._granted()
        self.refreshes = 0

    def _granted(self) -> str:
        return str(self._simulator.grant(self._scopes)["access_token"])

    def access_token(self, deadline: Deadline) -> str:
        return self._token

    def refused(self) -> ConnectionNeededError:
        return ConnectionNeededError("Connect again.", url=None)

    def rejected(self, token: str, deadline: Deadline) -> str:
        if token == self._token:  # somebody else may have been quicker
            self.refreshes += 1
            self._token = self._granted()
        return self._token


@pytest.fixture
def simulator(request: pytest.FixtureRequest) -> Iterator[SimulatorServer]:
    persona = getattr(request, "param", "adult")
    with SimulatorServer(personas=(persona,), clock=lambda: NOW) as server:
        yield server


def layer(simulator: SimulatorServer, source: Source | None = None, **options: Any) -> OuraData:
    client = OuraClient(simulator.url, source or Source(simulator), clock=lambda: NOW, sleep=lambda _: None)
    return OuraData(client, DayCache(), clock=lambda: NOW, **options)


def patient() -> Deadline:
    return Deadline(soft_s=60, hard_s=90)


def everything(simulator: SimulatorServer, name: str) -> list[dict[str, Any]]:
    """Every document of *name*, asked for in one wide range by another client."""
    url = f"{simulator.url}/v2/usercollection/{name}?start_date=2025-01-01&end_date=2026-12-31"
    token = simulator.grant()["access_token"]
    with urlopen(Request(url, headers={"Authorization": f"Bearer {token}"})) as answer:
        page = json.load(answer)
    assert page["next_token"] is None
    return page["data"]


def ids_by_day(documents: list[dict[str, Any]], first: date, last: date) -> dict[date, set[str]]:
    found: dict[date, set[str]] = defaultdict(set)
    for document in documents:
        day = date.fromisoformat(document.get("day") or document["start_day"])
        if first <= day <= last:
            found[day].add(document["id"])
    return found


@pytest.mark.parametrize("simulator", PERSONAS, indirect=True)
def test_every_document_of_every_day_is_there_once_and_nothing_else(simulator):
    truth = {name: everything(simulator, name) for name in DATED}
    simulator.turn(page_size=7)
    data = layer(simulator)
    for dates in (Dates.last(1), Dates.last(40), Dates.between("2026-03-01", "2026-03-31"), Dates.last(120)):
        answer = data.query(DATED, dates, deadline=patient())
        for name in DATED:
            found: dict[date, set[str]] = defaultdict(set)
            for row in answer[name].rows:
                assert row.id not in found[row.day]
                found[row.day].add(row.id)
            assert found == ids_by_day(truth[name], answer.first, answer.end)
            assert answer[name].known == frozenset(answer.days)


@pytest.mark.parametrize("simulator", PERSONAS, indirect=True)
@pytest.mark.requirement("true-numbers")
def test_numbers_are_ouras_own(simulator):
    truth = {document["id"]: document for document in everything(simulator, "sleep")}
    periods = layer(simulator).query(["sleep"], Dates.last(60), deadline=patient())["sleep"].rows
    assert len(periods) > 20
    for period in periods:
        document = truth[period.id]
        for name in ("total_sleep_duration", "efficiency", "average_breath", "average_hrv", "type", "sleep_phase_5_min"):
            assert getattr(period, name) == document[name]
        assert period.bedtime_start == datetime.fromisoformat(document["bedtime_start"])
        assert period.bedtime_start.utcoffset() == datetime.fromisoformat(document["bedtime_start"]).utcoffset()
        assert period.lowest_heart_rate == (None if document["lowest_heart_rate"] == 255 else document["lowest_heart_rate"])
        assert (period.heart_rate.items() if period.heart_rate else None) == (document["heart_rate"] or {}).get("items")


@pytest.mark.parametrize(("simulator", "offset_h"), [("adult", 2), ("napper", -6), ("patchy", 12)], indirect=["simulator"])
def test_the_wearers_offset_is_told_by_the_records(simulator, offset_h):
    answer = layer(simulator).query(["daily_sleep"], Dates.last(7), deadline=patient())
    assert answer.zone.tz.utcoffset(None) == timedelta(hours=offset_h)
    assert not answer.zone.assumed
    assert answer.today == (datetime.fromtimestamp(NOW, UTC) + timedelta(hours=offset_h)).date()


def test_a_day_of_heart_rate_is_every_sample_of_that_day(simulator):
    simulator.turn(heart_page_size=100)
    answer = layer(simulator).heart_rate(Span("2026-04-18"), deadline=patient())
    url = f"{simulator.url}/v2/usercollection/heartrate?start_datetime=2026-04-17T22:00:00Z&end_datetime=2026-04-18T21:59:59Z"
    simulator.turn(heart_page_size=100_000)
    with urlopen(Request(url, headers={"Authorization": f"Bearer {simulator.grant()['access_token']}"})) as response:
        truth = json.load(response)["data"]
    assert len(truth) > 100
    assert [(at * 1000, bpm, source) for at, bpm, source in answer.samples] == [
        (row["timestamp_unix"], row["bpm"], row["source"]) for row in truth
    ]


def test_one_connection_serves_one_call_after_another(simulator):
    ports, serve = [], simulator.app.wsgi_app

    def noting(environ, start_response):
        ports.append(environ["REMOTE_PORT"])
        return serve(environ, start_response)

    simulator.app.wsgi_app = noting
    data = layer(simulator, user_timezone="Europe/Berlin")
    for days in (1, 30, 90):
        data.query(["daily_sleep"], Dates.last(days), deadline=patient())
    assert len(ports) == 3
    assert len(set(ports)) == 1


@pytest.mark.parametrize("kind", ["server_error", "html_error", "not_json", "truncated", "dropped", "rate_limited", "redirect"])
@pytest.mark.requirement("oura-faults")
def test_a_fault_that_passes_is_not_noticed_and_nothing_is_followed(simulator, kind):
    truth = ids_by_day(everything(simulator, "sleep"), date(2026, 4, 14), date(2026, 4, 20))
    simulator.turn(faults=[{"kind": kind, "on": "sleep", "retry_after_s": 0}])
    data = layer(simulator, user_timezone="Europe/Berlin")
    if kind == "redirect":
        assert data.query(["sleep", "daily_sleep"], Dates.last(7), deadline=patient())["sleep"].error is not None
        assert simulator.journal.counts["sleep"] == 2  # the truth, and one attempt
        return
    answer = data.query(["sleep"], Dates.last(7), deadline=patient())
    assert (
        ids_by_day([{"day": row.day.isoformat(), "id": row.id} for row in answer["sleep"].rows], answer.start, answer.end)
        == truth
    )


@pytest.mark.requirement("refresh-once")
def test_an_expired_token_is_renewed_once_for_all_collections(simulator):
    source = Source(simulator)
    simulator.expire_access_tokens()
    answer = layer(simulator, source).query(DATED, Dates.last(7), deadline=patient())
    assert all(answer[name].error is None for name in DATED)
    assert source.refreshes == 1


def test_a_withdrawn_consent_asks_to_connect_again(simulator):
    simulator.turn(faults=[{"kind": "token_revoked", "times": None}])
    with pytest.raises(ConnectionNeededError):
        layer(simulator).query(["sleep"], Dates.last(7), deadline=patient())


def test_a_narrow_consent_costs_what_it_does_not_cover_and_no_refresh(simulator):
    source = Source(simulator, ("heartrate", "workout"))
    data = layer(simulator, source)
    answer = data.query(["workout", "sleep"], Dates.last(7), deadline=patient())
    assert answer["workout"].rows
    assert isinstance(answer["sleep"].error, ScopeMissingError)
    assert answer.zone.assumed
    assert data.heart_rate(Span(), deadline=patient()).samples
    with pytest.raises(ScopeMissingError, match="daily"):
        data.query(["sleep", "daily_sleep"], Dates.last(7), deadline=patient())
    assert source.refreshes == 0


def test_a_lapsed_membership_is_named(simulator):
    simulator.turn(membership_lapsed=True)
    with pytest.raises(MembershipError):
        layer(simulator).query(["sleep"], Dates.last(7), deadline=patient())


def test_ouras_rate_limit_is_obeyed(simulator):
    simulator.turn(faults=[{"kind": "rate_limited", "times": None, "retry_after_s": 120}])
    with pytest.raises(RateLimitedError, match="seconds"):
        layer(simulator, user_timezone="Europe/Berlin").query(["sleep"], Dates.last(7), deadline=Deadline())
    assert simulator.journal.counts["sleep"] == 1


def test_pages_that_go_round_in_circles_end(simulator):
    simulator.turn(page_size=3, stuck_paging=True)
    fetched = layer(simulator, user_timezone="Europe/Berlin").query(["sleep"], Dates.last(30), deadline=patient())["sleep"]
    assert 0 < len(fetched.rows) <= 6
    assert fetched.error is not None
    assert fetched.known == frozenset()


def test_a_night_is_there_as_soon_as_the_app_was_opened(simulator):
    simulator.turn(app_opened_at=NOW - 20 * 3600)
    data = layer(simulator)

    def newest(**options: Any) -> date:
        return max(
            row.day for row in data.query(["daily_sleep"], Dates.last(7), deadline=patient(), **options)["daily_sleep"].rows
        )

    assert newest() < date(2026, 4, 20)
    simulator.turn(app_opened_at=None)
    assert newest() == date(2026, 4, 20)


def test_a_recomputed_score_arrives_with_a_refresh(simulator):
    changed: list[frozenset[date]] = []
    data = layer(simulator)
    data.on_change.append(changed.append)

    def scores(**options: Any) -> dict[date, int | None]:
        answer = data.query(["daily_sleep"], Dates.last(7), deadline=patient(), **options)
        return {row.day: row.score for row in answer["daily_sleep"].rows}

    before = scores()
    simulator.turn(recomputed_days=["2026-04-19"])
    assert scores() == before
    after = scores(refresh=True)
    assert {day for day in after if after[day] != before[day]} == {date(2026, 4, 19)}
    assert changed == [{date(2026, 4, 19)}]


def test_a_sender_that_never_ends_is_left_at_the_hard_deadline(simulator):
    simulator.turn(faults=[{"kind": "drip", "on": "sleep", "times": None, "delay_s": 0.02}])
    client = OuraClient(simulator.url, Source(simulator), clock=lambda: NOW)
    with pytest.raises(OuraUnavailableError, match="in time"):
        list(client.pages(COLLECTIONS["sleep"], {"start_date": "2026-03-01"}, deadline=Deadline(soft_s=0.2, hard_s=0.5)))


def test_cookies_and_redirects_of_ouras_front_are_ignored(simulator):
    @simulator.app.after_request
    def set_cookie(response):
        response.set_cookie("tracking", "1", path="/")
        return response

    seen: list[str | None] = []

    @simulator.app.before_request
    def note_cookie() -> None:
        seen.append(flask_request.headers.get("Cookie"))

    layer(simulator).query(["sleep", "daily_sleep"], Dates.last(7), deadline=patient())
    assert len(seen) >= 3
    assert set(seen) == {None}
