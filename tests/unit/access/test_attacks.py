"""The attack list: what someone would try at the front door, and that it does not work."""

import base64
import json
import logging
import re
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from tests.unit.access.door import BEARER, CHALLENGE, ISSUER, REDIRECT, TOKEN, VERIFIER, Door, hidden_fields, told

pytestmark = pytest.mark.requirement("oauth-attacks")

# -- codes ---------------------------------------------------------------------------------------------------------------


def test_a_replayed_code_gets_nothing_and_ends_what_it_had_given(door, client_id):
    program = door.client()
    code = program.consent(client_id)["code"]
    tokens = program.redeem(code, client_id).json

    replayed = program.redeem(code, client_id)

    assert (replayed.status_code, replayed.json["error"]) == (400, "invalid_grant")
    assert program.call(tokens["access_token"]).status_code == 401
    assert program.refresh(tokens["refresh_token"], client_id).json["error"] == "invalid_grant"


def test_a_code_ends_after_a_minute(door, client_id):
    program = door.client()
    code = program.consent(client_id)["code"]
    door.clock.now += 60

    assert program.redeem(code, client_id).json["error"] == "invalid_grant"


def test_a_code_is_good_for_its_own_client_only_and_survives_a_strangers_try(door, client_id):
    program = door.client()
    stranger = program.register().json["client_id"]
    code = program.consent(client_id)["code"]

    assert program.redeem(code, stranger).json["error"] == "invalid_grant"
    assert program.redeem(code, client_id).status_code == 200


@pytest.mark.parametrize("uri", [f"{REDIRECT}/", f"{REDIRECT}?x=1", "https://evil.example/callback", ""])
def test_a_code_is_bound_to_its_redirect_uri(door, client_id, uri):
    program = door.client()
    code = program.consent(client_id)["code"]

    assert program.redeem(code, client_id, redirect_uri=uri).json["error"] == "invalid_grant"


@pytest.mark.parametrize("spoil", [lambda code: code[:-1] + ("A" if code[-1] != "A" else "B"), lambda _: "", lambda _: "x"])
def test_a_guessed_code_gets_nothing(door, client_id, spoil):
    program = door.client()
    code = program.consent(client_id)["code"]

    assert program.redeem(spoil(code), client_id).status_code == 400
    assert program.redeem(code, client_id).status_code == 200


# -- PKCE ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge": None},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain", "code_challenge": VERIFIER},
        {"code_challenge_method": "s256"},
        {"code_challenge": CHALLENGE[:-1]},
        {"code_challenge": CHALLENGE + "="},
        {"code_challenge": [CHALLENGE, "x" * 43]},
        {"code_challenge_method": ["S256", "plain"]},
    ],
)
def test_pkce_that_is_missing_plain_or_doubled_is_refused_before_anyone_is_asked(door, client_id, changes):
    answer = told(door.client().ask(client_id, **changes))

    assert answer["error"] == "invalid_request"
    assert answer["iss"] == ISSUER


@pytest.mark.parametrize("verifier", ["w" * 43, CHALLENGE, "short", ""])
def test_a_code_without_its_verifier_gets_nothing(door, client_id, verifier):
    program = door.client()
    code = program.consent(client_id)["code"]

    refused = program.redeem(code, client_id, code_verifier=verifier)

    assert refused.status_code == 400
    assert refused.json["error"] in {"invalid_grant", "invalid_request"}


def test_pkce_is_asked_of_clients_with_a_secret_too(door):
    program = door.client()
    registered = program.register(token_endpoint_auth_method="client_secret_post").json
    client_id, secret = registered["client_id"], {"client_secret": registered["client_secret"]}
    assert told(program.ask(client_id, code_challenge=None, code_challenge_method=None))["error"] == "invalid_request"
    code = program.consent(client_id)["code"]

    assert program.redeem(code, client_id, code_verifier="", **secret).status_code == 400
    assert program.redeem(code, client_id, **secret).status_code == 200


