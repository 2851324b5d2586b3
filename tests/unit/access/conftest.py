"""A front door without a ring to connect, and a client that has registered at it."""

import pytest

from tests.unit.access.door import Door


@pytest.fixture
def door(tmp_path) -> Door:
    return Door(tmp_path)


@pytest.fixture
def client_id(door) -> str:
    return door.client().register().json["client_id"]
