"""The judge of messages is judged: it lets the legal pass and stops the illegal, with both of its oracles."""

import pytest

from tests import revisions
from tests.revisions import HANDSHAKE, MODERN, REVISIONS, assert_legal

TOOL = {"name": "get_sleep_summary", "inputSchema": {"type": "object"}}
CACHE = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
PROGRESS = {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1, "progress": 0.5}}


def answer(**result):
    return {"jsonrpc": "2.0", "id": 1, "result": result}


@pytest.mark.parametrize("revision", HANDSHAKE)
def test_a_list_of_tools_is_legal_in_every_handshake_revision(revision):
    assert_legal(answer(tools=[TOOL]), revision, "tools/list")
    assert_legal(PROGRESS, revision)


def test_a_list_of_tools_needs_its_cache_rules_in_the_stateless_revision():
    assert_legal(answer(tools=[TOOL], **CACHE), MODERN, "tools/list")
    with pytest.raises(AssertionError, match="ttlMs"):
        assert_legal(answer(tools=[TOOL], resultType="complete"), MODERN, "tools/list")


@pytest.mark.parametrize("revision", REVISIONS)
@pytest.mark.parametrize(
    ("message", "method"),
    [
        (answer(tools=[{"name": "nameless schema"}], **CACHE), "tools/list"),
        (answer(content="text", resultType="complete"), "tools/call"),
        ({"jsonrpc": "2.0", "id": None, "error": {"code": -32700, "message": "no"}}, None),
        ({"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": "no"}}, None),
        ({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progress": "half"}}, None),
        ({"jsonrpc": "2.0", "id": 1, "result": {}, "error": {"code": -32603, "message": "no"}}, "ping"),
    ],
)
def test_an_illegal_message_is_stopped(message, method, revision):
    with pytest.raises(AssertionError, match="not legal"):
        assert_legal(message, revision, method)


def test_the_server_asks_nothing_in_the_stateless_revision():
    ask = {"jsonrpc": "2.0", "id": 7, "method": "roots/list"}
    assert_legal(ask, "2025-11-25")
    with pytest.raises(AssertionError, match="sends no requests"):
        assert_legal(ask, MODERN)


def test_code_of_url_elicitation_exists_only_where_it_was_defined():
    error = {"jsonrpc": "2.0", "id": 1, "error": {"code": -32042, "message": "open", "data": {"elicitations": []}}}
    assert_legal(error, "2025-11-25")
    with pytest.raises(AssertionError, match="-32042"):
        assert_legal(error, "2025-06-18")


def test_the_package_s_types_judge_alone_where_no_schemas_are(monkeypatch, tmp_path):
    monkeypatch.setattr(revisions, "SCHEMAS", tmp_path / "absent")
    with pytest.raises(AssertionError, match="ttlMs"):
        assert_legal(answer(tools=[TOOL], resultType="complete"), MODERN, "tools/list")
