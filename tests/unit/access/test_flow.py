"""The front door as it is meant: discover, register, consent, tokens, renewal, the list of who is in, the end."""

import json
import re
from urllib.parse import urlsplit

import pytest

from tests.unit.access.door import BEARER, ISSUER, REDIRECT, TOKEN, Door, told

pytestmark = pytest.mark.requirement("oauth-tokens")

# -- discovery -----------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("oauth-discovery")
def test_the_challenge_leads_to_the_metadata_of_the_resource_and_that_to_the_servers(door):
    program = door.client()
    challenge = program.post("/sse", json={}).headers["WWW-Authenticate"]
    assert f'resource_metadata="{ISSUER}/.well-known/oauth-protected-resource/sse"' in challenge

    resource = program.get("/.well-known/oauth-protected-resource/sse").json
    assert resource["resource"] == f"{ISSUER}/sse"
    assert resource["authorization_servers"] == [ISSUER]
    assert resource["scopes_supported"] == ["health:read"]

    server = program.get("/.well-known/oauth-authorization-server").json
    assert server["issuer"] == ISSUER
    assert server["code_challenge_methods_supported"] == ["S256"]
    assert set(server["token_endpoint_auth_methods_supported"]) == {"none", "client_secret_post", "client_secret_basic"}
    assert server["authorization_response_iss_parameter_supported"] is True
    assert server["client_id_metadata_document_supported"] is True
    assert {urlsplit(server[name]).path for name in server if name.endswith("_endpoint")} == {
        "/authorize",
        "/token",
        "/register",
        "/revoke",
    }


@pytest.mark.parametrize("suffix", ["", "/mcp"])
def test_resource_metadata_is_there_with_and_without_the_path(door, suffix):
    assert door.client().get(f"/.well-known/oauth-protected-resource{suffix}").json["resource"] == f"{ISSUER}/mcp"


@pytest.mark.parametrize("path", ["/mcp", "/mcp/", "/sse", "/sse/"])
def test_the_resource_is_the_address_that_was_typed_since_clients_compare_it_to_the_letter(door, client_id, path):
    program = door.client()
    challenge = program.post(path, json={}).headers["WWW-Authenticate"]

    metadata = program.get(challenge.split('resource_metadata="')[1].split('"')[0].removeprefix(ISSUER)).json
    tokens = program.come_in(client_id, resource=metadata["resource"])

    assert metadata["resource"] == ISSUER + path
    assert program.call(tokens["access_token"], path).status_code == 200


def test_there_is_no_metadata_of_anything_else(door):
    for path in ("oauth-protected-resource/oauth", "openid-configuration", "oauth-authorization-server/mcp"):
        assert door.client().get(f"/.well-known/{path}").status_code == 404


@pytest.mark.parametrize("host", ["http://localhost:3001", "http://127.0.0.1:3001", "http://[::1]:3001"])
def test_on_this_computer_issuer_and_resource_are_the_address_that_was_used(door, host):
    program = door.client(host)

    assert program.get("/.well-known/oauth-authorization-server").json["issuer"] == host
    assert program.get("/.well-known/oauth-protected-resource/mcp").json["resource"] == f"{host}/mcp"
    client_id = program.register().json["client_id"]
    tokens = program.come_in(client_id)
    assert program.call(tokens["access_token"]).status_code == 200
    assert door.client().call(tokens["access_token"]).status_code == 401


@pytest.mark.requirement("oauth-discovery")
def test_switched_off_there_is_nothing_and_the_challenge_does_not_say_otherwise(tmp_path):
    program = Door(tmp_path, settings={"oauth_server": False}).client()

    for path in ("oauth-protected-resource", "oauth-protected-resource/mcp", "oauth-authorization-server"):
        assert program.get(f"/.well-known/{path}").status_code == 404
    assert program.get("/authorize").status_code == 404
    assert program.post("/token").status_code == 404
    refused = program.call("x")
    assert refused.status_code == 401
    assert "resource_metadata" not in refused.headers["WWW-Authenticate"]
    assert program.call(TOKEN).status_code == 200


# -- coming in -----------------------------------------------------------------------------------------------------------


