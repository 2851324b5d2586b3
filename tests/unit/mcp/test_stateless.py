"""2026-07-28: each request stands for itself, and is told what is wrong with it in the order of the ladder."""

import base64

import pytest

from tests.revisions import HANDSHAKE, MODERN, REVISIONS
from tests.unit.mcp.actors import PREFIX, yield_to_others

pytestmark = pytest.mark.requirement("stateless")
SERVER = {f"{PREFIX}serverInfo": {"name": "unit", "version": "1.2.3"}}
VERSION, CAPABILITIES, LEVEL = f"{PREFIX}protocolVersion", f"{PREFIX}clientCapabilities", f"{PREFIX}logLevel"
META = {VERSION: MODERN, CAPABILITIES: {}}


@pytest.fixture
def client(serve):
    return serve().speaking(MODERN)


def wrapped(text):
    return f"=?base64?{base64.b64encode(text.encode()).decode()}?="


# -- results -----------------------------------------------------------------------------------------------------------


def test_discover_tells_what_the_server_is(client):
    result = client.request("server/discover").result

    assert result["supportedVersions"] == list(reversed(REVISIONS))
    assert result["capabilities"] == {
        "completions": {},
        "logging": {},
        "prompts": {},
        "resources": {"subscribe": True},
        "tools": {},
    }
    assert result["instructions"] == "Read me."
    assert result["_meta"] == SERVER
    assert result["resultType"] == "complete"


@pytest.mark.parametrize(
    ("method", "params", "scope"),
    [
        ("server/discover", {}, "public"),
        ("tools/list", {}, "public"),
        ("prompts/list", {}, "public"),
        ("resources/list", {}, "public"),
        ("resources/templates/list", {}, "public"),
        ("resources/read", {"uri": "unit://text"}, "private"),
    ],
)
def test_what_may_be_kept_says_for_how_long_and_by_whom(client, method, params, scope):
    result = client.request(method, params).result

    assert result["cacheScope"] == scope
    assert (result["ttlMs"] > 0) == (scope == "public")


@pytest.mark.parametrize(
    ("method", "params"), [("tools/call", {"name": "echo"}), ("prompts/get", {"name": "greet", "arguments": {"name": "x"}})]
)
def test_every_result_is_complete_and_names_the_server(client, method, params):
    result = client.request(method, params).result

    assert (result["resultType"], result["_meta"]) == ("complete", SERVER)
    assert "ttlMs" not in result


@pytest.mark.parametrize("revision", HANDSHAKE)
def test_handshake_results_carry_nothing_of_it(serve, revision):
    result = serve().speaking(revision).request("tools/list").result

    assert result.keys() == {"tools"}


# -- the ladder --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "meta",
    [
        None,
        [],
        "x",
        {},
        {VERSION: MODERN},
        {CAPABILITIES: {}},
        {VERSION: 5, CAPABILITIES: {}},
        {VERSION: MODERN, CAPABILITIES: []},
    ],
)
def test_a_request_without_its_envelope_is_minus_32602_before_any_header_is_looked_at(client, meta):
    body = {"jsonrpc": "2.0", "id": "e", "method": "tools/list", "params": {"_meta": meta}}
    answer = client.post(body, Mcp_Method="something/else")

    assert (answer.status, answer.error["code"], answer.message["id"]) == (400, -32602, "e")


def test_a_client_need_not_name_itself(client):
    assert client.request("tools/list", meta={f"{PREFIX}clientInfo": None}).status == 200


@pytest.mark.parametrize(
    "headers", [{"MCP_Protocol_Version": None}, {"MCP_Protocol_Version": "2025-11-25"}, {"MCP_Protocol_Version": "x"}]
)
def test_the_version_must_be_in_the_header_too(client, headers):
    answer = client.request("tools/list", **headers)

    assert (answer.status, answer.error["code"]) == (400, -32020)


@pytest.mark.parametrize("method", [None, "", "Tools/List", "TOOLS/LIST", "tools/call", "tools/list, tools/list"])
def test_the_method_must_be_in_the_header_too(client, method):
    answer = client.request("tools/list", Mcp_Method=method)

    assert (answer.status, answer.error["code"]) == (400, -32020)


@pytest.mark.parametrize("value", [" 2026-07-28 ", "\t2026-07-28"])
def test_blanks_around_a_header_do_not_matter(client, value):
    assert client.request("tools/list", MCP_Protocol_Version=value).status == 200


