"""Asking the client: on the open stream before 2026-07-28, by ending the call and being called again from then on."""

import pytest

from app.context import Question
from app.mcp.roundtrips import is_answer
from app.seal import Sealer
from app.services import Deadline
from tests.revisions import HANDSHAKE, MODERN
from tests.unit.mcp.definitions import CONNECT_URL

FORM = {"elicitation": {}}
BOTH = {"elicitation": {"form": {}}, "sampling": {}}
ADA = {"action": "accept", "content": {"name": "Ada"}}
SAID = {"role": "assistant", "model": "m", "content": {"type": "text", "text": "Hello"}}


# -- handshake revisions -----------------------------------------------------------------------------------------------


@pytest.fixture
def session(serve):
    """Make a client with a session: `session("2025-06-18", elicitation={})`."""

    def make(revision="2025-11-25", **capabilities):
        client = serve(keeps_sessions=True)
        client.initialize(revision, **capabilities)
        client.notify("notifications/initialized")
        return client

    return make


@pytest.mark.parametrize("revision", ["2025-06-18", "2025-11-25"])
def test_a_question_goes_out_on_the_calls_stream_and_its_answer_comes_in_by_post(session, revision):
    client = session(revision, **FORM)
    stream = client.call("asks")
    question = stream.next_message()

    assert question["method"] == "elicitation/create"
    assert question["params"]["message"] == "Who?"
    assert "mode" not in question["params"]
    assert client.reply(question["id"], ADA).status == 202
    assert stream.next_message()["result"]["content"][0]["text"] == "accept {'name': 'Ada'}"
    assert stream.next_event() is None


def test_questions_of_one_session_have_ids_of_their_own(session):
    client = session(**BOTH)
    stream = client.call("asks_twice")
    first = stream.next_message()
    client.reply(first["id"], ADA)
    second = stream.next_message()

    assert first["id"] != second["id"]
    assert second["method"] == "sampling/createMessage"
    client.reply(second["id"], SAID)
    assert stream.next_message()["result"]["content"][0]["text"] == "Hi Ada: Hello"


@pytest.mark.parametrize("action", ["decline", "cancel"])
def test_a_person_may_say_no(session, action):
    client = session(**FORM)
    stream = client.call("asks")
    client.reply(stream.next_message()["id"], {"action": action})

    assert stream.next_message()["result"]["content"][0]["text"] == f"{action} None"


def test_an_error_or_nonsense_for_an_answer_fails_the_tool_in_words(session):
    client = session(**FORM)
    for given in (
        {"error": {"code": -1, "message": "User rejected"}},
        {"result": {"action": "maybe"}},
        {"result": {"action": []}},
        {"result": "yes"},
    ):
        stream = client.call("asks")
        client.reply(stream.next_message()["id"], **given)
        result = stream.next_message()["result"]

        assert result["isError"] is True
        assert "answer" in result["content"][0]["text"]


@pytest.mark.parametrize("capabilities", [{}, {"elicitation": {"url": {}}}, {"sampling": {}}, {"elicitation": None}])
def test_nothing_is_asked_that_was_not_declared(session, capabilities):
    answer = session(**capabilities).call("asks")

    assert not answer.is_stream
    assert answer.result["isError"] is True


def test_nothing_is_asked_of_a_client_that_takes_no_events(session):
    assert session(**FORM).call("asks", Accept="application/json").result["isError"] is True


@pytest.mark.parametrize("revision", HANDSHAKE)
def test_nothing_can_be_asked_without_a_session(serve, revision):
    assert serve().speaking(revision).call("asks").result["isError"] is True


def test_an_answer_to_another_sessions_question_is_dropped(session):
    client = session(**FORM)
    stream = client.call("asks")
    question = stream.next_message()
    other = client.speaking("2025-11-25")
    other.initialize(**FORM)
    other.reply(question["id"], {"action": "cancel"})
    client.reply(question["id"], ADA)

    assert "Ada" in stream.next_message()["result"]["content"][0]["text"]


@pytest.mark.requirement("deadline")
def test_a_question_nobody_answers_is_withdrawn_at_the_deadline(serve):
    client = serve(keeps_sessions=True, deadline=lambda: Deadline(soft_s=0.01, hard_s=0.05))
    client.initialize(**FORM)
    question, withdrawn, answer = client.call("asks").messages()

    assert withdrawn["method"] == "notifications/cancelled"
    assert withdrawn["params"]["requestId"] == question["id"]
    assert not next(iter(client.engine.sessions)).questions
    assert answer["result"]["isError"] is True


