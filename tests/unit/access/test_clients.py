"""How clients become known: by registration, by settings, by a document; and clients shaped like the real ones."""

import base64
import json

import pytest

from app.access.clients import configured
from app.errors import ConfigError
from tests.unit.access.door import ISSUER, PUBLIC, REDIRECT, TOKEN, Door, told

pytestmark = pytest.mark.requirement("oauth-clients")

# -- registration --------------------------------------------------------------------------------------------------------


def test_a_registration_answers_with_all_that_was_registered(door):
    answer = door.client().register(
        client_name="An app", token_endpoint_auth_method="none", scope="health:read", contacts=["a@b.c"]
    )

    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json == {
        "client_id": answer.json["client_id"],
        "client_id_issued_at": int(door.clock()),
        "client_name": "An app",
        "redirect_uris": [REDIRECT],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    }


@pytest.mark.parametrize("method", ["client_secret_post", "client_secret_basic"])
def test_a_client_with_a_secret_may_send_it_either_way(door, method):
    program = door.client()
    registered = program.register(token_endpoint_auth_method=method).json
    client_id, secret = registered["client_id"], registered["client_secret"]
    assert registered["token_endpoint_auth_method"] == method
    assert registered["client_secret_expires_at"] == 0
    basic = {"Authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}

    tokens = program.redeem(program.consent(client_id)["code"], client_id, client_secret=secret)
    assert tokens.status_code == 200
    renewed = program.token(headers=basic, grant_type="refresh_token", refresh_token=tokens.json["refresh_token"])
    assert renewed.status_code == 200


@pytest.mark.parametrize(
    ("uris", "method"),
    [
        (["https://a.example/cb"], "client_secret_basic"),
        (["http://localhost/cb"], "none"),
        (["cursor://a/cb", "http://127.0.0.1/cb"], "none"),
        (["cursor://a/cb", "https://a.example/cb"], None),
    ],
)
def test_where_the_method_is_not_said_it_follows_from_where_the_client_lives(door, uris, method):
    answer = door.client().register(redirect_uris=uris, token_endpoint_auth_method=None)

    assert answer.json.get("token_endpoint_auth_method") == method
    assert answer.json.get("error") == (None if method else "invalid_redirect_uri")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"redirect_uris": []}, "invalid_redirect_uri"),
        ({"redirect_uris": "https://a.example/cb"}, "invalid_redirect_uri"),
        ({"redirect_uris": [1]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://a.example/cb"] * 11}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://a.example/cb", "http://a.example/cb"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["cursor://a/cb"], "token_endpoint_auth_method": "client_secret_post"}, "invalid_redirect_uri"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": ["none"]}, "invalid_client_metadata"),
        ({"grant_types": ["client_credentials"]}, "invalid_client_metadata"),
        ({"grant_types": "authorization_code"}, "invalid_client_metadata"),
        ({"response_types": ["token"]}, "invalid_client_metadata"),
    ],
)
def test_a_registration_that_cannot_be_had_is_told_why(door, changes, error):
    answer = door.client().register(**changes)

    assert (answer.status_code, answer.json["error"]) == (400, error)
    assert answer.json["error_description"]
    assert door.services.vault.owners("mcp-client") == []


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"{", b"[" * 9000, b'{"a": 1e400}', b'{"redirect_uris": [], "redirect_uris": []}', b"\xff"]
)
def test_a_registration_that_is_no_json_object_is_refused(door, body):
    answer = door.client().post("/register", data=body, content_type="application/json")

    assert (answer.status_code, answer.json["error"]) == (400, "invalid_client_metadata")


def test_registrations_of_a_lost_key_are_unknown_and_the_client_is_told_to_register_anew(door, client_id):
    tokens = door.client().come_in(client_id)
    after = door.restarted(token_encryption_key="fedcba9876543210" * 4).client()

    assert after.ask(client_id).status_code == 400
    assert after.refresh(tokens["refresh_token"], client_id).json["error"] == "invalid_client"
    assert after.call(tokens["access_token"]).status_code == 401
    assert after.come_in(after.register().json["client_id"])