@pytest.mark.parametrize(
    ("method", "params"),
    [("tools/call", {"name": "echo"}), ("prompts/get", {"name": "listen_to"}), ("resources/read", {"uri": "unit://text"})],
)
@pytest.mark.parametrize("sent", ["is missing", "", "another", "base64 of another"])
def test_what_is_named_must_be_in_the_header_too(client, method, params, sent):
    value = {"is missing": None, "base64 of another": wrapped("another")}.get(sent, sent)
    answer = client.request(method, params, Mcp_Name=value)

    assert (answer.status, answer.error["code"]) == (400, -32020)


@pytest.mark.parametrize("value", [wrapped("echo"), " echo ", " " + wrapped("echo")])
def test_the_name_may_be_wrapped_in_base64(client, value):
    assert client.call("echo", Mcp_Name=value).status == 200


@pytest.mark.parametrize(
    "value",
    [
        "=?base64?ZWNobw?=",
        "=?base64?ZWNob*==?=",
        "=?base64?ZWNobx==?=",
        "=?BASE64?ZWNobw==?=",
        "=?base64?ZWNobw==",
        "=?base64?/w==?=",
    ],
)
def test_a_broken_wrapping_matches_nothing(client, value):
    assert client.call("echo", Mcp_Name=value).error["code"] == -32020


def test_a_name_outside_ascii_arrives_wrapped(client):
    uri = "unit://day/gestern-früh"

    assert client.request("resources/read", {"uri": uri}, Mcp_Name=wrapped(uri)).status == 200


@pytest.mark.parametrize("version", ["v999.0.0", "2025-06-18", "2024-11-05", "", "2026-07-29"])
def test_another_version_in_both_places_is_minus_32022_with_the_versions_there_are(client, version):
    answer = client.request("tools/list", meta={VERSION: version}, MCP_Protocol_Version=version)

    assert (answer.status, answer.error["code"]) == (400, -32022)
    assert answer.error["data"] == {"supported": list(reversed(REVISIONS)), "requested": version}


def test_a_client_that_contradicts_itself_is_told_so_before_its_version_is_judged(client):
    assert client.request("tools/list", meta={VERSION: "v999"}).error["code"] == -32020
    for wrong in ({"Mcp_Method": "x"}, {"Mcp_Name": "x"}, {"Mcp_Name": None}):
        answer = client.call("echo", meta={VERSION: "v999"}, MCP_Protocol_Version="v999", **wrong)
        assert answer.error["code"] == -32020


@pytest.mark.parametrize(
    "method", ["initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe", "no/such", ""]
)
def test_what_this_revision_does_not_have_is_404_in_json(client, method):
    answer = client.request(method, {"uri": "unit://text", "level": "info", "protocolVersion": "2025-11-25"})

    assert (answer.status, answer.error["code"], answer.message["id"]) == (404, -32601, 1)


def test_a_handshake_client_with_an_unknown_version_header_is_told_what_is_missing(serve):
    answer = serve().request("ping", MCP_Protocol_Version="2025-12-31")

    assert (answer.status, answer.error["code"]) == (400, -32602)


@pytest.mark.parametrize(
    "body",
    [
        [],
        [{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}],
        {"jsonrpc": "2.0", "id": 1, "result": {}},
        {"jsonrpc": "2.0", "id": None, "error": {"code": -32700, "message": "?"}},
        5,
    ],
)
def test_what_is_not_one_request_is_400(client, body):
    answer = client.post(body)

    assert (answer.status, answer.error["code"]) == (400, -32600)


@pytest.mark.parametrize(("version", "status"), [(None, 202), (MODERN, 202), ("2025-06-18", 202), ("v999", 400), ("", 400)])
def test_a_notification_is_taken_unless_its_version_header_names_no_revision(client, version, status):
    answer = client.post({"jsonrpc": "2.0", "method": "notifications/x", "params": {"_meta": META}}, MCP_Protocol_Version=version)

    assert answer.status == status
    assert status == 202 or (answer.error["code"], "id" in answer.message) == (-32022, False)


def test_a_stray_session_id_is_ignored_even_where_sessions_are_kept(serve):
    answer = serve(keeps_sessions=True).speaking(MODERN).request("tools/list", Mcp_Session_Id="stray")

    assert answer.status == 200
    assert "Mcp-Session-Id" not in answer.headers


