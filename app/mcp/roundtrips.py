"""Questions to the client in 2026-07-28: the call ends with `input_required`, and the client calls again with the answers.

Nothing is held in between. What was answered so far travels with the client as a sealed `requestState`, bound to the caller, the
method and its parameters, for ten minutes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from app.errors import RpcError
from app.mcp.envelope import INVALID_PARAMS

if TYPE_CHECKING:
    from app.context import Question
    from app.seal import Sealer

PURPOSE = "mcp-request-state"
TTL_S = 600.0
_NOT_BOUND = frozenset({"_meta", "inputResponses", "requestState"})


class InputRequired(Exception):
    """The call cannot go on before the client has answered; *result* is what it is told."""

    def __init__(self, result: dict[str, Any]) -> None:
        super().__init__()
        self.result = result


class RoundTrips:
    """What one call has been answered, in earlier rounds and with this request."""

    def __init__(self, sealer: Sealer, principal_key: str, method: str, params: Mapping[str, Any]) -> None:
        self._sealer = sealer
        self._call = (principal_key, method, params)
        self._answers = self._opened(params["requestState"]) if "requestState" in params else {}
        self._given = params.get("inputResponses", {})
        if not isinstance(self._given, dict):
            raise RpcError(INVALID_PARAMS, "'inputResponses' must be an object.")

    def ask(self, questions: Mapping[str, Question]) -> Mapping[str, Mapping[str, Any]]:
        """The answers to *questions*, or raise InputRequired for those that are missing."""
        missing: dict[str, Question] = {}
        for key, question in questions.items():
            if key in self._answers:
                continue
            if key in self._given:
                self._answers[key] = _checked(key, question, self._given[key])
            else:
                missing[key] = question
        if missing:
            raise InputRequired(self._asking(missing))
        return {key: self._answers[key] for key in questions}

    def _asking(self, questions: Mapping[str, Question]) -> dict[str, Any]:
        requests = {key: {"method": question.method, "params": dict(question.params)} for key, question in questions.items()}
        state = self._sealer.seal(PURPOSE, self._answers, owner=self._owner, ttl_s=TTL_S)
        return {"inputRequests": requests, "requestState": state}

    @cached_property
    def _owner(self) -> str:
        """Whose state this is: who calls what with which parameters."""
        principal_key, method, params = self._call
        asked = {name: value for name, value in params.items() if name not in _NOT_BOUND}
        digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
        return f"{principal_key} {method} {digest}"

    def _opened(self, state: Any) -> dict[str, Any]:
        answers = self._sealer.open(PURPOSE, state, owner=self._owner) if isinstance(state, str) else None
        if answers is None:
            raise RpcError(
                INVALID_PARAMS, "'requestState' is not valid for this request, or has expired. Start again without it."
            )
        return answers


def _checked(key: str, question: Question, answer: Any) -> dict[str, Any]:
    if not is_answer(question, answer):
        raise RpcError(INVALID_PARAMS, f"inputResponses['{key[:64]}'] is not an answer to {question.method}.")
    checked: dict[str, Any] = answer
    return checked


def is_answer(question: Question, answer: Any) -> bool:
    """Whether *answer* is shaped like an answer to *question*; what a form holds is for the asking function to judge."""
    return isinstance(answer, dict) and _SHAPES[question.method](answer)


# Looked for in tuples, since what a client sends may have no hash.
_SHAPES: Mapping[str, Callable[[dict[str, Any]], bool]] = {
    "elicitation/create": lambda answer: (
        answer.get("action") in ("accept", "decline", "cancel") and isinstance(answer.get("content", {}), dict)
    ),
    "sampling/createMessage": lambda answer: (
        answer.get("role") in ("user", "assistant") and isinstance(answer.get("content"), dict | list)
    ),
    "roots/list": lambda answer: (
        isinstance(answer.get("roots"), list)
        and all(isinstance(root, dict) and isinstance(root.get("uri"), str) for root in answer["roots"])
    ),
}
