"""Raw HTTP against the running server: what no well-behaved client sends, and what each revision promises about statuses.

Whatever is sent here, the server answers clearly and goes on: a bystander's stream, opened before all of it, still works after.
"""

import json
import socket
import time
from datetime import datetime

import gevent
import pytest
import requests

from tests.e2e.wire import Stream, strictly
from tests.revisions import HANDSHAKE, MODERN, assert_legal

pytestmark = pytest.mark.usefixtures("bystander", "endless")
LIMIT = 100 * 1024
SURROGATE = b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"\\ud800"}}'


@pytest.fixture(scope="module")
def bystander(server):
    """A classic stream that is open while everything bad happens, and works as before when it is over."""
    with server.caller().stream() as stream:
        stream.call("ping")
        yield stream
        assert stream.open
        assert stream.call("ping")["result"] == {}


@pytest.fixture(scope="module")
def endless(server):
    """Two who never end what they send, one silent and one drop by drop: what each was told, and after how long."""
    heads = {"Content-Type": "application/json"}
    with server.socket() as silent, server.socket() as dripping:
        silent.sendall(server.head("POST", "/mcp", **heads, **{"Content-Length": "60"}) + b'{"jsonrpc"')
        dripping.sendall(server.head("POST", "/mcp", **heads, **{"Transfer-Encoding": "chunked"}))
        greenlets = [gevent.spawn(_drip, dripping), *(gevent.spawn(_told, raw) for raw in (silent, dripping))]
        yield greenlets[1:]
        gevent.killall(greenlets)


def _drip(raw: socket.socket) -> None:
    try:
        while True:
            raw.sendall(b"1\r\n \r\n")
            gevent.sleep(0.5)
    except OSError:
        return


def _told(raw: socket.socket) -> tuple[bytes, float]:
    began = time.monotonic()
    return raw.recv(300), time.monotonic() - began


@pytest.fixture
def caller(server):
    return server.caller()


@pytest.fixture
def nameless(server):
    """Somebody who names no revision, as clients of 2025-03-26 do."""
    return server.caller(revision=None)


def error_of(response, status):
    assert response.status_code == status, (response.status_code, response.text[:500])
    assert response.headers["Content-Type"].startswith("application/json")
    answer = strictly(response.content)
    assert_legal(answer, "2025-11-25")
    return answer["error"]


# -- JSON --------------------------------------------------------------------------------------------------------------

NOT_JSON = {
    "nothing": b"",
    "half": b'{"jsonrpc":"2.0","id":1,"method":"ping"',
    "words": b"hello",
    "huge float": b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":1e400}}',
    "NaN": b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":NaN}}',
    "duplicate key": b'{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}',
    "lone surrogate": SURROGATE,
    "brackets": b"[" * 50_000,
    "braces": b'{"a":' * 15_000,
    "digits": b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":' + b"9" * 5_000 + b"}}",
    "digits as id": b'{"jsonrpc":"2.0","method":"ping","id":' + b"9" * 5_000 + b"}",
    "latin-1": '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"é"}}'.encode("latin-1"),
    "UTF-16": '{"jsonrpc":"2.0","id":1,"method":"ping"}'.encode("utf-16"),
    "two values": b'{"jsonrpc":"2.0","id":1,"method":"ping"} {}',
}


@pytest.mark.requirement("json-strict")
@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON)
@pytest.mark.parametrize("path", ["/mcp", "/sse"])
def test_what_is_not_json_is_400_parse_error(caller, path, body):
    assert error_of(caller.post(body, path=path), 400)["code"] == -32700
    assert caller.result("ping", path=path) == {}


@pytest.mark.requirement("json-strict")
@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_not_json_is_400_on_a_classic_stream_too(caller, bystander, body):
    assert bystander.send(body).status_code == 400
    assert bystander.call("ping")["result"] == {}


