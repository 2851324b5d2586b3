"""Sessions of the handshake revisions: what one client has said, and the stream it listens on.

A session is a classic stream of 2024-11-05 (it lives as long as its stream) or, where the engine keeps sessions, one with an
Mcp-Session-Id. It is state, never a credential: every request is authenticated again, and another caller's id is an unknown one.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from gevent.event import AsyncResult

from app.mcp.streams import Outbox

if TYPE_CHECKING:
    from app.mcp.calls import Call
    from app.mcp.envelope import Reply, RequestId
    from app.mcp.eras import Revision

MAX_KEPT = 1000
MAX_STREAMS_KEPT = 16  # lost streams of one session that can still be picked up


class Session:
    """One client's side of a handshake revision."""

    __slots__ = (
        "_asked",
        "_streams",
        "_streams_named",
        "calls",
        "capabilities",
        "id",
        "is_agreed",
        "is_classic",
        "log_level",
        "outbox",
        "principal_key",
        "questions",
        "revision",
        "subscriptions",
    )

    def __init__(self, principal_key: str, revision: Revision, *, is_classic: bool) -> None:
        self.id = secrets.token_urlsafe(24)
        self.principal_key = principal_key
        self.is_classic = is_classic
        self.revision = revision
        self.is_agreed = False
        self.capabilities: Mapping[str, Any] = {}
        self.log_level = "info"
        self.subscriptions: set[str] = set()
        self.outbox = Outbox(name="" if is_classic else "session")
        self.calls: dict[RequestId, Call] = {}
        self.questions: dict[RequestId, AsyncResult] = {}
        self._asked = 0
        self._streams_named = 0
        self._streams: OrderedDict[str, Outbox] = OrderedDict()

    def agree(self, revision: Revision, capabilities: Mapping[str, Any]) -> None:
        """Remember what `initialize` settled."""
        self.revision = revision
        self.capabilities = capabilities
        self.is_agreed = True

    def question(self) -> tuple[str, AsyncResult]:
        """A new id for a request of ours, and where its answer will be."""
        self._asked += 1
        id_ = f"ask-{self._asked}"
        self.questions[id_] = AsyncResult()
        return id_, self.questions[id_]

    def take(self, reply: Reply) -> None:
        """Hand a client's answer to whoever waits for it; an answer nobody waits for is dropped."""
        waiting = self.questions.pop(reply.id, None) if reply.id is not None else None
        if waiting is not None:
            waiting.set(reply)

    def stream_name(self) -> str:
        """A name for the stream of one more POST."""
        self._streams_named += 1
        return f"post{self._streams_named}"

    def keep_stream(self, outbox: Outbox) -> None:
        self._streams[outbox.name] = outbox
        while len(self._streams) > MAX_STREAMS_KEPT:
            self._streams.popitem(last=False)

    def resume(self, last_event_id: str) -> Outbox:
        """The stream that *last_event_id* belongs to, wound back to it; raise LookupError if it is not here."""
        name, _, number = last_event_id.rpartition("_")
        outbox = self.outbox if name == self.outbox.name else self._streams[name]
        if not number.isascii() or not number.isdigit():
            raise LookupError(last_event_id)
        outbox.rewind(int(number[:9]))
        return outbox

    def end(self) -> None:
        """Nobody is there any more: stop its calls and its streams."""
        for call in list(self.calls.values()):
            call.cancel()
        for outbox in (self.outbox, *self._streams.values()):
            outbox.close()


class Sessions:
    """The live sessions of this process."""

    def __init__(self) -> None:
        self.most = MAX_KEPT
        self._sessions: OrderedDict[str, Session] = OrderedDict()

    def open(self, principal_key: str, revision: Revision, *, is_classic: bool) -> Session:
        session = Session(principal_key, revision, is_classic=is_classic)
        self._sessions[session.id] = session
        if not is_classic and len(self._sessions) > self.most:
            unused = next((kept for kept in self._sessions.values() if not kept.is_classic), None)
            if unused is not None:
                self.close(unused)
        return session

    def find(self, id_: str, principal_key: str, *, is_classic: bool) -> Session | None:
        session = self._sessions.get(id_)
        if session is None or session.principal_key != principal_key or session.is_classic is not is_classic:
            return None
        self._sessions.move_to_end(id_)
        return session

    def close(self, session: Session) -> None:
        if self._sessions.pop(session.id, None) is not None:
            session.end()

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._sessions.values()))
