import gevent
import pytest
import requests
import responses

from app.errors import ConnectionNeededError, OuraError, OuraUnavailableError, StoreUnavailableError, ToolError
from app.oauth import tokens
from app.oauth.authorization import OuraAuthorization
from app.oauth.tokens import CONNECTION, Connection
from app.seal import Sealer
from app.services import Deadline
from app.vault import FileStore, Vault
from tests.unit.oauth.standins import API, MOI, NOW, REVOKE, TokenEndpoint, grant, settings_in


@pytest.fixture
def deadline():
    return Deadline(soft_s=7, hard_s=20)


@pytest.fixture(autouse=True)
def _always_reread(monkeypatch):
    """Another process's change is then seen at once instead of after five seconds."""
    monkeypatch.setattr(tokens, "REREAD_S", -1.0)


def test_a_fresh_token_is_handed_out_without_asking_oura(connection, deadline):
    connection.connect(grant())

    assert connection.access_token(deadline) == "A0"


def test_five_minutes_before_it_expires_it_is_renewed_and_the_new_pair_is_stored(connection, vault, clock, oura, deadline):
    endpoint = TokenEndpoint(oura, API)
    connection.connect(grant())
    clock.now = NOW + 86_400 - 299

    assert connection.access_token(deadline) == "A1"
    assert vault.read(CONNECTION)["refresh_token"] == "R1"
    assert endpoint.forms[0] == {
        "grant_type": "refresh_token",
        "refresh_token": "R0",
        "client_id": "client-id",
        "client_secret": "client-secret",
    }


def test_a_token_that_lives_a_minute_is_not_renewed_at_every_call(connection, deadline):
    connection.connect(grant(expires_at=NOW + 60))

    assert connection.access_token(deadline) == "A0"


def test_fifty_callers_at_once_spend_one_refresh_token(connection, clock, oura, deadline):
    endpoint = TokenEndpoint(oura, API)
    connection.connect(grant())
    clock.now += 86_400

    callers = [gevent.spawn(connection.access_token, deadline) for _ in range(50)]
    gevent.joinall(callers, timeout=10, raise_error=True)

    assert {caller.value for caller in callers} == {"A1"}
    assert endpoint.spent == ["R0"]


def test_two_processes_spend_one_refresh_token(settings, clock, oura, deadline):
    """Two vaults over one file, as two workers have; each has the old pair in memory."""
    endpoint = TokenEndpoint(oura, API)
    workers = []
    for _ in range(2):
        vault = Vault(FileStore(settings.token_file), Sealer(settings.encryption_keys, clock=clock))
        workers.append(Connection(settings, vault, OuraAuthorization(settings, clock=clock), clock=clock))
    workers[0].connect(grant())
    assert workers[1].access_token(deadline) == "A0"

    callers = [gevent.spawn(worker.rejected, "A0", deadline) for worker in workers]
    gevent.joinall(callers, timeout=10, raise_error=True)

    assert {caller.value for caller in callers} == {"A1"}
    assert endpoint.spent == ["R0"]


def test_a_caller_that_gives_up_does_not_take_the_new_pair_with_it(connection, vault, clock, oura, deadline):
    connection.connect(grant())
    endpoint = TokenEndpoint(oura, API)
    answered = endpoint.answer
    held = gevent.event.Event()

    def slow(request):
        held.wait(5)
        return answered(request)

    oura.replace(responses.CallbackResponse(responses.POST, API, callback=slow))
    caller = gevent.spawn(connection.rejected, "A0", deadline)
    gevent.sleep(0)
    caller.kill()
    held.set()

    assert connection.rejected("A0", deadline) == "A1"
    assert endpoint.spent == ["R0"]
    assert vault.read(CONNECTION)["refresh_token"] == "R1"


def test_a_caller_whose_time_is_up_is_told_so_while_the_refresh_goes_on(connection, clock, oura, deadline):
    connection.connect(grant())
    endpoint = TokenEndpoint(oura, API)
    answered, held = endpoint.answer, gevent.event.Event()

    def slow(request):
        held.wait(5)
        return answered(request)

    oura.replace(responses.CallbackResponse(responses.POST, API, callback=slow))

    with pytest.raises(OuraUnavailableError, match="slow"):
        connection.rejected("A0", Deadline(soft_s=0, hard_s=0.01))
    held.set()

    assert connection.rejected("A0", deadline) == "A1"