@pytest.mark.parametrize("path", ["/mcp", "/sse"])
def test_both_eras_share_both_paths(serve, path):
    server = serve()

    assert server.speaking(MODERN, path=path).request("tools/list").status == 200
    assert server.speaking("2025-11-25", path=path).request("tools/list").status == 200


@pytest.mark.requirement("rate-limit")
def test_a_request_costs_one_unit(client, door):
    client.request("tools/list").messages()

    assert door.units == [1]


# -- speaking ahead of the answer --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "heard"), [(None, []), ("debug", ["debug", "info", "error"]), ("notice", ["error"]), ("emergency", [])]
)
def test_a_request_hears_the_log_messages_it_asked_for(client, level, heard):
    messages = client.call("logs", meta={} if level is None else {LEVEL: level}).messages()

    assert [message["params"]["level"] for message in messages[:-1]] == heard
    assert all(message["params"]["logger"] == "unit" for message in messages[:-1])


@pytest.mark.parametrize("level", ["loud", "", 5])
def test_an_unknown_level_is_minus_32602(client, level):
    answer = client.call("echo", meta={LEVEL: level})

    assert (answer.status, answer.error["code"]) == (400, -32602)


@pytest.mark.requirement("progress")
def test_progress_is_told_to_the_token_that_came_with_the_request(client, gates):
    gates.open.set()
    messages = client.call("works", meta={"progressToken": 0}).messages()

    assert [message["params"]["progress"] for message in messages[:-1]] == [1, 2]
    assert messages[-1]["result"]["resultType"] == "complete"


@pytest.mark.requirement("client-leaves")
def test_a_client_that_leaves_cancels_its_call(client, gates):
    answer = client.call("works", meta={"progressToken": 1})
    answer.next_message()
    gates.started.wait()
    answer.close()
    yield_to_others()

    assert gates.cancelled == ["works"]


def test_an_error_after_the_stream_has_begun_is_its_last_event(serve, gates):
    client = serve(heartbeat_s=0.02).speaking(MODERN)
    answer = client.call("breaks_late")
    answer.next_event()
    gates.open.set()

    assert (answer.status, answer.messages()[-1]["error"]["code"]) == (200, -32603)


# -- arguments that are repeated in headers ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "headers", "is_right"),
    [
        ({"region": "eu"}, {"Mcp_Param_Region": "eu"}, True),
        ({"region": "eu"}, {"Mcp_Param_Region": wrapped("eu")}, True),
        ({"region": "é"}, {"Mcp_Param_Region": wrapped("é")}, True),
        ({"region": "eu"}, {}, False),
        ({"region": "eu"}, {"Mcp_Param_Region": "us"}, False),
        ({"region": "eu"}, {"Mcp_Param_Region": "=?base64?ZXU?="}, False),
        ({"region": "42"}, {"Mcp_Param_Region": "42"}, True),
        ({}, {"Mcp_Param_Region": "eu"}, False),
        ({"region": None}, {}, True),
        ({}, {}, True),
        ({"count": 42}, {"Mcp_Param_Count": "42"}, True),
        ({"count": 42}, {"Mcp_Param_Count": "42.0"}, True),
        ({"count": 42}, {"Mcp_Param_Count": "43"}, False),
        ({"count": 42}, {"Mcp_Param_Count": "4_2"}, False),
        ({"count": 0}, {"Mcp_Param_Count": "nan"}, False),
        ({"deep": {"flag": True}}, {"Mcp_Param_Flag": "true"}, True),
        ({"deep": {"flag": True}}, {"Mcp_Param_Flag": "1"}, False),
        ({"deep": {"flag": True}}, {"Mcp_Param_Flag": "True"}, False),
        ({"deep": 5}, {}, True),
        ({"region": ["eu"]}, {"Mcp_Param_Region": "eu"}, False),
    ],
)
def test_a_repeated_argument_must_be_the_same_in_its_header(client, arguments, headers, is_right):
    answer = client.call("routed", arguments, **headers)

    if is_right:
        assert answer.status == 200
    else:
        assert (answer.status, answer.error["code"]) == (400, -32020)


def test_handshake_revisions_know_nothing_of_repeated_arguments(serve):
    assert serve().call("routed", {"region": "eu"}).status == 200