# -- redirects -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/callback/",
        "https://app.example/callback/more",
        "https://app.example/call",
        "https://app.example/callback/../admin",
        "https://app.example/callback?next=https://evil.example",
        "https://app.example/callback#x",
        "https://app.example:8443/callback",
        "https://app.example@evil.example/callback",
        "https://app.example.evil.example/callback",
        "http://app.example/callback",
        "https://evil.example/?https://app.example/callback",
        "//app.example/callback",
        "javascript:alert(1)",
        " ",
    ],
)
def test_a_redirect_trick_sends_nobody_anywhere(door, client_id, uri):
    page = door.client().ask(client_id, redirect_uri=uri)

    assert page.status_code == 400
    assert "Location" not in page.headers
    assert "evil" not in page.text


def test_two_redirect_uris_in_one_request_send_nobody_anywhere(door, client_id):
    assert door.client().ask(client_id, redirect_uri=[REDIRECT, "https://evil.example/"]).status_code == 400
    assert door.client().ask([client_id, "other"]).status_code == 400


@pytest.mark.parametrize("client_id", ["", "unknown", "0" * 200, "../../etc", "\x00", "omc.x"])
def test_an_unknown_client_sends_nobody_anywhere(door, client_id):
    page = door.client().ask(client_id)

    assert page.status_code == 400
    assert "Location" not in page.headers


def test_a_client_with_several_redirect_uris_must_say_which(door):
    program = door.client()
    client_id = program.register(redirect_uris=[REDIRECT, "https://app.example/other"]).json["client_id"]

    assert program.ask(client_id, redirect_uri=None).status_code == 400


@pytest.mark.parametrize(
    "path", ["/authorize/continue", "/authorize/continue?next=https://evil.example", "/login?next=https://evil.example"]
)
def test_no_page_of_ours_is_an_open_redirect(door, path):
    person = door.client()
    person.sign_in()

    location = person.get(path).headers.get("Location", "")

    assert "evil" not in location
    assert location.startswith("/")


# -- whose token, for what -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "resource",
    [
        "https://evil.example/mcp",
        f"{ISSUER}/mcp/../sse",
        f"{ISSUER}/other",
        f"{ISSUER}/mcp#x",
        f"{ISSUER}/mcp?x=1",
        f"{ISSUER}/mcp//",
        f"{ISSUER}.evil.example/mcp",
        "https://x@oura.example/mcp",
        "http://oura.example/mcp",
        f"{ISSUER}:8443/mcp",
        "mcp",
        " ",
        [f"{ISSUER}/mcp", "https://evil.example/mcp"],
        [f"{ISSUER}/mcp", f"{ISSUER}/sse"],
    ],
)
def test_a_foreign_audience_is_refused_as_invalid_target(door, client_id, resource):
    answer = told(door.client().ask(client_id, resource=resource))

    assert answer["error"] == "invalid_target"
    assert (answer["iss"], answer["state"]) == (ISSUER, "st&te")


@pytest.mark.parametrize("resource", ["https://evil.example/mcp", f"{ISSUER}/sse"])
def test_the_token_endpoint_gives_no_other_audience_than_the_consent(door, client_id, resource):
    program = door.client()
    code = program.consent(client_id)["code"]
    assert program.redeem(code, client_id, resource=resource).json["error"] == "invalid_target"
    tokens = program.redeem(code, client_id, resource=f"{ISSUER}/mcp").json

    assert program.refresh(tokens["refresh_token"], client_id, resource=resource).json["error"] == "invalid_target"


def test_a_token_of_another_issuer_opens_nothing(tmp_path, door, client_id):
    other_folder = tmp_path / "other"
    other_folder.mkdir()
    other = Door(other_folder, settings={"token_encryption_key": "fedcba9876543210" * 4})
    foreign = other.client()
    token = foreign.come_in(foreign.register().json["client_id"])["access_token"]
    assert foreign.call(token).status_code == 200

    refused = door.client().call(token)

    assert refused.status_code == 401
    assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
        lambda token: token.replace("oma.", "omr."),
        lambda token: token.replace("oma.", "omc."),
        lambda token: token + "A",
        lambda token: token[:-1],
        lambda token: token.upper(),
        lambda token: token.rsplit(".", 1)[0] + "." + "A" * 43,
        lambda _: "eyJhbGciOiJub25lIn0.eyJzdWIiOiJvd25lciJ9.",
    ],
)
def test_a_changed_token_opens_nothing(door, client_id, spoil):
    program = door.client()
    token = program.come_in(client_id)["access_token"]
    program.call(token)

    assert program.call(spoil(token)).status_code == 401


