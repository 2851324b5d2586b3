"""The transport of 2024-11-05: one stream to listen on, one path to post to."""

import pytest

from app.mcp.envelope import notification_text
from app.mcp.streams import Item
from tests.revisions import HANDSHAKE, MODERN
from tests.unit.mcp.actors import PREFIX, yield_to_others
from tests.unit.mcp.definitions import CONNECT_URL

pytestmark = pytest.mark.requirement("classic-stream")


class Classic:
    """A client on the classic transport."""

    def __init__(self, client, path="/sse", **headers):
        self.client = client
        self.stream = client.http("GET", path, **headers)
        assert self.stream.is_stream
        first = self.stream.next_event()
        assert first["event"] == "endpoint"
        client.path = first["data"]
        self.stream.reads(client.revision or "2024-11-05", client.methods)

    def ask(self, method, params=None, **given):
        answer = self.client.request(method, params, **given)
        assert (answer.status, answer.text) == (202, "")
        return self.stream.next_message()

    def initialize(self, revision, **capabilities):
        params = {"protocolVersion": revision, "capabilities": capabilities, "clientInfo": {"name": "x", "version": "1"}}
        self.stream.reads(revision, self.client.methods)
        return self.ask("initialize", params, id_="hello")["result"]


@pytest.fixture
def classic(serve):
    return Classic(serve())


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/sse", {}),
        ("/sse/", {}),
        ("/mcp", {}),
        ("/mcp/", {}),
        ("/sse", {"MCP_Protocol_Version": "2025-06-18"}),
        ("/sse", {"MCP_Protocol_Version": MODERN}),
        ("/sse", {"Mcp_Session_Id": "stray"}),
        ("/sse", {"Accept": None}),
        ("/sse", {"Accept": "text/html, */*;q=0.8"}),
    ],
)
def test_the_stream_tells_first_where_to_post(serve, path, headers):
    client = serve()
    classic = Classic(client, path, **headers)

    assert client.path.startswith("/message?sessionId=")
    assert len(client.path) > 50
    assert classic.ask("ping")["result"] == {}


def test_a_prefix_under_which_the_server_is_mounted_is_part_of_the_path(serve):
    client = serve()
    response = client.app.test_client().get("/sse", environ_overrides={"SCRIPT_NAME": "/ring"})

    assert b"data: /ring/message?sessionId=" in next(response.response)


@pytest.mark.requirement("negotiation")
@pytest.mark.parametrize("revision", HANDSHAKE)
def test_any_revision_with_a_handshake_can_be_agreed_on(serve, revision):
    classic = Classic(serve())
    result = classic.initialize(revision)

    assert result["protocolVersion"] == revision
    assert result["capabilities"]["resources"] == {"subscribe": True}
    assert classic.client.notify("notifications/initialized").status == 202


@pytest.mark.requirement("classic-reconnect")
@pytest.mark.parametrize("revision", [None, *HANDSHAKE])
def test_a_client_that_comes_back_need_not_initialize_again(serve, revision):
    client = serve()
    client.revision = revision
    classic = Classic(client, **({"MCP_Protocol_Version": revision} if revision else {}))
    kinds = [block["type"] for block in classic.ask("tools/call", {"name": "mixed"})["result"]["content"]]

    assert ("audio" in kinds) == (revision not in {None, "2024-11-05"})


@pytest.mark.parametrize("session_id", ["", "unknown"])
def test_an_unknown_session_is_404_and_nothing_runs(serve, gates, session_id):
    client = serve()
    client.path = f"/message?sessionId={session_id}"

    assert client.call("waits").status == 404
    assert not gates.started.is_set()


def test_another_callers_session_is_unknown_and_nothing_runs(classic, gates):
    assert classic.client.call("waits", Authorization="Bearer another").status == 404
    assert not gates.started.is_set()


def test_a_classic_session_is_none_of_streamable_http(serve):
    client = serve(keeps_sessions=True)
    Classic(client)
    session_id = client.path.partition("=")[2]
    client.path = "/mcp"

    assert client.request("ping", Mcp_Session_Id=session_id).status == 404


def test_a_stream_that_ended_is_the_end_of_its_session_and_of_its_calls(classic, gates):
    classic.client.call("waits")
    gates.started.wait()
    classic.stream.close()
    yield_to_others()

    assert gates.ended == ["waits"]
    assert classic.client.request("ping").status == 404
    assert list(classic.client.engine.sessions) == []


@pytest.mark.requirement("json-strict")
@pytest.mark.parametrize(
    ("raw", "code"), [(b"{", -32700), (b"[]", -32600), (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600)]
)
def test_what_cannot_be_taken_is_refused_on_the_post(classic, raw, code):
    answer = classic.client.post(raw)

    assert (answer.status, answer.error["code"]) == (400, code)


@pytest.mark.parametrize(("verb", "status"), [("GET", 405), ("DELETE", 405), ("PUT", 405)])
def test_messages_are_posted(classic, verb, status):
    answer = classic.client.http(verb)

    assert (answer.status, answer.headers["Allow"]) == (status, "POST, OPTIONS")


def test_types_and_sizes_are_checked_as_elsewhere(classic):
    assert classic.client.post({}, Content_Type="text/plain").status == 415
    assert classic.client.post(b" " * 100_001).status == 413


