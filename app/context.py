"""What every tool, resource and prompt function is handed: the call's context, and what it may say or ask while it runs.

Knows no protocol: `app/mcp` implements the channel for each era.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from app.errors import ToolError

if TYPE_CHECKING:
    from app.services import Deadline, Principal, Services


@dataclass(frozen=True, slots=True)
class Question:
    """Something only the client can answer: an MCP request it is sent (*method*, *params*), whatever the era carries it in."""

    method: str
    params: Mapping[str, Any]

    @classmethod
    def form(cls, message: str, schema: Mapping[str, Any]) -> Question:
        """Ask the person to fill in a flat form (elicitation, form mode)."""
        return cls("elicitation/create", {"message": message, "requestedSchema": dict(schema)})

    @classmethod
    def open_url(cls, message: str, url: str) -> Question:
        """Ask the person to open *url* (elicitation, URL mode); an accept is consent, not proof that it was done."""
        return cls("elicitation/create", {"mode": "url", "message": message, "url": url})

    @classmethod
    def sample(cls, messages: Sequence[Mapping[str, Any]], *, max_tokens: int) -> Question:
        """Ask the client's model for a completion."""
        return cls("sampling/createMessage", {"messages": list(messages), "maxTokens": max_tokens})

    @classmethod
    def roots(cls) -> Question:
        """Ask which folders the client works in."""
        return cls("roots/list", {})


class Channel(Protocol):
    """What the protocol can do for one running call; `app/mcp` implements it for each era."""

    def progress(self, done: float, total: float | None, message: str | None) -> None: ...

    def log(self, level: str, data: Any, logger: str | None) -> None: ...

    def can_ask(self, question: Question) -> bool:
        """Whether the client declared that it can answer such a question."""
        ...

    def ask(self, questions: Mapping[str, Question]) -> Mapping[str, Mapping[str, Any]]:
        """Return the client's answers by the same keys.

        Handshake revisions send requests on the open stream and wait. 2026-07-28 ends the call with `input_required`;
        the client calls again, the function runs from its start, and this returns what was answered.
        Functions that ask must therefore do nothing that cannot be done twice before they ask.
        """
        ...

    def changed(self, what: str) -> None:
        """Tell listeners that a list (`tools`, `prompts`, `resources`) or, given a URI, a resource has changed."""
        ...

    def close_connection(self, retry_ms: int) -> None:
        """Drop the HTTP connection but not the call, where the revision lets a client resume (2025-11-25); else do nothing."""
        ...


class QuietChannel:
    """A channel to nobody: for tests, the demo and revisions that cannot carry a message."""

    def progress(self, done: float, total: float | None, message: str | None) -> None:
        """Forget it."""

    def log(self, level: str, data: Any, logger: str | None) -> None:
        """Forget it."""

    def can_ask(self, question: Question) -> bool:  # noqa: ARG002 - no question can be asked
        return False

    def ask(self, questions: Mapping[str, Question]) -> Mapping[str, Mapping[str, Any]]:  # noqa: ARG002 - the same
        raise ToolError("This needs an answer from you, and this client has no way to ask for it.")

    def changed(self, what: str) -> None:
        """Forget it."""

    def close_connection(self, retry_ms: int) -> None:
        """There is none."""


@dataclass(slots=True)
class Context:
    """What every tool, resource and prompt function is handed as its first argument."""

    services: Services
    principal: Principal
    deadline: Deadline
    request_id: str = ""
    channel: Channel = field(default_factory=QuietChannel)

    def progress(self, done: float, total: float | None = None, message: str | None = None) -> None:
        self.channel.progress(done, total, message)

    def log(self, level: str, data: Any, logger: str | None = None) -> None:
        self.channel.log(level, data, logger)

    def can_ask(self, question: Question) -> bool:
        return self.channel.can_ask(question)

    def ask(self, questions: Mapping[str, Question]) -> Mapping[str, Mapping[str, Any]]:
        return self.channel.ask(questions)