@pytest.mark.requirement("json-rpc")
@pytest.mark.parametrize(
    "message",
    [
        1,
        "ping",
        None,
        {},
        {"id": 1, "method": "ping"},
        {"jsonrpc": "1.0", "id": 1, "method": "ping"},
        {"jsonrpc": "2.0", "id": None, "method": "ping"},
        {"jsonrpc": "2.0", "id": True, "method": "ping"},
        {"jsonrpc": "2.0", "id": 1.5, "method": "ping"},
        {"jsonrpc": "2.0", "id": [1], "method": "ping"},
        {"jsonrpc": "2.0", "id": 1, "method": 7},
        {"jsonrpc": "2.0", "id": 1},
        {"jsonrpc": "2.0", "id": 1, "method": "ping", "params": [1]},
    ],
    ids=json.dumps,
)
def test_what_is_no_message_is_400_invalid_request(caller, message):
    assert error_of(caller.post(json.dumps(message)), 400)["code"] in {-32600, -32602}


@pytest.mark.requirement("json-rpc")
@pytest.mark.parametrize("ident", [0, "", -1, "a" * 200, 2**53, "ü"])
def test_any_string_or_integer_is_an_id_and_comes_back(caller, ident):
    answer = strictly(caller.post({"jsonrpc": "2.0", "id": ident, "method": "ping"}).content)
    assert answer == {"jsonrpc": "2.0", "id": ident, "result": {}}


# -- bodies ------------------------------------------------------------------------------------------------------------


def ping_of(size):
    """A ping of exactly *size* bytes."""
    frame = b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"%s"}}'
    return frame % (b"x" * (size - len(frame) + 2))


@pytest.mark.requirement("body-limit")
@pytest.mark.parametrize("size", [LIMIT + 1, 1_000_000])
def test_a_body_over_the_limit_is_413_with_a_length(caller, size):
    assert error_of(caller.post(ping_of(size)), 413)


@pytest.mark.requirement("body-limit")
@pytest.mark.parametrize("size", [LIMIT + 1, 1_000_000])
def test_a_body_over_the_limit_is_413_without_a_length(server, size):
    """Chunked; read raw, since the server may answer and hang up before all of it is sent."""
    body = ping_of(size)
    chunks = [body[i : i + 8192] for i in range(0, size, 8192)]
    with server.socket() as raw:
        raw.sendall(server.head("POST", "/mcp", **{"Transfer-Encoding": "chunked", "Content-Type": "application/json"}))
        try:
            for chunk in chunks:
                raw.sendall(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            raw.sendall(b"0\r\n\r\n")
        except OSError:
            pass
        assert b" 413 " in raw.recv(200).split(b"\r\n")[0]


@pytest.mark.requirement("body-limit")
def test_a_body_just_under_the_limit_is_served_with_and_without_a_length(caller):
    body = ping_of(100_000)
    assert strictly(caller.post(body).content)["result"] == {}
    assert strictly(caller.post(iter([body[:50_000], body[50_000:]])).content)["result"] == {}


@pytest.mark.requirement("body-limit")
def test_a_million_characters_in_an_argument_are_413_and_ninety_thousand_are_a_tool_error(caller):
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
    params = {"name": "get_sleep_summary", "arguments": {"start_date": "9" * 1_000_000}}
    assert error_of(caller.post({**call, "params": params}), 413)
    words = caller.refusal("get_sleep_summary", start_date="9" * 90_000)
    assert len(words) < 1000, "the argument is not sent back"


@pytest.mark.requirement("content-type")
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/json", None])
def test_another_content_type_is_415(caller, kind):
    body = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
    assert error_of(caller.post(body, headers={"Content-Type": kind}), 415)


@pytest.mark.requirement("content-type")
@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON", "application/json;charset=UTF-8"])
def test_json_with_parameters_and_in_any_case_is_served(caller, kind):
    assert caller.result("ping", headers={"Content-Type": kind}) == {}


@pytest.mark.requirement("accept")
@pytest.mark.parametrize("accept", ["application/json", "application/json, text/event-stream", "*/*", "application/*", None])
def test_one_json_body_is_the_answer_wherever_json_is_accepted(caller, accept):
    response = caller.post({"jsonrpc": "2.0", "id": 1, "method": "ping"}, headers={"Accept": accept})
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("application/json")


@pytest.mark.requirement("accept")
def test_a_client_that_takes_only_event_streams_gets_one(caller):
    response = caller.post({"jsonrpc": "2.0", "id": 5, "method": "ping"}, headers={"Accept": "text/event-stream"}, stream=True)
    with Stream(response) as stream:
        assert [strictly(event.data)["id"] for event in stream.rest()] == [5]


@pytest.mark.requirement("accept")
def test_a_client_that_takes_neither_gets_406(caller):
    assert error_of(caller.post({"jsonrpc": "2.0", "id": 1, "method": "ping"}, headers={"Accept": "text/html"}), 406)


@pytest.mark.requirement("client-leaves")
def test_clients_that_leave_before_their_answer_leave_nothing_behind(server, caller):
    """Half send half a body, half send all of it and go; then everything is as it was."""
    body = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_health_insights","arguments":{"days":60}}}'
    head = server.head("POST", "/mcp", **{"Content-Type": "application/json", "Content-Length": str(len(body))})
    for cut in (10, len(body)) * 5:
        with server.socket() as raw:
            raw.sendall(head + body[:cut])
    assert caller.result("ping") == {}
    assert caller.tool("get_sleep_summary")["data"]


@pytest.mark.requirement("client-leaves")
def test_a_client_that_leaves_in_the_middle_of_a_stream_leaves_nothing_behind(server, caller):
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "get_sleep_summary", "arguments": {}}}
    for _ in range(5):
        caller.post(call, headers={"Accept": "text/event-stream"}, stream=True).close()
    assert caller.tool("get_sleep_summary")["data"]


