import io
import re

import pytest

from tests.unit.auth.house import BEARER, TOKEN, build


def sign_in(client, secret=TOKEN):
    return client.post("/sign-in", data={"csrf": client.get("/form").text, "secret": secret})


def test_the_owner_s_secret_signs_a_browser_in_for_twelve_hours(house, client):
    assert sign_in(client).json == {"signed_in": True}
    assert client.get("/owner").json == {"owner": True}

    house.clock.now += 12 * 3600 - 1
    assert client.get("/owner").status_code == 200
    house.clock.now += 2
    assert client.get("/owner").status_code == 401


def test_a_wrong_secret_does_not(client):
    assert sign_in(client, "wrong").json == {"signed_in": False}
    assert client.get("/owner").status_code == 401


def test_owner_password_replaces_the_token_on_pages_and_nowhere_else():
    client = build(owner_password="correct horse battery").client()

    assert sign_in(client, TOKEN).json == {"signed_in": False}
    assert sign_in(client, " correct horse battery\n").json == {"signed_in": True}
    assert client.post("/mcp", headers=BEARER).status_code == 200
    assert client.post("/mcp", headers={"Authorization": "Bearer correct horse battery"}).status_code == 401


@pytest.mark.parametrize(
    "change", [{"auth_token": "another-token-4711-of-enough-length"}, {"token_encryption_key": "fedcba9876543210" * 4}]
)
def test_a_new_token_or_key_signs_everyone_out(client, change):
    sign_in(client)
    cookie = client.get_cookie("oura_mcp").value
    later = build(**change).client()
    later.set_cookie("oura_mcp", cookie)

    assert later.get("/owner").status_code == 401


def test_signing_out_ends_the_session_even_for_a_copy_of_its_cookie(client):
    sign_in(client)
    cookie, token = client.get_cookie("oura_mcp").value, client.get("/form").text
    client.post("/sign-out", data={"csrf": token})
    assert client.get_cookie("oura_mcp") is None
    client.set_cookie("oura_mcp", cookie)

    assert client.get("/owner").status_code == 401


def test_strangers_who_sign_out_do_not_bring_a_session_back_that_was_ended(house, client):
    sign_in(client)
    cookie, token = client.get_cookie("oura_mcp").value, client.get("/form").text
    client.post("/sign-out", data={"csrf": token})
    for _ in range(1001):
        stranger = house.client()
        stranger.post("/sign-out", data={"csrf": stranger.get("/form").text})
    client.set_cookie("oura_mcp", cookie)

    assert client.get("/owner").status_code == 401


def test_signing_in_changes_the_form_token_so_that_a_planted_cookie_gains_nothing(client):
    planted = client.get("/form").text
    sign_in(client)

    assert client.get("/form").text != planted


@pytest.mark.parametrize("token", ["", "x", "\u20ac"])
def test_a_form_without_its_token_changes_nothing(client, token):
    sign_in(client)

    assert client.post("/owner", data={"csrf": token}).status_code == 403


def test_another_browser_s_form_token_is_refused(house, client):
    sign_in(client)
    theirs = house.client().get("/form").text

    assert client.post("/owner", data={"csrf": theirs}).status_code == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_form_sent_from_another_site_is_refused_although_it_knows_the_token(client, site):
    sign_in(client)
    token = client.get("/form").text

    assert client.post("/owner", data={"csrf": token}, headers={"Sec-Fetch-Site": site}).status_code == 403
    assert client.post("/owner", data={"csrf": token}, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200


@pytest.mark.parametrize("origin", ["null", "http://localhost:3001"])
def test_a_form_of_ours_is_taken_with_the_origin_that_browsers_send(client, origin):
    sign_in(client)

    assert client.post("/owner", data={"csrf": client.get("/form").text}, headers={"Origin": origin}).status_code == 200


def test_a_cookie_opens_no_mcp_route(client):
    sign_in(client)

    assert client.post("/mcp").status_code == 401


def test_the_sixth_wrong_secret_must_wait_and_then_not_even_the_right_one_is_looked_at(client):
    answers = [sign_in(client, "wrong").status_code for _ in range(6)]

    assert answers == [200] * 5 + [429]
    assert sign_in(client).status_code == 429
    assert client.post("/mcp", headers=BEARER).status_code == 200


def test_a_right_secret_ends_the_count(client):
    for _ in range(3):
        assert [sign_in(client, "wrong").status_code for _ in range(4)] == [200] * 4
        assert sign_in(client).json == {"signed_in": True}


def test_the_cookie_is_bound_to_https_where_the_callback_is(house):
    secure = build(oura_redirect_uri="https://oura.example.com/oauth/callback").client("oura.example.com")
    plain = house.client()

    assert "__Host-oura_mcp=" in (cookie := secure.get("/form").headers["Set-Cookie"])
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    plain_cookie = plain.get("/form").headers["Set-Cookie"]
    assert plain_cookie.startswith("oura_mcp=")
    assert "Secure" not in plain_cookie


def test_a_form_of_exactly_the_limit_is_read(client):
    body = b"csrf=x&secret="
    kind = "application/x-www-form-urlencoded"

    assert client.post("/sign-in", data=body.ljust(16_000, b"y"), content_type=kind).status_code == 403, "read, and no token"
    assert client.post("/sign-in", data=body.ljust(16_001, b"y"), content_type=kind).status_code == 413


def test_an_oversized_form_is_413_with_and_without_a_length(client):
    body = b"csrf=x&secret=" + b"y" * 20_000
    kind = "application/x-www-form-urlencoded"
    chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}

    assert client.post("/sign-in", data=body, content_type=kind).status_code == 413
    assert client.post("/sign-in", input_stream=io.BytesIO(body), content_type=kind, environ_overrides=chunked).status_code == 413


def test_everybody_who_is_turned_away_is_counted_by_what_was_wrong(house, client, caplog):
    caplog.set_level("INFO")
    client.post("/mcp", headers={"Authorization": "Bearer wrong"})
    client.get("/mcp", headers={"Origin": "https://evil.example"})
    house.client("evil.example").get("/mcp")
    sign_in(client, "wrong")

    assert caplog.messages == ["bearer_refused", "sign_in_refused"]
    counted = re.findall(r'auth_failures_total\{kind="([\w-]+)"\} (\d+)', house.metrics.render().decode())
    assert dict(counted) == dict.fromkeys(("bearer", "origin", "host", "sign-in"), "1")


def test_a_visitor_who_meets_no_form_gets_no_cookie(client):
    assert "Set-Cookie" not in client.get("/owner").headers
