"""A server of the small registry, on the real engine and blueprint."""

from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest
from flask import Flask

from app.mcp import Engine, create_blueprint
from app.registry import Registry
from app.services import Deadline
from tests.unit.mcp.actors import Client, Clock, Door, Services
from tests.unit.mcp.definitions import Gates, registry_of


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    with gevent.Timeout(20, AssertionError("the test hangs")):
        yield


@pytest.fixture
def gates() -> Gates:
    return Gates()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def registry(gates: Gates) -> Registry:
    return registry_of(gates)


@pytest.fixture
def serve(registry: Registry, clock: Clock, door: Door) -> Callable[..., "Client"]:
    """Make a server and a client of it: `serve(keeps_sessions=True)`."""

    def make(**options: Any) -> Client:
        given = {
            "name": "unit",
            "version": "1.2.3",
            "instructions": "Read me.",
            "services": Services(clock),
            "deadline": lambda: Deadline(soft_s=5, hard_s=10),
            **options,
        }
        edge = {name: given.pop(name) for name in ("body_timeout_s",) if name in given}
        engine = Engine(given.pop("registry", registry), **given)
        app = Flask("unit")
        app.register_blueprint(create_blueprint(engine, door, **edge))
        return Client(app, engine)

    return make