# -- who calls ---------------------------------------------------------------------------------------------------------

ROUTES = [
    ("POST", "/mcp"),
    ("POST", "/sse"),
    ("POST", "/message?sessionId=x"),
    ("GET", "/sse"),
    ("GET", "/mcp"),
    ("DELETE", "/mcp"),
]
PING = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'


@pytest.mark.requirement("bearer")
@pytest.mark.parametrize(("verb", "path"), ROUTES)
def test_without_a_bearer_it_is_401_with_a_challenge_and_no_error_word(server, verb, path):
    response = server.caller(token=None).request(verb, path, data=PING)
    assert response.status_code == 401
    challenge = response.headers["WWW-Authenticate"]
    assert challenge.startswith("Bearer")
    assert "error=" not in challenge, "RFC 6750: no error attribute when no token was sent"


@pytest.mark.requirement("bearer")
@pytest.mark.parametrize(("verb", "path"), ROUTES)
def test_a_wrong_bearer_is_401_and_called_invalid(server, verb, path):
    response = server.caller(token="x" * 40).request(verb, path, data=PING)
    assert response.status_code == 401
    assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]
    assert server.token not in response.text


@pytest.mark.requirement("bearer")
@pytest.mark.parametrize("sent", ["Basic {}", "{}", "Bearer", "Bearer {}x", "Bearer {} {}", "Token {}"])
def test_what_is_no_bearer_of_ours_is_401(server, sent):
    headers = {"Authorization": sent.format(server.token, server.token)}
    assert server.caller(token=None).request("POST", data=PING, headers=headers).status_code == 401


@pytest.mark.requirement("bearer")
@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER ", "Bearer  "])
def test_the_scheme_is_read_in_any_case_and_with_any_blanks(server, scheme):
    headers = {"Authorization": scheme + server.token}
    assert server.caller(token=None).request("POST", data=PING, headers=headers).status_code == 200


@pytest.mark.requirement("bearer")
@pytest.mark.parametrize("name", ["access_token", "token", "auth_token", "authorization"])
def test_a_token_in_the_query_opens_nothing(server, name):
    nobody = server.caller(token=None)
    assert nobody.request("POST", f"/mcp?{name}={server.token}", data=PING).status_code == 401


@pytest.mark.requirement("bearer")
def test_a_stranger_is_turned_away_before_the_body_is_read(server):
    with server.socket() as raw:
        raw.sendall(
            server.head("POST", "/mcp", token="y" * 40, **{"Content-Type": "application/json", "Content-Length": "90000"})
        )
        raw.settimeout(5)
        assert b" 401 " in raw.recv(200).split(b"\r\n")[0]