def test_a_refresh_token_or_a_code_is_no_access_token(door, client_id):
    program = door.client()
    code = program.consent(client_id)["code"]
    tokens = program.come_in(client_id)

    assert program.call(code).status_code == 401
    assert program.call(tokens["refresh_token"]).status_code == 401
    assert program.refresh(tokens["access_token"], client_id).json["error"] == "invalid_grant"


def test_a_token_in_the_address_opens_nothing(door, client_id):
    program = door.client()
    token = program.come_in(client_id)["access_token"]

    assert program.post(f"/mcp?access_token={token}", json={}).status_code == 401
    assert program.post("/mcp", data={"access_token": token}).status_code == 401


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", "/oauth/status"),
        ("POST", "/oauth/disconnect"),
        ("GET", "/oauth/authorize"),
        ("GET", "/oauth/replace"),
        ("POST", "/oauth/replace"),
        ("POST", "/oauth/set-aside"),
        ("GET", "/status"),
        ("GET", "/metrics"),
        ("POST", "/access/revoke"),
    ],
)
@pytest.mark.parametrize("resource", [f"{ISSUER}/mcp", f"{ISSUER}/sse", None])
def test_an_issued_token_is_403_on_every_route_of_the_owner(door, client_id, verb, path, resource):
    program = door.client()
    token = program.come_in(client_id, resource=resource)["access_token"]
    stranger = door.client()

    refused = stranger.open(path, method=verb, headers={"Authorization": f"Bearer {token}"})

    assert refused.status_code == 403


@pytest.mark.requirement("oauth-owner")
def test_whatever_route_a_stranger_is_refused_at_an_issued_token_is_refused_at_too(door, client_id):
    """Those listed above by name, and any that is added later."""
    token = door.client().come_in(client_id)["access_token"]
    opened, tried = [], 0
    for rule in door.app.url_map.iter_rules():
        for verb in {"GET", "POST"} & rule.methods:
            if "<" in rule.rule or rule.endpoint.startswith("mcp."):
                continue
            stranger = door.client().open(rule.rule, method=verb)
            if stranger.status_code in {401, 403} or "/login" in stranger.headers.get("Location", ""):
                tried += 1
                status = door.client().open(rule.rule, method=verb, headers={"Authorization": f"Bearer {token}"}).status_code
                opened += [(verb, rule.rule, status)] if status != 403 else []

    assert opened == []
    assert tried >= 9


def test_health_tells_an_issued_token_no_more_than_anyone(door, client_id):
    program = door.client()
    token = program.come_in(client_id)["access_token"]
    stranger = door.client()

    seen = stranger.get("/health", headers={"Authorization": f"Bearer {token}"}).json

    assert seen.keys() == stranger.get("/health").json.keys()
    assert seen.keys() < stranger.get("/health", headers=BEARER).json.keys()


# -- refresh tokens ------------------------------------------------------------------------------------------------------


def test_a_stolen_refresh_token_ends_the_family_for_thief_and_owner_alike(door, client_id):
    program = door.client()
    first = program.come_in(client_id)
    thief = program.refresh(first["refresh_token"], client_id).json
    door.clock.now += 31

    refused = program.refresh(first["refresh_token"], client_id)

    assert (refused.status_code, refused.json["error"]) == (400, "invalid_grant")
    assert program.refresh(thief["refresh_token"], client_id).json["error"] == "invalid_grant"
    assert program.call(thief["access_token"]).status_code == 401
    assert door.services.vault.owners("mcp-grant") == []


def test_a_thief_within_the_grace_is_found_out_at_the_next_renewal(door, client_id):
    program = door.client()
    first = program.come_in(client_id)
    owner = program.refresh(first["refresh_token"], client_id).json
    thief = program.refresh(first["refresh_token"], client_id).json
    program.refresh(owner["refresh_token"], client_id)
    door.clock.now += 31

    assert program.refresh(thief["refresh_token"], client_id).json["error"] == "invalid_grant"
    assert program.call(thief["access_token"]).status_code == 401


