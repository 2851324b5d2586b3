"""Oura has troubles of every kind: the server tells them in words and goes on.

Whatever happens, neither a secret nor a health value reaches its log.
"""

import itertools
import json
import re
import time
from datetime import date, timedelta
from typing import get_args

import pytest

from app.config import Settings
from app.seal import Sealer
from app.simulator.knobs import Kind
from app.vault import Vault
from tests.e2e.harness import Browser, Server
from tests.e2e.wire import eventually

ADDRESS = "203.0.113.77"  # of somebody behind our proxy
_months = itertools.count(2)


@pytest.fixture(scope="module")
def troubled(tmp_path_factory, simulator):
    """A connected server that logs everything it can."""
    with Server(tmp_path_factory.mktemp("troubled"), simulator, LOG_LEVEL="debug") as server:
        assert server.connect().ok
        yield server


def unseen_week():
    """A week nobody asked about yet, so that no held day can answer for Oura."""
    last = date.today() - timedelta(days=14 * next(_months))  # noqa: DTZ011 - any past week will do
    return {"start_date": str(last - timedelta(days=6)), "end_date": str(last)}


FAULTS = [
    pytest.param({"kind": kind, "times": None, **more}, id=f"{kind}-{'-'.join(map(str, more.values()))}")
    for kind, more in [
        ("server_error", {}),
        ("server_error", {"status": 503}),
        ("html_error", {}),
        ("not_json", {}),
        ("truncated", {}),
        ("dropped", {}),
        ("token_expired", {}),
        ("redirect", {}),
    ]
]


@pytest.mark.requirement("oura-faults")
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_stays_is_a_tool_error_with_the_next_step_and_ends_with_the_fault(troubled, simulator, fault):
    caller, week = troubled.caller(revision="2025-06-18"), unseen_week()
    with simulator.turned(faults=[fault]):
        result = caller.result("tools/call", {"name": "get_sleep_summary", "arguments": week})
    words = result["content"][0]["text"]
    assert "<" not in words, "no page of Oura's"
    assert "Traceback" not in words
    if not result.get("isError"):
        coverage = result["structuredContent"]["coverage"]
        assert coverage["partial"] or coverage["missing"], "an answer that lacks something says so"
    assert _healed(caller, week)


@pytest.mark.requirement("oura-faults")
@pytest.mark.parametrize("kind", ["server_error", "html_error", "truncated", "dropped", "rate_limited", "token_expired"])
def test_a_fault_that_passes_is_not_noticed(troubled, simulator, kind):
    with simulator.turned(faults=[{"kind": kind, "times": 1}]):
        answer = troubled.caller().tool("get_sleep_summary", **unseen_week())
    assert answer["data"]


@pytest.mark.requirement("oura-faults")
def test_oura_s_limit_is_obeyed_and_told(start, simulator):
    """A wait longer than a call may last ends it at once, and nobody asks again before it is over."""
    server = start(Server, simulator)
    assert server.connect().ok
    caller = server.caller()
    with simulator.turned(faults=[{"kind": "rate_limited", "times": None, "retry_after_s": 3600}]):
        assert "Ask again in" in caller.refusal("get_sleep_summary")
    simulator.forget_requests()
    assert "Ask again in" in caller.refusal("get_tags")
    assert simulator.seen()["counts"] == {}


@pytest.mark.requirement("deadline")
def test_a_slow_oura_gets_what_is_here_within_the_soft_deadline(troubled, simulator):
    """Home Assistant gives a call ten seconds, connecting included."""
    with simulator.turned(faults=[{"kind": "slow", "times": None, "delay_s": 30.0}]):
        result = troubled.caller().result("tools/call", {"name": "get_workouts", "arguments": unseen_week()}, timeout=10)
    assert result.get("isError") or result["structuredContent"]["coverage"]["partial"]


@pytest.mark.requirement("oura-faults")
def test_every_fault_the_simulator_knows_is_tried_here_or_told_why_not():
    tried = {param.values[0]["kind"] for param in FAULTS}
    elsewhere = {
        "rate_limited": "test_oura_s_limit_is_obeyed_and_told",
        "slow": "test_a_slow_oura_gets_what_is_here_within_the_soft_deadline",
        "drip": "the client's own tests: a byte at a time until the deadline",
        "token_revoked": "test_lifecycle: consent withdrawn",
        "lost": "the connection's own tests: a refresh whose answer was lost",
    }
    assert tried | elsewhere.keys() == set(get_args(Kind))


