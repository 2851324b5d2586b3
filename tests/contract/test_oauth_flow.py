"""Connecting to Oura, against the simulator over real HTTP; our own server is called in process."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from flask.testing import FlaskClient

from app import create_app
from app.config import Settings
from app.errors import StoreUnavailableError
from app.simulator import SimulatorServer
from app.vault import FileStore

HOME = "http://localhost:3001"
TOKEN = "kD9wq2Lx8vR4tZ7mB1nC6yH3sJ5gF0pA"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
BROWSER = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}


class Clock:
    now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class House:
    """Our server, the simulator it talks to, and what tests look at."""

    simulator: SimulatorServer
    settings: Settings
    clock: Clock

    def __post_init__(self) -> None:
        self.app = create_app(self.settings, clock=self.clock)
        self.services = self.app.extensions["services"]

    def browser(self, *, signed_in: bool = True) -> "Browser":
        browser = Browser(self)
        if signed_in:
            browser.sign_in()
        return browser

    @property
    def connected(self) -> bool:
        return self.services.connection.status().connected

    @property
    def live_grants(self) -> int:
        return self.simulator.world.ledger.live_grants()


class Browser:
    """A browser at home on our server, which a person takes to Oura and back."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.client: FlaskClient = house.app.test_client()

    def get(self, path: str, **given: Any):
        return self.client.get(path, base_url=HOME, headers=BROWSER, **given)

    def post(self, path: str, **fields: str):
        return self.client.post(path, base_url=HOME, headers={**BROWSER, "Origin": "null"}, data=fields)

    def csrf(self) -> str:
        return self.get("/status").text.split('name="csrf" value="')[1].split('"')[0]

    def sign_in(self, then: str = "", secret: str = TOKEN):
        token = self.get("/login").text.split('name="csrf" value="')[1].split('"')[0]
        return self.post("/login", csrf=token, password=secret, next=then)

    def leave(self) -> str:
        """Where /oauth/authorize sends this browser."""
        answer = self.get("/oauth/authorize")
        assert answer.status_code == 302, answer.text
        return answer.location

    def consent(self, url: str, decision: str = "approve", **choices: Any) -> str:
        """Answer Oura's consent page; the address it sends the browser back to."""
        answer = requests.post(url, data={"decision": decision, **choices}, allow_redirects=False, timeout=10)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    def arrive(self, url: str):
        """Open the callback; the page it leads to."""
        parts = urlsplit(url)
        answer = self.get(f"{parts.path}?{parts.query}")
        assert answer.status_code == 303, answer.text
        return answer

    def connect(self, **choices: Any) -> str:
        """The whole way; the path it ends on."""
        choices.setdefault("scope", ["daily", "heartrate"])
        return self.arrive(self.consent(self.leave(), **choices)).location


@pytest.fixture
def simulator():
    with SimulatorServer(personas=("adult", "traveller"), redirect_uris=[f"{HOME}/oauth/callback"], clock=Clock()) as server:
        yield server


@pytest.fixture
def settings(simulator, tmp_path):
    env = {**simulator.settings_env(), "AUTH_TOKEN": TOKEN, "TOKEN_ENCRYPTION_KEY": "0123456789abcdef" * 4}
    return Settings.load({**env, "TOKEN_FILE": str(tmp_path / "tokens.json")}, None)


@pytest.fixture
def house(simulator, settings):
    return House(simulator, settings, Clock())


@pytest.fixture
def browser(house):
    return house.browser()


# -- the way that works ------------------------------------------------------------------------------------------------


def test_a_signed_in_browser_connects_and_ends_on_a_clean_address(house, browser):
    assert browser.connect() == "/oauth/result/connected"
    assert house.connected
    assert "Your ring is connected" in browser.get("/oauth/result/connected").text


def test_the_person_is_sent_with_pkce_s256_a_state_and_the_wanted_scopes(house, browser):
    url = urlsplit(browser.leave())
    query = {name: values[0] for name, values in parse_qs(url.query).items()}

    assert query["code_challenge_method"] == "S256"
    assert len(query["code_challenge"]) == 43
    assert len(query["state"]) >= 43
    assert query["redirect_uri"] == f"{HOME}/oauth/callback"
    assert set(query["scope"].split()) == set(house.settings.oura_scopes)
    assert "code_verifier" not in url.query


