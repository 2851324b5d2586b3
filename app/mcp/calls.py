"""One request being answered: who asks, what is known of the client, how it is run and how it ends.

Functions of the registry run in a greenlet of their own under one hard deadline. Whatever they say goes to the call's outbox;
its last item there is the answer.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from app.context import Context
from app.errors import DeadlineError, RpcError, ToolError
from app.logs import event
from app.mcp.channels import HandshakeChannel, StatelessChannel
from app.mcp.envelope import INTERNAL_ERROR, METHOD_NOT_FOUND, error_text, result_text
from app.mcp.roundtrips import InputRequired
from app.mcp.streams import Item
from app.timeout import Timeout

if TYPE_CHECKING:
    from app.mcp.engine import Engine
    from app.mcp.envelope import Request
    from app.mcp.eras import Method, Revision
    from app.mcp.runners import Runner
    from app.mcp.sessions import Session
    from app.mcp.streams import Outbox
    from app.services import Principal

Result = TypeVar("Result")
log = logging.getLogger(__name__)


class Call:
    """One JSON-RPC request from its arrival to its answer."""

    def __init__(
        self,
        engine: Engine,
        revision: Revision,
        request: Request,
        principal: Principal,
        *,
        outbox: Outbox,
        session: Session | None = None,
        capabilities: Mapping[str, Any] | None = None,
        log_level: str | None = None,
        request_id: str = "",
    ) -> None:
        self.engine = engine
        self.revision = revision
        self.request = request
        self.principal = principal
        self.outbox = outbox
        self.session = session
        self.capabilities: Mapping[str, Any] = (
            capabilities if capabilities is not None else session.capabilities if session else {}
        )
        self.log_level = session.log_level if session is not None else log_level
        self.request_id = request_id
        self.deadline = engine.deadline()
        self.method: Method | None = engine.methods[revision.name].get(request.method)
        self._channel: HandshakeChannel | StatelessChannel | None = None
        self._runner: Runner | None = None
        self._is_over = False

    @property
    def progress_token(self) -> str | int | None:
        meta = self.request.params.get("_meta")
        token = meta.get("progressToken") if isinstance(meta, dict) else None
        return token if type(token) is str or type(token) is int else None

    @property
    def channel(self) -> HandshakeChannel | StatelessChannel:
        if self._channel is None:
            self._channel = HandshakeChannel(self) if self.revision.has_handshake else StatelessChannel(self)
        return self._channel

    def context(self) -> Context:
        return Context(self.engine.services, self.principal, self.deadline, self.request_id, self.channel)

    def bounded(self, function: Callable[..., Result], *arguments: Any, **named: Any) -> Result:
        """Call *function*; DeadlineError is raised inside it once the hard deadline has passed."""
        with Timeout(self.deadline.hard_left_s(), DeadlineError()):
            return function(*arguments, **named)

    def start(self) -> None:
        """Answer at once, or in a greenlet of its own if the method runs functions of the registry."""
        if self.session is not None:
            self.session.calls[self.request.id] = self
        if self.method is not None and self.method.runs:
            self._runner = self.engine.runners.run(self._run)
        else:
            self._run()

    def cancel(self) -> None:
        """Stop; no answer will come."""
        if self._is_over:
            return
        if self._runner is not None:
            self._runner.kill()
        self._end(Item("", 202))

    def _run(self) -> None:
        item = self.answer()
        if not self._is_over:
            self._end(item)

    def _end(self, item: Item) -> None:
        self._is_over = True
        self._runner = None
        self._channel = None  # a cycle would keep the whole answer until the collector comes by
        if self.session is not None and self.session.calls.get(self.request.id) is self:
            del self.session.calls[self.request.id]
        self.outbox.put(item)

    def answer(self) -> Item:
        """Run the method's handler and spell its result, or what went wrong, with the HTTP status of this era."""
        started = time.monotonic()
        try:
            item = Item(result_text(self.request.id, self._result()), 200)
            outcome = "ok"
        except RpcError as exc:
            item = Item(error_text(self.request.id, exc), self.revision.statuses.get(exc.code, 200))
            outcome = str(exc.code)
        except ToolError as exc:  # outside `tools/call` there is no result that could carry the words
            item = Item(error_text(self.request.id, RpcError(INTERNAL_ERROR, str(exc))), 200)
            outcome = "failed"
        except Exception:  # noqa: BLE001 (the dispatcher: a defect is logged and answered)
            event(log, "call_failed", level=logging.ERROR, exc_info=True, method=self._name, request_id=self.request_id)
            item = Item(error_text(self.request.id, RpcError(INTERNAL_ERROR, "Internal error")), 200)
            outcome = "defect"
        self._account(outcome, started)
        return item

    def _account(self, outcome: str, started: float) -> None:
        self.engine.services.metrics.mcp_call(self._name, outcome)
        if log.isEnabledFor(logging.DEBUG):
            ms = round((time.monotonic() - started) * 1000, 1)
            event(log, "call", level=logging.DEBUG, method=self._name, outcome=outcome, ms=ms, request_id=self.request_id)

    @property
    def _name(self) -> str:
        return self.request.method if self.method is not None else "other"

    def _result(self) -> str:
        if self.method is None:
            raise RpcError(METHOD_NOT_FOUND, f"Method not found: {self.request.method[:64]}")
        try:
            return self.engine.finished(self.revision, self.method, self.method.handler(self))
        except InputRequired as exc:
            return self.engine.unfinished(exc.result)
