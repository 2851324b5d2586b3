"""Streams that stay open: the classic transport of 2024-11-05, a session's own stream, and `subscriptions/listen`.

Knows no Flask. Each is counted against its caller's share of streams.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.errors import RateExceededError, RpcError
from app.mcp.edge import Answer, Incoming, refusal
from app.mcp.envelope import INVALID_REQUEST
from app.mcp.eras import V2024_11_05, WITH_HANDSHAKE, Method
from app.mcp.streams import COMMENT, frame, primer

if TYPE_CHECKING:
    from app.mcp.calls import Call
    from app.mcp.engine import Engine
    from app.mcp.sessions import Session


def classic(engine: Engine, incoming: Incoming, message_path: str) -> Answer:
    """Open a classic stream; its first event tells where to POST, relative to this server.

    A client that comes back after a cut does not initialize again, so the revision is what its header says, else the oldest.
    """
    revision = WITH_HANDSHAKE.get(incoming.version or "", V2024_11_05)
    session = engine.sessions.open(incoming.principal.key, revision, is_classic=True)
    endpoint = f"event: endpoint\ndata: {message_path}?sessionId={session.id}\n\n".encode()
    try:
        stream = engine.open_stream(
            session.principal_key, "classic", session.outbox, head=endpoint, on_close=lambda: engine.sessions.close(session)
        )
    except RateExceededError:
        engine.sessions.close(session)
        raise
    return Answer(200, stream=stream)


def of_session(engine: Engine, session: Session, last_event_id: str | None) -> Answer:
    """The session's own stream, or, with Last-Event-ID, the stream that id belongs to, from there on."""
    if last_event_id is None and session.outbox.reader is not None:
        return refusal(409, RpcError(INVALID_REQUEST, "This session's stream is open already."))
    try:
        outbox = session.resume(last_event_id) if last_event_id is not None else session.outbox
    except LookupError:
        return refusal(400, RpcError(INVALID_REQUEST, "This Last-Event-ID is not known here."))
    head = primer(outbox) if session.revision.has_polling else COMMENT
    stream = engine.open_stream(session.principal_key, "session", outbox, head=head)
    return Answer(200, stream=stream)


def listen(call: Call, method: Method, incoming: Incoming) -> Answer:
    """Open a `subscriptions/listen` stream: registered first, acknowledged first, ended with the request's own answer."""
    engine, outbox, id_ = call.engine, call.outbox, call.request.id
    if not incoming.takes_events:
        return refusal(406, RpcError(INVALID_REQUEST, "The answer is a stream: accept text/event-stream."), id_=id_)
    outbox.unanswered = None
    try:
        acknowledgement = method.handler(call)
        stream = engine.open_stream(
            call.principal.key,
            "listen",
            outbox,
            head=frame(acknowledgement),
            farewell=engine.farewell(id_),
            on_close=lambda: engine.changes.remove(outbox),
        )
    except RpcError as exc:
        return refusal(call.revision.statuses.get(exc.code, 200), exc, id_=id_)
    except RateExceededError:
        engine.changes.remove(outbox)
        raise
    engine.services.metrics.mcp_call(call.request.method, "ok")
    return Answer(200, stream=stream)