def test_the_roots_can_be_asked_for_where_they_are_declared(session):
    assert session(roots={"listChanged": True}).call("asks_all").result["content"][0]["text"] == "can"
    assert session().call("asks_all").result["content"][0]["text"] == "cannot"


# -- 2026-07-28 --------------------------------------------------------------------------------------------------------


@pytest.fixture
def client(serve):
    return serve().speaking(MODERN, **BOTH)


def asked(answer):
    result = answer.result
    assert (result["resultType"], answer.is_stream) == ("input_required", False)
    assert "ttlMs" not in result
    return result["inputRequests"], result["requestState"]


def again(client, name, state, responses, arguments=None, **given):
    params = {"requestState": state, "inputResponses": responses}
    return client.call(name, arguments, params={key: value for key, value in params.items() if value is not None}, **given)


def test_a_call_ends_with_its_question_and_goes_on_with_the_answer(client):
    requests, state = asked(client.call("asks"))

    assert requests["name"]["method"] == "elicitation/create"
    assert "id" not in requests["name"]
    answer = again(client, "asks", state, {"name": ADA}, id_=2)
    assert answer.result["content"][0]["text"] == "accept {'name': 'Ada'}"


def test_earlier_answers_travel_in_the_state(client):
    _, first = asked(client.call("asks_twice", {"greeting": "Ho"}))
    requests, second = asked(again(client, "asks_twice", first, {"name": ADA}, {"greeting": "Ho"}))

    assert list(requests) == ["said"]
    assert second != first
    answer = again(client, "asks_twice", second, {"said": SAID}, {"greeting": "Ho"})
    assert answer.result["content"][0]["text"] == "Ho Ada: Hello"


def test_answers_without_a_state_count_too(client):
    answer = again(client, "asks_twice", None, {"name": ADA, "said": SAID, "more": 5})

    assert answer.result["content"][0]["text"] == "Hi Ada: Hello"


@pytest.mark.parametrize("responses", [{}, {"wrong": ADA}])
def test_a_missing_answer_is_asked_for_again(client, responses):
    _, state = asked(client.call("asks"))

    assert list(asked(again(client, "asks", state, responses))[0]) == ["name"]


@pytest.mark.parametrize(
    "responses",
    [
        [],
        "x",
        5,
        {"name": 12345},
        {"name": None},
        {"name": {}},
        {"name": {"action": "maybe"}},
        {"name": {"action": ["accept"]}},
        {"name": {**ADA, "content": 5}},
    ],
)
def test_a_malformed_answer_is_minus_32602(client, responses):
    _, state = asked(client.call("asks"))
    answer = again(client, "asks", state, responses)

    assert (answer.status, answer.error["code"]) == (400, -32602)


@pytest.mark.parametrize(
    "said", [{}, {"role": "assistant"}, {**SAID, "role": ["assistant"]}, {**SAID, "role": 5}, {**SAID, "content": 7}]
)
def test_what_no_model_can_have_said_is_minus_32602(client, said):
    answer = again(client, "asks_twice", None, {"name": ADA, "said": said})

    assert (answer.status, answer.error["code"]) == (400, -32602)


def test_roots_are_objects_with_a_uri():
    assert is_answer(Question.roots(), {"roots": []})
    assert is_answer(Question.roots(), {"roots": [{"uri": "file:///home", "name": "home"}]})
    for roots in (None, {}, [5], [{}], [{"uri": None}]):
        assert not is_answer(Question.roots(), {"roots": roots})


def test_null_for_the_answers_is_minus_32602(client):
    answer = client.call("asks", params={"inputResponses": None})

    assert (answer.status, answer.error["code"]) == (400, -32602)


@pytest.mark.parametrize(
    "spoil", [lambda state: state + "x", lambda state: state[:-1], lambda _: "", lambda _: 5, lambda _: None]
)
def test_a_state_that_was_tampered_with_is_minus_32602(client, spoil):
    _, state = asked(client.call("asks"))
    answer = client.call("asks", params={"requestState": spoil(state), "inputResponses": {"name": ADA}})

    assert (answer.status, answer.error["code"]) == (400, -32602)


