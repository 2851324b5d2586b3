"""A guard in front of a small application: one route for MCP clients, one for the owner, one form."""

from dataclasses import dataclass
from typing import Any

import flask
from flask.testing import FlaskClient

from app.auth import Guard
from app.config import Settings
from app.metrics import Metrics
from app.seal import Sealer

TOKEN = "kD9wq2Lx8vR4tZ7mB1nC6yH3sJ5gF0pA"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
NOW = 1_790_000_000.0


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


def settings(**changes: Any) -> Settings:
    return Settings.model_validate({"auth_token": TOKEN, "token_encryption_key": "0123456789abcdef" * 4, **changes})


class Client(FlaskClient):
    """Sends the Host header it is told, however odd."""

    host = "localhost:3001"

    def open(self, *args: Any, **kwargs: Any):
        kwargs["environ_overrides"] = {"HTTP_HOST": self.host, **kwargs.get("environ_overrides", {})}
        return super().open(*args, **kwargs)


@dataclass
class House:
    app: flask.Flask
    guard: Guard
    clock: Clock
    metrics: Metrics

    def client(self, host: str = "localhost:3001") -> Client:
        client = Client(self.app, self.app.response_class)
        client.host = host
        return client


def build(clock: Clock | None = None, **changes: Any) -> House:
    app = flask.Flask("house")
    made, clock = settings(**changes), clock or Clock()
    metrics = Metrics()
    guard = Guard(made, Sealer(made.encryption_keys, clock=clock), metrics=metrics, clock=clock)
    guard.install(app)

    @app.route("/mcp", methods=["GET", "POST", "DELETE"])
    @app.route("/sse", methods=["GET", "POST"], endpoint="sse")
    def mcp():
        principal = guard.authenticate(flask.request)
        guard.charge(principal, flask.request, int(flask.request.args.get("units", 1)))
        return {"caller": principal.key}

    @app.route("/owner", methods=["GET", "POST"])
    def owner():
        return {"owner": guard.owner(flask.request).is_owner}

    @app.get("/form")
    def form():
        return guard.session(flask.request).form_token()

    @app.post("/sign-in")
    def sign_in():
        fields = guard.form(flask.request)
        return {"signed_in": guard.sign_in(flask.request, fields["secret"])}

    @app.post("/sign-out")
    def sign_out():
        guard.form(flask.request)
        guard.sign_out(flask.request)
        return {}

    @app.get("/healthz")
    def healthz():
        return {"status": "ok"}

    return House(app, guard, clock, metrics)
