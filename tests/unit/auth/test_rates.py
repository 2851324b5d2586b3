import pytest

from app.auth.rates import client_address
from tests.unit.auth.house import BEARER, build

WRONG = {"Authorization": "Bearer " + "x" * 32}


def from_(address):
    return {"environ_overrides": {"REMOTE_ADDR": address}}


def test_requests_are_counted_per_address_and_the_headers_say_how_many_are_left():
    client = build(mcp_rate_limit="3 per 15 minutes").client()

    left = [client.post("/mcp", headers=BEARER, **from_("9.9.9.9")).headers["X-RateLimit-Remaining"] for _ in range(3)]
    refused = client.post("/mcp", headers=BEARER, **from_("9.9.9.9"))

    assert left == ["2", "1", "0"]
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 900
    assert refused.headers["X-RateLimit-Limit"] == "3"
    assert "15 minutes" in refused.json["message"]
    assert client.post("/mcp", headers=BEARER, **from_("9.9.9.8")).status_code == 200


def test_each_member_of_a_batch_counts():
    client = build(mcp_rate_limit="10 per 15 minutes").client()

    assert client.post("/mcp?units=8", headers=BEARER).headers["X-RateLimit-Remaining"] == "2"
    assert client.post("/mcp?units=3", headers=BEARER).status_code == 429


def test_several_limits_hold_together():
    client = build(mcp_rate_limit="100 per hour; 2 per minute").client()

    assert [client.post("/mcp", headers=BEARER).status_code for _ in range(3)] == [200, 200, 429]


def test_wrong_bearers_are_limited_and_a_correct_one_never_is(client):
    answers = [client.post("/mcp", headers=WRONG).status_code for _ in range(22)]
    refused = client.post("/mcp", headers=WRONG)

    assert answers == [401] * 20 + [429] * 2
    assert int(refused.headers["Retry-After"]) > 0
    assert client.post("/mcp", headers=BEARER).status_code == 200
    assert client.get("/owner", headers=BEARER).status_code == 200


def test_a_request_without_a_token_is_no_failed_attempt(client):
    assert {client.post("/mcp").status_code for _ in range(30)} == {401}


def test_wrong_bearers_from_one_ipv6_network_count_together(client):
    answers = [client.post("/mcp", headers=WRONG, **from_(f"2001:db8:1:2::{n:x}")).status_code for n in range(21)]

    assert answers[-1] == 429
    assert client.post("/mcp", headers=WRONG, **from_("2001:db8:1:3::1")).status_code == 401


@pytest.mark.parametrize(
    ("peer", "forwarded", "hops", "client"),
    [
        ("9.9.9.9", "1.1.1.1", None, "9.9.9.9"),
        ("127.0.0.1", "1.1.1.1, 2.2.2.2", None, "2.2.2.2"),
        ("127.0.0.1", "", None, "127.0.0.1"),
        ("127.0.0.1", "1.1.1.1", 0, "127.0.0.1"),
        ("10.0.0.1", "1.1.1.1, 2.2.2.2", 1, "2.2.2.2"),
        ("10.0.0.1", "1.1.1.1, 2.2.2.2, 3.3.3.3", 2, "2.2.2.2"),
        ("10.0.0.1", "2.2.2.2", 2, "10.0.0.1"),
        ("10.0.0.1", "nonsense", 1, "10.0.0.1"),
        ("10.0.0.1", "2.2.2.2:4711", 1, "2.2.2.2"),
        ("10.0.0.1", "[2001:db8::1]:4711", 1, "2001:db8::/64"),
        ("::ffff:9.9.9.9", "", None, "9.9.9.9"),
        ("", "", None, "127.0.0.1"),
    ],
)
def test_the_address_counted_is_the_one_our_own_proxies_saw(peer, forwarded, hops, client):
    environ = {"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": forwarded}

    assert client_address(environ, hops) == client
