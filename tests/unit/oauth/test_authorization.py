import os
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import responses

from app.errors import GrantRefusedError, OuraUnavailableError
from app.oauth.authorization import OuraAuthorization
from app.oauth.tokens import LOCK_S
from tests.unit.oauth.standins import API, MOI, NOW, PERSONAL_INFO, REVOKE, TokenEndpoint, settings_in

INVALID_GRANT = {"status": 400, "json": {"error": "invalid_grant"}}
INVALID_CLIENT = {"status": 401, "json": {"error": "invalid_client"}}
INVALID_REQUEST = {"status": 400, "json": {"error": "invalid_request"}}
PROBLEM_401 = {"status": 401, "json": {"status": 401, "title": "Unauthorized", "detail": "No."}}
DOWN = {"status": 503, "body": "<html></html>"}
AWAY = {"body": requests.ConnectionError("no route")}


@pytest.fixture
def authorization(settings, clock):
    return OuraAuthorization(settings, clock=clock)


@pytest.mark.parametrize(
    ("api", "moi", "owner"),
    [
        (INVALID_GRANT, INVALID_CLIENT, API),
        (INVALID_REQUEST, INVALID_GRANT, MOI),
        (INVALID_CLIENT, INVALID_GRANT, MOI),
        (PROBLEM_401, INVALID_GRANT, MOI),
        (DOWN, INVALID_GRANT, MOI),
        (INVALID_GRANT, AWAY, API),
        (INVALID_CLIENT, {"status": 401, "json": {"error": "invalid_token"}}, MOI),
        (INVALID_CLIENT, INVALID_CLIENT, GrantRefusedError),
        (INVALID_REQUEST, PROBLEM_401, GrantRefusedError),
        (DOWN, INVALID_CLIENT, OuraUnavailableError),
        (AWAY, AWAY, OuraUnavailableError),
    ],
)
def test_which_endpoint_owns_the_application_is_told_from_how_they_refuse(authorization, oura, api, moi, owner):
    oura.add(responses.POST, API, **api)
    oura.add(responses.POST, MOI, **moi)

    if isinstance(owner, str):
        assert authorization.owning_endpoint() == owner
    else:
        with pytest.raises(owner):
            authorization.owning_endpoint()


def test_the_question_is_a_refresh_with_a_token_that_cannot_exist(authorization, oura):
    endpoint = TokenEndpoint(oura, API)
    authorization.owning_endpoint()
    authorization.owning_endpoint()

    asked = [form["refresh_token"] for form in endpoint.forms]
    assert {form["grant_type"] for form in endpoint.forms} == {"refresh_token"}
    assert len(set(asked)) == 2
    assert min(map(len, asked)) > 40


def test_a_slow_answer_to_a_spent_refresh_token_is_waited_for_longer_than_one_to_a_question(authorization, oura):
    endpoint = TokenEndpoint(oura, API)
    authorization.owning_endpoint()
    authorization.refresh(API, "R0")

    (_, question), (_, spending) = (call.request.req_kwargs["timeout"] for call in oura.calls)
    assert endpoint.spent == ["R0"]
    assert question <= 10
    assert 20 <= spending < LOCK_S


def test_with_oura_token_url_set_nobody_is_asked(tmp_path, clock, oura):
    authorization = OuraAuthorization(settings_in(tmp_path, oura_token_url=MOI), clock=clock)

    assert authorization.owning_endpoint() == MOI


def test_another_oura_s_endpoints_are_under_its_own_address(tmp_path, clock, oura):
    base = "http://127.0.0.1:4711"
    settings = settings_in(
        tmp_path, oura_api_base_url=base, oura_authorize_url=f"{base}/oauth/authorize", oura_revoke_url=f"{base}/oauth/revoke"
    )
    authorization = OuraAuthorization(settings, clock=clock)
    revoked = oura.add(responses.POST, f"{base}/oauth/revoke", status=200)

    assert authorization.token_urls == (f"{base}/oauth/token", f"{base}/oauth/v2/ext/oauth-token")
    assert authorization.revoke("A0")
    assert revoked.call_count == 1
    assert os.environ["OAUTHLIB_INSECURE_TRANSPORT"] == "1"


def test_a_default_revoke_address_is_not_oura_s_where_the_api_is_another(tmp_path, clock, oura):
    base = "https://oura.example.net"
    settings = settings_in(tmp_path, oura_api_base_url=base, oura_authorize_url=f"{base}/oauth/authorize")
    revoked = oura.add(responses.POST, f"{base}/oauth/revoke", status=200)

    assert OuraAuthorization(settings, clock=clock).revoke("A0")
    assert revoked.call_count == 1


