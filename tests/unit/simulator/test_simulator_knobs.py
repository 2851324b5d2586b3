"""Faults, the request log, and the controls behind the per-run secret."""

import json

import pytest

SECRET = {"X-Sim-Secret": "per-run"}


@pytest.mark.parametrize(
    ("kind", "status"),
    [("rate_limited", 429), ("server_error", 500), ("html_error", 502), ("token_expired", 401), ("redirect", 302), ("lost", 502)],
)
def test_a_fault_strikes_as_often_as_it_is_told(oura, kind, status):
    oura.turn(faults=[{"kind": kind, "times": 2}])
    assert [oura.get("tag").status_code for _ in range(3)] == [status, status, 200]


def test_a_fault_may_concern_one_collection_and_wait(oura):
    oura.turn(faults=[{"kind": "server_error", "on": "sleep", "after": 1, "status": 503}])
    assert [oura.get(name).status_code for name in ("tag", "sleep", "sleep", "sleep")] == [200, 200, 503, 200]


def test_bodies_that_are_not_what_they_say(oura):
    oura.turn(faults=[{"kind": "truncated"}, {"kind": "not_json"}, {"kind": "html_error", "status": 504}])
    for status in (200, 200, 504):
        answer = oura.get("daily_sleep")
        assert answer.status_code == status
        with pytest.raises(json.JSONDecodeError):
            json.loads(answer.text)
    assert oura.get("daily_sleep").get_json()["data"]


def test_a_lost_answer_to_a_refresh_has_used_the_token_up(oura):
    tokens = oura.world.grant()
    oura.turn(faults=[{"kind": "lost", "on": "token"}])
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert oura.post_token(**form).status_code == 502
    assert oura.post_token(**form).get_json()["error"] == "invalid_grant"


def test_the_controls_do_not_exist_without_the_secret(oura):
    for method, path in (("post", "knobs"), ("get", "requests"), ("post", "revoke"), ("post", "grant")):
        for headers in ({}, {"X-Sim-Secret": "wrong"}):
            answer = getattr(oura.http, method)(f"/_sim/{path}", headers=headers, json={"membership_lapsed": True})
            assert answer.status_code == 404
            assert answer.get_json() == {"detail": "Not Found"}
    assert oura.get("tag").status_code == 200


def test_knobs_turn_over_http_and_bad_ones_change_nothing(oura):
    turned = oura.http.post("/_sim/knobs", headers=SECRET, json={"membership_lapsed": True, "faults": [{"kind": "slow"}]})
    assert turned.status_code == 204
    assert oura.get("tag").status_code == 403
    for wrong in ({"membership_lapsed": False, "nonsense": 1}, {"page_size": 0}, {"faults": [{"kind": "nonsense"}]}, ["x"], 5):
        assert oura.http.post("/_sim/knobs", headers=SECRET, json=wrong).status_code == 400
    assert oura.get("tag").status_code == 403


def test_the_log_counts_requests_and_holds_no_token(oura):
    oura.get("sleep", start_date="2026-06-01", end_date="2026-06-02")
    oura.get("tag", token="not-a-token")
    oura.post_token(grant_type="refresh_token", refresh_token="also-secret")
    seen = oura.http.get("/_sim/requests", headers=SECRET).get_json()
    assert seen["counts"] == {"sleep": 1, "tag": 1, "token": 1}
    assert seen["statuses"] == {"sleep 200": 1, "tag 401": 1, "token 400": 1}
    assert seen["requests"][0]["query"] == {"start_date": "2026-06-01", "end_date": "2026-06-02"}
    assert not any(secret in json.dumps(seen) for secret in (oura.token, "not-a-token", "also-secret"))
    assert oura.http.delete("/_sim/requests", headers=SECRET).status_code == 204
    assert oura.world.journal.counts == {}


def test_grants_expiry_and_revocation_over_http(oura):
    tokens = oura.http.post("/_sim/grant", headers=SECRET, json={"scopes": ["daily"]}).get_json()
    assert oura.get("sleep", token=tokens["access_token"]).status_code == 200
    assert oura.get("tag", token=tokens["access_token"]).status_code == 401
    assert oura.http.post("/_sim/expire", headers=SECRET).status_code == 204
    assert oura.get("sleep", token=tokens["access_token"]).status_code == 401
    assert oura.http.post("/_sim/revoke", headers=SECRET).status_code == 204
    assert oura.world.ledger.live_grants() == 0
    assert oura.http.post("/_sim/grant", headers=SECRET, json={"account": "nobody"}).status_code == 400


def test_the_clock_can_be_moved(oura):
    oura.turn(clock_offset_s=86_399)
    assert oura.get("tag").status_code == 200
    oura.turn(clock_offset_s=86_400)
    assert oura.get("tag").status_code == 401