def test_the_state_cookie_is_for_our_server_only_lives_ten_minutes_and_hides_the_verifier(browser):
    answer = browser.get("/oauth/authorize")
    cookie = next(value for value in answer.headers.getlist("Set-Cookie") if value.startswith("oura_state="))
    state = parse_qs(urlsplit(answer.location).query)["state"][0]

    assert {"HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=600"} <= set(cookie.split("; "))
    assert state not in cookie


@pytest.mark.parametrize("owner", ["api", "moi"])
def test_the_endpoint_that_owns_the_application_is_found_before_the_code_is_spent_and_remembered(house, browser, owner):
    house.simulator.turn(token_endpoint=owner)

    assert browser.connect() == "/oauth/result/connected"
    exchanges = [
        seen["query"] for seen in house.simulator.journal.requests if seen["query"].get("grant_type") == "authorization_code"
    ]
    assert exchanges == [{"endpoint": owner, "grant_type": "authorization_code"}]
    grant = house.services.connection.grant()
    assert grant.token_url.endswith("/oauth/token" if owner == "api" else "/oauth/v2/ext/oauth-token")


def test_one_call_reads_the_account_and_only_its_keyed_hash_is_kept(house, browser):
    browser.connect()
    [asked] = [seen for seen in house.simulator.journal.requests if seen["target"] == "personal_info"]
    account = requests.get(
        f"{house.simulator.url}/v2/usercollection/personal_info",
        headers={"Authorization": f"Bearer {house.services.connection.grant().access_token}"},
        timeout=10,
    ).json()["id"]

    assert asked["status"] == 200
    assert account not in str(house.services.vault.read("oura-connection"))


def test_a_callback_with_a_slash_at_its_end_works_too(browser):
    url = browser.consent(browser.leave(), scope=["daily"])

    assert browser.arrive(url.replace("/oauth/callback?", "/oauth/callback/?")).location == "/oauth/result/connected"


def test_a_narrower_consent_is_fine_and_the_status_page_says_what_is_missing(house, browser):
    assert browser.connect(scope=["daily"]) == "/oauth/result/connected"

    status = house.services.connection.status()
    assert status.scopes == {"daily"}
    assert "heartrate" in status.missing
    assert "no heart rate" in browser.get("/status").text


def test_when_oura_names_no_scopes_they_are_unknown_and_nothing_counts_as_missing(house, browser):
    house.simulator.turn(scope_in_callback=False, scope_in_token=False)
    browser.connect()

    status = house.services.connection.status()
    assert (status.scopes, status.missing) == (None, ())
    assert "did not say which permissions" in browser.get("/status").text


def test_connecting_again_with_the_same_account_replaces_the_tokens_without_asking(house, browser):
    browser.connect()
    first = house.services.connection.grant().access_token

    assert browser.connect() == "/oauth/result/connected"
    assert house.services.connection.grant().access_token != first


# -- who may start it --------------------------------------------------------------------------------------------------


def test_a_stranger_is_sent_to_sign_in_and_from_there_to_oura(house):
    browser = house.browser(signed_in=False)
    answer = browser.get("/oauth/authorize")

    assert (answer.status_code, answer.location) == (302, "/login?next=connect")
    assert not answer.headers.getlist("Set-Cookie")
    assert browser.sign_in("connect").location == "/login?next=connect"
    assert 'href="/oauth/authorize"' in browser.get("/login?next=connect").text


def test_the_owner_s_bearer_starts_it_too_and_gets_the_state_cookie_in_the_same_answer(house):
    browser = house.browser(signed_in=False)
    answer = browser.client.get("/oauth/authorize", base_url=HOME, headers=BEARER)

    assert answer.status_code == 302
    assert answer.location.startswith(house.simulator.url)
    assert browser.arrive(browser.consent(answer.location, scope=["daily"])).location == "/oauth/result/connected"


def test_a_wrong_bearer_is_401(house):
    answer = house.app.test_client().get("/oauth/authorize", base_url=HOME, headers={"Authorization": "Bearer wrong"})

    assert answer.status_code == 401