@pytest.mark.requirement("origin")
@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost.evil.example", "https://127.0.0.1.evil.example"]
)
@pytest.mark.parametrize(("verb", "path"), ROUTES[:5])
def test_a_foreign_origin_is_403_and_is_not_reflected(caller, verb, path, origin):
    response = caller.request(verb, path, data=PING, headers={"Origin": origin})
    assert response.status_code == 403
    assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.requirement("origin")
@pytest.mark.parametrize("origin", ["http://localhost:6274", "http://127.0.0.1:1", "http://[::1]:8080"])
def test_an_origin_on_this_machine_is_served_and_named(caller, origin):
    response = caller.post(PING, headers={"Origin": origin})
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == origin
    assert response.headers.get("Access-Control-Allow-Credentials") != "true"
    assert "mcp-session-id" in response.headers["Access-Control-Expose-Headers"].lower()


@pytest.mark.requirement("origin")
@pytest.mark.parametrize("path", ["/mcp", "/sse", "/message"])
def test_a_browser_s_preflight_needs_no_token_and_allows_every_header_of_mcp(server, path):
    wanted = "authorization, content-type, accept, mcp-protocol-version, mcp-session-id, mcp-method, mcp-name, last-event-id"
    headers = {
        "Origin": "http://localhost:6274",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": wanted,
    }
    response = server.caller(token=None).request("OPTIONS", path, headers=headers)
    assert response.status_code in {200, 204}
    allowed = {name.strip().lower() for name in response.headers["Access-Control-Allow-Headers"].split(",")}
    assert allowed >= {name.strip() for name in wanted.split(",")}
    assert {"GET", "POST"} <= {name.strip() for name in response.headers["Access-Control-Allow-Methods"].split(",")}


@pytest.mark.requirement("origin")
def test_a_preflight_from_elsewhere_is_allowed_nothing(server):
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    response = server.caller(token=None).request("OPTIONS", "/mcp", headers=headers)
    assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.requirement("host")
@pytest.mark.parametrize(("verb", "path"), [*ROUTES, ("GET", "/"), ("GET", "/login"), ("GET", "/status")])
def test_a_foreign_host_is_403_and_told_which_variable_to_set(caller, verb, path):
    response = caller.request(verb, path, data=PING, headers={"Host": "evil.example"})
    assert response.status_code == 403
    assert "ALLOWED_HOSTS" in response.text


@pytest.mark.requirement("host")
@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.parametrize("verb", ["GET", "HEAD"])
def test_probes_are_answered_under_any_host_and_without_a_token(server, verb, path):
    response = server.caller(token=None).request(verb, path, headers={"Host": "10.0.0.7:8080", "Content-Type": None})
    assert response.status_code == 200
    assert verb == "HEAD" or response.json() == {"status": "ok"}


# -- methods and paths -------------------------------------------------------------------------------------------------


@pytest.mark.requirement("http-methods")
@pytest.mark.parametrize("path", ["/mcp", "/sse", "/mcp/", "/sse/"])
@pytest.mark.parametrize("verb", ["DELETE", "PUT", "PATCH"])
def test_other_methods_are_405_and_told_what_is_allowed(caller, verb, path):
    response = caller.request(verb, path, stream=True)  # a stream that was opened instead would have no end to wait for
    assert response.status_code == 405
    assert "POST" in response.headers["Allow"]
    assert "<html" not in response.text.lower()


@pytest.mark.requirement("http-methods")
@pytest.mark.parametrize("path", ["/mcp", "/sse", "/mcp/", "/sse/"])
def test_both_paths_serve_alike_with_and_without_a_trailing_slash(caller, path):
    assert caller.result("ping", path=path) == {}


@pytest.mark.requirement("http-methods")
@pytest.mark.parametrize("path", ["/sse", "/sse/", "/mcp", "/mcp/"])
def test_a_get_without_mcp_headers_opens_a_classic_stream(caller, path):
    with caller.stream(path) as stream:
        assert stream.endpoint.startswith("/message?sessionId=")
        assert stream.call("ping")["result"] == {}


