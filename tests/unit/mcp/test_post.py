"""A POST without a session, as the product serves it: negotiation, batches, statuses, JSON or a stream."""

import json
from dataclasses import replace

import gevent
import pytest
from gevent.event import Event

from app.errors import AuthError, ForbiddenError, RateExceededError
from app.mcp.eras import WITH_HANDSHAKE
from app.registry import Registry
from app.services import Deadline
from tests.revisions import HANDSHAKE, MODERN
from tests.unit.mcp.actors import wait_until, yield_to_others

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
EVENTS = "text/event-stream"


# -- negotiation -------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("negotiation")
@pytest.mark.parametrize("revision", HANDSHAKE)
def test_a_known_revision_is_echoed_and_no_session_is_given(serve, revision):
    client = serve().speaking(revision)
    result = client.initialize(revision)

    assert result["protocolVersion"] == revision
    assert result["serverInfo"] == {"name": "unit", "version": "1.2.3"}
    assert result["instructions"] == "Read me."
    assert "Mcp-Session-Id" not in client.headers


@pytest.mark.requirement("negotiation")
@pytest.mark.parametrize("asked", ["2024-10-07", "2026-07-28", "2099-01-01", "", "latest"])
def test_any_other_revision_gets_the_newest_that_has_a_handshake(serve, asked):
    client = serve().speaking(None)
    client.revision = "2025-11-25"

    params = {"protocolVersion": asked, "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
    assert client.request("initialize", params).result["protocolVersion"] == "2025-11-25"


@pytest.mark.parametrize("params", [{}, {"protocolVersion": 1}, {"protocolVersion": "2025-06-18", "capabilities": []}])
def test_a_malformed_initialize_is_an_error_with_status_200(serve, params):
    answer = serve().speaking(None).request("initialize", params)

    assert (answer.status, answer.error["code"]) == (200, -32602)


def test_completions_are_offered_where_a_prompt_alone_has_them(serve, registry):
    def tones(_ctx, _value):
        return ["kind"]

    greet = replace(registry.prompts["greet"], completers={"tone": tones})
    with_completer = serve(registry=Registry({}, {}, {"greet": greet})).initialize()["capabilities"]
    without = serve(registry=Registry({}, {}, {"greet": registry.prompts["greet"]})).initialize()["capabilities"]

    assert with_completer.keys() - without.keys() == {"completions"}


def test_capabilities_without_a_session_are_no_more_than_is_served(serve):
    client = serve(lists_change=True)

    assert client.initialize()["capabilities"] == {"completions": {}, "logging": {}, "prompts": {}, "resources": {}, "tools": {}}
    assert "completions" not in client.initialize("2024-11-05")["capabilities"]
    assert client.request("resources/subscribe", {"uri": "unit://text"}).error["code"] == -32601


@pytest.mark.requirement("negotiation")
def test_a_request_needs_no_handshake_and_no_version(serve):
    assert serve().request("ping").result == {}


@pytest.mark.parametrize("path", ["/mcp", "/mcp/", "/sse", "/sse/"])
def test_both_paths_serve_alike(serve, path):
    assert serve().speaking("2025-06-18", path=path).request("ping").result == {}


# -- notifications and batches -----------------------------------------------------------------------------------------


@pytest.mark.requirement("notifications")
@pytest.mark.parametrize("method", ["notifications/initialized", "notifications/cancelled", "notifications/unheard_of", "ping"])
@pytest.mark.parametrize("revision", [None, *HANDSHAKE, MODERN])
def test_a_notification_is_202_without_a_body_and_costs_nothing(serve, door, revision, method):
    answer = serve().speaking(revision).notify(method, {"requestId": 1})

    assert (answer.status, answer.text) == (202, "")
    assert door.units == []


def test_a_reply_to_nothing_is_202(serve):
    assert serve().reply(5, {}).status == 202


@pytest.mark.requirement("batches")
@pytest.mark.parametrize("revision", [None, "2025-03-26"])
def test_a_batch_is_answered_member_by_member(serve, door, revision):
    client = serve().speaking(revision)
    client.methods = {1: "ping", "two": "tools/call"}
    batch = [
        PING,
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": "two", "method": "tools/call", "params": {"name": "echo"}},
        {"jsonrpc": "2.0", "id": None, "method": "ping"},
        {"jsonrpc": "2.0", "id": 3, "method": "no/such"},
    ]
    answer = client.post(batch)
    messages = answer.messages()

    assert answer.status == 200
    by_id = {message.get("id", "unknown"): message for message in messages}
    assert by_id[1]["result"] == {}
    assert by_id["two"]["result"]["structuredContent"] == {"text": "hello"}
    assert by_id["unknown"]["error"]["code"] == -32600
    assert by_id[3]["error"]["code"] == -32601
    assert len(messages) == 4
    assert door.units == [3]


@pytest.mark.requirement("batches")
@pytest.mark.parametrize("revision", ["2024-11-05", "2025-06-18", "2025-11-25", MODERN])
def test_other_revisions_refuse_batches(serve, revision):
    answer = serve().speaking(revision).post([PING])

    assert (answer.status, answer.error["code"]) == (400, -32600)


@pytest.mark.requirement("batches")
@pytest.mark.parametrize(
    "batch",
    [[], [PING] * 21, [PING, {"jsonrpc": "2.0", "id": 2, "method": "initialize", "params": {"protocolVersion": "2025-03-26"}}]],
    ids=["empty", "21", "initialize"],
)
def test_a_batch_that_is_empty_too_long_or_shakes_hands_is_refused_whole(serve, door, batch):
    answer = serve().post(batch)

    assert (answer.status, answer.error["code"]) == (400, -32600)
    assert door.units == []


@pytest.mark.requirement("batches")
def test_a_batch_of_notifications_is_202(serve):
    assert serve().post([{"jsonrpc": "2.0", "method": "notifications/initialized"}] * 20).status == 202


@pytest.mark.requirement("batches")
@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_a_batch_without_one_good_message_is_400_with_what_is_wrong_with_each(serve, accept):
    answer = serve().post([1, {"jsonrpc": "2.0", "id": 7, "method": 5}], Accept=accept)

    assert answer.status == 400
    assert [(message.get("id"), message["error"]["code"]) for message in answer.messages()] == [(None, -32600), (7, -32600)]


def test_a_batch_becomes_a_stream_when_one_of_its_calls_has_something_to_say(serve, gates):
    gates.open.set()
    client = serve()
    client.revision, client.methods = "2025-03-26", {1: "ping", 2: "tools/call"}
    works = {"name": "works", "_meta": {"progressToken": "t"}}
    answer = client.post([PING, {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": works}])

    messages = answer.messages()
    assert [message.get("id") for message in messages if "result" in message] == [1, 2]
    assert sum(message.get("method") == "notifications/progress" for message in messages) == 2


# -- statuses ----------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("errors")
@pytest.mark.parametrize("revision", [None, *HANDSHAKE])
@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("no/such", {}, -32601),
        ("server/discover", {}, -32601),
        ("tools/call", {"name": "no_such"}, -32602),
        ("tools/call", {}, -32602),
        ("tools/call", {"name": "echo", "arguments": []}, -32602),
        ("prompts/get", {"name": "no_such"}, -32602),
        ("resources/read", {"uri": "unit://no/such"}, -32002),
        ("logging/setLevel", {"level": "loud"}, -32602),
        ("completion/complete", {"ref": {"type": "ref/prompt", "name": "no"}, "argument": {"name": "a", "value": ""}}, -32602),
    ],
)
def test_protocol_errors_of_handshake_revisions_have_status_200(serve, revision, method, params, code):
    answer = serve().speaking(revision).request(method, params)

    assert (answer.status, answer.error["code"]) == (200, code)


@pytest.mark.requirement("content-type")
@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""])
def test_a_body_of_another_type_is_415(serve, content_type):
    assert serve().post(PING, Content_Type=content_type).status == 415
    assert serve().post(PING, Content_Encoding="gzip").status == 415


