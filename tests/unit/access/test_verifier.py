"""app/access/verifier.py: answered from memory, and never for longer than a revocation elsewhere may take to be noticed."""

import pytest

from app.access.authorization import AuthorizationRequest
from app.access.clients import Client
from app.access.grants import Grants, new_token
from app.access.verifier import MAX_KNOWN, RECHECK_S, Verifier
from app.errors import AuthError, StoreUnavailableError
from app.seal import Sealer
from app.vault import FileStore, Vault
from tests.unit.access.door import CHALLENGE, REDIRECT, Clock

RESOURCE = "https://oura.example/mcp"


class CountingStore(FileStore):
    """A store that counts how often it is read, and can be away."""

    reads = 0
    away = False

    def get(self, purpose, owner):
        self.reads += 1
        if self.away:
            raise StoreUnavailableError("away")
        return super().get(purpose, owner)


@pytest.fixture
def store(tmp_path) -> CountingStore:
    return CountingStore(tmp_path / "tokens.json")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def grants(store, clock) -> Grants:
    return Grants(Vault(store, Sealer([b"k" * 32], clock=clock)), owner_secret=b"s", on_revoke=lambda _: None, clock=clock)


@pytest.fixture
def verifier(grants, clock) -> Verifier:
    return Verifier(grants, clock=clock, monotonic=clock)


@pytest.fixture
def token(grants) -> str:
    client = Client("c", "An app", (REDIRECT,), "registered")
    code = grants.begin(
        AuthorizationRequest(
            "c", "An app", "registered", REDIRECT, None, CHALLENGE, RESOURCE, "health:read", "https://oura.example"
        )
    )
    grant = grants.of_code(code, client)
    issued = new_token("a", grant.id)
    grants.redeem(grant, access=issued, refresh=new_token("r", grant.id))
    return issued


def test_a_token_is_looked_up_once_in_a_while_however_often_it_is_used(verifier, store, token, clock):
    store.reads = 0
    for _ in range(100):
        assert verifier.verify(token, RESOURCE).key.startswith("grant:")
    assert store.reads == 1

    clock.now += RECHECK_S
    verifier.verify(token, RESOURCE)
    assert store.reads == 2


def test_whoever_holds_an_issued_token_is_not_the_owner(verifier, token):
    principal = verifier.verify(token, RESOURCE)

    assert principal.is_owner is False
    assert principal.scopes == {"health:read"}


def test_a_revocation_by_another_process_is_noticed_within_seconds(verifier, grants, token, clock):
    verifier.verify(token, RESOURCE)
    grants.revoke(token.split(".")[1])

    assert verifier.verify(token, RESOURCE) is not None
    clock.now += RECHECK_S
    assert verifier.verify(token, RESOURCE) is None
    assert verifier.verify(token, RESOURCE) is None


def test_a_revocation_that_is_told_counts_at_once(verifier, grants, token):
    key = verifier.verify(token, RESOURCE).key
    grants.revoke(token.split(".")[1])
    verifier.forget(key)

    assert verifier.verify(token, RESOURCE) is None


def test_an_hour_ends_it_although_it_was_looked_up_just_now(verifier, token, clock):
    clock.now += 3599
    assert verifier.verify(token, RESOURCE) is not None
    clock.now += 1
    with pytest.raises(AuthError):
        verifier.verify(token, RESOURCE)


def test_while_the_store_is_away_who_was_known_stays_known_and_nobody_becomes_it(verifier, store, token, clock):
    verifier.verify(token, RESOURCE)
    store.away = True
    clock.now += RECHECK_S + 1

    assert verifier.verify(token, RESOURCE) is not None
    assert verifier.verify(token[:-1] + ("B" if token.endswith("A") else "A"), RESOURCE) is None
    clock.now += 3600
    with pytest.raises(AuthError):
        verifier.verify(token, RESOURCE)


def test_the_memory_is_bounded(verifier, grants, token):
    for number in range(MAX_KNOWN + 10):
        verifier.verify(f"{token[:-6]}{number:06}", RESOURCE)
    assert len(verifier._known) <= 1

    for number in range(MAX_KNOWN):
        verifier._known[b"%d" % number] = None
    verifier.verify(token, RESOURCE)
    assert len(verifier._known) == 1
