"""The tables: what each revision has, told apart before any method is looked at."""

import pytest

from app.mcp.eras import REVISIONS, is_stateless
from app.registry import Registry
from tests.revisions import HANDSHAKE, MODERN, RESULTS
from tests.unit.mcp.actors import PREFIX

META = {f"{PREFIX}protocolVersion": MODERN}
GONE = {"initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"}
NEW = {"server/discover", "subscriptions/listen"}


def test_every_revision_that_was_published_is_there_newest_first():
    assert [revision.name for revision in REVISIONS] == [MODERN, *reversed(HANDSHAKE)]


@pytest.mark.parametrize("revision", REVISIONS, ids=lambda revision: revision.name)
def test_each_revision_has_its_methods_and_no_others(revision):
    gone, new = (NEW, set()) if revision.name in HANDSHAKE else (GONE, NEW)

    assert set(revision.methods) == (set(RESULTS) - gone) | new


@pytest.mark.parametrize(
    ("message", "version", "verdict"),
    [
        ({"method": "tools/list"}, None, False),
        ({"method": "tools/list"}, "2025-11-25", False),
        ({"method": "tools/list"}, "2024-11-05", False),
        ({"method": "tools/list"}, MODERN, True),
        ({"method": "initialize"}, MODERN, True),
        ({"method": "tools/list"}, "v999", True),
        ({"method": "tools/list"}, "", True),
        ({"method": "initialize", "params": {"_meta": META}}, None, True),
        ({"method": "ping", "params": {"_meta": META}}, "2025-11-25", True),
        ({"method": "ping", "params": {"_meta": {f"{PREFIX}protocolVersion": "2025-06-18"}}}, None, True),
        ({"method": "ping", "params": {"_meta": {"progressToken": 1}}}, None, False),
        ({"method": "ping", "params": {"_meta": None}}, None, False),
        ({"method": "ping", "params": []}, None, False),
        ([{"method": "ping", "params": {"_meta": META}}], None, False),
        ("ping", None, False),
    ],
)
def test_the_header_or_the_envelope_tells_the_era_and_the_method_never_does(message, version, verdict):
    assert is_stateless(message, version) is verdict


@pytest.mark.parametrize("revision", [*HANDSHAKE, MODERN])
def test_what_a_registry_has_not_is_neither_declared_nor_served(serve, registry, revision):
    client = serve(registry=Registry(dict(registry.tools), {}, {})).speaking(revision)
    declared = client.request("server/discover").result if revision == MODERN else client.initialize(revision)

    assert declared["capabilities"] == {"logging": {}, "tools": {}}
    for method in (
        "prompts/list",
        "prompts/get",
        "resources/list",
        "resources/read",
        "completion/complete",
        "subscriptions/listen",
    ):
        assert client.request(method, {"notifications": {}}).error["code"] == -32601