def test_plain_http_is_not_allowed_for_the_real_oura(settings, clock, monkeypatch):
    monkeypatch.delenv("OAUTHLIB_INSECURE_TRANSPORT", raising=False)
    OuraAuthorization(settings, clock=clock)

    assert "OAUTHLIB_INSECURE_TRANSPORT" not in os.environ


def test_the_code_is_traded_with_its_verifier_secret_and_redirect_uri_in_the_body(authorization, oura):
    endpoint = TokenEndpoint(oura, API, valid={"the-code"}, scope="extapi:daily extapi:spo2Daily")

    pair = authorization.exchange(API, "the-code", "the-verifier")

    assert endpoint.forms == [
        {
            "grant_type": "authorization_code",
            "code": "the-code",
            "code_verifier": "the-verifier",
            "redirect_uri": "https://oura.example.com/oauth/callback",
            "client_id": "client-id",
            "client_secret": "client-secret",
        }
    ]
    assert (pair.access_token, pair.refresh_token, pair.expires_at, pair.scopes) == ("A1", "R1", NOW + 86_400, {"daily", "spo2"})


@pytest.mark.parametrize(
    ("changes", "refresh_token", "lifetime_s", "scopes"),
    [
        ({"expires_in": "3600.0"}, "R1", 3600, {"daily"}),
        ({"expires_in": "soon"}, "R1", None, {"daily"}),
        ({"expires_in": [1]}, "R1", None, {"daily"}),
        ({"expires_in": 10**400}, "R1", None, {"daily"}),
        ({"scope": "extapi:daily,tag"}, "R1", 60, {"daily", "tag"}),
        ({"scope": ["daily", "tag"]}, "R1", 60, {"daily", "tag"}),
        ({"scope": 5}, "R1", 60, None),
        ({"refresh_token": None}, "R0", 60, {"daily"}),
        ({"refresh_token": 7}, "R0", 60, {"daily"}),
    ],
)
def test_no_oddity_of_an_answer_loses_the_token_that_was_spent_for_it(
    authorization, oura, changes, refresh_token, lifetime_s, scopes
):
    answer = {"access_token": "A1", "refresh_token": "R1", "expires_in": 60, "scope": "daily", "token_type": None} | changes
    oura.add(responses.POST, API, json=answer)

    pair = authorization.refresh(API, "R0")

    assert (pair.access_token, pair.refresh_token, pair.scopes) == ("A1", refresh_token, scopes)
    assert pair.expires_at == (NOW + lifetime_s if lifetime_s is not None else None)


def test_every_consent_has_a_verifier_and_challenge_of_its_own(authorization):
    one, other = authorization.consent("s1"), authorization.consent("s2")
    challenges = {parse_qs(urlsplit(consent.url).query)["code_challenge"][0] for consent in (one, other)}

    assert len(challenges) == 2
    assert 43 <= len(one.verifier) <= 128
    assert one.verifier != other.verifier


def test_every_call_has_a_time_out_follows_no_redirect_and_ignores_netrc(authorization, oura, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine api.ouraring.com login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    TokenEndpoint(oura, API, valid={"R0", "code"})
    oura.add(responses.GET, PERSONAL_INFO, json={"id": "account-1"})
    oura.add(responses.POST, REVOKE, status=302, headers={"Location": "https://elsewhere.example/"})

    authorization.refresh(API, "R0")
    authorization.exchange(API, "code", "verifier")
    assert authorization.account_id("A1") == "account-1"
    assert authorization.revoke("A1") is False

    assert [call.request.req_kwargs["timeout"] for call in oura.calls] == [(4.0, 28.0), *[(4.0, 8.0)] * 3]
    assert "Basic" not in str([call.request.headers for call in oura.calls])
    assert oura.calls[2].request.headers["Authorization"] == "Bearer A1"
    assert all("elsewhere" not in call.request.url for call in oura.calls)


@pytest.mark.parametrize(("status", "dead"), [(200, True), (204, True), (401, True), (400, False), (500, False)])
def test_revoking_knows_whether_oura_agreed(authorization, oura, status, dead):
    oura.add(responses.POST, REVOKE, status=status)

    assert authorization.revoke("A0") is dead


def test_revoking_is_tried_with_the_other_verb_where_post_is_not_taken(authorization, oura):
    oura.add(responses.POST, REVOKE, status=405)
    oura.add(responses.GET, REVOKE, status=200)

    assert authorization.revoke("A0") is True


@pytest.mark.parametrize(
    "answer",
    [{"status": 403, "json": {}}, {"json": []}, {"json": {"id": 7}}, {"json": {"id": ""}}, {"body": "<html>"}, AWAY],
)
def test_an_account_that_oura_does_not_tell_is_unknown(authorization, oura, answer):
    oura.add(responses.GET, PERSONAL_INFO, **answer)

    assert authorization.account_id("A0") is None