def test_a_rejected_token_that_someone_renewed_meanwhile_is_not_renewed_again(connection, oura, deadline):
    endpoint = TokenEndpoint(oura, API)
    connection.connect(grant())
    connection.rejected("A0", deadline)

    assert connection.rejected("A0", deadline) == "A1"
    assert endpoint.spent == ["R0"]


def test_a_rejected_token_whose_successor_has_expired_too_is_renewed(connection, oura, deadline):
    TokenEndpoint(oura, API)
    connection.connect(grant(access_token="A-later", expires_at=NOW - 1))

    assert connection.rejected("A0", deadline) == "A1"


def test_without_expires_in_a_token_is_used_until_oura_refuses_it(connection, clock, oura, deadline):
    endpoint = TokenEndpoint(oura, API, expires_in=None)
    connection.connect(grant(expires_at=None))
    clock.now += 365 * 86_400

    assert connection.access_token(deadline) == "A0"
    assert connection.rejected("A0", deadline) == "A1"
    assert connection.access_token(deadline) == "A1"
    assert endpoint.spent == ["R0"]


def test_invalid_grant_asks_for_a_person_and_is_asked_of_oura_once(connection, clock, oura, deadline):
    endpoint = TokenEndpoint(oura, API, valid=set())
    connection.connect(grant())
    clock.now += 86_400

    for _ in range(3):
        with pytest.raises(ConnectionNeededError, match="revoked or has lapsed") as told:
            connection.access_token(deadline)
        assert told.value.url == "https://oura.example.com/oauth/authorize"
    assert len(endpoint.forms) == 1
    assert (connection.status().state, connection.status().scopes, connection.status().expires_at) == ("reconnect", None, None)


@pytest.mark.parametrize(
    "failure",
    [
        {"body": requests.ConnectionError("no route")},
        {"body": requests.ReadTimeout("slow")},
        {"status": 503, "body": "<html>CloudFront</html>"},
        {"status": 200, "body": "<html>captive portal</html>"},
        {"status": 200, "body": "[]"},
        {"status": 429, "json": {"error": "slow_down"}},
        {"status": 302, "headers": {"Location": "https://elsewhere.example.com/"}},
        {"status": 200, "body": '{"access_token": "A1", "refresh_'},
    ],
    ids=["unreachable", "slow", "5xx", "html", "list", "429", "redirect", "cut"],
)
def test_a_fault_on_the_way_keeps_the_old_pair(connection, vault, clock, oura, deadline, failure):
    oura.add(responses.POST, API, **failure)
    connection.connect(grant())
    clock.now += 86_400

    with pytest.raises(OuraUnavailableError):
        connection.access_token(deadline)

    assert vault.read(CONNECTION)["refresh_token"] == "R0"
    assert connection.status().state == "connected"


def test_while_oura_is_down_the_old_token_is_used_to_its_end(connection, clock, oura, deadline):
    oura.add(responses.POST, API, status=503)
    connection.connect(grant())
    clock.now = NOW + 86_400 - 100

    assert connection.access_token(deadline) == "A0"


def test_an_application_that_moved_to_the_other_endpoint_is_found_there(connection, vault, clock, oura, deadline):
    TokenEndpoint(oura, API, owns=False)
    moi = TokenEndpoint(oura, MOI)
    connection.connect(grant())
    clock.now += 86_400

    assert connection.access_token(deadline) == "A1"
    assert moi.spent == ["R0"]
    assert vault.read(CONNECTION)["token_url"] == MOI


def test_a_record_that_names_no_endpoint_is_renewed_where_the_application_belongs(connection, vault, oura, deadline):
    """As the TypeScript original's is, whose refresh token must not be tried at the wrong one."""
    api, moi = TokenEndpoint(oura, API, owns=False), TokenEndpoint(oura, MOI)
    vault.write(CONNECTION, {"access_token": "A0", "refresh_token": "R0", "expires_at": None, "scope": None})

    assert connection.rejected("A0", deadline) == "A1"
    assert moi.spent == ["R0"]
    assert all(form["refresh_token"] != "R0" for form in api.forms)


def test_a_record_that_names_an_address_we_no_longer_know_is_not_followed_there(connection, oura, deadline):
    endpoint = TokenEndpoint(oura, API)
    connection.connect(grant(token_url="https://elsewhere.example/token"))

    assert connection.rejected("A0", deadline) == "A1"
    assert endpoint.spent == ["R0"]


def test_a_wrong_client_secret_is_told_and_does_not_end_the_connection(connection, vault, clock, oura, deadline):
    for url in (API, MOI):
        oura.add(responses.POST, url, status=401, json={"error": "invalid_client"})
    connection.connect(grant())
    clock.now += 86_400

    with pytest.raises(OuraError, match="OURA_CLIENT_SECRET"):
        connection.access_token(deadline)
    assert vault.read(CONNECTION)["needs_reconnect"] is False


