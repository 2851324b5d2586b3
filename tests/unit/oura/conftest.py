"""One Oura layer per test, in front of the stub of `upstream`."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import responses

from app.metrics import Metrics
from app.oura.cache import DayCache
from app.oura.client import OuraClient
from app.oura.data import OuraData
from app.services import Deadline
from tests.unit.oura.upstream import BASE_URL, Clock, Source, Upstream


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    stub = Upstream()
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.add_callback(responses.GET, re.compile(rf"{BASE_URL}/v2/usercollection/.*"), callback=stub.answer)
        yield stub


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def naps() -> list[float]:
    """How long the client slept between its attempts."""
    return []


@pytest.fixture
def client(upstream: Upstream, clock: Clock, source: Source, naps: list[float]) -> OuraClient:
    return OuraClient(BASE_URL, source, metrics=Metrics(), clock=clock, daily_limit=1000, sleep=naps.append)


@pytest.fixture
def make_data(client: OuraClient, clock: Clock) -> Callable[..., OuraData]:
    def make(**options: Any) -> OuraData:
        cache = options.pop("cache", None) or DayCache()
        return OuraData(options.pop("client", client), cache, **{"clock": clock, "metrics": Metrics(), **options})

    return make


@pytest.fixture
def data(make_data: Callable[..., OuraData]) -> OuraData:
    return make_data(user_timezone="Europe/Helsinki")


@pytest.fixture
def deadline() -> Deadline:
    return Deadline()
