"""Which revision of the protocol does what: the tables, side by side. The handlers they name do not know them.

Two eras share one endpoint. The handshake era (2024-11-05 to 2025-11-25) opens with `initialize`; the stateless era (2026-07-28)
declares itself in every request. A new revision is one more Revision here, with a method table of its own if its methods differ.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from app.mcp import envelope, handlers

if TYPE_CHECKING:
    from app.mcp.calls import Call
    from app.mcp.sessions import Session


@dataclass(frozen=True, slots=True)
class Method:
    """How one method is served."""

    handler: Callable[[Call], str]
    needs: str = ""  # the capability without which the method does not exist
    runs: bool = False  # runs a function of the registry: own greenlet, hard deadline, may speak ahead of its answer
    named_by: str = ""  # the parameter that the Mcp-Name header repeats
    cache: str = ""  # how long its result may be kept, and by whom
    streams: bool = False  # its answer is a stream that stays open


SHARED_HOUR = '"ttlMs":3600000,"cacheScope":"public",'  # the same for every caller until the next release
OWN_NOW = '"ttlMs":0,"cacheScope":"private",'  # a person's data

# fmt: off
HANDSHAKE: Mapping[str, Method] = {
    "initialize":               Method(handlers.initialize),
    "ping":                     Method(handlers.ping),
    "logging/setLevel":         Method(handlers.set_level,      needs="logging"),
    "tools/list":               Method(handlers.list_tools,     needs="tools"),
    "tools/call":               Method(handlers.call_tool,      needs="tools",       runs=True),
    "resources/list":           Method(handlers.list_resources, needs="resources"),
    "resources/templates/list": Method(handlers.list_templates, needs="resources"),
    "resources/read":           Method(handlers.read_resource,  needs="resources",   runs=True),
    "resources/subscribe":      Method(handlers.subscribe,      needs="resources"),
    "resources/unsubscribe":    Method(handlers.unsubscribe,    needs="resources"),
    "prompts/list":             Method(handlers.list_prompts,   needs="prompts"),
    "prompts/get":              Method(handlers.get_prompt,     needs="prompts",     runs=True),
    "completion/complete":      Method(handlers.complete,       needs="completions", runs=True),
}
STATELESS: Mapping[str, Method] = {
    "server/discover":          Method(handlers.discover,                                                cache=SHARED_HOUR),
    "subscriptions/listen":     Method(handlers.listen,         needs="changes",     streams=True),
    "tools/list":               Method(handlers.list_tools,     needs="tools",                           cache=SHARED_HOUR),
    "tools/call":               Method(handlers.call_tool,      needs="tools",       runs=True, named_by="name"),
    "resources/list":           Method(handlers.list_resources, needs="resources",                       cache=SHARED_HOUR),
    "resources/templates/list": Method(handlers.list_templates, needs="resources",                       cache=SHARED_HOUR),
    "resources/read":           Method(handlers.read_resource,  needs="resources",   runs=True, named_by="uri", cache=OWN_NOW),
    "prompts/list":             Method(handlers.list_prompts,   needs="prompts",                         cache=SHARED_HOUR),
    "prompts/get":              Method(handlers.get_prompt,     needs="prompts",     runs=True, named_by="name"),
    "completion/complete":      Method(handlers.complete,       needs="completions", runs=True),
}
# fmt: on

STATELESS_STATUSES: Mapping[int, int] = {  # JSON-RPC error → HTTP; handshake clients take any 4xx for a broken transport
    envelope.INVALID_REQUEST: 400,
    envelope.METHOD_NOT_FOUND: 404,
    envelope.INVALID_PARAMS: 400,
    envelope.HEADER_MISMATCH: 400,
    envelope.MISSING_CLIENT_CAPABILITY: 400,
    envelope.UNSUPPORTED_VERSION: 400,
}


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision of the protocol, as far as it differs from the others."""

    name: str
    methods: Mapping[str, Method]
    capabilities: frozenset[str]  # those it has a name for
    content_types: frozenset[str]
    statuses: Mapping[int, int] = field(default_factory=dict)
    notifications: Mapping[str, Callable[[Session | None, Mapping[str, Any]], None]] = field(default_factory=dict)
    resource_not_found: int = envelope.RESOURCE_NOT_FOUND
    has_handshake: bool = True
    has_batches: bool = False
    has_url_error: bool = False  # error -32042 instead of a question
    has_polling: bool = False  # a primed stream may be dropped and picked up again


V2024_11_05 = Revision(
    name="2024-11-05",
    methods=HANDSHAKE,
    capabilities=frozenset({"tools", "resources", "prompts", "logging"}),
    content_types=frozenset({"text", "image", "resource"}),
    notifications={"notifications/cancelled": handlers.cancelled},
)
V2025_03_26 = replace(
    V2024_11_05,
    name="2025-03-26",
    capabilities=V2024_11_05.capabilities | {"completions"},
    content_types=V2024_11_05.content_types | {"audio"},
    has_batches=True,
)
V2025_06_18 = replace(
    V2025_03_26,
    name="2025-06-18",
    content_types=V2025_03_26.content_types | {"resource_link"},
    has_batches=False,
)
V2025_11_25 = replace(V2025_06_18, name="2025-11-25", has_url_error=True, has_polling=True)
V2026_07_28 = Revision(
    name="2026-07-28",
    methods=STATELESS,
    capabilities=V2025_11_25.capabilities,
    content_types=V2025_11_25.content_types,
    statuses=STATELESS_STATUSES,
    resource_not_found=envelope.INVALID_PARAMS,
    has_handshake=False,
)

REVISIONS = (V2026_07_28, V2025_11_25, V2025_06_18, V2025_03_26, V2024_11_05)
WITH_HANDSHAKE = {revision.name: revision for revision in REVISIONS if revision.has_handshake}
WITHOUT_HANDSHAKE = {revision.name: revision for revision in REVISIONS if not revision.has_handshake}
NEWEST = REVISIONS[0]
NEWEST_WITH_HANDSHAKE = next(iter(WITH_HANDSHAKE.values()))
UNSAID = V2025_03_26  # what a POST without MCP-Protocol-Version speaks (2025-06-18, "Protocol Version Header")

PROTOCOL_VERSION = "io.modelcontextprotocol/protocolVersion"


def is_stateless(message: Any, version: str | None) -> bool:
    """Whether *message*, sent with the MCP-Protocol-Version header *version*, belongs to the stateless era.

    It does if it says so in its `_meta`, or if the header names no revision with a handshake. The method never decides.
    """
    if version is not None and version not in WITH_HANDSHAKE:
        return True
    params = message.get("params") if isinstance(message, dict) else None
    meta = params.get("_meta") if isinstance(params, dict) else None
    return isinstance(meta, dict) and PROTOCOL_VERSION in meta