@pytest.mark.parametrize("path", ["/oauth/authorize", "/login", "/login?next=connect"])
def test_on_another_host_name_the_person_is_sent_to_where_the_cookie_comes_back(house, path):
    answer = house.app.test_client().get(path, base_url="http://127.0.0.1:3001", headers=BROWSER)

    assert (answer.status_code, answer.location) == (302, HOME + path)


def test_moving_there_takes_no_foreign_name_along(house):
    answer = house.app.test_client().get("/login?next=//evil.example", base_url="http://127.0.0.1:3001", headers=BROWSER)

    assert answer.location == f"{HOME}/login"


# -- how else it can end -----------------------------------------------------------------------------------------------


def test_denial_has_its_page_and_changes_nothing(house, browser):
    assert browser.arrive(browser.consent(browser.leave(), "deny")).location == "/oauth/result/denied"
    assert not house.connected


@pytest.mark.parametrize(("decision", "ends"), [("approve", "/authorize/continue"), ("deny", "/oauth/result/denied")])
def test_who_came_from_a_client_goes_on_to_it_only_with_a_ring(browser, decision, ends):
    there = browser.get("/oauth/authorize?next=client").location

    assert browser.arrive(browser.consent(there, decision)).location == ends


def test_after_ten_minutes_the_attempt_is_over(house, browser):
    url = browser.consent(browser.leave(), scope=["daily"])
    house.clock.now += 601

    assert browser.arrive(url).location == "/oauth/result/expired"
    assert not house.connected


def test_a_callback_works_once_even_with_its_cookie_put_back(house, browser):
    url = browser.consent(browser.leave(), scope=["daily"])
    cookie = browser.client.get_cookie("oura_state").value
    browser.arrive(url)
    browser.client.set_cookie("oura_state", cookie)
    house.simulator.journal.reset()

    assert browser.arrive(url).location == "/oauth/result/expired"
    assert house.simulator.journal.counts["token"] == 0


def test_a_callback_in_another_browser_connects_nothing(house, browser):
    url = browser.consent(browser.leave(), scope=["daily"])
    other = house.browser()
    other.leave()

    assert other.arrive(url).location == "/oauth/result/expired"
    assert house.browser(signed_in=False).arrive(url).location == "/oauth/result/expired"
    assert not house.connected


def test_a_wrong_client_secret_is_told_before_the_person_is_sent_away(house, browser):
    house.simulator.world.ledger.client = type(house.simulator.world.ledger.client)("simulated-client", "another secret")

    answer = browser.get("/oauth/authorize")

    assert (answer.status_code, answer.location) == (303, "/oauth/result/credentials")
    assert "OURA_CLIENT_SECRET" in browser.get(answer.location).text


def test_with_oura_down_the_person_stays_here(house, browser):
    house.simulator.stop()

    assert browser.get("/oauth/authorize").location == "/oauth/result/unavailable"


@pytest.mark.parametrize("kind", ["server_error", "html_error", "not_json", "truncated", "dropped", "rate_limited", "redirect"])
def test_a_token_endpoint_in_trouble_at_the_exchange_has_its_page(house, browser, kind):
    url = browser.consent(browser.leave(), scope=["daily"])
    house.simulator.turn(faults=[{"kind": kind, "on": "token", "times": None}])

    assert browser.arrive(url).location == "/oauth/result/unavailable"
    assert not house.connected


def test_a_redirect_uri_that_is_not_registered_has_its_page_with_the_address_to_register(house, browser):
    assert browser.arrive(f"{HOME}/oauth/callback?error=invalid_redirect_uri").location == "/oauth/result/redirect"
    page = browser.get("/oauth/result/redirect").text
    assert f"{HOME}/oauth/callback" in page
    assert "slash" in page


def test_nothing_that_a_forged_callback_says_reaches_a_page(browser):
    answer = browser.arrive(f"{HOME}/oauth/callback?error=<h1>owned</h1>&error_description=<script>&state=x")

    assert answer.location == "/oauth/result/refused"
    assert "owned" not in browser.get(answer.location).text


def test_when_the_tokens_cannot_be_saved_the_old_connection_survives(house, browser, monkeypatch):
    browser.connect()
    before = house.services.vault.read("oura-connection")

    def full(*_: object) -> None:
        raise StoreUnavailableError("No space left.")

    monkeypatch.setattr(FileStore, "put", full)

    assert browser.connect() == "/oauth/result/not-saved"
    assert house.services.vault.read("oura-connection") == before