# -- by settings ---------------------------------------------------------------------------------------------------------


def test_a_client_of_the_settings_comes_in_with_its_secret(tmp_path):
    local = "http://localhost:9999/cb"
    entries = f"ha|s3cret|{REDIRECT}|http://localhost:8123/cb; pub||{REDIRECT}"
    program = Door(tmp_path, settings={"oauth_clients": entries}).client()

    code = program.consent("ha")["code"]
    assert program.redeem(code, "ha").status_code == 401
    assert program.redeem(code, "ha", client_secret="s3cret").status_code == 200
    assert program.redeem(program.consent("pub")["code"], "pub").status_code == 200
    code = program.consent("ha", redirect_uri=local)["code"]
    assert program.redeem(code, "ha", redirect_uri=local, client_secret="s3cret").status_code == 200


@pytest.mark.parametrize(
    "text",
    [
        "ha",
        "ha|s3cret",
        "ha|s3cret|",
        "|s3cret|https://a.example/cb",
        "ha|s3cret|http://a.example/cb",
        "ha|s3cret|cursor://x/y",
        "a||https://a.example;a|s3cret|https://b.example",
    ],
)
def test_settings_that_make_no_client_stop_the_boot_without_showing_the_secret(tmp_path, text):
    with pytest.raises(ConfigError, match="OAUTH_CLIENTS") as stopped:
        Door(tmp_path, settings={"oauth_clients": text})
    assert "s3cret" not in str(stopped.value)


def test_without_an_entry_there_are_none():
    assert configured("") == {}
    assert configured(" ; ") == {}


# -- clients as they are (clients.md) ------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["claude.ai", "claude.com"])
def test_a_client_like_claude_registers_and_comes_in_at_either_of_its_hosts(door, host):
    """Order seen in logs: POST, 401, resource metadata, server metadata, register, authorize, token, POST with bearer."""
    program = door.client()
    challenge = program.post("/mcp", json={}).headers["WWW-Authenticate"]
    metadata_url = challenge.split('resource_metadata="')[1].split('"')[0]
    resource = program.get(metadata_url.removeprefix(ISSUER)).json
    server = program.get("/.well-known/oauth-authorization-server").json
    callback = f"https://{host}/api/mcp/auth_callback"
    registered = program.post(
        server["registration_endpoint"].removeprefix(ISSUER),
        json={
            "client_name": "Claude",
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
            "scope": " ".join(server["scopes_supported"]),
            "redirect_uris": ["https://claude.ai/api/mcp/auth_callback", "https://claude.com/api/mcp/auth_callback"],
        },
    ).json

    tokens = program.come_in(
        registered["client_id"], redirect_uri=callback, resource=resource["resource"], scope="health:read offline_access"
    )

    assert program.call(tokens["access_token"]).status_code == 200
    assert program.refresh(tokens["refresh_token"], registered["client_id"]).status_code == 200


CHATGPT = "https://chatgpt.com/oauth/client.json"