def test_a_client_comes_in_calls_and_renews(door, client_id):
    person = door.client()
    answer = person.consent(client_id)
    assert answer["state"] == "st&te"
    assert answer["iss"] == ISSUER

    tokens = person.redeem(answer["code"], client_id)
    assert tokens.status_code == 200
    assert tokens.headers["Cache-Control"] == "no-store"
    assert tokens.json["token_type"] == "Bearer"
    assert tokens.json["expires_in"] == 3600
    assert tokens.json["scope"] == "health:read"
    assert person.call(tokens.json["access_token"]).json == {"jsonrpc": "2.0", "id": 1, "result": {}}

    door.clock.now += 3600
    assert person.call(tokens.json["access_token"]).status_code == 401
    renewed = person.refresh(tokens.json["refresh_token"], client_id)
    assert renewed.status_code == 200
    assert person.call(renewed.json["access_token"]).status_code == 200


def test_the_owners_own_bearer_goes_on_working_beside_it(door):
    assert door.client().call(TOKEN).status_code == 200


def test_the_page_says_who_asks_where_the_answer_goes_and_what_will_be_seen(door, client_id):
    page = door.client().ask(client_id)

    assert page.status_code == 200
    assert "An app" in page.text
    assert "app.example" in page.text
    assert "sleep, readiness, activity, heart rate" in page.text


@pytest.mark.parametrize(
    ("uri", "warning"),
    [
        ("http://127.0.0.1:4000/cb", "A program on this computer"),
        ("cursor://anysphere.cursor-mcp/cb", "An application on this device"),
    ],
)
def test_the_page_warns_where_nothing_proves_who_gets_the_answer(door, uri, warning):
    program = door.client()
    client_id = program.register(redirect_uris=[uri]).json["client_id"]

    assert warning in program.ask(client_id, redirect_uri=uri).text


def test_someone_signed_in_is_not_asked_for_the_secret_again(door, client_id):
    person = door.client()
    person.sign_in()
    page = person.ask(client_id)
    assert 'type="password"' not in page.text

    assert "code" in told(person.answer(page, password=None))


def test_the_secret_of_the_pages_counts_not_the_one_that_clients_hold(tmp_path):
    door = Door(tmp_path, settings={"owner_password": "correct horse battery"})
    person = door.client()
    page = person.ask(person.register().json["client_id"])

    assert person.answer(page).status_code == 401
    assert "code" in told(person.answer(page, password="correct horse battery"))


def test_a_wrong_secret_asks_again_and_the_sixth_try_has_to_wait(door, client_id):
    person = door.client()
    page = person.ask(client_id)
    for _ in range(5):
        page = person.answer(page, password="wrong")
        assert page.status_code == 401
        assert "not the right secret" in page.text

    refused = person.answer(page, password=TOKEN)
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    elsewhere = door.client(address="198.51.100.8")
    assert "code" in told(elsewhere.answer(elsewhere.ask(client_id)))


def test_a_no_is_told_to_the_client_with_state_and_iss(door, client_id):
    person = door.client()
    answer = told(person.answer(person.ask(client_id), decision="deny", password=None))

    assert answer["error"] == "access_denied"
    assert (answer["state"], answer["iss"]) == ("st&te", ISSUER)
    assert "code" not in answer


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        (None, "health:read"),
        ("", "health:read"),
        ("openid profile", "health:read"),
        ("health:read", "health:read"),
        ("health:read offline_access", "health:read offline_access"),
    ],
)
def test_scopes_are_what_there_is_of_what_was_asked(door, client_id, asked, granted):
    assert door.client().come_in(client_id, scope=asked)["scope"] == granted


def test_a_client_that_does_without_refresh_tokens_gets_none(door):
    program = door.client()
    client_id = program.register(grant_types=["authorization_code"]).json["client_id"]

    tokens = program.come_in(client_id)

    assert "refresh_token" not in tokens
    assert program.call(tokens["access_token"]).status_code == 200


@pytest.mark.parametrize(
    ("asked", "opens", "shut"),
    [
        (f"{ISSUER}/mcp", ["/mcp", "/mcp/"], ["/sse"]),
        (f"{ISSUER}/mcp/", ["/mcp"], ["/sse"]),
        (f"{ISSUER}/sse", ["/sse", "/sse/"], ["/mcp"]),
        (f"{ISSUER}:443/sse", ["/sse"], ["/mcp"]),
        (ISSUER, ["/mcp", "/sse"], []),
        (f"{ISSUER}/", ["/mcp", "/sse"], []),
        (None, ["/mcp", "/sse"], []),
    ],
)
def test_a_token_opens_the_address_that_the_client_named(door, client_id, asked, opens, shut):
    program = door.client()
    token = program.come_in(client_id, resource=asked)["access_token"]

    assert {path: program.call(token, path).status_code for path in opens} == dict.fromkeys(opens, 200)
    assert {path: program.call(token, path).status_code for path in shut} == dict.fromkeys(shut, 401)


