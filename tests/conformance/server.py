"""The fixture as a Flask application: the product's engine and blueprint around the suite's definitions."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import cast
from urllib.parse import urlsplit

from flask import Flask, Request

from app.errors import ForbiddenError
from app.mcp import Engine, create_blueprint
from app.metrics import Metrics
from app.registry import Registry
from app.seal import Sealer
from app.services import OWNER, Principal, Services

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class OpenEdge:
    """Lets everybody in who is on this machine and came through no foreign name."""

    def authenticate(self, request: Request) -> Principal:
        origin = request.headers.get("Origin")
        if urlsplit(f"//{request.host}").hostname not in LOOPBACK:
            raise ForbiddenError("This Host is not served.")
        if origin is not None and urlsplit(origin).hostname not in LOOPBACK:
            raise ForbiddenError("This Origin is not allowed.")
        return OWNER

    def charge(self, principal: Principal, request: Request, units: int) -> None:
        """The suite may ask as often as it likes."""

    def challenge(self, error: Exception) -> Mapping[str, str]:
        return {}


def create_fixture() -> Flask:
    sealer = Sealer([bytes(range(32))], clock=time.time)
    services = cast("Services", _FixtureServices(sealer))
    engine = Engine(
        Registry.collect("tests.conformance.fixture"),
        name="conformance-fixture",
        title="Conformance fixture",
        version="1.0.0",
        instructions="Serves the official conformance suite.",
        services=services,
        keeps_sessions=True,
        lists_change=True,
    )
    app = Flask(__name__)
    app.register_blueprint(create_blueprint(engine, OpenEdge()))
    return app


class _FixtureServices:
    """Of the product's parts the engine itself needs these two."""

    def __init__(self, sealer: Sealer) -> None:
        self.sealer = sealer
        self.metrics = Metrics()