@pytest.mark.requirement("batches")
def test_batches_only_where_they_were_agreed_on(serve):
    batch = [{"jsonrpc": "2.0", "id": 1, "method": "ping"}, {"jsonrpc": "2.0", "id": 2, "method": 5}]
    old, classic = Classic(serve()), Classic(serve())
    classic.initialize("2025-03-26")

    assert old.client.post(batch).status == 400
    assert classic.client.post(batch).status == 202
    assert {classic.stream.next_message()["id"], classic.stream.next_message()["id"]} == {1, 2}


def test_a_probe_for_the_stateless_revision_is_refused_on_the_stream(classic):
    meta = {f"{PREFIX}protocolVersion": MODERN, f"{PREFIX}clientCapabilities": {}}
    classic.stream.reads(MODERN, {})
    message = classic.ask("server/discover", meta=meta)

    assert message["error"]["code"] == -32022
    assert message["error"]["data"] == {"supported": list(reversed(HANDSHAKE)), "requested": MODERN}


def test_what_a_call_says_and_asks_goes_over_the_stream(serve, gates):
    gates.open.set()
    classic = Classic(serve())
    classic.initialize("2025-06-18", elicitation={})
    progress = classic.ask("tools/call", {"name": "works"}, meta={"progressToken": "t"})
    assert progress["params"]["progress"] == 1
    classic.stream.next_message(), classic.stream.next_message()

    question = classic.ask("tools/call", {"name": "asks"})
    assert question["method"] == "elicitation/create"
    classic.client.reply(question["id"], {"action": "decline"})
    assert classic.stream.next_message()["result"]["content"][0]["text"] == "decline None"


@pytest.mark.requirement("url-elicitation")
def test_a_client_that_can_open_urls_is_given_the_one_that_connects_the_ring(serve):
    classic = Classic(serve())
    classic.initialize("2025-11-25", elicitation={"url": {}})
    error = classic.ask("tools/call", {"name": "needs_ring"})["error"]

    assert error["code"] == -32042
    assert error["data"]["elicitations"][0]["url"] == CONNECT_URL


def test_a_cancelled_call_is_never_answered(classic, gates):
    classic.client.call("waits", id_=9)
    gates.started.wait()
    classic.client.notify("notifications/cancelled", {"requestId": 9})
    yield_to_others()

    assert gates.ended == ["waits"]
    assert classic.ask("ping", id_=10)["id"] == 10


def test_a_call_is_cancelled_once_however_often_it_is_asked_for(classic, gates):
    classic.client.call("waits", id_=9)
    gates.started.wait()
    call = next(iter(classic.client.engine.sessions)).calls[9]
    call.cancel()
    call.cancel()

    assert classic.stream.next_event() == {"": ""}
    classic.client.request("ping", id_=10)
    assert "data" in classic.stream.next_event()


def test_resources_can_be_subscribed_to(classic):
    assert classic.ask("resources/subscribe", {"uri": "unit://text"})["result"] == {}
    classic.client.engine.resource_changed("unit://text")

    assert classic.stream.next_message()["params"] == {"uri": "unit://text"}


@pytest.mark.requirement("stream-limit")
def test_a_caller_has_so_many_streams_and_no_more(serve):
    client = serve(max_streams=1)
    classic = Classic(client)
    refused = client.http("GET", "/sse")

    assert refused.status == 429
    assert len(list(client.engine.sessions)) == 1
    assert client.http("GET", "/sse", Authorization="Bearer another").is_stream
    classic.stream.close()
    assert client.http("GET", "/sse").is_stream


def test_open_streams_are_counted_while_they_are_open(serve):
    client = serve()

    def counted():
        text = client.engine.services.metrics.render().decode()
        return [line for line in text.splitlines() if line.startswith("oura_mcp_open_streams{") and not line.endswith(" 0.0")]

    classic = Classic(client)
    assert counted() == ['oura_mcp_open_streams{kind="classic"} 1.0']
    classic.stream.close()
    classic.stream.close()
    assert counted() == []


@pytest.mark.requirement("heartbeat")
def test_an_idle_stream_beats(serve):
    classic = Classic(serve(heartbeat_s=0.02))

    assert classic.stream.next_event() == {"": ""}


def test_a_closed_stream_ends_and_takes_its_session_along(classic):
    classic.client.engine.close_streams()

    assert classic.stream.next_event() is None
    classic.stream.close()
    assert classic.client.request("ping").status == 404


@pytest.mark.requirement("sigterm")
def test_a_server_that_drains_ends_idle_streams_and_waits_for_answers_under_way(serve, gates):
    draining = []
    server = serve(draining=lambda: bool(draining), heartbeat_s=0.02)
    idle, busy = Classic(server.speaking(None)), Classic(server.speaking(None))
    busy.client.call("waits")
    gates.started.wait()
    draining.append(True)

    assert idle.stream.next_event() is None
    assert busy.stream.next_event() == {"": ""}
    gates.open.set()
    assert busy.stream.next_message()["id"] == 1
    assert busy.stream.next_event() is None


@pytest.mark.requirement("accept")
def test_a_stream_needs_a_client_that_takes_events(serve):
    assert serve().http("GET", "/sse", Accept="application/json").status == 406


def test_answers_are_given_even_to_a_client_far_behind_and_nothing_else_is_kept_for_it(classic):
    session = next(iter(classic.client.engine.sessions))
    for _ in range(1_500):
        session.outbox.put(Item(notification_text("notifications/message", {"level": "info", "data": ""})))
    classic.client.request("ping", id_="late")
    seen = []
    while not seen or seen[-1].get("id") != "late":
        seen.append(classic.stream.next_message())

    assert len(seen) == 1_001
