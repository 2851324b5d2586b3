"""Authorization: the page, codes, both token endpoints, rotation, revocation; invariants 70 and 71."""

import base64
import hashlib
import re
from urllib.parse import parse_qs, urlsplit

import pytest

CALLBACK = "http://localhost:3001/oauth/callback"


def sent_back(answer):
    assert answer.status_code == 302, answer.text
    assert answer.headers["Location"].startswith(CALLBACK)
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


@pytest.fixture
def willing(make_oura):
    """A simulator whose person says yes at once."""
    return make_oura(auto_approve=True)


def code_of(oura, **query):
    return sent_back(oura.authorize(**query))["code"]


def exchange(oura, code, path="/oauth/token", **more):
    return oura.post_token(path, grant_type="authorization_code", code=code, redirect_uri=CALLBACK, **more)


def refresh(oura, token, path="/oauth/token"):
    return oura.post_token(path, grant_type="refresh_token", refresh_token=token)


# -- the page ----------------------------------------------------------------------------------------------------------


def test_the_page_is_a_form_with_a_box_for_each_scope(oura):
    page = oura.authorize(scope="extapi:daily heartrate spo2Daily extapi:nonsense").text
    assert "<script" not in page
    assert re.findall(r'name="scope" value="(\w+)" checked', page) == ["daily", "heartrate"]
    assert 'value="approve"' in page
    assert 'value="deny"' in page


def test_unticked_scopes_are_not_granted_and_the_callback_says_so(oura):
    url = f"/oauth/authorize?response_type=code&client_id=simulated-client&redirect_uri={CALLBACK}&state=xyz&scope=daily+tag"
    answer = sent_back(oura.http.post(url, data={"decision": "approve", "scope": ["daily", "email"]}))
    assert answer["scope"] == "extapi:daily"
    assert answer["state"] == "xyz"
    token = exchange(oura, answer["code"]).get_json()["access_token"]
    assert oura.get("sleep", token=token).status_code == 200
    assert oura.get("tag", token=token).status_code == 401


def test_denial_goes_back_with_an_error_and_the_state(oura):
    url = f"/oauth/authorize?response_type=code&client_id=simulated-client&redirect_uri={CALLBACK}&state=xyz"
    answer = sent_back(oura.http.post(url, data={"decision": "deny"}))
    assert answer["error"] == "access_denied"
    assert answer["state"] == "xyz"
    assert "code" not in answer


def test_the_person_chooses_the_account(make_oura):
    oura = make_oura(personas=["adult", "napper"])
    url = f"/oauth/authorize?response_type=code&client_id=simulated-client&redirect_uri={CALLBACK}"
    answer = sent_back(oura.http.post(url, data={"decision": "approve", "scope": "email", "account": "napper"}))
    token = exchange(oura, answer["code"]).get_json()["access_token"]
    assert oura.get("personal_info", token=token).get_json()["email"] == "napper@example.com"


@pytest.mark.parametrize(
    "wrong",
    [
        {"redirect_uri": CALLBACK + "/"},
        {"redirect_uri": "http://localhost:3001/oauth/callback?x=1"},
        {"redirect_uri": "https://elsewhere.example/oauth/callback"},
        {"client_id": "someone-else"},
    ],
)
def test_a_wrong_client_or_redirect_uri_is_a_page_and_never_a_redirect(willing, wrong):
    answer = willing.authorize(**wrong)
    assert answer.status_code == 400
    assert "Location" not in answer.headers


def test_the_redirect_uri_may_be_left_out_if_there_is_only_one(willing):
    code = code_of(willing, redirect_uri=None)
    assert willing.post_token(grant_type="authorization_code", code=code).status_code == 200
    willing.turn(redirect_uris=[CALLBACK, CALLBACK + "/"])
    assert willing.authorize(redirect_uri=None).status_code == 400


def test_no_scope_means_all_and_unknown_ones_vanish_in_silence(willing):
    assert len(sent_back(willing.authorize())["scope"].split()) == 11
    assert sent_back(willing.authorize(scope="spo2Daily extapi:spo2 nonsense"))["scope"] == "extapi:spo2"
    willing.turn(portal_scopes=["daily"], scope_prefix=False)
    assert sent_back(willing.authorize(scope="daily stress"))["scope"] == "daily"


def test_a_narrower_consent_without_a_page(willing):
    willing.turn(approved_scopes=["daily"])
    assert sent_back(willing.authorize(scope="daily tag"))["scope"] == "extapi:daily"


def test_the_scope_may_be_absent_altogether(willing):
    willing.turn(scope_in_callback=False)
    answer = sent_back(willing.authorize())
    assert "scope" not in answer
    assert "scope" not in exchange(willing, answer["code"]).get_json()


def test_other_response_types_are_refused_at_the_callback(willing):
    assert sent_back(willing.authorize(response_type="token"))["error"] == "unsupported_response_type"


# -- codes and tokens --------------------------------------------------------------------------------------------------