@pytest.mark.requirement("classic-stream")
@pytest.mark.parametrize(
    "headers",
    [{"MCP-Protocol-Version": "2025-06-18"}, {"Mcp-Session-Id": "gone"}, {"Last-Event-ID": "7"}, {"Accept": "*/*"}],
    ids=str,
)
def test_a_get_on_sse_opens_a_classic_stream_whatever_headers_it_carries(caller, headers):
    """The TypeScript SDK sends MCP-Protocol-Version when it reconnects, and no second `initialize`."""
    with caller.stream(headers=headers) as stream:
        assert stream.call("tools/list")["result"]["tools"]


@pytest.mark.requirement("http-methods")
@pytest.mark.parametrize("headers", [{"MCP-Protocol-Version": "2025-06-18"}, {"Mcp-Session-Id": "gone"}], ids=str)
def test_a_get_on_mcp_with_mcp_headers_is_405(caller, headers):
    """A Streamable HTTP client asks for a stream we do not offer; 405 tells it to go on without, 404 that its session died."""
    headers = {"Accept": "text/event-stream", "MCP-Protocol-Version": None, **headers}
    assert caller.request("GET", "/mcp", headers=headers).status_code in {405, 404 if "Mcp-Session-Id" in headers else 405}


@pytest.mark.requirement("classic-stream")
def test_a_classic_stream_carries_what_proxies_need_and_a_first_event_at_once(caller):
    with caller.stream() as stream:
        headers = stream.response.headers
        assert "no-cache" in headers["Cache-Control"] or "no-store" in headers["Cache-Control"]
        assert headers["X-Accel-Buffering"] == "no"
        assert "Content-Encoding" not in headers


@pytest.mark.requirement("classic-stream")
def test_a_classic_stream_is_a_whole_session(caller):
    with caller.stream() as stream:
        params = {"protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}
        shaken = stream.call("initialize", params)
        assert shaken["result"]["protocolVersion"] == "2024-11-05"
        assert stream.send({"jsonrpc": "2.0", "method": "notifications/initialized"}).status_code == 202
        called = stream.call("tools/call", {"name": "get_sleep_summary", "arguments": {"start_date": "2026-13-45"}})
        assert called["result"]["isError"] is True
        assert stream.call("no/such")["error"]["code"] == -32601


@pytest.mark.requirement("classic-stream")
@pytest.mark.parametrize("path", ["/message?sessionId=unknown", "/message", "/message?sessionId="])
def test_an_unknown_session_is_404_and_nothing_runs(server, caller, path):
    before = server.metric("oura_mcp_tool_calls_total")
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "get_tags", "arguments": {}}}
    assert caller.post(call, path=path).status_code == 404
    assert server.metric("oura_mcp_tool_calls_total") == before


@pytest.mark.requirement("classic-stream")
def test_a_probe_for_the_stateless_revision_is_refused_on_the_stream(server, caller):
    """The newest SDKs ask `server/discover` first, on this transport too; they fall back on an error, not on a failed POST."""
    with caller.stream() as stream:
        message, headers = server.modern().envelope("server/discover")
        assert stream.send(message, headers=headers).status_code == 202
        answer = stream.message()
        assert (answer["id"], answer["error"]["code"]) == (message["id"], -32022)
        assert "2025-11-25" in answer["error"]["data"]["supported"]
        assert stream.call("ping")["result"] == {}


# -- JSON-RPC over Streamable HTTP -------------------------------------------------------------------------------------


@pytest.mark.requirement("negotiation")
@pytest.mark.parametrize(
    ("asked", "given"),
    [
        *((revision, revision) for revision in HANDSHAKE),
        ("1999-01-01", "2025-11-25"),
        (MODERN, "2025-11-25"),
        ("draft", "2025-11-25"),
    ],
)
@pytest.mark.parametrize("path", ["/mcp", "/sse"])
def test_a_known_revision_is_echoed_and_any_other_gets_our_newest(nameless, path, asked, given):
    params = {"protocolVersion": asked, "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}
    response = nameless.post({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}, path=path)
    answer = strictly(response.content)
    assert_legal(answer, given, "initialize")
    assert answer["result"]["protocolVersion"] == given
    assert "Mcp-Session-Id" not in response.headers, "the product works without sessions"
    assert {"name", "version"} <= answer["result"]["serverInfo"].keys()
    assert len(answer["result"]["instructions"]) > 100


@pytest.mark.requirement("negotiation")
def test_initialize_without_a_revision_is_invalid_params(nameless):
    answer = strictly(nameless.post({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}}).content)
    assert answer["error"]["code"] == -32602


