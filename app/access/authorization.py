"""The authorization request: what a client asks for by sending a person to /authorize, checked in the order that matters.

Until client and redirect URI are known to belong together nothing is sent anywhere (RFC 6749 §4.1.2.1); afterwards every
refusal goes to the client, with `iss` (RFC 9207). Knows neither pages nor grants.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from app.access import redirects
from app.access.clients import Client, Clients
from app.access.resources import audience_of
from app.errors import AccessRefusedError

SCOPE = "health:read"
OFFLINE = "offline_access"
MAX_STATE = 2000
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # base64url of a SHA-256
Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A request that may be shown to the owner."""

    client_id: str
    client_name: str
    client_kind: str
    redirect_uri: str
    state: str | None
    code_challenge: str
    resource: str
    scope: str
    issuer: str
    redirect_was_given: bool = True

    @classmethod
    def of_record(cls, record: dict[str, Any]) -> Self:
        return cls(**record)

    def record(self) -> dict[str, Any]:
        return asdict(self)

    def granted(self, code: str) -> str:
        """Where the browser goes with *code*."""
        return self._answer(code=code)

    def denied(self) -> str:
        return self._answer(error="access_denied", error_description="The owner of this server said no.")

    def _answer(self, **parameters: str) -> str:
        return redirects.answer(self.redirect_uri, {**parameters, "state": self.state, "iss": self.issuer})


class RedirectedError(AccessRefusedError):
    """A refusal that the client is told: the browser is to go to *location*."""

    def __init__(self, code: str, message: str, location: str) -> None:
        self.location = location
        super().__init__(code, message)


def checked(pairs: Pairs, clients: Clients, *, issuer: str) -> AuthorizationRequest:
    """The request in the query *pairs*; RedirectedError where the client is told no, AccessRefusedError where the person is.

    A parameter without a value counts as left out (RFC 6749 §3.1).
    """
    pairs = [(name, value) for name, value in pairs if value]
    values = dict(pairs)
    names = [name for name, _ in pairs]
    client_id = values.get("client_id", "")
    if not client_id:
        raise AccessRefusedError("invalid_request", "This link is incomplete. Start again in the application.")
    client = clients.find(client_id)
    redirect_uri = client.redirect_for(values.get("redirect_uri"))
    if redirect_uri is None:
        raise AccessRefusedError(
            "invalid_request",
            f"'{client.name}' wants the answer sent to an address that it has not registered, so nothing was sent. "
            "Start again in the application; if it happens again, do not trust the link.",
        )
    state = values.get("state")
    try:
        return _checked(values, names, client, redirect_uri, issuer)
    except AccessRefusedError as exc:
        told = {"error": exc.code, "error_description": str(exc), "state": state, "iss": issuer}
        raise RedirectedError(exc.code, str(exc), redirects.answer(redirect_uri, told)) from exc


def _checked(values: dict[str, str], names: list[str], client: Client, redirect_uri: str, issuer: str) -> AuthorizationRequest:
    state = values.get("state")
    if any(names.count(name) > 1 for name in names if name != "resource"):
        raise AccessRefusedError("invalid_request", "A parameter is given more than once.")
    if "request" in values or "request_uri" in values:
        raise AccessRefusedError("request_not_supported", "Request objects are not supported.")
    if values.get("response_type") != "code":
        code = "unsupported_response_type" if values.get("response_type") else "invalid_request"
        raise AccessRefusedError(code, "response_type must be code.")
    if values.get("response_mode", "query") != "query":
        raise AccessRefusedError("invalid_request", "response_mode must be query.")
    if state is not None and not re.fullmatch(rf"[\x20-\x7e]{{1,{MAX_STATE}}}", state):
        raise AccessRefusedError("invalid_request", f"state may have {MAX_STATE} printable ASCII characters.")
    if values.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(values.get("code_challenge", "")):
        raise AccessRefusedError("invalid_request", "PKCE is required: code_challenge with code_challenge_method S256.")
    return AuthorizationRequest(
        client_id=client.client_id,
        client_name=client.name,
        client_kind=client.kind,
        redirect_uri=redirect_uri,
        state=state,
        code_challenge=values["code_challenge"],
        resource=_resource(values, names, issuer),
        scope=scope_for(values.get("scope", "")),
        issuer=issuer,
        redirect_was_given="redirect_uri" in values,
    )


def _resource(values: dict[str, str], names: list[str], issuer: str) -> str:
    if names.count("resource") > 1:
        raise AccessRefusedError("invalid_target", "Only one resource can be asked for at a time.")
    asked = values.get("resource")
    return issuer if asked is None else audience_of(asked, issuer)


def scope_for(asked: str) -> str:
    """What is granted of the scopes *asked* for: reading always, `offline_access` where it was asked; others are not ours."""
    return f"{SCOPE} {OFFLINE}" if OFFLINE in asked.split() else SCOPE