def test_without_the_three_settings_the_way_ends_on_what_to_register(simulator, settings, tmp_path):
    bare = Settings.load(
        {"AUTH_TOKEN": TOKEN, "TOKEN_ENCRYPTION_KEY": "0123456789abcdef" * 4, "TOKEN_FILE": str(tmp_path / "t.json")}, None
    )
    browser = House(simulator, bare, Clock()).browser()

    assert browser.get("/oauth/authorize").location == "/oauth/result/unconfigured"
    front = browser.get("/").text
    assert "developer.ouraring.com" in front
    assert "http://localhost:3001/oauth/callback" in front


def test_every_ending_has_a_page_and_an_unknown_one_is_404(browser):
    from app.oauth.outcomes import PAGES

    for outcome, page in PAGES.items():
        answer = browser.get(f"/oauth/result/{outcome.value}")
        assert answer.status_code == 200
        assert page.step[1] in answer.text
    assert browser.get("/oauth/result/another-account").status_code == 404
    assert browser.get("/oauth/result/nonsense").status_code == 404


# -- another account ---------------------------------------------------------------------------------------------------


@pytest.fixture
def waiting(house, browser):
    """An account is connected, another one waits."""
    browser.connect(account="adult")
    assert browser.connect(account="traveller") == "/oauth/replace"
    return browser


def test_another_account_waits_and_the_first_stays_until_the_owner_says_so(house, waiting):
    assert house.live_grants == 2
    assert "different Oura account" in waiting.get("/oauth/replace").text
    assert "A different account waits" in waiting.get("/status").text


def test_replacing_ends_the_first_and_empties_what_was_cached(house, waiting):
    told = []
    house.services.connection.on_change.append(lambda: told.append("forget"))

    answer = waiting.post("/oauth/replace", csrf=waiting.csrf(), answer="replace")

    assert answer.location == "/oauth/result/replaced"
    assert (house.live_grants, house.connected, told) == (1, True, ["forget"])
    assert waiting.get("/oauth/replace").location == "/oauth/result/too-late"


def test_declining_revokes_the_one_that_waits(house, waiting):
    first = house.services.connection.grant()

    assert waiting.post("/oauth/replace", csrf=waiting.csrf(), answer="keep").location == "/oauth/result/kept"
    assert house.live_grants == 1
    assert house.services.connection.grant() == first


def test_after_ten_minutes_the_one_that_waits_is_revoked_and_cannot_be_taken(house, waiting):
    first = house.services.connection.grant()
    house.clock.now += 601

    assert waiting.post("/oauth/replace", csrf=waiting.csrf(), answer="replace").location == "/oauth/result/too-late"
    assert house.live_grants == 1
    assert house.services.connection.grant() == first


def test_replacing_needs_the_owner_and_the_form_s_token(house, waiting):
    assert waiting.post("/oauth/replace", answer="replace").status_code == 403
    assert house.browser(signed_in=False).post("/oauth/replace", answer="replace").status_code == 401
    assert house.live_grants == 2


def test_an_account_that_oura_does_not_name_counts_as_another(house, browser):
    browser.connect()
    house.simulator.turn(faults=[{"kind": "server_error", "on": "personal_info", "times": None}])

    assert browser.connect() == "/oauth/replace"


def test_a_connection_whose_account_oura_did_not_name_is_not_replaced_without_asking(house, browser):
    house.simulator.turn(faults=[{"kind": "server_error", "on": "personal_info", "times": None}])
    assert browser.connect() == "/oauth/result/connected"
    house.simulator.turn(faults=[])

    assert browser.connect(account="traveller") == "/oauth/replace"


def test_what_another_provider_granted_is_not_replaced_without_asking(house, browser):
    browser.connect()
    held = house.services.vault.read("oura-connection")
    house.services.vault.write("oura-connection", {**held, "provider": "https://api.ouraring.com"})

    assert browser.connect() == "/oauth/replace"
    assert browser.post("/oauth/replace", csrf=browser.csrf(), answer="replace").location == "/oauth/result/replaced"
    assert house.simulator.journal.counts["revoke"] == 0, "a token of another provider's is shown to nobody else"