@pytest.mark.requirement("negotiation")
def test_a_version_header_nobody_knows_is_400(caller):
    assert caller.post(PING, headers={"MCP-Protocol-Version": "1999-01-01"}).status_code == 400


@pytest.mark.requirement("notifications")
@pytest.mark.parametrize(
    "message",
    [
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "none"}},
        {"jsonrpc": "2.0", "method": "notifications/never/heard/of"},
        {"jsonrpc": "2.0", "id": 77, "result": {}},
        {"jsonrpc": "2.0", "id": 77, "error": {"code": -1, "message": "no"}},
    ],
    ids=str,
)
def test_notifications_and_responses_are_202_without_a_body(caller, message):
    response = caller.post(message)
    assert (response.status_code, response.content) == (202, b"")


@pytest.mark.requirement("errors")
def test_an_unknown_method_is_a_json_rpc_error_with_status_200(caller):
    response = caller.post({"jsonrpc": "2.0", "id": 1, "method": "no/such"})
    assert error_of(response, 200)["code"] == -32601


@pytest.mark.requirement("errors")
@pytest.mark.parametrize(
    "params",
    [
        {"name": "no_such_tool", "arguments": {}},
        {"arguments": {}},
        {"name": 7, "arguments": {}},
        {"name": "get_tags", "arguments": []},
        {"name": "get_tags", "arguments": "now"},
    ],
    ids=str,
)
def test_an_unknown_tool_and_malformed_params_are_invalid_params(caller, params):
    assert caller.call("tools/call", params)["error"]["code"] == -32602


@pytest.mark.requirement("errors")
def test_tool_arguments_may_be_absent(caller):
    assert not caller.result("tools/call", {"name": "get_sleep_summary"}).get("isError")


@pytest.mark.requirement("batches")
@pytest.mark.parametrize("revision", [None, "2025-03-26"])
def test_a_batch_is_answered_as_a_batch_where_the_revision_has_them(server, revision):
    caller = server.caller(revision=revision)
    batch = [
        {"jsonrpc": "2.0", "id": "a", "method": "ping"},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": "b", "method": "no/such"},
        {"jsonrpc": "2.0", "id": "c", "method": "tools/call", "params": {"name": "get_tags", "arguments": {}}},
    ]
    answers = {answer["id"]: answer for answer in strictly(caller.post(batch).content)}
    assert answers.keys() == {"a", "b", "c"}
    assert answers["a"]["result"] == {}
    assert answers["b"]["error"]["code"] == -32601
    assert_legal(answers["c"], "2025-03-26", "tools/call")


@pytest.mark.requirement("batches")
def test_a_batch_of_notifications_is_202(nameless):
    response = nameless.post([{"jsonrpc": "2.0", "method": "notifications/initialized"}] * 2)
    assert (response.status_code, response.content) == (202, b"")


INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-03-26", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}},
}


@pytest.mark.requirement("batches")
@pytest.mark.parametrize(
    "batch",
    [[], [{"jsonrpc": "2.0", "id": i, "method": "ping"} for i in range(21)], [INITIALIZE]],
    ids=["empty", "21", "initialize"],
)
def test_a_batch_that_is_empty_too_long_or_shakes_hands_is_refused(nameless, batch):
    assert error_of(nameless.post(batch), 400)["code"] == -32600


@pytest.mark.requirement("batches")
@pytest.mark.parametrize("revision", ["2024-11-05", "2025-06-18", "2025-11-25"])
def test_a_batch_is_refused_in_the_revisions_without_them(server, revision):
    response = server.caller(revision=revision).post([{"jsonrpc": "2.0", "id": 1, "method": "ping"}])
    assert error_of(response, 400)["code"] == -32600


