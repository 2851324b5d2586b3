"""Where an engine keeps sessions: ids, the session's own stream, cancellation, and streams that are picked up again."""

import gevent
import pytest

from tests.revisions import MODERN
from tests.unit.mcp.actors import wait_until, yield_to_others


@pytest.fixture
def client(serve):
    client = serve(keeps_sessions=True, lists_change=True)
    client.initialize()
    return client


# -- ids ---------------------------------------------------------------------------------------------------------------


def test_initialize_gives_an_id_that_nobody_can_guess(serve):
    client = serve(keeps_sessions=True)
    client.initialize()
    first = client.headers["Mcp-Session-Id"]
    client.initialize()

    assert len(first) >= 32
    assert all("\x21" <= character <= "\x7e" for character in first)
    assert client.headers["Mcp-Session-Id"] != first


def test_a_failed_initialize_gives_no_session(serve):
    client = serve(keeps_sessions=True)
    answer = client.request("initialize", {})

    assert "Mcp-Session-Id" not in answer.headers
    assert list(client.engine.sessions) == []


def test_a_request_without_the_id_is_400_and_with_an_unknown_one_404(client):
    missing = client.request("ping", Mcp_Session_Id=None)
    unknown = client.request("ping", Mcp_Session_Id="unknown")

    assert (missing.status, missing.error["code"]) == (400, -32600)
    assert (unknown.status, unknown.error["code"]) == (404, 404)


def test_another_callers_session_is_an_unknown_one(client):
    assert client.request("ping", Authorization="Bearer another").status == 404
    assert client.http("DELETE", Authorization="Bearer another").status == 404
    assert client.request("ping").status == 200


def test_a_deleted_session_is_gone(client):
    assert client.http("DELETE").status == 204
    assert client.request("ping").status == 404
    assert client.http("DELETE").status == 404


def test_a_session_keeps_its_revision_whatever_the_header_says(client):
    assert client.post([{"jsonrpc": "2.0", "id": 1, "method": "ping"}], MCP_Protocol_Version="2025-03-26").status == 400
    assert client.request("ping", MCP_Protocol_Version="2025-06-18").status == 200


@pytest.mark.parametrize("verb", ["GET", "DELETE"])
@pytest.mark.parametrize(("version", "status"), [("v999", 400), ("", 400), ("2026-07-28", 405)])
def test_a_session_is_neither_heard_nor_ended_in_a_version_without_sessions(client, verb, version, status):
    assert client.http(verb, MCP_Protocol_Version=version).status == status
    assert client.request("ping").status == 200


def test_sessions_are_capped_and_the_one_unused_for_longest_goes(client):
    client.engine.sessions.most = 2
    second, third = client.speaking("2025-11-25"), client.speaking("2025-11-25")
    second.initialize()
    client.request("ping")
    third.initialize()

    assert [one.request("ping").status for one in (client, second, third)] == [200, 404, 200]


def test_a_session_declares_what_it_can_tell(serve):
    result = serve(keeps_sessions=True, lists_change=True).initialize()

    assert result["capabilities"] == {
        "completions": {},
        "logging": {},
        "prompts": {"listChanged": True},
        "resources": {"subscribe": True, "listChanged": True},
        "tools": {"listChanged": True},
    }


# -- its own stream ----------------------------------------------------------------------------------------------------


def test_the_sessions_stream_is_open_at_once_and_once_only(client):
    stream = client.http("GET", Accept="text/event-stream")

    assert stream.is_stream
    assert stream.next_event()["id"] == "session_0"
    assert client.http("GET", Accept="text/event-stream").status == 409
    stream.close()
    assert client.http("GET", Accept="text/event-stream").is_stream


def test_a_stream_needs_a_client_that_takes_events_and_a_session(client):
    assert client.http("GET", Accept="application/json").status == 406
    assert client.http("GET", Mcp_Session_Id="unknown").status == 404


