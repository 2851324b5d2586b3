"""Blueprint: the MCP endpoints over HTTP. Paths, methods, headers and bodies; nothing of JSON-RPC's methods.

`/mcp` and `/sse` are one endpoint (people type either), but for GET: `/sse` is always the classic stream of 2024-11-05.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Request, Response, request
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from app.errors import AuthError, BodyError, ForbiddenError, RateExceededError, RpcError
from app.logs import event
from app.mcp import standing
from app.mcp.edge import Answer, Incoming, refusal
from app.mcp.envelope import INTERNAL_ERROR, INVALID_REQUEST
from app.mcp.eras import WITH_HANDSHAKE, WITHOUT_HANDSHAKE
from app.mcp.exchange import no_such_session, post, post_message
from app.timeout import Timeout

if TYPE_CHECKING:
    from app.mcp.edge import Edge
    from app.mcp.engine import Engine
    from app.services import Principal

log = logging.getLogger(__name__)
MAX_BODY = 100_000
BODY_TIMEOUT_S = 10.0
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ONLY_POST = "POST, OPTIONS"
JSON = "application/json"
EVENTS = "text/event-stream"
STREAM_HEADERS = {"Content-Type": EVENTS, "Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}


def create_blueprint(engine: Engine, edge: Edge, *, body_timeout_s: float = BODY_TIMEOUT_S) -> Blueprint:
    """`/mcp`, `/sse` and `/message` of *engine*, for callers that *edge* lets in."""
    bp = Blueprint("mcp", __name__)
    views = _Views(engine, edge, body_timeout_s)
    bp.add_url_rule("/mcp", "mcp", partial(views.answer, views.mcp), methods=METHODS, strict_slashes=False)
    bp.add_url_rule("/sse", "sse", partial(views.answer, views.sse), methods=METHODS, strict_slashes=False)
    bp.add_url_rule("/message", "message", partial(views.answer, views.message), methods=METHODS, strict_slashes=False)
    return bp


class _Views:
    """The three endpoints. Each is told who calls before anything else of the request is looked at."""

    def __init__(self, engine: Engine, edge: Edge, body_timeout_s: float) -> None:
        self._engine = engine
        self._edge = edge
        self._body_timeout_s = body_timeout_s

    def answer(self, view: Callable[[Request, Incoming], Answer]) -> Response:
        current: Request = request._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 (the proxy costs)
        if current.method == "OPTIONS":
            return Response(status=204, headers={"Allow": ONLY_POST if view == self.message else self._allowed})
        try:
            principal = self._edge.authenticate(current)
            answer = view(current, self._incoming(current, principal))
        except (AuthError, ForbiddenError) as exc:
            status = 401 if isinstance(exc, AuthError) else 403
            answer = refusal(status, RpcError(status, str(exc)), headers=self._edge.challenge(exc))
        except RateExceededError as exc:
            answer = refusal(429, RpcError(429, str(exc)), headers=exc.headers)
        except BodyError as exc:
            answer = refusal(exc.status, RpcError(exc.status, str(exc)), headers={"Connection": "close"})
        except Exception:  # noqa: BLE001 (the edge: a defect is logged and answered)
            event(log, "request_failed", level=logging.ERROR, exc_info=True, request_id=_id(current))
            answer = refusal(500, RpcError(INTERNAL_ERROR, "Internal error"))
        return _response(answer)

    def _incoming(self, current: Request, principal: Principal) -> Incoming:
        takes_json, takes_events = _accepted(current.environ.get("HTTP_ACCEPT", ""))
        return Incoming(
            principal,
            partial(_header, current.environ),
            partial(self._edge.charge, principal, current),
            takes_json=takes_json,
            takes_events=takes_events,
            request_id=_id(current),
        )

    # -- endpoints -----------------------------------------------------------------------------------------------------

    def mcp(self, current: Request, incoming: Incoming) -> Answer:
        if current.method == "POST":
            return self._post(current, incoming)
        session_id = incoming.header("Mcp-Session-Id")
        if current.method == "GET" and incoming.version is None and session_id is None:
            return self._classic(current, incoming)
        if session_id is None or not self._engine.keeps_sessions or current.method not in {"GET", "DELETE"}:
            return self._not_allowed(current)
        if incoming.version in WITHOUT_HANDSHAKE:
            return self._not_allowed(current)  # it has no sessions
        if incoming.version is not None and incoming.version not in WITH_HANDSHAKE:
            return refusal(400, RpcError(INVALID_REQUEST, "This protocol version is not supported."))
        return self._session(current, incoming, session_id)

    def sse(self, current: Request, incoming: Incoming) -> Answer:
        return self._classic(current, incoming) if current.method == "GET" else self.mcp(current, incoming)

    def message(self, current: Request, incoming: Incoming) -> Answer:
        """Where a classic client posts; the answer goes to its stream."""
        if current.method != "POST":
            return refusal(405, RpcError(405, "POST messages here."), headers={"Allow": ONLY_POST})
        session_id = current.args.get("sessionId") or current.args.get("session_id") or ""
        session = self._engine.sessions.find(session_id, incoming.principal.key, is_classic=True)
        if session is None:
            return no_such_session()
        return _refused_type(current) or post_message(self._engine, incoming, session, self._body(current))

    def _post(self, current: Request, incoming: Incoming) -> Answer:
        if not incoming.takes_json and not incoming.takes_events:
            return refusal(406, RpcError(406, f"Accept {JSON} or {EVENTS}."))
        return _refused_type(current) or post(self._engine, incoming, self._body(current))

    def _body(self, current: Request) -> bytes:
        with Timeout(self._body_timeout_s, BodyError("The body did not arrive in time.", status=408)):
            return _read(current.environ)

    def _classic(self, current: Request, incoming: Incoming) -> Answer:
        if not incoming.takes_events:
            return refusal(406, RpcError(406, f"Accept {EVENTS}."))
        return standing.classic(self._engine, incoming, f"{current.script_root}/message")

    def _session(self, current: Request, incoming: Incoming, session_id: str) -> Answer:
        engine = self._engine
        session = engine.sessions.find(session_id, incoming.principal.key, is_classic=False)
        if session is None:
            return no_such_session()
        if current.method == "DELETE":
            engine.sessions.close(session)
            return Answer(204)
        if not incoming.takes_events:
            return refusal(406, RpcError(406, f"Accept {EVENTS}."))
        return standing.of_session(engine, session, incoming.header("Last-Event-ID"))

    def _not_allowed(self, current: Request) -> Answer:
        said = "There is no stream to GET here; POST your messages." if current.method == "GET" else "POST your messages here."
        return refusal(405, RpcError(405, said), headers={"Allow": self._allowed})

    @property
    def _allowed(self) -> str:
        return "GET, POST, DELETE, OPTIONS" if self._engine.keeps_sessions else "GET, POST, OPTIONS"


def _id(current: Request) -> str:
    """What the log lines about this request carry."""
    return str(current.environ.get("request_id", ""))


def _header(environ: Mapping[str, str], name: str) -> str | None:
    return environ.get("HTTP_" + name.upper().replace("-", "_"))


def _response(answer: Answer) -> Response:
    if answer.stream is not None:
        headers = {**STREAM_HEADERS, **answer.headers}
        return Response(answer.stream, answer.status, headers, direct_passthrough=True)
    if not answer.body:
        return Response(status=answer.status, headers=answer.headers)
    return Response(answer.body, answer.status, answer.headers, content_type=JSON, direct_passthrough=True)


@lru_cache(maxsize=64)
def _accepted(accept: str) -> tuple[bool, bool]:
    """Whether JSON and whether events can be answered; a missing header accepts anything, and a charset asks for nothing."""
    if not accept:
        return True, True
    asked = parse_accept_header(accept, MIMEAccept)
    accepted = MIMEAccept([(kind.partition(";")[0].rstrip(), quality) for kind, quality in asked])
    return accepted.quality(JSON) > 0, accepted.quality(EVENTS) > 0


def _refused_type(current: Request) -> Answer | None:
    environ: Mapping[str, str] = current.environ
    if environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower() != JSON:
        return refusal(415, RpcError(415, f"Content-Type must be {JSON}."))
    if environ.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity":
        return refusal(415, RpcError(415, "Send the body uncompressed."))
    return None


def _read(environ: Mapping[str, Any]) -> bytes:
    """The whole body; raise BodyError (413, 400). Read here, since a limit of Flask's would cut a chunked body silently."""
    sent: str = environ.get("CONTENT_LENGTH", "")
    length = int(sent.lstrip("0")[:12] or "0") if sent.isascii() and sent.isdigit() else None
    if length is None and not environ.get("wsgi.input_terminated"):
        return b""
    if length is not None and length > MAX_BODY:
        raise _too_large()
    try:
        raw: bytes = environ["wsgi.input"].read(MAX_BODY + 1 if length is None else length)
    except BodyError:
        raise
    except Exception as exc:  # each WSGI server has its own errors for a body that is not framed as it should be
        raise BodyError("The body is broken.", status=400) from exc
    if len(raw) > MAX_BODY:
        raise _too_large()
    if length is not None and len(raw) < length:
        raise BodyError("The body broke off.", status=400)
    return raw


def _too_large() -> BodyError:
    return BodyError(f"A body may hold {MAX_BODY:,} bytes.", status=413)