def test_a_state_holds_for_its_caller_tool_and_arguments_only(client):
    _, state = asked(client.call("asks_twice", {"greeting": "Ho"}))
    refused = [
        again(client, "asks_twice", state, {"name": ADA}, {"greeting": "Hi"}),
        again(client, "asks_twice", state, {"name": ADA}),
        again(client, "asks", state, {"name": ADA}, {"greeting": "Ho"}),
        again(client, "asks_twice", state, {"name": ADA}, {"greeting": "Ho"}, Authorization="Bearer another"),
        client.request("prompts/get", {"name": "asks_twice", "arguments": {"greeting": "Ho"}, "requestState": state}),
    ]

    assert [(answer.status, answer.error["code"]) for answer in refused] == [(400, -32602)] * 5
    assert again(client, "asks_twice", state, {"name": ADA}, {"greeting": "Ho"}, id_=99, meta={"progressToken": 1}).status == 200


def test_a_state_of_another_server_is_refused(client, clock):
    foreign = Sealer([b"x" * 32], clock=clock).seal("mcp-request-state", {"name": ADA})

    assert again(client, "asks", foreign, {}).error["code"] == -32602


def test_a_state_expires_after_ten_minutes(client, clock):
    _, state = asked(client.call("asks"))
    clock.now += 599
    assert again(client, "asks", state, {"name": ADA}).status == 200
    clock.now += 2

    assert again(client, "asks", state, {"name": ADA}).error["code"] == -32602


@pytest.mark.parametrize(
    ("capabilities", "needed"),
    [({}, {"elicitation": {}}), ({"elicitation": {"url": {}}}, {"elicitation": {}}), (FORM, {"sampling": {}})],
)
def test_a_question_the_client_cannot_answer_is_minus_32021_with_what_it_would_need(serve, capabilities, needed):
    client = serve().speaking(MODERN, **capabilities)
    answer = client.call("asks_twice", params={"inputResponses": {"name": ADA}} if capabilities == FORM else {})

    assert (answer.status, answer.error["code"]) == (400, -32021)
    assert answer.error["data"] == {"requiredCapabilities": needed}


# -- connecting the ring -----------------------------------------------------------------------------------------------

URL_MODE = {"elicitation": {"url": {}}}


@pytest.mark.requirement("url-elicitation")
def test_in_2026_the_person_is_asked_to_open_the_url_and_the_retry_is_answered_from_the_store(serve, gates):
    client = serve().speaking(MODERN, **URL_MODE)
    requests, state = asked(client.call("needs_ring"))
    assert requests["connect"] == {
        "method": "elicitation/create",
        "params": {"mode": "url", "message": "Connect the ring first.", "url": CONNECT_URL},
    }

    still = again(client, "needs_ring", state, {"connect": {"action": "accept"}})
    assert still.result["isError"] is True
    assert CONNECT_URL in still.result["content"][0]["text"]

    nonsense = again(client, "needs_ring", state, {"connect": 12345})
    assert (nonsense.status, nonsense.error["code"]) == (400, -32602)

    gates.is_connected = True
    assert again(client, "needs_ring", state, {"connect": {"action": "accept"}}).result["content"][0]["text"] == "connected"


@pytest.mark.requirement("url-elicitation")
def test_in_2025_11_25_the_error_carries_the_url_where_the_session_declared_that_it_can_open_one(session):
    error = session(**URL_MODE).call("needs_ring").error

    assert error["code"] == -32042
    (elicitation,) = error["data"]["elicitations"]
    assert elicitation.pop("elicitationId")
    assert elicitation == {"mode": "url", "message": "Connect the ring first.", "url": CONNECT_URL}


@pytest.mark.requirement("url-elicitation")
@pytest.mark.parametrize("revision", [*HANDSHAKE, MODERN])
def test_elsewhere_words_carry_the_url(serve, revision):
    client = serve(keeps_sessions=revision != MODERN).speaking(revision)
    if revision != MODERN:
        client.initialize(revision, **(FORM if revision == "2025-11-25" else URL_MODE))
    result = client.call("needs_ring").result

    assert result["isError"] is True
    assert CONNECT_URL in result["content"][0]["text"]


def test_a_resource_that_needs_the_ring_asks_alike(serve):
    uri = {"uri": "unit://day/later"}

    assert "connect" in asked(serve().speaking(MODERN, **URL_MODE).request("resources/read", uri))[0]
    answer = serve().speaking("2025-11-25").request("resources/read", uri)
    assert (answer.error["code"], answer.error["message"]) == (-32603, "Connect the ring first.")