def test_connecting_the_first_account_again_ends_the_one_that_waits(house, waiting):
    assert waiting.connect(account="adult") == "/oauth/result/connected"

    assert waiting.get("/oauth/replace").location == "/oauth/result/too-late"
    assert house.services.vault.read("oura-pending") is None


def test_a_first_connection_is_made_although_oura_does_not_name_the_account(house, browser):
    house.simulator.turn(membership_lapsed=True)

    assert browser.connect() == "/oauth/result/connected"


def test_what_waits_is_sealed_on_disk(house, waiting):
    stored = house.settings.token_file.read_text()

    assert house.services.vault.read("oura-pending")["grant"]["access_token"] not in stored


# -- status and disconnect ---------------------------------------------------------------------------------------------


def test_status_keeps_the_original_s_keys_and_tells_no_secret(house, browser):
    client = house.app.test_client()
    assert client.get("/oauth/status", base_url=HOME).status_code == 401
    assert client.get("/oauth/status", base_url=HOME, headers=BEARER).json == {"connected": False, "state": "never"}
    browser.connect(scope=["daily", "heartrate"])

    told = client.get("/oauth/status", base_url=HOME, headers=BEARER).json

    assert told["connected"] is True
    assert told["scope"] == "daily heartrate"
    assert told["expiresAt"] == (house.clock.now + 86_400) * 1000
    assert "workout" in told["missingScopes"]
    assert house.services.connection.grant().access_token not in str(told)
    assert browser.get("/oauth/status").json == told


def test_disconnecting_by_form_revokes_forgets_and_says_so(house, browser):
    browser.connect()

    assert browser.post("/oauth/disconnect").status_code == 403
    assert browser.post("/oauth/disconnect", csrf=browser.csrf()).location == "/oauth/result/disconnected"
    assert (house.connected, house.live_grants) == (False, 0)
    assert house.services.vault.read("oura-connection") is None
    assert house.services.connection.status().state == "never"


def test_disconnecting_by_bearer_needs_no_form_and_ends_a_waiting_account_too(house, waiting):
    answer = house.app.test_client().post("/oauth/disconnect", base_url=HOME, headers=BEARER)

    assert answer.json == {"success": True, "message": "OAuth disconnected successfully", "revokedAtOura": True}
    assert house.live_grants == 0


def test_disconnecting_while_oura_is_down_says_what_is_left_to_do(house, browser):
    browser.connect()
    house.simulator.stop()

    assert browser.post("/oauth/disconnect", csrf=browser.csrf()).location == "/oauth/result/disconnected-here"
    assert not house.connected


# -- a record that does not open ---------------------------------------------------------------------------------------


@pytest.fixture
def locked_out(simulator, settings, house, browser):
    """The same store under another key."""
    browser.connect()
    changed = settings.model_copy(update={"token_encryption_key": type(settings.token_encryption_key)("fedcba9876543210" * 4)})
    return House(simulator, changed, Clock())


def test_an_unreadable_record_is_explained_and_connecting_asks_first(locked_out):
    browser = locked_out.browser()

    assert browser.get("/oauth/authorize").location == "/oauth/result/unreadable"
    page = browser.get("/status").text
    assert "TOKEN_ENCRYPTION_KEY" in page
    assert 'action="/oauth/set-aside"' in page


def test_set_aside_it_is_kept_under_another_name_and_the_ring_can_be_connected_anew(locked_out, settings):
    browser = locked_out.browser()
    before = settings.token_file.read_text()

    assert browser.post("/oauth/set-aside", csrf=browser.csrf()).location == "/login?next=connect"
    assert browser.connect() == "/oauth/result/connected"
    assert any(part in settings.token_file.read_text() for part in [before.split('"')[-2]])
    assert locked_out.connected


def test_disconnecting_what_does_not_open_leads_to_the_page_that_explains_it(locked_out, settings):
    browser, before = locked_out.browser(), settings.token_file.read_bytes()

    assert browser.post("/oauth/disconnect", csrf=browser.csrf()).location == "/oauth/result/unreadable"
    assert settings.token_file.read_bytes() == before


def test_a_record_that_opens_is_not_set_aside(house, browser):
    browser.connect()

    assert browser.post("/oauth/set-aside", csrf=browser.csrf()).location == "/status"
    assert house.connected
