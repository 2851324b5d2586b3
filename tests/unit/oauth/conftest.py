"""A connection over a real vault in a temporary folder; Oura is stood in for at the HTTP edge."""

import pytest
import responses

from app.oauth.authorization import OuraAuthorization
from app.oauth.tokens import Connection
from app.seal import Sealer
from app.vault import FileStore, Vault
from tests.unit.oauth.standins import Clock, settings_in


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def oura():
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def settings(tmp_path):
    return settings_in(tmp_path)


@pytest.fixture
def sealer(settings, clock):
    return Sealer(settings.encryption_keys, clock=clock)


@pytest.fixture
def vault(settings, sealer):
    return Vault(FileStore(settings.token_file), sealer)


@pytest.fixture
def connection(settings, vault, clock):
    return Connection(settings, vault, OuraAuthorization(settings, clock=clock), clock=clock)