def test_a_client_like_chatgpt_is_known_by_its_document_and_told_iss_at_its_stable_redirect(door):
    """Its document prefers private_key_jwt and lists `none`; it uses the stable redirect only where `iss` is announced."""
    redirect = "https://chatgpt.com/connector_platform_oauth_redirect"
    document = {
        "client_id": CHATGPT,
        "client_name": "ChatGPT",
        "client_uri": "https://chatgpt.com/",
        "redirect_uris": [redirect],
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
        "token_endpoint_auth_signing_alg": "RS256",
        "jwks_uri": "https://chatgpt.com/oauth/jwks.json",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
    }
    door.internet.publish(CHATGPT, document)
    program = door.client()
    server = program.get("/.well-known/oauth-authorization-server").json
    assert server["authorization_response_iss_parameter_supported"]
    assert server["client_id_metadata_document_supported"]
    assert "private_key_jwt" not in server["token_endpoint_auth_methods_supported"]

    page = program.ask(CHATGPT, redirect_uri=redirect)
    assert "ChatGPT" in page.text
    assert "Described by</dt><dd><strong>chatgpt.com" in page.text
    assert "Anyone can choose a name" not in page.text
    answer = told(program.answer(page))
    assert answer["iss"] == ISSUER
    tokens = program.redeem(answer["code"], CHATGPT, redirect_uri=redirect, resource=f"{ISSUER}/mcp").json

    assert program.call(tokens["access_token"]).status_code == 200
    assert door.internet.connected == [(CHATGPT, PUBLIC)]
    door.internet.documents.clear()
    door.clock.now += 86_400 * 2
    assert program.refresh(tokens["refresh_token"], CHATGPT).status_code == 200


def test_a_client_like_cursor_comes_in_by_its_private_scheme(door):
    redirect = "cursor://anysphere.cursor-mcp/oauth/callback"
    program = door.client()
    registered = program.register(client_name="Cursor", redirect_uris=[redirect], token_endpoint_auth_method="none").json

    gone = program.answer(program.ask(registered["client_id"], redirect_uri=redirect))

    assert gone.headers["Location"].startswith(redirect + "?code=omc.")
    tokens = program.redeem(told(gone)["code"], registered["client_id"], redirect_uri=redirect).json
    assert program.call(tokens["access_token"]).status_code == 200


def test_a_client_on_the_persons_computer_comes_in_at_whatever_port_it_got(door):
    document = {
        "client_id": "https://tool.example/oauth/client.json",
        "client_name": "Tool",
        "redirect_uris": ["http://127.0.0.1/callback", "http://localhost/callback"],
        "application_type": "native",
        "token_endpoint_auth_method": "none",
    }
    url = door.internet.publish(document["client_id"], document)
    local = door.client("http://localhost:3001")
    redirect = "http://127.0.0.1:50123/callback"

    tokens = local.come_in(url, redirect_uri=redirect)

    assert local.call(tokens["access_token"]).status_code == 200
    assert local.ask(url, redirect_uri="http://127.0.0.1:50123/other").status_code == 400


def test_a_client_of_2025_03_that_knows_no_resource_and_finds_the_paths_at_the_root_comes_in(door, client_id):
    program = door.client()

    tokens = program.come_in(client_id, resource=None)

    assert program.call(tokens["access_token"], **{"MCP-Protocol-Version": "2025-03-26"}).status_code == 200


def test_a_client_like_home_assistant_with_a_fixed_id_and_secret_comes_in(tmp_path):
    redirect = "https://my.home-assistant.io/redirect/oauth"
    program = Door(tmp_path, settings={"oauth_clients": f"home|{'x' * 40}|{redirect}"}).client()

    code = program.consent("home", redirect_uri=redirect, resource=None)["code"]
    tokens = program.redeem(code, "home", redirect_uri=redirect, client_secret="x" * 40).json

    assert program.call(tokens["access_token"], "/sse").status_code == 200


def test_a_browser_client_on_loopback_may_read_the_metadata_and_the_token(door, client_id):
    origin = {"Origin": "http://localhost:6274"}
    program = door.client("http://localhost:3001")

    for answer in (
        program.get("/.well-known/oauth-protected-resource/mcp", headers=origin),
        program.get("/.well-known/oauth-authorization-server", headers=origin),
        program.token(headers=origin, grant_type="refresh_token", client_id=client_id, refresh_token="x"),
        program.post("/register", json={"redirect_uris": ["http://localhost:6274/cb"]}, headers=origin),
    ):
        assert answer.headers["Access-Control-Allow-Origin"] == origin["Origin"]
    preflight = {**origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    assert program.options("/register", headers=preflight).status_code in {200, 204}
    assert TOKEN not in json.dumps(program.get("/.well-known/oauth-authorization-server").json)