# -- subscriptions/listen ----------------------------------------------------------------------------------------------


def listen(client, id_="sub", **wanted):
    return client.request("subscriptions/listen", {"notifications": wanted}, id_=id_)


@pytest.mark.parametrize("id_", ["sub", 7, 0])
def test_listening_is_acknowledged_first_with_what_is_honoured(client, id_):
    stream = listen(
        client,
        id_,
        toolsListChanged=True,
        unheard_of=True,
        resourceSubscriptions=["unit://text", "unit://nothing", "unit://day/x"],
    )
    message = stream.next_message()

    assert stream.is_stream
    assert message["method"] == "notifications/subscriptions/acknowledged"
    assert message["params"] == {
        "_meta": {f"{PREFIX}subscriptionId": id_},
        "notifications": {"resourceSubscriptions": ["unit://day/x", "unit://text"]},
    }
    stream.close()


def test_a_listener_hears_of_its_resources_and_of_nothing_else(client):
    stream = listen(client, resourceSubscriptions=["unit://text"])
    stream.next_message()
    client.engine.resource_changed("unit://bytes")
    client.engine.resource_changed("unit://text")

    assert stream.next_message() == {
        "jsonrpc": "2.0",
        "method": "notifications/resources/updated",
        "params": {"uri": "unit://text", "_meta": {f"{PREFIX}subscriptionId": "sub"}},
    }
    stream.close()


def test_each_listener_hears_of_the_lists_it_asked_for(serve):
    client = serve(lists_change=True).speaking(MODERN)
    tools, prompts = listen(client, 1, toolsListChanged=True), listen(client, 2, promptsListChanged=True)
    tools.next_message(), prompts.next_message()
    for what in ("prompts", "tools"):
        client.call("changes", {"what": what}).messages()

    assert tools.next_message()["method"] == "notifications/tools/list_changed"
    assert prompts.next_message()["method"] == "notifications/prompts/list_changed"
    tools.close(), prompts.close()


def test_a_listener_that_left_is_forgotten(client):
    stream = listen(client, resourceSubscriptions=["unit://text"])
    stream.next_message()
    stream.close()

    assert client.engine.changes.listening == 0


def test_ended_from_this_side_listening_gets_its_answer(client):
    stream = listen(client, 7, resourceSubscriptions=["unit://text"])
    stream.next_message()
    client.engine.close_streams("owner")

    assert stream.next_message() == {
        "jsonrpc": "2.0",
        "id": 7,
        "result": {"resultType": "complete", "_meta": {f"{PREFIX}subscriptionId": 7, **SERVER}},
    }
    assert stream.next_event() is None


@pytest.mark.requirement("sigterm")
def test_a_server_that_drains_says_goodbye_to_listeners(serve):
    draining = []
    client = serve(draining=lambda: bool(draining), heartbeat_s=0.02).speaking(MODERN)
    stream = listen(client, 7, resourceSubscriptions=["unit://text"])
    stream.next_message()
    draining.append(True)

    assert stream.next_message()["id"] == 7


@pytest.mark.parametrize(
    "notifications", [None, [], {"resourceSubscriptions": "unit://text"}, {"resourceSubscriptions": ["x"] * 101}]
)
def test_a_malformed_filter_is_minus_32602(client, notifications):
    answer = client.request("subscriptions/listen", {"notifications": notifications})

    assert (answer.status, answer.error["code"]) == (400, -32602)
    assert client.engine.changes.listening == 0


def test_listening_needs_a_client_that_takes_events(client):
    assert client.request("subscriptions/listen", {"notifications": {}}, Accept="application/json").status == 406


@pytest.mark.requirement("stream-limit")
def test_a_caller_has_so_many_streams_and_no_more(serve):
    client = serve(max_streams=2).speaking(MODERN)
    streams = [listen(client, n, resourceSubscriptions=["unit://text"]) for n in range(2)]

    refused = listen(client, 3, resourceSubscriptions=["unit://text"])
    assert refused.status == 429
    assert "Retry-After" in refused.headers
    assert client.engine.changes.listening == 2

    other = client.request("subscriptions/listen", {"notifications": {}}, id_=4, Authorization="Bearer another")
    assert other.is_stream
    streams[0].close()
    again = listen(client, 5)
    assert again.is_stream
    for stream in (*streams, other, again):
        stream.close()
