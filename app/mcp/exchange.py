"""A POST of Streamable HTTP: the era is chosen before the method, then one JSON answer or one event stream goes out.

Knows no Flask. A running call commits to a stream only once it has something to say before its answer, or after a silence that
proxies would cut; until then its answer can still be plain JSON with a status of its own.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import gevent

from app.errors import RpcError
from app.mcp import ladder
from app.mcp.calls import Call
from app.mcp.edge import Answer, Incoming, refusal
from app.mcp.envelope import (
    INVALID_REQUEST,
    PARSE_ERROR,
    UNSUPPORTED_VERSION,
    MessageError,
    Notification,
    Reply,
    Request,
    error_text,
    read,
)
from app.mcp.eras import NEWEST, PROTOCOL_VERSION, UNSAID, WITH_HANDSHAKE, WITHOUT_HANDSHAKE, Revision, is_stateless
from app.mcp.standing import listen
from app.mcp.streams import COMMENT, EventStream, Item, Outbox, primer
from app.mcp.wire import DecodeError, decode

if TYPE_CHECKING:
    from app.mcp.engine import Engine
    from app.mcp.sessions import Session

MAX_BATCH = 20
Message = Request | Notification | Reply


def post(engine: Engine, incoming: Incoming, body: bytes) -> Answer:
    """Answer a POST, in whichever era it speaks."""
    try:
        message = decode(body)
        if is_stateless(message, incoming.version):
            return _stateless(engine, incoming, read(message))
        return _handshake(engine, incoming, message)
    except DecodeError:
        return _not_json()
    except MessageError as exc:
        return refusal(400, exc, id_=exc.id)


def _not_json() -> Answer:
    return refusal(400, RpcError(PARSE_ERROR, "The body is not JSON, or not JSON that every reader would read alike."))


# -- 2026-07-28 --------------------------------------------------------------------------------------------------------


def _stateless(engine: Engine, incoming: Incoming, message: Message) -> Answer:
    if isinstance(message, Reply):
        raise MessageError(INVALID_REQUEST, "In this revision a server asks nothing that could be answered.")
    if isinstance(message, Notification):
        version = incoming.version
        if version is not None and version not in WITH_HANDSHAKE and version not in WITHOUT_HANDSHAKE:
            return refusal(400, ladder.unsupported(version))
        return Answer(202)
    incoming.charge(1)
    try:
        declared = ladder.check(message, incoming.header, engine.methods)
        if message.method == "tools/call":
            _check_repeated(engine, incoming, message)
    except RpcError as exc:
        return refusal(NEWEST.statuses[exc.code], exc, id_=message.id)
    call = Call(
        engine,
        declared.revision,
        message,
        incoming.principal,
        outbox=Outbox(unanswered=1),
        capabilities=declared.capabilities,
        log_level=declared.log_level,
        request_id=incoming.request_id,
    )
    if call.method is not None and call.method.streams:
        return listen(call, call.method, incoming)
    return _settled(engine, incoming, [call], call.outbox)


def _check_repeated(engine: Engine, incoming: Incoming, message: Request) -> None:
    name, arguments = message.params.get("name"), message.params.get("arguments")
    repeated = engine.repeated.get(name) if isinstance(name, str) else None
    if repeated:
        ladder.check_arguments(arguments if isinstance(arguments, dict) else {}, repeated, incoming.header)


# -- 2024-11-05 to 2025-11-25 ------------------------------------------------------------------------------------------


def _handshake(engine: Engine, incoming: Incoming, message: Any) -> Answer:
    is_initialize = isinstance(message, dict) and message.get("method") == "initialize" and "id" in message
    session: Session | None = None
    if engine.keeps_sessions and not is_initialize:
        id_ = incoming.header("Mcp-Session-Id")
        if not id_:
            return refusal(400, RpcError(INVALID_REQUEST, "The Mcp-Session-Id header is missing."))
        session = engine.sessions.find(id_, incoming.principal.key, is_classic=False)
        if session is None:
            return no_such_session()
    revision = session.revision if session is not None else WITH_HANDSHAKE[incoming.version or UNSAID.name]
    messages, errors = _members(message, revision)
    _charge(incoming, messages)
    if is_initialize and engine.keeps_sessions:
        session = engine.sessions.open(incoming.principal.key, revision, is_classic=False)
    requests = _requests(messages, session, revision)
    if not requests:
        return Answer(400, f"[{','.join(errors)}]") if errors else Answer(202)
    outbox = Outbox(unanswered=len(requests), name=session.stream_name() if session is not None else "")
    calls = [
        Call(engine, revision, request, incoming.principal, outbox=outbox, session=session, request_id=incoming.request_id)
        for request in requests
    ]
    answer = _settled(engine, incoming, calls, outbox, errors=errors if isinstance(message, list) else None)
    if is_initialize and session is not None:
        if not session.is_agreed:
            engine.sessions.close(session)
            return answer
        answer.headers["Mcp-Session-Id"] = session.id
    return answer


def no_such_session() -> Answer:
    return refusal(404, RpcError(404, "There is no such session. Start a new one with 'initialize'."))


def post_message(engine: Engine, incoming: Incoming, session: Session, body: bytes) -> Answer:
    """Take a POST of the classic transport: 202, and the answers go to the session's stream."""
    try:
        message = decode(body)
        if is_stateless(message, None):
            return _stateless_on_classic(incoming, session, read(message))
        messages, errors = _members(message, session.revision)
    except DecodeError:
        return _not_json()
    except MessageError as exc:
        return refusal(400, exc, id_=exc.id)
    _charge(incoming, messages)
    for text in errors:
        session.outbox.put(Item(text))
    for request in _requests(messages, session, session.revision):
        session.outbox.awaited += 1
        Call(
            engine,
            session.revision,
            request,
            incoming.principal,
            outbox=session.outbox,
            session=session,
            request_id=incoming.request_id,
        ).start()
    return Answer(202)