def test_a_refresh_token_is_good_for_its_own_client_only(door, client_id):
    program = door.client()
    tokens = program.come_in(client_id)
    stranger = program.register().json["client_id"]

    assert program.refresh(tokens["refresh_token"], stranger).json["error"] == "invalid_grant"
    assert program.refresh(tokens["refresh_token"], client_id).status_code == 200


def test_a_client_cannot_give_back_what_is_anothers(door, client_id):
    program = door.client()
    tokens = program.come_in(client_id)
    stranger = program.register().json["client_id"]

    assert program.post("/revoke", data={"token": tokens["refresh_token"], "client_id": stranger}).status_code == 400
    assert program.call(tokens["access_token"]).status_code == 200


@pytest.mark.parametrize("name", ["access_token", "refresh_token"])
def test_a_made_up_token_ends_nothing(door, client_id, name):
    program = door.client()
    tokens = program.come_in(client_id)
    made_up = tokens[name].rsplit(".", 1)[0] + "." + "A" * 43

    assert program.post("/revoke", data={"token": made_up, "client_id": client_id}).status_code == 200
    assert program.call(tokens["access_token"]).status_code == 200


def test_a_client_with_a_secret_must_prove_it(door):
    program = door.client()
    registered = program.register(token_endpoint_auth_method="client_secret_basic").json
    client_id, secret = registered["client_id"], registered["client_secret"]
    code = program.consent(client_id)["code"]

    def basic(text: str) -> dict[str, str]:
        return {"Authorization": "Basic " + base64.b64encode(text.encode("latin-1")).decode()}

    no_base64 = ({"Authorization": "Basic !"}, {"Authorization": "Basic \xe9"})
    for headers in ({}, basic(f"{client_id}:wrong"), basic(f"{client_id}:"), basic("\xff\xfe"), *no_base64):
        refused = program.redeem(code, client_id) if not headers else program.token(headers=headers, **_fields(code))
        assert (refused.status_code, refused.json["error"]) == (401, "invalid_client")
    assert program.redeem(code, client_id, client_secret="wrong").status_code == 401
    assert program.token(headers=basic(f"{client_id}:{secret}"), **_fields(code)).status_code == 200


def _fields(code: str) -> dict[str, str]:
    return {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": VERIFIER}


@pytest.mark.parametrize("grant_type", ["password", "client_credentials", "implicit", "", 'x"\\'])
def test_no_other_way_to_a_token_is_open(door, client_id, grant_type):
    refused = door.client().token(grant_type=grant_type, client_id=client_id, username="a", password=TOKEN)

    assert (refused.status_code, refused.json["error"]) == (400, "unsupported_grant_type")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"grant_type=authorization_code&grant_type=refresh_token", "application/x-www-form-urlencoded"),
        (b'{"grant_type": "authorization_code"}', "application/json"),
        (b"\xff=\xfe", "application/x-www-form-urlencoded"),
        (b"&".join(b"a%d=1" % n for n in range(99)), "application/x-www-form-urlencoded"),
        (b"", "text/plain"),
    ],
)
def test_a_form_that_is_none_or_says_a_thing_twice_is_refused(door, body, kind):
    refused = door.client().post("/token", data=body, content_type=kind)

    assert (refused.status_code, refused.json["error"]) == (400, "invalid_request")


def test_a_body_that_never_ends_is_cut_off(door):
    for path, kind in (("/token", "application/x-www-form-urlencoded"), ("/register", "application/json")):
        assert door.client().post(path, data="a=" + "b" * 20_000, content_type=kind).status_code == 413


# -- mix-up --------------------------------------------------------------------------------------------------------------