def test_changes_of_lists_and_of_resources_subscribed_to_are_told_there(client):
    stream = client.http("GET")
    assert client.request("resources/subscribe", {"uri": "unit://day/2026-11-22"}).result == {}
    client.engine.resource_changed("unit://text")
    client.engine.resource_changed("unit://day/2026-11-22")
    client.call("changes", {"what": "tools"}).messages()

    assert stream.next_message()["params"] == {"uri": "unit://day/2026-11-22"}
    assert stream.next_message()["method"] == "notifications/tools/list_changed"

    assert client.request("resources/unsubscribe", {"uri": "unit://day/2026-11-22"}).result == {}
    client.engine.resource_changed("unit://day/2026-11-22")
    client.engine.changes.announce("prompts")
    assert stream.next_message()["method"] == "notifications/prompts/list_changed"


def test_lists_that_do_not_change_are_not_announced(serve):
    client = serve(keeps_sessions=True)
    client.initialize()
    client.request("resources/subscribe", {"uri": "unit://text"})
    stream = client.http("GET")
    client.call("changes", {"what": "tools"}).messages()
    client.engine.resource_changed("unit://text")

    assert stream.next_message()["method"] == "notifications/resources/updated"


def test_what_does_not_exist_cannot_be_subscribed_to(client):
    assert client.request("resources/subscribe", {"uri": "unit://no"}).error["code"] == -32002


def test_subscriptions_are_bounded(client):
    for n in range(100):
        client.request("resources/subscribe", {"uri": f"unit://day/{n}"})

    assert client.request("resources/subscribe", {"uri": "unit://day/100"}).error["code"] == -32602
    assert client.request("resources/subscribe", {"uri": "unit://day/0"}).result == {}


def test_a_session_hears_the_log_messages_of_its_level(client):
    def levels():
        return [message["params"]["level"] for message in client.call("logs").messages()[:-1]]

    assert levels() == ["info", "error"]
    client.request("logging/setLevel", {"level": "error"})
    assert levels() == ["error"]


# -- cancelling --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("id_", [7, "seven", 0])
def test_a_cancelled_call_stops_and_gives_no_answer(client, gates, id_):
    waiting = gevent.spawn(lambda: client.call("waits", id_=id_))
    gates.started.wait()
    client.notify("notifications/cancelled", {"requestId": id_, "reason": "changed my mind"})

    answer = waiting.get()
    assert (answer.status, answer.text) == (202, "")
    assert gates.ended == ["waits"]


def test_a_call_cancelled_on_its_stream_ends_it_without_an_answer(client, gates):
    stream = client.call("works", meta={"progressToken": 1})
    stream.next_message()
    gates.started.wait()
    client.notify("notifications/cancelled", {"requestId": 1})

    assert [message["method"] for message in stream.messages()] == ["notifications/progress"]
    yield_to_others()
    assert gates.cancelled == ["works"]
    counted = client.engine.services.metrics.render().decode()
    assert 'oura_mcp_tool_calls_total{outcome="cancelled",tool="works"} 1.0' in counted
    assert "defect" not in counted


@pytest.mark.parametrize("params", [None, {}, {"requestId": 99}, {"requestId": []}, {"requestId": None}])
def test_cancelling_what_does_not_run_is_ignored(client, gates, params):
    waiting = gevent.spawn(lambda: client.call("waits"))
    gates.started.wait()
    assert client.notify("notifications/cancelled", params).status == 202
    yield_to_others()
    assert gates.ended == []

    gates.open.set()
    assert waiting.get().result["content"][0]["text"] == "went on"


def test_a_deleted_session_takes_its_calls_and_its_stream_with_it(client, gates):
    stream = client.http("GET")
    waiting = gevent.spawn(lambda: client.call("waits"))
    gates.started.wait()
    client.http("DELETE")

    waiting.get()
    assert gates.ended == ["waits"]
    stream.messages()


# -- resuming ----------------------------------------------------------------------------------------------------------