class FullDisk(FileStore):
    full = False

    def put(self, purpose, owner, envelope):
        if self.full:
            raise StoreUnavailableError("No space left.")
        super().put(purpose, owner, envelope)


def test_when_the_new_pair_cannot_be_saved_it_works_on_and_is_saved_later(settings, clock, oura, deadline, caplog):
    store = FullDisk(settings.token_file)
    vault = Vault(store, Sealer(settings.encryption_keys, clock=clock))
    connection = Connection(settings, vault, OuraAuthorization(settings, clock=clock), clock=clock)
    endpoint = TokenEndpoint(oura, API)
    connection.connect(grant())
    clock.now += 86_400
    store.full = True

    assert connection.access_token(deadline) == "A1"
    assert "oura_tokens_not_saved" in caplog.messages
    assert vault.read(CONNECTION)["refresh_token"] == "R0"
    assert connection.access_token(deadline) == "A1"
    store.full = False

    assert connection.access_token(deadline) == "A1"
    assert vault.read(CONNECTION)["refresh_token"] == "R1"
    assert endpoint.spent == ["R0"]


def test_what_could_not_be_saved_gives_way_to_what_another_process_stored(settings, clock, oura, deadline):
    store = FullDisk(settings.token_file)
    vault = Vault(store, Sealer(settings.encryption_keys, clock=clock))
    connection = Connection(settings, vault, OuraAuthorization(settings, clock=clock), clock=clock)
    TokenEndpoint(oura, API)
    connection.connect(grant())
    clock.now += 86_400
    store.full = True
    assert connection.access_token(deadline) == "A1"
    store.full = False
    elsewhere = grant(access_token="A-elsewhere", refresh_token="R-elsewhere", expires_at=clock.now + 86_400)
    vault.write(CONNECTION, elsewhere.record())

    assert connection.access_token(deadline) == "A-elsewhere"
    assert vault.read(CONNECTION)["refresh_token"] == "R-elsewhere"


def test_another_provider_s_token_is_never_used(tmp_path, vault, clock, deadline):
    simulated = settings_in(
        tmp_path,
        oura_api_base_url="http://127.0.0.1:9",
        oura_authorize_url="http://127.0.0.1:9/oauth/authorize",
        oura_revoke_url="http://127.0.0.1:9/oauth/revoke",
    )
    connection = Connection(simulated, vault, OuraAuthorization(simulated, clock=clock), clock=clock)
    connection.connect(grant())

    with pytest.raises(ConnectionNeededError, match="another Oura"):
        connection.access_token(deadline)
    assert connection.status().state == "elsewhere"


def test_nothing_connected_says_which_address_to_open(connection, deadline):
    with pytest.raises(ConnectionNeededError) as told:
        connection.access_token(deadline)
    assert told.value.url == "https://oura.example.com/oauth/authorize"
    assert connection.scopes is None


def test_without_an_application_at_oura_the_front_page_is_named(tmp_path, vault, clock, deadline):
    bare = settings_in(tmp_path, oura_client_id="", oura_client_secret="", oura_redirect_uri="")
    connection = Connection(bare, vault, OuraAuthorization(bare, clock=clock), clock=clock)

    with pytest.raises(ConnectionNeededError) as told:
        connection.access_token(deadline)
    assert told.value.url == "http://localhost:3001/"


def test_a_record_no_key_opens_is_told_apart_and_left_alone(settings, connection, clock, deadline):
    connection.connect(grant())
    before = settings.token_file.read_bytes()
    other_key = Vault(FileStore(settings.token_file), Sealer([b"k" * 32], clock=clock))
    lost = Connection(settings, other_key, OuraAuthorization(settings, clock=clock), clock=clock)

    with pytest.raises(ConnectionNeededError, match="TOKEN_ENCRYPTION_KEY"):
        lost.access_token(deadline)
    assert lost.status().state == "unreadable"
    assert settings.token_file.read_bytes() == before


def test_a_store_that_is_away_is_a_tool_error_in_plain_words(settings, clock, deadline):
    class Away(FileStore):
        def get(self, purpose, owner):
            raise StoreUnavailableError("The database cannot be reached.")

    vault = Vault(Away(settings.token_file), Sealer(settings.encryption_keys, clock=clock))
    connection = Connection(settings, vault, OuraAuthorization(settings, clock=clock), clock=clock)

    with pytest.raises(ToolError, match="database cannot be reached"):
        connection.access_token(deadline)
    assert connection.status().state == "store"