def test_every_answer_to_a_client_names_the_issuer_so_that_mix_up_shows(door, client_id):
    person = door.client()
    issuer = person.get("/.well-known/oauth-authorization-server").json["issuer"]
    answers = [
        told(person.answer(person.ask(client_id))),
        told(person.answer(person.ask(client_id), decision="deny")),
        told(person.ask(client_id, response_type="token")),
        told(person.ask(client_id, response_type=None)),
        told(person.ask(client_id, response_mode="fragment")),
        told(person.ask(client_id, request="eyJ")),
        told(person.ask(client_id, request_uri="https://evil.example")),
        told(person.ask(client_id, code_challenge=None)),
        told(person.ask(client_id, resource="https://evil.example")),
        told(person.ask(client_id, scope=["a", "b"])),
    ]

    assert [answer["iss"] for answer in answers] == [issuer] * len(answers)
    assert [answer["state"] for answer in answers] == ["st&te"] * len(answers)
    assert ["code" in answer for answer in answers] == [True] + [False] * (len(answers) - 1)


# -- the page ------------------------------------------------------------------------------------------------------------


def test_consent_cannot_be_sent_from_another_site(door, client_id):
    person = door.client()
    person.sign_in()
    page = person.ask(client_id)
    fields = {**hidden_fields(page), "decision": "allow"}

    without = {name: value for name, value in fields.items() if name != "csrf"}
    assert person.post("/authorize", data=without).status_code == 403
    assert person.post("/authorize", data={**fields, "csrf": "x"}).status_code == 403
    assert person.post("/authorize", data=fields, headers={"Origin": "https://evil.example"}).status_code == 403
    assert person.post("/authorize", data=fields, headers={"Origin": "null", "Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert person.get(f"/authorize?{urlencode(fields)}").status_code == 400
    assert door.services.vault.owners("mcp-grant") == []


def test_what_an_attacker_asked_for_in_their_browser_cannot_be_approved_in_the_owners(door, client_id):
    attacker, owner = door.client(), door.client()
    planted = hidden_fields(attacker.ask(client_id))["request"]
    owner.sign_in()
    csrf = hidden_fields(owner.ask(client_id))["csrf"]

    refused = owner.post("/authorize", data={"csrf": csrf, "request": planted, "decision": "allow"})

    assert refused.status_code == 400
    assert door.services.vault.owners("mcp-grant") == []


def test_what_the_page_carries_cannot_be_changed_and_grows_old(door, client_id):
    person = door.client()
    page = person.ask(client_id)
    sealed = hidden_fields(page)["request"]
    swapped = sealed[:40] + ("A" if sealed[40] != "A" else "B") + sealed[41:]

    assert person.answer(page, request=swapped).status_code == 400
    door.clock.now += 600
    assert person.answer(page).status_code == 400


def test_the_page_cannot_be_framed_runs_no_script_and_posts_only_where_it_says(door, client_id):
    page = door.client().ask(client_id)
    policy = dict(part.strip().split(" ", 1) for part in page.headers["Content-Security-Policy"].split(";"))

    assert policy["frame-ancestors"] == "'none'"
    assert page.headers["X-Frame-Options"] == "DENY"
    assert policy["default-src"] == "'none'"
    assert "script-src" not in policy
    assert "<script" not in page.text
    assert policy["form-action"] == "'self' https://app.example"
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("uri", "target"), [("http://127.0.0.1:4000/cb", "http://127.0.0.1:4000"), ("cursor://anysphere.cursor-mcp/cb", "cursor:")]
)
def test_the_policy_names_the_loopback_port_or_the_scheme_that_is_really_used(door, uri, target):
    program = door.client()
    client_id = program.register(redirect_uris=[uri.replace("4000", "1")]).json["client_id"]

    assert f"form-action 'self' {target};" in program.ask(client_id, redirect_uri=uri).headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("</title><img src=x onerror=alert(1)>", "&lt;/title&gt;&lt;img src=x onerror=alert(1)&gt;"),
        ('"><form action=//evil.example>', "&#34;&gt;&lt;form action=//evil.example&gt;"),
        ("{{ 7*7 }}", "{{ 7*7 }}"),
        ("Claude\u202egnp.exe\u0000\u200b", "Claudegnp.exe"),
        ("two\r\nSet-Cookie: x", "two Set-Cookie: x"),
        ("A" * 5000, "A" * 80),
        ("\u200b \u202e", "app.example"),
        (7, "app.example"),
    ],
)
def test_a_clients_name_is_text_and_short_and_nothing_else(door, name, shown):
    program = door.client()
    page = program.ask(program.register(client_name=name).json["client_id"])

    assert f"Calls itself</dt><dd>{shown}</dd>" in page.text
    assert "Set-Cookie: x" not in str(page.headers)