@pytest.mark.requirement("held-days-served-stale")
def test_held_days_are_served_and_marked_while_oura_is_down(start, simulator):
    server = start(Server, simulator, CACHE_TTL="0")  # whatever is held of today is old at once
    assert server.connect().ok
    caller = server.caller()
    fresh = caller.tool("get_sleep_summary")
    assert not fresh["coverage"].get("stale")
    with simulator.turned(faults=[{"kind": "html_error", "times": None}]):
        held = caller.tool("get_sleep_summary")
    assert held["data"] == fresh["data"]
    assert held["coverage"]["stale"] is True


@pytest.mark.requirement("log-silence")
def test_the_log_of_all_this_holds_no_secret_and_no_health_value(troubled, simulator):
    """Last in this module: everything above, and every wrong way in, has been logged at debug by now."""
    _knock_on_every_wrong_door(troubled)
    caller = troubled.caller()
    caller.tool("get_heart_rate")
    caller.result("ping", headers={"X-Forwarded-For": ADDRESS})
    with caller.stream() as stream:
        stream.call("ping")
    log = troubled.logs()
    assert ADDRESS not in log
    assert stream.endpoint.partition("sessionId=")[2] not in log
    assert len(log.splitlines()) > 50
    for name, secret in _secrets(troubled).items():
        assert secret not in log, f"{name} is in the log"
    leaked = {value for value in _health(simulator) if re.search(rf"(?<![\w.]){re.escape(value)}(?![\w.])", log)}
    assert not leaked


def _healed(caller, week):
    """Failures are remembered for a few seconds, so ask until the memory has passed."""

    def asked():
        result = caller.result("tools/call", {"name": "get_sleep_summary", "arguments": {**week, "refresh": True}})
        return not result.get("isError") and result["structuredContent"]["data"]

    return eventually(asked, what="an answer after the fault")


def _knock_on_every_wrong_door(server):
    caller = server.caller()
    caller.post(b"{" + server.token.encode())
    caller.post({"jsonrpc": "2.0", "id": 1, "method": server.token})
    caller.request("GET", f"/nowhere?token={server.token}")
    caller.request("GET", f"/oauth/callback?code={server.token}&state={server.token}")
    caller.request("GET", f"/oauth/callback?error={server.token}")
    server.caller(token=server.token[:-1]).post(b"{}")
    caller.refusal("get_sleep_summary", start_date=server.token)
    browser = Browser(server)
    browser.submit(browser.open("/login"), password=server.token + "x")


def _secrets(server):
    settings = Settings.load(server.env, env_file=None)
    vault = Vault.of(settings, Sealer(settings.encryption_keys, clock=time.time))
    tokens = re.findall(r'"(?:access_token|refresh_token)": "([^"]+)"', json.dumps(vault.read("oura-connection")))
    assert len(tokens) == 2, "the record's keys have changed: mend this test"
    names = ("AUTH_TOKEN", "TOKEN_ENCRYPTION_KEY", "OURA_CLIENT_SECRET")
    return {name: server.env[name] for name in names} | {f"Oura token {i}": token for i, token in enumerate(tokens)}


def _health(simulator):
    """What only health data holds: identifiers, e-mail, and numbers of three decimals, which no duration in a log has."""
    today = date.today()  # noqa: DTZ011
    period = {"start_date": str(today - timedelta(days=60)), "end_date": str(today + timedelta(days=1))}
    documents = [
        document
        for collection in ("sleep", "daily_sleep", "workout", "personal_info")
        for document in simulator.documents(collection, **(period if collection != "personal_info" else {}))
    ]
    found = {
        str(value)
        for document in documents
        for name, value in document.items()
        if name == "id" or "@" in str(value) or (isinstance(value, float) and len(str(value).partition(".")[2]) >= 3)
    }
    assert len(found) > 100
    return found