def test_a_dropped_connection_is_resumed_where_it_was_left(client, gates):
    stream = client.call("drops")
    primer, farewell = stream.next_event(), stream.next_event()
    assert (primer["data"], farewell["data"], farewell["retry"]) == ("", "", "250")
    assert farewell["id"] == primer["id"]
    assert stream.next_event() is None
    stream.close()

    resumed = client.http("GET", Last_Event_ID=primer["id"])
    gates.open.set()
    resumed.reads("2025-11-25", client.methods)
    log, answer = resumed.messages()
    assert log["params"]["data"] == "after the gap"
    assert answer["result"]["content"][0]["text"] == "still here"


def test_what_was_told_before_the_cut_is_told_again_after_it(client, gates):
    stream = client.call("works", meta={"progressToken": 1})
    primer, first, second = (stream.next_event() for _ in range(3))
    gates.open.set()
    last = stream.next_event()
    assert stream.next_event() is None
    stream.close()

    def ids(last_event_id):
        events = []
        resumed = client.http("GET", Last_Event_ID=last_event_id)
        while (event := resumed.next_event()) is not None:
            events.append(event)
        return [event["id"] for event in events if event["data"]]

    assert ids(primer["id"]) == [first["id"], second["id"], last["id"]]
    assert ids(second["id"]) == [last["id"]]
    assert ids(last["id"]) == []


def test_the_sessions_own_stream_is_resumed_too(client):
    stream = client.http("GET")
    primer = stream.next_event()
    client.engine.changes.announce("tools")
    client.engine.changes.announce("prompts")
    stream.next_event(), stream.next_event()
    stream.close()
    client.engine.changes.announce("resources")
    resumed = client.http("GET", Last_Event_ID=primer["id"])

    assert [resumed.next_message()["method"].split("/")[1] for _ in range(3)] == ["tools", "prompts", "resources"]


def test_who_comes_back_takes_over_from_a_connection_that_is_not_known_to_be_dead(client):
    old = client.http("GET")
    primer = old.next_event()
    new = client.http("GET", Last_Event_ID=primer["id"])
    client.engine.changes.announce("tools")

    assert old.next_event() is None
    old.close()
    assert new.next_message()["method"] == "notifications/tools/list_changed"
    assert client.http("GET").status == 409
    client.engine.close_streams("owner")
    assert new.next_event() is None


@pytest.mark.parametrize(
    "id_", ["", "x", "session", "session_", "session_1", "session_-1", "session_٣", "post99_0", "_0", "post1_5"]
)
def test_an_event_id_that_was_never_given_is_400(client, id_):
    client.call("logs").messages()

    assert client.http("GET", Last_Event_ID=id_).status == 400


def test_streams_of_one_session_that_can_be_resumed_are_bounded(client):
    first = client.call("logs").next_event()["id"]
    for _ in range(16):
        client.call("logs").messages()

    assert client.http("GET", Last_Event_ID=first).status == 400


def test_older_revisions_are_given_no_event_without_a_message_and_no_drop(serve, gates):
    client = serve(keeps_sessions=True)
    client.initialize("2025-06-18")
    gates.open.set()
    answer = client.call("drops")
    events = []
    while (event := answer.next_event()) is not None:
        events.append(event)

    assert all(event["data"] for event in events if "" not in event)
    assert "result" in events[-1]["data"]


def test_without_a_session_nothing_is_dropped(serve, gates):
    gates.open.set()

    assert serve().speaking("2025-11-25").call("drops").result["content"][0]["text"] == "still here"


# -- both eras ---------------------------------------------------------------------------------------------------------


def test_a_stateless_client_needs_no_session(client):
    assert client.speaking(MODERN).request("tools/list").status == 200


def test_a_lost_reader_does_not_stop_a_call_that_can_be_resumed(client, gates):
    stream = client.call("works", meta={"progressToken": 1})
    primer = stream.next_event()
    stream.close()
    gates.open.set()
    resumed = client.http("GET", Last_Event_ID=primer["id"])
    resumed.reads("2025-11-25", client.methods)

    wait_until(lambda: True)
    assert resumed.messages()[-1]["result"]["content"][0]["text"] == "worked"
    assert gates.cancelled == []