def test_a_code_works_once(willing):
    code = code_of(willing)
    first = exchange(willing, code)
    assert first.status_code == 200
    assert set(first.get_json()) == {"token_type", "access_token", "expires_in", "refresh_token"}
    again = exchange(willing, code)
    assert again.status_code == 400
    assert again.get_json()["error"] == "invalid_grant"


def test_a_code_lives_ten_minutes_and_keeps_to_its_redirect_uri(willing):
    late = code_of(willing)
    willing.time += 601
    assert exchange(willing, late).get_json()["error"] == "invalid_grant"
    elsewhere = willing.post_token(grant_type="authorization_code", code=code_of(willing), redirect_uri=CALLBACK + "/")
    assert elsewhere.get_json()["error"] == "invalid_grant"


def test_pkce_is_verified_where_it_was_sent(willing):
    verifier = "v" * 50
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    sent = {"code_challenge": challenge, "code_challenge_method": "S256"}
    assert exchange(willing, code_of(willing, **sent), code_verifier=verifier).status_code == 200
    assert exchange(willing, code_of(willing, **sent), code_verifier="w" * 50).get_json()["error"] == "invalid_grant"
    assert exchange(willing, code_of(willing, **sent)).get_json()["error"] == "invalid_grant"


def test_the_client_authenticates_in_the_body_or_by_basic(willing):
    form = {"grant_type": "authorization_code", "code": code_of(willing), "redirect_uri": CALLBACK}
    assert willing.http.post("/oauth/token", data=form, auth=("simulated-client", "client-secret")).status_code == 200
    wrong = willing.post_token(grant_type="refresh_token", refresh_token="x", client_secret="wrong")
    assert wrong.status_code == 401
    assert wrong.get_json()["error"] == "invalid_client"


def test_refresh_gives_a_new_pair_and_kills_the_old(oura):
    old = oura.world.grant()
    new = refresh(oura, old["refresh_token"]).get_json()
    assert new["access_token"] != old["access_token"]
    assert oura.get("tag", token=old["access_token"]).status_code == 401
    assert oura.get("tag", token=new["access_token"]).status_code == 200
    reused = refresh(oura, old["refresh_token"])
    assert reused.status_code == 400
    assert reused.get_json()["error"] == "invalid_grant"
    assert refresh(oura, new["refresh_token"]).status_code == 200


def test_the_legacy_endpoint_disowns_a_client_of_the_new_portal(make_oura):
    oura = make_oura(auto_approve=True, token_endpoint="moi")
    probe = refresh(oura, "random")
    assert probe.status_code == 400
    assert probe.get_json()["error"] == "invalid_request"
    assert probe.get_json()["error_description"] == "Invalid request"
    assert refresh(oura, "random", "/oauth/v2/ext/oauth-token").get_json()["error"] == "invalid_grant"
    assert exchange(oura, code_of(oura)).status_code == 401
    answer = sent_back(oura.authorize(scope="daily"))
    assert "iss" in answer
    tokens = exchange(oura, answer["code"], "/oauth/v2/ext/oauth-token").get_json()
    assert tokens["scope"] == "extapi:daily"
    assert "id_token" in tokens


def test_the_new_endpoint_disowns_a_legacy_client(willing):
    probe = refresh(willing, "random", "/oauth/v2/ext/oauth-token")
    assert probe.status_code == 401
    assert probe.get_json() == {"error": "invalid_client"}
    assert refresh(willing, "random").get_json()["error"] == "invalid_grant"


def test_a_code_sent_to_the_wrong_endpoint_is_burnt_unless_told_otherwise(willing):
    code = code_of(willing)
    exchange(willing, code, "/oauth/v2/ext/oauth-token")
    assert exchange(willing, code).status_code == 400
    willing.turn(misdirected_code_is_burnt=False)
    code = code_of(willing)
    exchange(willing, code, "/oauth/v2/ext/oauth-token")
    assert exchange(willing, code).status_code == 200


# -- the end of a consent ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["get", "post"])
def test_revoking_kills_both_tokens_and_a_dead_one_is_401(oura, method):
    tokens = oura.world.grant()
    call = getattr(oura.http, method)
    assert call("/oauth/revoke", query_string={"access_token": tokens["access_token"]}).status_code == 200
    assert oura.get("tag", token=tokens["access_token"]).status_code == 401
    assert refresh(oura, tokens["refresh_token"]).get_json()["error"] == "invalid_grant"
    assert call("/oauth/revoke", query_string={"access_token": tokens["access_token"]}).status_code == 401


def test_consent_withdrawn_in_the_app_ends_everything(oura):
    tokens = oura.world.grant()
    oura.world.ledger.revoke_all()
    assert oura.get("tag", token=tokens["access_token"]).status_code == 401
    assert refresh(oura, tokens["refresh_token"]).get_json()["error"] == "invalid_grant"
    assert oura.world.ledger.live_grants() == 0


def test_tokens_can_be_made_to_expire_and_still_be_refreshed(oura):
    tokens = oura.world.grant()
    oura.world.ledger.expire_access_tokens()
    assert oura.get("tag", token=tokens["access_token"]).status_code == 401
    assert refresh(oura, tokens["refresh_token"]).status_code == 200
