"""Whatever is posted to the MCP endpoint, the answer is one that the protocol has, and never a defect."""

import json

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from app.mcp import Engine, create_blueprint
from app.mcp.eras import HANDSHAKE, STATELESS
from app.services import Deadline
from tests.revisions import MODERN
from tests.unit.mcp.actors import PREFIX, Clock, Door, Services
from tests.unit.mcp.definitions import Gates, registry_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(["echo", "mixed", "asks", "asks_twice", "needs_ring", "routed", "greet", "no_such"]) | JSON
URIS = st.sampled_from(["unit://text", "unit://day/2026-11-22", "unit://day/never", "unit://no"]) | JSON
META = st.fixed_dictionaries(
    {},
    optional={
        f"{PREFIX}protocolVersion": st.just(MODERN) | JSON,
        f"{PREFIX}clientCapabilities": st.just({"elicitation": {}, "sampling": {}}) | JSON,
        f"{PREFIX}logLevel": st.just("debug") | JSON,
        "progressToken": JSON,
    },
)
PARAMS = st.fixed_dictionaries(
    {},
    optional={
        "_meta": META | JSON,
        "name": NAMES,
        "uri": URIS,
        "arguments": st.dictionaries(st.sampled_from(["text", "greeting", "name", "region"]), JSON) | JSON,
        "cursor": JSON,
        "level": st.just("info") | JSON,
        "ref": st.fixed_dictionaries({"type": st.sampled_from(["ref/prompt", "ref/resource"]) | JSON, "name": NAMES, "uri": URIS})
        | JSON,
        "argument": st.fixed_dictionaries({"name": JSON, "value": st.text() | JSON}) | JSON,
        "requestState": JSON,
        "inputResponses": st.dictionaries(st.sampled_from(["name", "said", "connect"]), JSON) | JSON,
        "protocolVersion": st.sampled_from(["2025-11-25", MODERN]) | JSON,
        "capabilities": JSON,
        "requestId": JSON,
    },
)
METHODS = st.sampled_from([*sorted({*HANDSHAKE, *STATELESS} - {"subscriptions/listen"}), "notifications/cancelled"]) | JSON
MESSAGES = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0") | JSON},
    optional={"id": st.integers() | st.text() | JSON, "method": METHODS, "params": PARAMS | JSON, "result": JSON, "error": JSON},
)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "MCP-Protocol-Version": st.sampled_from([MODERN, "2025-11-25", "2025-03-26", "v9"]),
        "Mcp-Method": st.sampled_from(sorted({*HANDSHAKE, *STATELESS})),
        "Mcp-Name": st.sampled_from(["echo", "=?base64?ZWNobw==?=", "unit://text"]),
        "Accept": st.sampled_from(["application/json", "text/event-stream", "text/html"]),
    },
)


@pytest.fixture(scope="module")
def client():
    gates = Gates()
    gates.open.set()
    engine = Engine(
        registry_of(gates),
        name="fuzz",
        version="1",
        services=Services(Clock()),
        deadline=lambda: Deadline(soft_s=5, hard_s=10),
    )
    app = Flask("fuzz")
    app.register_blueprint(create_blueprint(engine, Door()))
    return app.test_client()


def check(client, body, headers):
    response = client.post("/mcp", data=body, headers=headers, content_type="application/json")

    assert response.status_code in {200, 202, 400, 404, 406}
    text = response.text
    if response.mimetype == "text/event-stream":
        texts = [line.removeprefix("data: ") for line in text.split("\n") if line.startswith("data: ")]
    else:
        texts = [text] if text else []
    for message in (message for one in texts for message in flat(json.loads(one))):
        assert message["jsonrpc"] == "2.0"
        assert message.get("error", {}).get("code") != -32603 or "ring" in message["error"]["message"]


def flat(answer):
    return answer if isinstance(answer, list) else [answer]


@settings(deadline=None)
@given(message=MESSAGES, headers=HEADERS)
def test_no_message_meets_a_defect(client, message, headers):
    check(client, json.dumps(message).encode(), headers)


@settings(deadline=None)
@given(request=st.fixed_dictionaries({"jsonrpc": st.just("2.0"), "id": st.integers(), "method": METHODS, "params": PARAMS}))
def test_no_wellformed_request_of_the_stateless_revision_meets_a_defect(client, request):
    request["params"]["_meta"] = {f"{PREFIX}protocolVersion": MODERN, f"{PREFIX}clientCapabilities": {"elicitation": {}}}
    named = request["params"].get("uri" if request["method"] == "resources/read" else "name")
    headers = {"MCP-Protocol-Version": MODERN, "Mcp-Method": request["method"], "Mcp-Name": named}
    check(client, json.dumps(request).encode(), {name: value for name, value in headers.items() if ascii_line(value)})


def ascii_line(value):
    return isinstance(value, str) and value.isascii() and value.isprintable()


@settings(deadline=None)
@given(batch=st.lists(MESSAGES, max_size=4), headers=HEADERS)
def test_no_batch_meets_a_defect(client, batch, headers):
    check(client, json.dumps(batch).encode(), headers)


@settings(deadline=None)
@given(body=st.binary(max_size=200))
def test_no_bytes_meet_a_defect(client, body):
    check(client, body, {})