def _stateless_on_classic(incoming: Incoming, session: Session, message: Message) -> Answer:
    """Refuse on the stream: SDKs that probe for the newest revision first fall back to the handshake, but not after a 400."""
    if isinstance(message, Request):
        incoming.charge(1)
        data = {"supported": list(WITH_HANDSHAKE), "requested": message.params["_meta"][PROTOCOL_VERSION]}
        error = RpcError(UNSUPPORTED_VERSION, "The classic transport has no such revision.", data)
        session.outbox.put(Item(error_text(message.id, error)))
    return Answer(202)


def _members(message: Any, revision: Revision) -> tuple[Sequence[Message], list[str]]:
    """The messages of a POST, and the error answers to those of a batch that are none; alone, a bad one is refused."""
    if not isinstance(message, list):
        return [read(message)], []
    if not revision.has_batches:
        raise MessageError(INVALID_REQUEST, "This revision has no batches: send one message at a time.")
    if not 1 <= len(message) <= MAX_BATCH:
        raise MessageError(INVALID_REQUEST, f"A batch holds 1 to {MAX_BATCH} messages.")
    messages: list[Message] = []
    errors: list[str] = []
    for member in message:
        try:
            messages.append(read(member))
        except MessageError as exc:
            errors.append(error_text(exc.id, exc))
    if any(isinstance(one, Request) and one.method == "initialize" for one in messages):
        raise MessageError(INVALID_REQUEST, "'initialize' cannot be part of a batch.")
    return messages, errors


def _charge(incoming: Incoming, messages: Sequence[Message]) -> None:
    units = sum(isinstance(message, Request) for message in messages)
    if units:
        incoming.charge(units)


def _requests(messages: Sequence[Message], session: Session | None, revision: Revision) -> list[Request]:
    """Act on the notifications and answers among *messages*, and give back the requests."""
    requests = []
    for message in messages:
        if isinstance(message, Request):
            requests.append(message)
        elif isinstance(message, Reply):
            if session is not None:
                session.take(message)
        elif message.method in revision.notifications:
            revision.notifications[message.method](session, message.params)
    return requests


# -- JSON or a stream --------------------------------------------------------------------------------------------------


def _settled(
    engine: Engine, incoming: Incoming, calls: Sequence[Call], outbox: Outbox, *, errors: Sequence[str] | None = None
) -> Answer:
    """Run *calls* and answer them: as JSON if all are answered before anything else is said. *errors* makes it a batch."""
    outbox.only_answers = not incoming.takes_events
    for call in calls:
        call.start()
    answers = _answers(outbox, len(calls), within_s=engine.heartbeat_s if incoming.takes_events else None)
    if answers is not None and (incoming.takes_json or answers[0].status >= 400):
        return _json(answers, errors)
    for item in reversed([*(Item(text) for text in errors or ()), *(answers or ())]):
        outbox.put_back(item)
    return Answer(200, stream=_stream(engine, calls, outbox))


def _answers(outbox: Outbox, wanted: int, *, within_s: float | None) -> list[Item] | None:
    """The answers to all of a POST's requests, or None (and the outbox as it was) if something has to be told before them."""
    gevent.sleep(0)  # by the next turn most calls are answered, and neither a timer nor a wake-up is needed
    answers: list[Item] = []
    commit_at = None if within_s is None else time.monotonic() + within_s
    while len(answers) < wanted:
        item = outbox.get(None if commit_at is None else max(0.0, commit_at - time.monotonic()))
        if item is not None and item.status:
            answers.append(item)
            continue
        for one in reversed([*answers, *([item] if item is not None else [])]):
            outbox.put_back(one)
        return None
    return answers


def _json(answers: Sequence[Item], errors: Sequence[str] | None) -> Answer:
    if errors is None:
        return Answer(answers[0].status, answers[0].text)
    texts = [*errors, *(item.text for item in answers if item.text)]
    return Answer(200, f"[{','.join(texts)}]") if texts else Answer(202)


def _stream(engine: Engine, calls: Sequence[Call], outbox: Outbox) -> EventStream:
    revision, session = calls[0].revision, calls[0].session
    metrics = engine.services.metrics
    head = COMMENT
    if session is not None and outbox.name:
        session.keep_stream(outbox)
        head = primer(outbox) if session.revision.has_polling else COMMENT

    def closed() -> None:
        metrics.stream_closed("post")
        if outbox.is_over or outbox.name:
            return
        outbox.close()
        if not revision.has_handshake:  # before 2026-07-28 a dropped connection is not a cancellation
            for call in calls:
                call.cancel()

    metrics.stream_opened("post")
    return engine.stream(outbox, head=head, on_close=closed)