def test_a_slow_reader_does_not_bring_back_what_was_replaced_while_it_read(settings, clock, deadline):
    gate = gevent.event.Event()

    class Slow(FileStore):
        waits = False

        def get(self, purpose, owner):
            envelope = super().get(purpose, owner)
            if self.waits:
                self.waits = False
                gate.wait(5)
            return envelope

    store = Slow(settings.token_file)
    vault = Vault(store, Sealer(settings.encryption_keys, clock=clock))
    connection = Connection(settings, vault, OuraAuthorization(settings, clock=clock), clock=clock)
    connection.connect(grant())
    store.waits = True
    reader = gevent.spawn(connection.status)
    gevent.sleep(0)

    connection.connect(grant(access_token="A9"))
    gate.set()
    reader.join(5)

    tokens.REREAD_S = 3600.0
    assert connection.access_token(deadline) == "A9"


def test_status_tells_scopes_and_those_that_are_missing(connection):
    connection.connect(grant(scopes=frozenset({"daily", "heartrate"})))

    status = connection.status()

    assert status.connected
    assert "daily" not in status.missing
    assert {"workout", "spo2"} <= set(status.missing)


def test_unknown_scopes_miss_nothing(connection):
    connection.connect(grant(scopes=None))

    assert connection.status().missing == ()


def test_a_refresh_that_names_fewer_scopes_is_believed_and_one_that_names_none_changes_nothing(connection, oura, deadline):
    endpoint = TokenEndpoint(oura, API)
    connection.connect(grant(scopes=frozenset({"daily", "tag"})))

    connection.rejected("A0", deadline)
    assert connection.scopes == {"daily", "tag"}

    endpoint.scope = "extapi:daily"
    connection.rejected("A1", deadline)
    assert connection.scopes == {"daily"}


def test_disconnecting_forgets_first_then_revokes_and_tells_who_listens(connection, vault, oura):
    told = []
    connection.on_change.append(lambda: told.append("forget"))
    connection.connect(grant())
    revoked = oura.add(responses.POST, REVOKE, status=200)

    assert connection.disconnect() is True
    assert revoked.calls[0].request.params == {"access_token": "A0"}
    assert vault.read(CONNECTION) is None
    assert told == ["forget"]
    assert connection.status().state == "never"


def test_disconnecting_while_oura_is_down_still_forgets_and_says_that_oura_was_not_told(connection, vault, oura):
    connection.connect(grant())
    oura.add(responses.POST, REVOKE, body=requests.ConnectionError("no route"))

    assert connection.disconnect() is False
    assert vault.read(CONNECTION) is None


def test_disconnecting_with_an_expired_token_renews_it_since_only_a_living_one_ends_the_grant(connection, clock, oura):
    TokenEndpoint(oura, API)
    revoked = oura.add(responses.POST, REVOKE, status=200)
    connection.connect(grant())
    clock.now += 2 * 86_400

    assert connection.disconnect() is True
    assert revoked.calls[0].request.params == {"access_token": "A1"}


def test_another_account_empties_what_was_cached_and_the_same_one_does_not(connection):
    told = []
    connection.on_change.append(lambda: told.append("forget"))
    connection.connect(grant())
    connection.connect(grant(access_token="A9", connected_at=NOW + 5))
    assert told == []

    connection.connect(grant(account="somebody else", connected_at=NOW + 9))
    assert told == ["forget"]


def test_where_oura_named_no_account_a_renewed_grant_is_the_same_one_and_a_new_one_is_not(connection):
    told = []
    connection.on_change.append(lambda: told.append("forget"))
    connection.connect(grant(account=None))
    connection.connect(grant(account=None, access_token="A1", renewed_at=NOW + 5))
    assert told == []

    connection.connect(grant(account=None, connected_at=NOW + 9))
    assert told == ["forget"]


def test_what_another_process_disconnected_is_noticed(settings, connection, clock, deadline, oura):
    told = []
    connection.on_change.append(lambda: told.append("forget"))
    connection.connect(grant())
    oura.add(responses.POST, REVOKE, status=200)
    vault = Vault(FileStore(settings.token_file), Sealer(settings.encryption_keys, clock=clock))
    Connection(settings, vault, OuraAuthorization(settings, clock=clock), clock=clock).disconnect()

    with pytest.raises(ConnectionNeededError):
        connection.access_token(deadline)
    assert told == ["forget"]