def test_a_charset_in_the_content_type_is_fine(serve):
    assert serve().post(PING, Content_Type="Application/JSON; charset=utf-8").status == 200


@pytest.mark.requirement("json-strict")
@pytest.mark.parametrize("raw", [b"", b"{", b'{"a":1,"a":2}', b"[" * 50_000])
@pytest.mark.parametrize("revision", [None, "2025-11-25", MODERN])
def test_what_is_not_json_is_400_and_costs_nothing(serve, door, raw, revision):
    answer = serve().speaking(revision).post(raw)

    assert (answer.status, answer.error["code"]) == (400, -32700)
    assert door.units == []


@pytest.mark.requirement("body-limit")
def test_a_body_over_the_limit_is_413(serve):
    client = serve()

    assert client.post(b" " * 100_001).status == 413
    assert client.post(b" " * (100_000 - len(json.dumps(PING))) + json.dumps(PING).encode()).status == 200


class Sender:
    """A body that arrives as it likes."""

    def __init__(self, *parts):
        self._parts = list(parts)

    def read(self, _wanted):
        part = self._parts.pop(0)
        if isinstance(part, Exception):
            raise part
        return part


class Never:
    """A body that does not arrive."""

    def read(self, _wanted):
        Event().wait()


@pytest.mark.requirement("body-limit")
@pytest.mark.parametrize(
    ("sender", "length", "status"),
    [
        (Sender(b"{}"), "100", 400),
        (Sender(ConnectionResetError()), "100", 400),
        (Sender(RuntimeError("a chunk of no size")), None, 400),
        (Sender(b" " * 100_001), None, 413),
        (Sender(RuntimeError("never read")), "100001", 413),
        (Sender(RuntimeError("never read")), "9" * 30, 413),
        (Sender(json.dumps(PING).encode()), None, 200),
        (Sender(json.dumps(PING).encode()), f"{len(json.dumps(PING)):020}", 200),
        (Sender(b""), "-5", 400),
    ],
    ids=["short", "reset", "bad chunk", "chunked", "long", "very long", "chunked ping", "zeros before", "negative"],
)
def test_a_body_that_does_not_arrive_as_it_should_is_told_so(serve, sender, length, status):
    environ = {"wsgi.input": sender, "wsgi.input_terminated": True, "CONTENT_LENGTH": length}
    given = {name: value for name, value in environ.items() if value is not None}
    response = serve().app.test_client().post("/mcp", content_type="application/json", environ_overrides=given)

    assert response.status_code == status