# -- the stateless revision --------------------------------------------------------------------------------------------


@pytest.fixture
def modern(server):
    return server.modern()


@pytest.mark.requirement("stateless")
def test_discover_tells_everything_a_client_needs(modern):
    told = modern.result("server/discover")
    assert MODERN in told["supportedVersions"]
    assert {"tools", "resources", "prompts"} <= told["capabilities"].keys()
    assert told["_meta"]["io.modelcontextprotocol/serverInfo"]["name"]
    assert len(told["instructions"]) > 100


@pytest.mark.requirement("stateless")
@pytest.mark.parametrize("method", ["initialize", "ping", "logging/setLevel", "resources/subscribe", "no/such"])
def test_a_method_the_revision_does_not_have_is_404(modern, method):
    message, headers = modern.envelope(method, {})
    response = modern.post(message, headers=headers)
    assert response.status_code == 404
    answer = strictly(response.content)
    assert_legal(answer, MODERN)
    assert (answer["id"], answer["error"]["code"]) == (message["id"], -32601)


@pytest.mark.requirement("stateless")
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"MCP-Protocol-Version": None}, -32020),
        ({"MCP-Protocol-Version": "2025-11-25"}, -32020),
        ({"Mcp-Method": None}, -32020),
        ({"Mcp-Method": "TOOLS/CALL"}, -32020),
        ({"Mcp-Name": None}, -32020),
        ({"Mcp-Name": "get_workouts"}, -32020),
        ({"Mcp-Name": "=?base64?Z2V0X3RhZ3M?="}, -32020),
    ],
    ids=str,
)
def test_headers_that_contradict_the_body_are_400(modern, change, code):
    message, headers = modern.envelope("tools/call", {"name": "get_tags", "arguments": {}})
    response = modern.post(message, headers={**headers, **change})
    assert response.status_code == 400
    answer = strictly(response.content)
    assert_legal(answer, MODERN)
    assert answer["error"]["code"] == code


@pytest.mark.requirement("stateless")
@pytest.mark.parametrize("name", ["get_tags", "=?base64?Z2V0X3RhZ3M=?="])
def test_a_name_may_be_sent_plain_or_encoded(modern, name):
    answer = modern.call("tools/call", {"name": "get_tags", "arguments": {}}, headers={"Mcp-Name": name})
    assert answer["result"]["resultType"] == "complete"


@pytest.mark.requirement("stateless")
def test_a_revision_nobody_knows_is_400_with_the_ones_we_speak(modern):
    message, headers = modern.envelope("tools/list")
    message["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = "v999"
    response = modern.post(message, headers={**headers, "MCP-Protocol-Version": "v999"})
    error = strictly(response.content)["error"]
    assert (response.status_code, error["code"], error["data"]["requested"]) == (400, -32022, "v999")
    assert MODERN in error["data"]["supported"]


@pytest.mark.requirement("stateless")
@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_not_json_is_400_parse_error_in_the_stateless_revision_too(modern, body):
    assert error_of(modern.post(body, headers={"Mcp-Method": "tools/list"}), 400)["code"] == -32700


@pytest.mark.requirement("stateless")
def test_both_eras_list_the_same_tools_and_give_the_same_answer(modern, caller):
    assert [tool["name"] for tool in modern.result("tools/list")["tools"]] == [
        tool["name"] for tool in caller.result("tools/list")["tools"]
    ]
    then, now = caller.tool("get_sleep_summary"), modern.tool("get_sleep_summary")
    assert then["data"] == now["data"]


# -- arguments ---------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("arguments")
@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        ({"start_date": "2026-13-45"}, "start_date"),
        ({"start_date": "2025-02-29"}, "start_date"),
        ({"start_date": "yesterday"}, "start_date"),
        ({"start_date": 20261101}, "start_date"),
        ({"start_date": ["2026-11-01"]}, "start_date"),
        ({"start_date": "2026-11-10", "end_date": "2026-11-01"}, "end_date"),
        ({"start_date": "2014-01-01", "end_date": "2025-01-01"}, "365"),
        ({"start_date": "2005-01-01", "end_date": "2025-01-01"}, "2013"),
        ({"startDate": "2026-11-01"}, "start_date"),
        ({"start_date": "2026-11-01\x00"}, "start_date"),
    ],
    ids=str,
)
def test_a_wrong_argument_is_a_tool_error_that_says_what_would_be_right(caller, arguments, hint):
    words = caller.refusal("get_sleep_summary", **arguments)
    assert hint in words
    assert "Traceback" not in words


