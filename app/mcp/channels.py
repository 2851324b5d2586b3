"""What a running call can say to its client, in the handshake revisions and in 2026-07-28 (registry.Channel, twice).

Progress and log messages go ahead of the answer on the request's own stream, and only where they were asked for. Questions
differ: handshake revisions send a request on the open stream and wait; 2026-07-28 ends the call and is called again.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gevent.event import AsyncResult

from app.context import Question
from app.errors import RpcError, ToolError
from app.mcp.envelope import MISSING_CLIENT_CAPABILITY, URL_ELICITATION_REQUIRED, Reply, notification_text, request_text
from app.mcp.roundtrips import RoundTrips, is_answer
from app.mcp.streams import Item

if TYPE_CHECKING:
    from app.errors import ConnectionNeededError
    from app.mcp.calls import Call

LEVELS = {
    name: rank for rank, name in enumerate(("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"))
}
CANNOT_ASK = "This needs an answer from you, and this client has no way to ask for it."
CONNECT = "connect"  # the key of the question that asks a person to connect the ring


class _Speaking:
    """What both eras do alike: speak ahead of the answer."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._done = float("-inf")

    def progress(self, done: float, total: float | None, message: str | None) -> None:
        """Tell how far the work is, if the client gave a token for it; only increasing values are sent."""
        token = self._call.progress_token
        if token is None or done <= self._done:
            return
        self._done = done
        told = {"progressToken": token, "progress": done, "total": total, "message": message}
        self._send("notifications/progress", {name: value for name, value in told.items() if value is not None})

    def log(self, level: str, data: Any, logger: str | None) -> None:
        """Send a log message, if the client asked for messages of this level."""
        threshold = self._call.log_level
        if threshold is None or LEVELS[level] < LEVELS[threshold]:
            return
        self._send("notifications/message", {"level": level, **({"logger": logger} if logger else {}), "data": data})

    def changed(self, what: str) -> None:
        self._call.engine.changes.announce(what)

    def _send(self, method: str, params: Mapping[str, Any]) -> None:
        self._call.outbox.put(Item(notification_text(method, params)))


class HandshakeChannel(_Speaking):
    """2024-11-05 to 2025-11-25. Without a session nothing is known of the client, so nothing can be asked."""

    def can_ask(self, question: Question) -> bool:
        call = self._call
        return (
            call.session is not None and not call.outbox.only_answers and missing_capability(question, call.capabilities) is None
        )

    def ask(self, questions: Mapping[str, Question]) -> Mapping[str, Mapping[str, Any]]:
        session = self._call.session
        if session is None or not all(self.can_ask(question) for question in questions.values()):
            raise ToolError(CANNOT_ASK)
        waiting: dict[str, tuple[str, AsyncResult]] = {}
        for key, question in questions.items():
            id_, _ = waiting[key] = session.question()
            self._call.outbox.put(Item(request_text(id_, question.method, _with_id(question))))
        try:
            return {key: _answer(questions[key], result.get()) for key, (_, result) in waiting.items()}
        finally:
            self._withdraw([id_ for id_, result in waiting.values() if not result.ready()])

    def hand_over(self, needed: ConnectionNeededError) -> None:
        """Raise -32042 if the client can open a URL for the person; else return, and words must do (2025-11-25 only)."""
        if needed.url is None or not self._call.revision.has_url_error:
            return
        question = Question.open_url(str(needed), needed.url)
        if missing_capability(question, self._call.capabilities) is None:
            raise RpcError(URL_ELICITATION_REQUIRED, str(needed), {"elicitations": [_with_id(question)]})

    def close_connection(self, retry_ms: int) -> None:
        if self._call.outbox.name and self._call.revision.has_polling:
            self._call.outbox.put(Item("", retry_ms=retry_ms))

    def _withdraw(self, ids: list[str]) -> None:
        session = self._call.session
        assert session is not None
        for id_ in ids:
            session.questions.pop(id_, None)
            self._send("notifications/cancelled", {"requestId": id_, "reason": "no longer needed"})


class StatelessChannel(_Speaking):
    """2026-07-28."""

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        request = call.request
        self._rounds = RoundTrips(call.engine.services.sealer, call.principal.key, request.method, request.params)

    def can_ask(self, question: Question) -> bool:
        return missing_capability(question, self._call.capabilities) is None

    def ask(self, questions: Mapping[str, Question]) -> Mapping[str, Mapping[str, Any]]:
        for question in questions.values():
            missing = missing_capability(question, self._call.capabilities)
            if missing is not None:
                data = {"requiredCapabilities": missing}
                raise RpcError(MISSING_CLIENT_CAPABILITY, f"The client must support {question.method} for this.", data)
        return self._rounds.ask(questions)

    def hand_over(self, needed: ConnectionNeededError) -> None:
        """Ask the client to open the URL, if it can; once it has answered, return, for then words must do."""
        if needed.url is None:
            return
        question = Question.open_url(str(needed), needed.url)
        if self.can_ask(question):
            self._rounds.ask({CONNECT: question})

    def close_connection(self, retry_ms: int) -> None:
        """This revision cannot resume a stream."""


def missing_capability(question: Question, declared: Mapping[str, Any]) -> dict[str, Any] | None:
    """The client capability that *question* needs and *declared* lacks, as a ClientCapabilities object; None if it is there."""
    if question.method == "elicitation/create":
        modes = declared.get("elicitation")
        if question.params.get("mode") == "url":
            return None if isinstance(modes, dict) and "url" in modes else {"elicitation": {"url": {}}}
        has_form = isinstance(modes, dict) and ("form" in modes or not modes)  # an empty object means form mode
        return None if has_form else {"elicitation": {}}
    name = question.method.partition("/")[0]
    return None if isinstance(declared.get(name), dict) else {name: {}}


def _with_id(question: Question) -> dict[str, Any]:
    """The parameters of *question*; URL mode has an id of its own in 2025-11-25."""
    params = dict(question.params)
    if params.get("mode") == "url":
        params["elicitationId"] = secrets.token_urlsafe(12)
    return params


def _answer(question: Question, reply: Reply) -> Mapping[str, Any]:
    if reply.result is None:
        raise ToolError(f"The client did not answer: {reply.error[:200]}")
    if not is_answer(question, reply.result):
        raise ToolError(f"The client's answer to {question.method} is not one.")
    return reply.result