@pytest.mark.requirement("slow-sender")
def test_a_body_that_never_arrives_is_408(serve):
    environ = {"wsgi.input": Never(), "CONTENT_LENGTH": "100"}
    app = serve(body_timeout_s=0.01).app
    response = app.test_client().post("/mcp", content_type="application/json", environ_overrides=environ)

    assert (response.status_code, response.headers["Connection"]) == (408, "close")


@pytest.mark.requirement("accept")
@pytest.mark.parametrize(
    "accept",
    [
        None,
        "*/*",
        "application/*",
        "application/json",
        f"application/json, {EVENTS}",
        "text/html, */*;q=0.1",
        "application/json; charset=utf-8",
    ],
)
def test_json_is_answered_wherever_it_is_accepted(serve, accept):
    answer = serve().request("ping", Accept=accept)

    assert (answer.status, answer.is_stream) == (200, False)


@pytest.mark.requirement("accept")
def test_one_event_is_answered_where_only_that_is_accepted_and_406_where_neither(serve):
    client = serve()

    answer = client.request("ping", Accept=EVENTS)
    assert answer.is_stream
    assert answer.messages() == [{"jsonrpc": "2.0", "id": 1, "result": {}}]
    assert client.request("ping", Accept=f"{EVENTS};charset=utf-8;q=0.5").is_stream
    assert client.request("ping", Accept="application/json;charset=utf-8;q=0").status == 406
    assert client.request("ping", Accept="text/html").status == 406
    assert client.request("ping", Accept=f"{EVENTS};q=0, text/html").status == 406


@pytest.mark.requirement("http-methods")
@pytest.mark.parametrize("path", ["/mcp", "/sse", "/mcp/"])
@pytest.mark.parametrize("verb", ["DELETE", "PUT", "PATCH", "HEAD"])
def test_other_verbs_are_405_with_allow(serve, path, verb):
    answer = serve().http(verb, path)

    assert answer.status == 405
    assert answer.headers["Allow"] == "GET, POST, OPTIONS"


@pytest.mark.requirement("http-methods")
@pytest.mark.parametrize(
    "headers", [{"MCP_Protocol_Version": "2025-06-18"}, {"Mcp_Session_Id": "stray"}, {"MCP_Protocol_Version": MODERN}]
)
def test_a_get_for_a_stream_that_is_not_there_is_405(serve, headers):
    assert serve().http("GET", **headers).status == 405


def test_a_stray_session_id_bothers_nobody(serve):
    answer = serve().request("ping", Mcp_Session_Id="of-another-server")

    assert answer.result == {}
    assert "Mcp-Session-Id" not in answer.headers


@pytest.mark.requirement("bearer")
@pytest.mark.parametrize(
    ("verb", "path", "body"), [("POST", "/mcp", b"{"), ("DELETE", "/mcp", None), ("GET", "/sse", None), ("POST", "/message", b"")]
)
def test_a_stranger_gets_401_before_anything_else_is_looked_at(serve, door, verb, path, body):
    door.refuse = AuthError("Who are you?")
    answer = serve().http(verb, path, body, Content_Type="text/plain")

    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.error == {"code": 401, "message": "Who are you?"}


def test_a_known_caller_who_may_not_come_gets_403(serve, door):
    door.refuse = ForbiddenError("Not from there.")

    assert serve().request("ping").status == 403