def test_a_name_in_the_status_page_is_text_too(door):
    program = door.client()
    program.come_in(program.register(client_name="<b>bold</b>").json["client_id"])

    assert "<b>bold" not in program.get("/status").text


# -- floods --------------------------------------------------------------------------------------------------------------


def test_a_flood_of_registrations_from_one_address_is_stopped(door):
    program = door.client()
    answers = [program.register().status_code for _ in range(25)]

    assert answers == [201] * 20 + [429] * 5
    assert door.client(address="198.51.100.9").register().status_code == 201


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", ""])
def test_a_site_cannot_make_its_visitors_browsers_register_anything(door, kind):
    metadata = json.dumps({"redirect_uris": [REDIRECT]})

    refused = door.client().post("/register", data=metadata, content_type=kind, headers={"Origin": "null"})

    assert refused.status_code in {400, 403}
    assert door.services.vault.owners("mcp-client") == []


def test_a_flood_from_everywhere_is_bounded_and_never_drops_a_client_that_was_let_in(door, client_id):
    program = door.client()
    tokens = program.come_in(client_id)
    for number in range(230):
        door.clock.now += 1
        assert door.client(address=f"203.0.{number // 250}.{number % 250}").register().status_code == 201

    assert len(door.services.vault.owners("mcp-client")) == 200
    assert program.refresh(tokens["refresh_token"], client_id).status_code == 200


def test_a_client_that_was_dropped_is_told_to_register_anew(door):
    program = door.client()

    refused = program.redeem("x", "0069000000-AAAAAAAAAAAAAAAAAAAAAA")

    assert (refused.status_code, refused.json["error"]) == (401, "invalid_client")


def test_a_flood_of_requests_to_come_in_is_stopped_before_anything_is_fetched(door):
    url = door.internet.publish(
        "https://client.example/c.json", {"client_id": "https://client.example/c.json", "redirect_uris": [REDIRECT]}, status=500
    )
    program = door.client()

    answers = [program.ask(url).status_code for _ in range(65)]

    assert answers == [400] * 60 + [429] * 5
    assert len(door.internet.connected) == 60


# -- what is written down ------------------------------------------------------------------------------------------------


class Written(logging.Handler):
    """What is logged, before anything is taken out of it."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.getMessage()} {getattr(record, 'fields', '')}")


def test_no_secret_is_in_the_log(tmp_path):
    program = Door(tmp_path, settings={"log_level": "debug"}).client()
    written = Written()
    logging.getLogger().addHandler(written)
    registered = program.register(token_endpoint_auth_method="client_secret_post").json
    client_id, secret = registered["client_id"], {"client_secret": registered["client_secret"]}
    code = program.consent(client_id)["code"]
    first = program.redeem(code, client_id, **secret).json
    program.redeem(code + "x", client_id, **secret)
    program.call(first["access_token"])
    second = program.refresh(first["refresh_token"], client_id, **secret).json
    program.post("/revoke", data={"token": second["refresh_token"], "client_id": client_id, **secret})

    text = "\n".join(written.lines)
    assert {"client_registered", "access_granted", "token_answered", "access_ended"} <= set(
        re.findall(r"^\w+", text, re.MULTILINE)
    )
    secrets = [pair[name] for pair in (first, second) for name in ("access_token", "refresh_token")]
    assert REDIRECT not in text  # a client's own path and query may be private; its host is enough
    assert [hidden for hidden in (*secret.values(), code, *secrets, TOKEN, VERIFIER, "st&te") if hidden in text] == []


def test_no_address_that_a_browser_is_sent_to_holds_more_than_the_clients_answer(door, client_id):
    person = door.client()
    gone = person.answer(person.ask(client_id)).headers["Location"]

    assert gone.startswith(REDIRECT + "?")
    assert dict(parse_qsl(urlsplit(gone).query)).keys() == {"code", "state", "iss"}
