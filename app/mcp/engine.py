"""The MCP server of one registry: what it offers in each revision, and the state it keeps of clients and streams.

Knows no HTTP. `exchange.py` brings it messages; `calls.py` runs them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from app.errors import RateExceededError
from app.mcp.changes import SUBSCRIPTION_ID, Changes
from app.mcp.envelope import result_text
from app.mcp.eras import NEWEST, NEWEST_WITH_HANDSHAKE, REVISIONS, WITH_HANDSHAKE, Method, Revision
from app.mcp.ladder import repeated_arguments
from app.mcp.listings import Listings
from app.mcp.runners import Runners
from app.mcp.sessions import Sessions
from app.mcp.streams import COMMENT, HEARTBEAT_S, EventStream, Outbox
from app.mcp.wire import encode
from app.services import Deadline

if TYPE_CHECKING:
    from app.registry import Registry
    from app.services import Services

SERVER_INFO = "io.modelcontextprotocol/serverInfo"


def _never() -> bool:
    return False


class Engine:
    """Serves *registry* in every revision.

    *keeps_sessions*: hand out an Mcp-Session-Id, which server-to-client requests and resumable streams need. The product does
    not: it works without any state between requests, whatever process answers them. *lists_change*: functions may announce that
    the lists of tools, prompts and resources have changed. *draining* tells that the process is about to stop.
    """

    def __init__(
        self,
        registry: Registry,
        *,
        name: str,
        version: str,
        services: Services,
        title: str = "",
        instructions: str = "",
        keeps_sessions: bool = False,
        lists_change: bool = False,
        max_streams: int = 100,
        page_size: int = 100,
        heartbeat_s: float = HEARTBEAT_S,
        draining: Callable[[], bool] = _never,
        deadline: Callable[[], Deadline] = Deadline,
    ) -> None:
        self.registry = registry
        self.services = services
        self.keeps_sessions = keeps_sessions
        self.lists_change = lists_change
        self.heartbeat_s = heartbeat_s
        self.draining = draining
        self.deadline = deadline
        self.sessions = Sessions()
        self.runners = Runners()
        self.changes = Changes(self.sessions, lists_change=lists_change)
        self.listings = Listings(registry, page_size=page_size)
        self.templates = [resource for resource in registry.resources.values() if resource.is_template]
        self.repeated = {tool.name: repeated_arguments(tool.input_schema) for tool in registry.tools.values()}
        self._offered = self._offers()
        self.methods: Mapping[str, Mapping[str, Method]] = {
            revision.name: {name: method for name, method in revision.methods.items() if self._has(method)}
            for revision in REVISIONS
        }
        self._server = {"name": name, **({"title": title} if title else {}), "version": version}
        self._instructions = {"instructions": instructions} if instructions else {}
        self._meta = encode({SERVER_INFO: self._server})
        self._max_streams = max_streams
        self._streams: dict[object, tuple[str, Outbox]] = {}  # whose they are, and what they tell
        self.discovery = encode(
            {
                "supportedVersions": [revision.name for revision in REVISIONS],
                "capabilities": self.capabilities(NEWEST, has_channel=True),
                **self._instructions,
            }
        )

    # -- what is offered -----------------------------------------------------------------------------------------------

    def _offers(self) -> frozenset[str]:
        registry = self.registry
        offers = {
            "tools": bool(registry.tools),
            "prompts": bool(registry.prompts),
            "resources": bool(registry.resources),
            "completions": any(p.completers for p in registry.prompts.values())
            or any(r.completers for r in registry.resources.values()),
            "logging": True,
            "changes": self.lists_change or bool(registry.resources),
        }
        return frozenset(name for name, is_offered in offers.items() if is_offered)

    def _has(self, method: Method) -> bool:
        return not method.needs or method.needs in self._offered

    def capabilities(self, revision: Revision, *, has_channel: bool) -> dict[str, Any]:
        """What is declared to a client: no more than this connection serves.

        Without a channel to tell of them there are neither list changes nor resource subscriptions. `logging` stays, since
        the method works; where no session remembers a level, no log message is ever sent.
        """
        declared: dict[str, Any] = {name: {} for name in sorted(revision.capabilities & self._offered)}
        for name in ("tools", "prompts", "resources"):
            if name in declared and has_channel and self.lists_change:
                declared[name]["listChanged"] = True
        if "resources" in declared and has_channel:
            declared["resources"]["subscribe"] = True
        return declared

    @staticmethod
    def handshake_revision(asked: str) -> Revision:
        """The revision to agree on with a client that asks for *asked*."""
        return WITH_HANDSHAKE.get(asked, NEWEST_WITH_HANDSHAKE)

    def greeting(self, revision: Revision, *, has_channel: bool) -> str:
        """The result of `initialize`."""
        return encode(
            {
                "protocolVersion": revision.name,
                "capabilities": self.capabilities(revision, has_channel=has_channel),
                "serverInfo": self._server,
                **self._instructions,
            }
        )

    # -- results -------------------------------------------------------------------------------------------------------

    def finished(self, revision: Revision, method: Method, result: str) -> str:
        """*result* (the JSON text of an object) with what every result of *revision* carries."""
        if revision.has_handshake:
            return result
        comma = "," if len(result) > 2 else ""
        return f'{result[:-1]}{comma}{method.cache}"resultType":"complete","_meta":{self._meta}}}'

    def unfinished(self, asked: Mapping[str, Any]) -> str:
        """The result of a call that needs the client's answers first."""
        return encode({"resultType": "input_required", **asked, "_meta": {SERVER_INFO: self._server}})

    def farewell(self, listener_id: int | str) -> str:
        """The answer that ends a `subscriptions/listen` stream from this side."""
        result = {"resultType": "complete", "_meta": {SUBSCRIPTION_ID: listener_id, SERVER_INFO: self._server}}
        return result_text(listener_id, encode(result))

    # -- streams -------------------------------------------------------------------------------------------------------

    def open_stream(
        self,
        principal_key: str,
        kind: str,
        outbox: Outbox,
        *,
        head: bytes = COMMENT,
        farewell: str = "",
        on_close: Callable[[], None] | None = None,
    ) -> EventStream:
        """A stream that stays open, counted against its caller's share; raise RateExceededError beyond it."""
        if sum(key == principal_key for key, _ in self._streams.values()) >= self._max_streams:
            raise RateExceededError("Too many streams are open. Close one first.", retry_after_s=30)
        place = object()  # not the outbox: who resumes one is its second stream, until the first is found dead
        self._streams[place] = principal_key, outbox
        self.services.metrics.stream_opened(kind)

        def closed() -> None:
            del self._streams[place]
            self.services.metrics.stream_closed(kind)
            if on_close is not None:
                on_close()

        return self.stream(outbox, head=head, farewell=farewell, on_close=closed)

    def stream(self, outbox: Outbox, *, head: bytes, farewell: str = "", on_close: Callable[[], None]) -> EventStream:
        """A stream of *outbox* that beats at this engine's rate and ends when it drains."""
        return EventStream(
            outbox, head=head, farewell=farewell, heartbeat_s=self.heartbeat_s, draining=self.draining, on_close=on_close
        )

    def close_streams(self, principal_key: str | None = None) -> None:
        """End the open streams of one caller, or of all; clients come back and find what has changed."""
        for key, outbox in list(self._streams.values()):
            if principal_key is None or key == principal_key:
                outbox.close()

    def resource_changed(self, uri: str) -> None:
        """Tell whoever subscribed to *uri*."""
        self.changes.announce(uri)
