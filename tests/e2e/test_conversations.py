"""What is more than a question and an answer: progress, cancelling, listening, completing, reading, prompting; in both eras."""

import itertools
import signal
import time
from datetime import date, timedelta

import gevent
import pytest

from tests.e2e.harness import Server
from tests.e2e.wire import Stream, eventually, strictly
from tests.revisions import MODERN, assert_legal

SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"
_weeks = itertools.count(36)  # the weeks of other modules are nearer


def unheld_week():
    """A week that no test has asked about yet."""
    last = date.today() - timedelta(weeks=next(_weeks))  # noqa: DTZ011 - any past week will do
    return {"start_date": str(last - timedelta(days=6)), "end_date": str(last)}


def ask_both(server):
    return [server.caller(), server.modern()]


# -- progress and cancelling -------------------------------------------------------------------------------------------


@pytest.mark.requirement("progress")
@pytest.mark.parametrize("era", ["caller", "modern"])
@pytest.mark.parametrize("token", ["mine", 7])
def test_progress_grows_on_the_answer_s_own_stream_and_ends_with_the_answer(server, simulator, era, token):
    caller = getattr(server, era)()
    params = {"name": "get_sleep_summary", "arguments": unheld_week(), "_meta": {"progressToken": token}}
    if era == "modern":
        message, headers = caller.envelope("tools/call", params)
    else:
        message, headers = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}, {}
    with simulator.turned(latency_s=0.2):
        *steps, answer = caller.conversation(message, headers=headers)
    assert answer["result"]["structuredContent"]["data"]
    assert {step["params"]["progressToken"] for step in steps} == {token}
    done = [step["params"]["progress"] for step in steps]
    assert done == sorted(set(done))
    for step in steps:
        assert step["method"] == "notifications/progress"
        assert_legal(step, caller.revision)


@pytest.mark.requirement("cancelling")
def test_a_cancelled_call_is_not_answered_and_the_stream_goes_on(server, simulator):
    call = {"jsonrpc": "2.0", "id": "slow", "method": "tools/call"}
    call["params"] = {"name": "get_sleep_summary", "arguments": unheld_week()}
    with server.caller().stream() as stream, simulator.turned(latency_s=2.0):
        simulator.forget_requests()
        stream.send(call)
        eventually(lambda: simulator.seen()["in_flight"], what="the call waiting for Oura")
        cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "slow"}}
        assert stream.send(cancel).status_code == 202
        assert stream.call("ping")["result"] == {}
        eventually(lambda: not simulator.seen()["in_flight"], what="Oura's late answer")
        assert stream.call("ping")["result"] == {}, "nothing came in between"


@pytest.mark.requirement("cancelling")
def test_a_client_of_2026_07_28_that_closes_its_stream_has_cancelled(server, simulator):
    caller = server.modern()
    params = {"name": "get_readiness_score", "arguments": unheld_week(), "_meta": {"progressToken": 1}}
    message, headers = caller.envelope("tools/call", params)
    with simulator.turned(latency_s=1.0):
        response = caller.post(message, headers=headers, stream=True)
        with Stream(response) as stream:
            assert stream.message()["method"] == "notifications/progress"
    eventually(lambda: not simulator.seen()["in_flight"])
    assert caller.tool("get_readiness_score")["data"]


# -- listening ---------------------------------------------------------------------------------------------------------

A_NIGHT_AGO_S = 30 * 3600  # whatever the time of day, a night has ended since


def listening(server, ident, *uris):
    """A `subscriptions/listen` stream of somebody of 2026-07-28, past its acknowledgement."""
    caller = server.modern()
    message, headers = caller.envelope("subscriptions/listen", {"notifications": {"resourceSubscriptions": list(uris)}})
    message["id"] = ident
    stream = Stream(caller.post(message, headers=headers, stream=True))
    caller.holds(stream)
    acknowledged = stream.message()
    assert_legal(acknowledged, MODERN)
    assert acknowledged["method"] == "notifications/subscriptions/acknowledged"
    assert acknowledged["params"]["_meta"][SUBSCRIPTION] == ident
    assert acknowledged["params"]["notifications"] == {"resourceSubscriptions": list(uris)}
    return stream


@pytest.mark.requirement("listening")
@pytest.mark.parametrize("ident", [7, "seven"])
def test_a_listener_is_told_when_a_fetch_changes_its_day_and_of_nothing_else(start, simulator, ident):
    server = start(Server, simulator, CACHE_TTL="0")
    assert server.connect().ok
    caller = server.caller()
    with simulator.turned(app_opened_at=time.time() - A_NIGHT_AGO_S):
        before = caller.tool("get_sleep_summary")
        mine, other = listening(server, ident, "oura://week"), listening(server, 1, "oura://day/2026-01-01")
    eventually(lambda: caller.tool("get_sleep_summary")["data"] != before["data"], what="the night that was synced")
    told = mine.message()
    assert_legal(told, MODERN)
    assert told["method"] == "notifications/resources/updated"
    assert told["params"]["uri"] == "oura://week"
    assert told["params"]["_meta"][SUBSCRIPTION] == ident
    mine.close()
    assert server.stop(signal.SIGTERM) == 0
    [farewell] = [strictly(event.data) for event in other.rest()]
    assert_legal(farewell, MODERN, "subscriptions/listen")
    assert farewell["id"] == 1