def test_a_token_of_the_classic_address_opens_the_stream_and_its_message_endpoint(door, client_id):
    program = door.client()
    token = program.come_in(client_id, resource=f"{ISSUER}/sse")["access_token"]
    opened = program.get("/sse", headers={"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}, buffered=False)

    assert opened.status_code == 200
    assert program.call(token, "/message?sessionId=unknown").status_code == 404
    opened.close()


# -- renewal -------------------------------------------------------------------------------------------------------------


def test_a_lost_answer_may_be_asked_for_again_and_either_answer_goes_on(door, client_id):
    program = door.client()
    first = program.come_in(client_id)
    door.clock.now += 100
    lost = program.refresh(first["refresh_token"], client_id).json
    door.clock.now += 29
    again = program.refresh(first["refresh_token"], client_id)
    assert again.status_code == 200
    assert again.json["refresh_token"] != lost["refresh_token"]

    door.clock.now += 3000
    assert program.refresh(again.json["refresh_token"], client_id).status_code == 200
    assert program.refresh(lost["refresh_token"], client_id).status_code == 200


def test_what_is_not_used_for_ninety_days_ends(door, client_id):
    program = door.client()
    tokens = program.come_in(client_id)
    door.clock.now += 89 * 86_400
    tokens = program.refresh(tokens["refresh_token"], client_id).json
    door.clock.now += 90 * 86_400

    assert program.refresh(tokens["refresh_token"], client_id).json["error"] == "invalid_grant"
    assert program.consent(client_id)["code"]
    assert len(door.services.vault.owners("mcp-grant")) == 1


def test_an_expired_token_is_401_so_that_its_client_renews_whatever_others_at_its_address_have_tried(door, client_id):
    program = door.client()
    tokens = program.come_in(client_id)
    door.clock.now += 3600
    wrong = [program.call("wrong").status_code for _ in range(21)]

    refused = [program.call(tokens["access_token"]) for _ in range(30)]

    assert wrong[-1] == 429
    assert {answer.status_code for answer in refused} == {401}
    assert 'error="invalid_token"' in refused[0].headers["WWW-Authenticate"]


def test_everything_survives_a_restart(door, client_id):
    program = door.client()
    code = program.consent(client_id)["code"]
    tokens = program.come_in(client_id)

    after = door.restarted().client()

    assert after.call(tokens["access_token"]).status_code == 200
    assert after.refresh(tokens["refresh_token"], client_id).status_code == 200
    assert after.redeem(code, client_id).status_code == 200


def test_a_new_owner_secret_ends_every_grant_that_was_given_with_the_old_one(door, client_id):
    tokens = door.client().come_in(client_id)

    after = door.restarted(auth_token=f"new-{TOKEN}")
    program = after.client()

    assert program.call(tokens["access_token"]).status_code == 401
    assert program.refresh(tokens["refresh_token"], client_id).json["error"] == "invalid_grant"
    assert after.app.extensions["services"].vault.owners("mcp-grant") != []
    assert door.restarted().client().call(tokens["access_token"]).status_code == 200


def test_what_an_old_secret_let_in_is_swept_out_with_the_next_consent(door, client_id):
    door.client().come_in(client_id)
    after = door.restarted(owner_password="a password of the owner")

    program = after.client()
    assert told(program.answer(program.ask(client_id), password="a password of the owner"))["code"]

    assert len(after.services.vault.owners("mcp-grant")) == 1


def test_with_a_password_for_the_pages_a_new_auth_token_ends_no_grant(tmp_path):
    before = Door(tmp_path, settings={"owner_password": "a password of the owner"})
    program = before.client()
    client_id = program.register().json["client_id"]
    code = told(program.answer(program.ask(client_id), password="a password of the owner"))["code"]
    tokens = program.redeem(code, client_id).json

    assert before.restarted(auth_token=f"new-{TOKEN}").client().call(tokens["access_token"]).status_code == 200


def test_tokens_and_secrets_are_stored_as_hashes_only(door):
    program = door.client()
    registered = program.register(token_endpoint_auth_method="client_secret_post").json
    secret = {"client_secret": registered["client_secret"]}
    code = program.consent(registered["client_id"])["code"]
    tokens = program.redeem(code, registered["client_id"], **secret).json

    vault = door.services.vault
    held = [vault.read(purpose, owner) for purpose in ("mcp-client", "mcp-grant") for owner in vault.owners(purpose)]
    assert len(held) == 2
    for value in (registered["client_secret"], code, tokens["access_token"], tokens["refresh_token"]):
        assert value not in json.dumps(held)


# -- who is in, and the end ----------------------------------------------------------------------------------------------


@pytest.mark.requirement("oauth-grants")
def test_the_status_page_lists_who_is_in_and_its_button_ends_it(door, client_id):
    person = door.client()
    tokens = person.come_in(client_id)
    door.clock.now += 60
    person.call(tokens["access_token"])
    page = person.get("/status", headers={"Accept": "text/html"})
    assert "An app" in page.text
    assert "app.example" in page.text

    done = person.post("/access/revoke", data=_revoke_form(page), headers={"Origin": "null"})

    assert done.status_code == 303
    assert person.call(tokens["access_token"]).status_code == 401
    assert person.refresh(tokens["refresh_token"], client_id).json["error"] == "invalid_grant"
    assert "An app" not in person.get("/status", headers={"Accept": "text/html"}).text


def test_the_owners_bearer_revokes_too(door, client_id):
    program = door.client()
    tokens = program.come_in(client_id)
    grant_id = tokens["access_token"].split(".")[1]

    assert program.post(f"/access/revoke?grant_id={grant_id}", headers=BEARER).json == {"revoked": True}
    assert program.post(f"/access/revoke?grant_id={grant_id}", headers=BEARER).json == {"revoked": False}
    assert program.call(tokens["access_token"]).status_code == 401


@pytest.mark.requirement("oauth-grants")
def test_revoking_closes_open_streams_and_nobody_elses(door, client_id):
    program = door.client()
    mine, other = program.come_in(client_id)["access_token"], program.come_in(client_id)["access_token"]
    streams = {}
    for token in (mine, other):
        headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
        streams[token] = program.get("/mcp", headers=headers, buffered=False)
        assert b"endpoint" in next(streams[token].response)

    program.post(f"/access/revoke?grant_id={mine.split('.')[1]}", headers=BEARER)

    assert list(streams[mine].response) == []
    assert program.call(other).status_code == 200
    streams[other].close()


def test_a_client_may_give_back_what_it_has(door, client_id):
    program = door.client()
    tokens = program.come_in(client_id)

    done = program.post("/revoke", data={"token": tokens["access_token"], "client_id": client_id})
    assert done.status_code == 200
    assert program.call(tokens["access_token"]).status_code == 401
    renewed = program.refresh(tokens["refresh_token"], client_id).json

    assert program.post("/revoke", data={"token": renewed["refresh_token"], "client_id": client_id}).status_code == 200
    assert program.call(renewed["access_token"]).status_code == 401
    assert program.refresh(renewed["refresh_token"], client_id).json["error"] == "invalid_grant"
    assert program.post("/revoke", data={"token": "nonsense", "client_id": client_id}).status_code == 200


def test_disconnecting_the_ring_leaves_the_clients_in(door, client_id):
    door.connect_ring()
    program = door.client()
    tokens = program.come_in(client_id)

    program.post("/oauth/disconnect", headers=BEARER)

    assert program.call(tokens["access_token"]).status_code == 200


def test_last_use_is_listed_and_stored_at_the_next_renewal(door, client_id):
    program = door.client()
    tokens = program.come_in(client_id)
    door.clock.now += 500
    program.call(tokens["access_token"])
    assert "last used 21 September 2026, 14:21 UTC" in program.get("/status").text

    door.clock.now += 500
    program.refresh(tokens["refresh_token"], client_id)
    after = door.restarted().client()
    after.sign_in()
    assert "last used 21 September 2026, 14:30 UTC" in after.get("/status").text


# -- the ring in the same visit ------------------------------------------------------------------------------------------

OURA = {
    "oura_client_id": "oura-id",
    "oura_client_secret": "oura-secret",
    "oura_redirect_uri": f"{ISSUER}/oauth/callback",
}


@pytest.mark.requirement("oauth-ring-in-the-same-visit")
def test_without_a_ring_consent_goes_on_to_connect_one_and_back_to_the_client(tmp_path):
    door = Door(tmp_path, settings=OURA)
    person = door.client()
    client_id = person.register().json["client_id"]
    on = person.answer(person.ask(client_id))
    assert on.headers["Location"] == "/authorize/continue"

    page = person.get("/authorize/continue", headers={"Accept": "text/html"})
    assert 'href="/oauth/authorize?next=client"' in page.text

    door.connect_ring()
    door.services.connection.forget()
    answer = told(person.get("/authorize/continue"))
    assert person.redeem(answer["code"], client_id).status_code == 200
    assert person.get("/authorize/continue").headers["Location"] == "/status"


def test_without_a_ring_one_may_also_go_on(tmp_path):
    door = Door(tmp_path, settings=OURA)
    person = door.client()
    client_id = person.register().json["client_id"]
    person.answer(person.ask(client_id))

    answer = told(person.get("/authorize/continue?without=1"))

    assert (answer["state"], answer["iss"]) == ("st&te", ISSUER)


def test_with_a_ring_consent_goes_straight_back(tmp_path):
    door = Door(tmp_path, settings=OURA)
    door.connect_ring()
    person = door.client()

    assert "code" in person.consent(person.register().json["client_id"])


def test_a_request_too_long_for_a_cookie_goes_straight_back_too(tmp_path):
    door = Door(tmp_path, settings=OURA)
    uri, url = f"https://app.example/{'p' * 480}", f"https://app.example/{'c' * 470}"
    door.internet.publish(url, {"client_id": url, "client_name": "Long", "redirect_uris": [uri]})

    assert door.client().consent(url, redirect_uri=uri, state="s" * 2000)["state"] == "s" * 2000


def test_the_step_to_the_ring_is_for_the_browser_that_consented(tmp_path):
    door = Door(tmp_path, settings=OURA)
    person = door.client()
    person.answer(person.ask(person.register().json["client_id"]))
    held = person.get_cookie("__Host-oura_mcp_client", domain="oura.example")
    thief = door.client()
    thief.set_cookie("__Host-oura_mcp_client", held.value, domain="oura.example", secure=True)

    assert "/login" in thief.get("/authorize/continue", headers={"Accept": "text/html"}).headers["Location"]


def test_what_cannot_be_stored_is_told_and_nobody_is_let_in(door, client_id):
    person = door.client()
    page = person.ask(client_id)
    (door.folder / "tokens.json").write_text("damaged")

    answer = person.answer(page)

    assert answer.status_code == 503
    assert "could not be stored" in answer.text
    assert person.register().status_code == 503
    assert person.redeem("omc.aaaaaaaaaaaaaaaa." + "b" * 43, client_id).status_code in {401, 503}


def test_the_status_page_opens_although_the_list_of_who_is_in_cannot_be_read(door):
    person = door.client()
    person.sign_in()
    (door.folder / "tokens.json").write_text("damaged")

    page = person.get("/status")

    assert page.status_code == 200
    assert "Assistants that signed in" not in page.text
    assert (door.folder / "tokens.json").read_text() == "damaged"


def _revoke_form(page) -> dict[str, str]:
    form = re.search(r'action="/access/revoke">(.*?)</form>', page.text, re.DOTALL)[1]
    return dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))


def test_redirect_uri_of_the_only_registered_address_may_be_left_out(door, client_id):
    person = door.client()
    answer = person.answer(person.ask(client_id, redirect_uri=None))

    assert answer.headers["Location"].startswith(REDIRECT + "?")
    assert person.redeem(told(answer)["code"], client_id).status_code == 200


@pytest.mark.parametrize(
    ("asked", "redeemed", "status"), [("", "", 200), ("", "https://evil.example/", 400), (REDIRECT, "", 400)]
)
def test_redirect_uri_may_be_left_out_with_the_code_where_it_was_left_out_before(door, client_id, asked, redeemed, status):
    person = door.client()
    code = person.consent(client_id, redirect_uri=asked)["code"]

    assert person.redeem(code, client_id, redirect_uri=redeemed).status_code == status


@pytest.mark.parametrize("name", ["state", "resource", "scope", "redirect_uri", "response_mode", "request", "request_uri"])
def test_a_parameter_without_a_value_counts_as_left_out(door, client_id, name):
    person = door.client()

    answer = told(person.answer(person.ask(client_id, **{name: ""})))

    assert "code" in answer
    assert answer.get("state") == (None if name == "state" else "st&te")