@pytest.mark.requirement("arguments")
@pytest.mark.parametrize(
    "arguments",
    [
        {"start_date": "2026-13-45", "end_date": "soon"},
        {"include_hrv": "perhaps", "refresh": "maybe"},
        {"startDate": "x", "refresh": 7},
    ],
    ids=str,
)
def test_every_wrong_argument_is_named_at_once(caller, arguments):
    words = caller.refusal("get_sleep_summary", **arguments)
    assert all(name in words for name in arguments)


@pytest.mark.requirement("arguments")
def test_an_unknown_argument_is_ignored_and_named_and_null_means_absent(caller):
    answer = caller.tool("get_sleep_summary", favourite_colour="blue", end_date=None)
    assert answer["coverage"]["ignored_arguments"] == ["favourite_colour"]
    assert answer["data"] == caller.tool("get_sleep_summary")["data"]


@pytest.mark.requirement("arguments")
def test_an_end_in_the_future_is_cut_to_today_and_told(caller):
    answer = caller.tool(
        "get_sleep_summary", end_date="2099-01-01", start_date=caller.tool("get_sleep_summary")["period"]["start_date"]
    )
    assert answer["period"]["end_date"] < "2099"
    assert any("end_date 2099-01-01 is in the future" in note for note in answer["coverage"]["notes"])


@pytest.mark.requirement("arguments")
@pytest.mark.parametrize(
    "tail", ["T08:30", "T08:30:00", "T08:30:00Z", "T08:30:00+02:00", "T08:30:00.123456-05:00", "T08:30:00.5Z", ""]
)
def test_datetimes_with_offsets_fractions_and_bare_dates_work(caller, tail):
    day = caller.tool("get_sleep_summary")["period"]["start_date"]
    answer = caller.tool("get_heart_rate", start_datetime=day + tail)
    meant, begins = datetime.fromisoformat(day + tail), datetime.fromisoformat(answer["period"]["start_datetime"])
    assert begins == (meant if meant.tzinfo else meant.replace(tzinfo=begins.tzinfo))
    assert answer["summary"]["total_readings"] > 0


# -- progress ----------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("progress")
def test_nobody_who_did_not_ask_for_progress_is_told_of_it(caller):
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "get_health_insights", "arguments": {}}}
    assert len(caller.conversation(message, headers={"Accept": "text/event-stream"})) == 1


# -- last of all -------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("errors")
def test_an_unknown_path_is_404_and_no_page_of_a_framework(server):
    response = requests.get(server.url + "/nowhere", timeout=10)
    assert response.status_code == 404
    assert "Werkzeug" not in response.text


@pytest.mark.requirement("slow-sender")
def test_a_sender_that_never_ends_is_cut_off_and_bothers_nobody(endless, caller):
    for sender in endless:
        told, seconds = sender.get(timeout=30)
        assert told == b"" or told.split(b"\r\n")[0].split()[1] in {b"400", b"408"}
        assert seconds < 25
    assert caller.result("ping") == {}


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Content-Length": "-1"},
        {"Content-Length": "2x"},
        {"Content-Length": "2", "Transfer-Encoding": "chunked"},
    ],
    ids=str,
)
def test_a_request_whose_end_is_in_doubt_is_400_and_no_traceback(server, headers):
    with server.socket() as raw:
        raw.sendall(server.head("POST", "/mcp", **{"Content-Type": "application/json"}, **headers) + b"{}")
        assert raw.recv(300).split(b"\r\n")[0].split()[1] == b"400"
    assert "Error handling request" not in server.logs()
