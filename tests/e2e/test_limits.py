"""A server that is not connected yet, with tight limits: what it refuses, what it never refuses, and what it asks a person."""

import pytest

from tests.e2e.harness import Server

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "get_sleep_summary", "arguments": {}}}
MINE = {"X-Forwarded-For": "192.0.2.1"}


@pytest.fixture
def strict(start, simulator):
    return start(Server, simulator, MCP_RATE_LIMIT="5 per minute")


@pytest.mark.requirement("rate-limit")
def test_over_the_limit_it_is_429_with_the_time_to_wait_and_health_is_still_answered(strict):
    caller = strict.caller()
    responses = [caller.post(PING) for _ in range(6)]
    assert [response.status_code for response in responses] == [200] * 5 + [429]
    assert 0 < int(responses[-1].headers["Retry-After"]) <= 60
    assert any("ratelimit" in name.lower() for name in responses[0].headers)
    assert strict.healthy()
    assert caller.request("OPTIONS", headers={"Origin": strict.url, "Access-Control-Request-Method": "POST"}).ok
    assert caller.post({"jsonrpc": "2.0", "method": "notifications/initialized"}).status_code == 202


@pytest.mark.requirement("rate-limit")
def test_each_address_has_a_limit_of_its_own_and_each_member_of_a_batch_counts(strict):
    caller = strict.caller(revision=None)
    assert caller.post([{**PING, "id": i} for i in range(5)], headers=MINE).status_code == 200
    assert caller.post(PING, headers=MINE).status_code == 429
    assert caller.post(PING, headers={"X-Forwarded-For": "192.0.2.2"}).status_code == 200
    assert caller.post(PING, headers={"X-Forwarded-For": "198.51.100.7, 192.0.2.1"}).status_code == 429, (
        "only the last hop is ours"
    )


@pytest.mark.requirement("rate-limit")
def test_guessing_the_token_is_limited_and_the_right_token_still_works(start):
    server = start(Server)
    guesser = server.caller(token="g" * 40)
    statuses = [guesser.post(PING).status_code for _ in range(60)]
    assert set(statuses) == {401, 429}
    assert server.caller().result("ping") == {}


@pytest.fixture(scope="module")
def unconnected(tmp_path_factory, simulator):
    """A server no ring is connected to; tests that connect one start their own."""
    with Server(tmp_path_factory.mktemp("unconnected"), simulator) as server:
        yield server


# -- not connected -----------------------------------------------------------------------------------------------------


@pytest.mark.requirement("not-connected")
def test_before_a_ring_is_connected_everything_but_data_works_and_tools_tell_what_to_open(unconnected):
    server = unconnected
    caller = server.caller(revision="2025-06-18")
    for tool in caller.result("tools/list")["tools"]:
        words = caller.refusal(tool["name"])
        assert f"{server.url}/oauth/authorize" in words, tool["name"]
    assert server.get("/health").json()["oauth_connected"] is False
    assert server.get("/oauth/status").json()["connected"] is False


@pytest.mark.requirement("not-connected")
def test_without_oura_s_three_values_the_server_starts_and_says_what_is_missing(start):
    server = start(Server)
    words = server.caller(revision="2025-06-18").refusal("get_sleep_summary")
    assert "OURA_CLIENT_ID" in words or "configured" in words
    page = server.get("/").text
    assert "OURA_CLIENT_ID" in page
    assert "/oauth/callback" in page


@pytest.mark.requirement("url-elicitation")
def test_over_one_off_requests_nobody_knows_that_a_client_opens_urls_so_it_reads_the_address(start, simulator):
    server = start(Server, simulator)
    caller = server.caller()
    initialize = {"protocolVersion": "2025-11-25", "clientInfo": {"name": "raw", "version": "1"}}
    caller.result("initialize", {**initialize, "capabilities": {"elicitation": {"form": {}, "url": {}}}})
    answer = caller.call("tools/call", CALL["params"])
    assert answer["result"]["isError"] is True
    assert f"{server.url}/oauth/authorize" in answer["result"]["content"][0]["text"]
    assert server.connect().ok
    assert caller.tool("get_sleep_summary")["data"]


@pytest.mark.requirement("url-elicitation")
def test_a_client_of_2026_07_28_is_asked_to_open_the_url_and_its_retry_is_answered_from_the_store(start, simulator):
    server = start(Server, simulator)
    caller = server.modern(capabilities={"elicitation": {"form": {}, "url": {}}})
    asked = caller.result("tools/call", CALL["params"])
    assert asked["resultType"] == "input_required"
    [(key, question)] = asked["inputRequests"].items()
    assert question["method"] == "elicitation/create"
    assert (question["params"]["mode"], question["params"]["url"]) == ("url", f"{server.url}/oauth/authorize")
    retry = {**CALL["params"], "inputResponses": {key: {"action": "accept"}}, "requestState": asked["requestState"]}
    again = caller.result("tools/call", retry)
    assert again["resultType"] == "input_required" or again["isError"], "an accept is no proof that it was done"
    assert server.connect().ok
    answered = caller.result("tools/call", retry)
    assert answered["resultType"] == "complete"
    assert answered["structuredContent"]["data"]


@pytest.mark.requirement("url-elicitation")
def test_a_declined_question_is_a_tool_error_in_words(unconnected):
    server = unconnected
    caller = server.modern(capabilities={"elicitation": {"form": {}, "url": {}}})
    asked = caller.result("tools/call", CALL["params"])
    [key] = asked["inputRequests"]
    retry = {**CALL["params"], "inputResponses": {key: {"action": "decline"}}, "requestState": asked["requestState"]}
    answer = caller.result("tools/call", retry)
    assert answer["isError"] is True
    assert f"{server.url}/oauth/authorize" in answer["content"][0]["text"]


@pytest.mark.requirement("url-elicitation")
def test_a_question_s_state_that_was_altered_is_refused(unconnected):
    server = unconnected
    caller = server.modern(capabilities={"elicitation": {"form": {}, "url": {}}})
    asked = caller.result("tools/call", CALL["params"])
    [key] = asked["inputRequests"]
    retry = {**CALL["params"], "inputResponses": {key: {"action": "accept"}}, "requestState": asked["requestState"] + "x"}
    assert caller.call("tools/call", retry)["error"]["code"] == -32602