@pytest.mark.requirement("listening")
def test_a_subscriber_on_a_classic_stream_is_told_too(start, simulator):
    server = start(Server, simulator, CACHE_TTL="0")
    assert server.connect().ok
    caller = server.caller()
    with caller.stream() as stream:
        params = {"protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}
        assert stream.call("initialize", params)["result"]["capabilities"]["resources"]["subscribe"] is True
        with simulator.turned(app_opened_at=time.time() - A_NIGHT_AGO_S):
            before = caller.tool("get_sleep_summary")
            assert stream.call("resources/subscribe", {"uri": "oura://week"})["result"] == {}
        eventually(lambda: caller.tool("get_sleep_summary")["data"] != before["data"], what="the night that was synced")
        told = stream.message()
        assert_legal(told, "2024-11-05")
        assert (told["method"], told["params"]["uri"]) == ("notifications/resources/updated", "oura://week")


@pytest.mark.requirement("listening")
def test_two_listeners_and_a_call_share_one_client(server):
    streams = [listening(server, ident, "oura://week") for ident in ("a", "b")]
    assert all(stream.open for stream in streams)
    assert server.modern().tool("get_tags")["coverage"]


# -- resources, prompts, completion ------------------------------------------------------------------------------------


@pytest.mark.requirement("resources")
def test_every_resource_and_every_day_can_be_read_in_both_eras(server):
    for caller in ask_both(server):
        uris = [resource["uri"] for resource in caller.result("resources/list")["resources"]]
        assert {"oura://today", "oura://week"} <= set(uris)
        [template] = caller.result("resources/templates/list")["resourceTemplates"]
        day = str(date.today() - timedelta(days=3))  # noqa: DTZ011
        for uri in [*uris, template["uriTemplate"].replace("{date}", day)]:
            [content] = caller.result("resources/read", {"uri": uri})["contents"]
            assert content["uri"] == uri
            assert strictly(content["text"])


@pytest.mark.requirement("resources")
@pytest.mark.parametrize(
    "uri", ["oura://nothing", "oura://day/2026-13-45", "oura://day/", "file:///etc/passwd", "oura://day/../today"]
)
def test_what_is_no_resource_is_an_error_that_names_it(server, uri):
    for caller, code in zip(ask_both(server), (-32002, -32602), strict=True):
        error = caller.call("resources/read", {"uri": uri})["error"]
        assert error["code"] == code
        assert error["data"]["uri"] == uri


@pytest.mark.requirement("prompts")
def test_every_prompt_gives_messages_and_its_arguments_complete(server):
    for caller in ask_both(server):
        prompts = caller.result("prompts/list")["prompts"]
        assert {"morning_brief", "weekly_review", "why_am_i_tired"} <= {prompt["name"] for prompt in prompts}
        for prompt in prompts:
            assert caller.result("prompts/get", {"name": prompt["name"]})["messages"]
            for argument in prompt["arguments"]:
                reference = {"type": "ref/prompt", "name": prompt["name"]}
                params = {"ref": reference, "argument": {"name": argument["name"], "value": ""}}
                assert caller.result("completion/complete", params)["completion"]["values"]


@pytest.mark.requirement("prompts")
@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("prompts/get", {"name": "no_such"}),
        ("prompts/get", {"name": "morning_brief", "arguments": {"date": "2026-13-45"}}),
        ("completion/complete", {"ref": {"type": "ref/prompt", "name": "no_such"}, "argument": {"name": "a", "value": ""}}),
        ("completion/complete", {"ref": {"type": "ref/tool", "name": "get_tags"}, "argument": {"name": "a", "value": ""}}),
        ("tools/list", {"cursor": "made-up"}),
        ("resources/list", {"cursor": ""}),
    ],
    ids=str,
)
def test_what_does_not_exist_is_invalid_params_in_both_eras(server, method, params):
    for caller in ask_both(server):
        assert caller.call(method, params)["error"]["code"] == -32602


@pytest.mark.requirement("logging")
def test_a_log_level_is_accepted_and_an_unknown_one_is_not(server):
    with server.caller().stream() as stream:
        assert stream.call("logging/setLevel", {"level": "debug"})["result"] == {}
        assert stream.call("logging/setLevel", {"level": "loud"})["error"]["code"] == -32602


@pytest.mark.requirement("overlapping")
def test_answers_on_one_stream_come_as_they_are_ready_and_each_to_its_question(server, simulator):
    """A slow call does not hold up a quick one that was asked after it."""
    slow = {"jsonrpc": "2.0", "id": "slow", "method": "tools/call"}
    slow["params"] = {"name": "get_activity_summary", "arguments": unheld_week()}
    with server.caller().stream() as stream, simulator.turned(latency_s=1.0):
        stream.send(slow)
        gevent.sleep(0)
        stream.send({"jsonrpc": "2.0", "id": "quick", "method": "ping"})
        assert [stream.message()["id"], stream.message()["id"]] == ["quick", "slow"]