@pytest.mark.requirement("rate-limit")
def test_a_caller_over_the_rate_gets_429_with_the_wait_and_nothing_runs(serve, door, gates):
    door.charge = lambda *_: (_ for _ in ()).throw(RateExceededError("Slower.", retry_after_s=7))
    answer = serve().call("waits")

    assert answer.status == 429
    assert answer.headers["Retry-After"] == "7"
    assert not gates.started.is_set()


def test_a_defect_of_the_edge_is_500_in_json_and_tells_nothing(serve, door, caplog):
    door.refuse = RuntimeError("the inside")
    answer = serve().request("ping")

    assert (answer.status, answer.error) == (500, {"code": -32603, "message": "Internal error"})
    assert "the inside" in caplog.text


# -- JSON or a stream --------------------------------------------------------------------------------------------------


def test_a_call_that_says_nothing_is_one_json_body(serve):
    answer = serve().call("echo")

    assert not answer.is_stream
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.requirement("progress")
@pytest.mark.parametrize("token", [7, 0, "t", ""])
def test_progress_goes_ahead_of_the_answer_with_the_clients_token(serve, gates, token):
    gates.open.set()
    answer = serve().speaking("2025-06-18").call("works", meta={"progressToken": token})

    assert answer.is_stream
    assert answer.headers["X-Accel-Buffering"] == "no"
    first, second, last = answer.messages()
    assert first["params"] == {"progressToken": token, "progress": 1, "total": 2, "message": "step 1"}
    assert second["params"]["progress"] == 2
    assert last["result"]["content"] == [{"type": "text", "text": "worked"}]


def test_progress_arrives_while_the_call_still_runs(serve, gates):
    answer = serve().call("works", meta={"progressToken": 1})

    assert answer.next_message()["params"]["progress"] == 1
    assert not gates.ended
    gates.open.set()
    assert answer.messages()[-1]["id"] == 1


@pytest.mark.parametrize("meta", [None, {}, {"progressToken": None}, {"progressToken": 1.5}, {"progressToken": True}])
def test_nobody_is_told_of_progress_without_a_usable_token(serve, gates, meta):
    gates.open.set()

    assert not serve().call("works", meta=meta).is_stream


@pytest.mark.requirement("accept")
def test_a_client_that_takes_no_events_gets_only_the_answer(serve, gates):
    gates.open.set()
    answer = serve().call("works", meta={"progressToken": 1}, Accept="application/json")

    assert not answer.is_stream
    assert answer.result["content"][0]["text"] == "worked"


def test_log_messages_need_a_level_that_only_a_session_remembers(serve):
    client = serve()

    assert client.request("logging/setLevel", {"level": "debug"}).result == {}
    assert not client.call("logs").is_stream


@pytest.mark.requirement("heartbeat")
def test_a_silent_call_becomes_a_stream_that_beats(serve, gates):
    answer = serve(heartbeat_s=0.02).call("waits")

    assert answer.is_stream
    assert [answer.next_event(), answer.next_event()] == [{"": ""}, {"": ""}]
    gates.open.set()
    assert answer.messages()[-1]["result"]["content"][0]["text"] == "went on"


def test_a_client_that_takes_no_events_waits_through_the_silence(serve, gates):
    gevent.spawn_later(0.1, gates.open.set)

    assert not serve(heartbeat_s=0.02).call("waits", Accept="application/json").is_stream


@pytest.mark.requirement("client-leaves")
def test_before_2026_a_client_that_leaves_does_not_cancel_its_call(serve, gates):
    answer = serve(heartbeat_s=0.02).speaking("2025-11-25").call("waits")
    answer.next_event()
    answer.close()
    yield_to_others()
    assert gates.ended == []

    gates.open.set()
    wait_until(lambda: gates.ended == ["waits"])


@pytest.mark.requirement("deadline")
@pytest.mark.parametrize("revision", [None, *HANDSHAKE])
def test_a_call_is_stopped_at_the_hard_deadline_in_words(serve, gates, revision):
    client = serve(deadline=lambda: Deadline(soft_s=0.01, hard_s=0.02)).speaking(revision)
    result = client.call("waits").result

    assert result["isError"] is True
    assert "20 seconds" in result["content"][0]["text"]
    assert gates.ended == ["waits"]


@pytest.mark.requirement("http-methods")
def test_options_is_answered_without_a_bearer(serve, door):
    door.refuse = AuthError("Who are you?")
    client = serve()

    for path, allowed in (("/mcp", "GET, POST, OPTIONS"), ("/message", "POST, OPTIONS")):
        answer = client.http("OPTIONS", path)
        assert (answer.status, answer.headers["Allow"]) == (204, allowed)


def test_the_revisions_with_a_handshake_are_these():
    assert list(WITH_HANDSHAKE) == list(reversed(HANDSHAKE))
