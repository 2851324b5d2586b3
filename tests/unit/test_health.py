from types import SimpleNamespace

import pytest
from flask import Flask
from pydantic import SecretStr

from app.errors import AuthError, StoreUnavailableError
from app.health import create_blueprint
from app.metrics import Metrics
from app.oauth.tokens import ConnectionStatus
from app.services import OWNER


class Parts:
    """The parts as health sees them, with what each would say."""

    def __init__(self):
        self.state = ConnectionStatus("connected", frozenset({"daily"}), ("spo2",))
        self.broken = None
        self.checks = 0
        self.settings = SimpleNamespace(metrics_token=SecretStr("a token for metrics"))
        self.metrics = Metrics()
        self.vault = self.connection = self.oura = self

    def check(self):
        self.checks += 1
        if self.broken:
            raise StoreUnavailableError(self.broken)

    def status(self):
        return self.state

    def stats(self):
        return {"days": 12}


def owner(request):
    if request.headers.get("Authorization") != "Bearer owner":
        raise AuthError("no")
    return OWNER


@pytest.fixture
def parts():
    return Parts()


@pytest.fixture
def client(parts):
    app = Flask(__name__)
    app.register_blueprint(create_blueprint(parts, owner=owner, version_name="9.9"))
    app.register_error_handler(AuthError, lambda _: ("", 401))
    return app.test_client()


def test_alive_needs_no_part_to_work(client, parts):
    parts.broken = "gone"
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})
    assert parts.checks == 0


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/health"])
def test_probes_may_use_head(client, path):
    answer = client.head(path)
    assert (answer.status_code, answer.data) == (200, b"")


def test_not_ready_says_why(client, parts):
    parts.broken = "The folder cannot be written."
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json["reason"]) == (503, "The folder cannot be written.")


def test_many_probes_ask_the_store_once(client, parts):
    for _ in range(20):
        assert client.get("/readyz").status_code == 200
    assert parts.checks == 1


def test_a_stranger_learns_whether_it_works_and_no_more(client):
    answer = client.get("/health", headers={"Authorization": "Bearer wrong"})
    assert answer.status_code == 200
    assert set(answer.json) == {"status", "oauth_connected", "uptime"}
    assert answer.json["status"] == "ok"


def test_the_owner_learns_the_rest(client):
    answer = client.get("/health", headers={"Authorization": "Bearer owner"}).json
    assert answer["oura"] == {"state": "connected", "scopes": ["daily"], "missing_scopes": ["spo2"]}
    assert answer["cache"] == {"days": 12}
    assert answer["versions"]["server"] == "9.9"


@pytest.mark.parametrize("trouble", ["disconnected", "store"])
def test_trouble_is_degraded_and_still_200(client, parts, trouble):
    if trouble == "disconnected":
        parts.state = ConnectionStatus("reconnect")
    else:
        parts.broken = "gone"
    answer = client.get("/health")
    assert (answer.status_code, answer.json["status"]) == (200, "degraded")
    assert answer.json["oauth_connected"] is (trouble == "store")


@pytest.mark.parametrize("bearer", ["bearer a token for metrics", "Bearer owner"])
def test_metrics_are_for_the_owner_and_the_metrics_token(client, bearer):
    answer = client.get("/metrics", headers={"Authorization": bearer})
    assert answer.status_code == 200
    assert b"oura_mcp_calls" in answer.data


@pytest.mark.parametrize("bearer", ["Bearer wrong", "Basic a token for metrics", ""])
def test_metrics_are_for_nobody_else(client, bearer):
    assert client.get("/metrics", headers={"Authorization": bearer}).status_code == 401


def test_without_a_metrics_token_only_the_owner_reads_metrics(client, parts):
    parts.settings.metrics_token = None
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 401
