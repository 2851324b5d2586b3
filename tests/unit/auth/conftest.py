import pytest

from tests.unit.auth.house import build


@pytest.fixture
def house():
    return build()


@pytest.fixture
def client(house):
    return house.client()
