"""What the HTTP edge and the engine hand each other: a known caller's request in, one answer or one stream out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from app.mcp.envelope import error_text

if TYPE_CHECKING:
    from flask import Request

    from app.errors import AuthError, ForbiddenError, RpcError
    from app.mcp.streams import EventStream
    from app.services import Principal

Header = Callable[[str], str | None]


class Edge(Protocol):
    """Who may come in; `app/auth.py` implements it for the product."""

    def authenticate(self, request: Request) -> Principal:
        """Tell who calls; raise AuthError or ForbiddenError."""
        ...

    def charge(self, principal: Principal, request: Request, units: int) -> None:
        """Count *units* JSON-RPC requests of this caller; raise RateExceededError over the rate."""
        ...

    def challenge(self, error: AuthError | ForbiddenError) -> Mapping[str, str]:
        """The headers that go with a 401 or 403."""
        ...


@dataclass(slots=True)
class Incoming:
    """One request, from a caller who is known."""

    principal: Principal
    header: Header
    charge: Callable[[int], None]
    takes_json: bool = True
    takes_events: bool = True
    request_id: str = ""

    @property
    def version(self) -> str | None:
        """The MCP-Protocol-Version header."""
        value = self.header("MCP-Protocol-Version")
        return value.strip(" \t") if value is not None else None


@dataclass(slots=True)
class Answer:
    """A body at once, or a stream."""

    status: int
    body: str = ""
    stream: EventStream | None = None
    headers: dict[str, str] = field(default_factory=dict)


def refusal(status: int, error: RpcError, *, id_: int | str | None = None, headers: Mapping[str, str] | None = None) -> Answer:
    """An error that is settled before any method runs."""
    return Answer(status, error_text(id_, error), headers=dict(headers or {}))
