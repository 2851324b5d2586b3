"""Consents, codes and tokens: the authorization server, without its pages.

A code works once within ten minutes. A refresh token works once; using it kills the access token it came with.
Values are kept hashed only to be found, since this Oura lives no longer than its process.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.simulator.knobs import SCOPES, Knobs
from app.simulator.replies import TOKEN_EXPIRED, TOKEN_REVOKED, Refusal, Reply, json_reply, oauth_error, token_rejected

CODE_TTL_S = 600
_KEPT = 5000  # codes and tokens of each kind; the oldest are forgotten


@dataclass(slots=True)
class Grant:
    """One consent: what *account* allowed the client. Tokens die with it."""

    account: str
    scopes: frozenset[str]
    revoked: bool = False
    access_token: str = ""
    refresh_token: str = ""


@dataclass(slots=True)
class Code:
    grant: Grant
    redirect_uri: str | None
    challenge: str | None
    method: str
    expires_at: float
    used: bool = False


@dataclass(slots=True)
class Access:
    grant: Grant
    expires_at: float


@dataclass(frozen=True, slots=True)
class Client:
    """The one registered application."""

    client_id: str
    client_secret: str


@dataclass(frozen=True, slots=True)
class AuthorizeRequest:
    """A request for consent that may be shown to a person."""

    redirect_uri: str
    redirect_uri_was_sent: bool
    scopes: tuple[str, ...]
    state: str | None
    challenge: str | None
    method: str


class PageError(Exception):
    """An authorization request so wrong that nobody may be redirected."""


class RedirectError(Exception):
    """An authorization request that is answered at its redirect URI with an `error`."""

    def __init__(self, request: AuthorizeRequest, error: str, description: str) -> None:
        self.request = request
        self.error = error
        self.description = description
        super().__init__(error)


def bare(scope: str) -> str:
    """A scope's name without the portal's prefix. `spo2Daily` stays what it is: unknown."""
    return scope.removeprefix("extapi:")


@dataclass(slots=True)
class Ledger:
    """What was granted, and to which strings."""

    client: Client
    knobs: Knobs
    clock: Callable[[], float]
    _codes: OrderedDict[str, Code] = field(default_factory=OrderedDict)
    _access: OrderedDict[str, Access] = field(default_factory=OrderedDict)
    _refresh: OrderedDict[str, Grant] = field(default_factory=OrderedDict)
    _ended: OrderedDict[str, bool] = field(default_factory=OrderedDict)

    # authorize

    def asked(self, query: Mapping[str, str]) -> AuthorizeRequest:
        """Check an authorization request. Unknown scopes are dropped without a word; none at all means every one."""
        if not hmac.compare_digest(query.get("client_id", "").encode(), self.client.client_id.encode()):
            raise PageError("Invalid client id.")
        registered, sent = list(self.knobs.redirect_uris), query.get("redirect_uri")
        if sent is None and len(registered) != 1:
            raise PageError("Missing redirect URI." if registered else "No redirect URI is registered.")
        if sent is not None and sent not in registered:
            raise PageError("Unknown redirect URI (invalid_redirect_uri).")
        wanted = [bare(scope) for scope in query.get("scope", "").split()] or list(self.knobs.portal_scopes)
        request = AuthorizeRequest(
            redirect_uri=sent if sent is not None else registered[0],
            redirect_uri_was_sent=sent is not None,
            scopes=tuple(scope for scope in SCOPES if scope in wanted and scope in self.knobs.portal_scopes),
            state=query.get("state"),
            challenge=query.get("code_challenge"),
            method=query.get("code_challenge_method", "plain"),
        )
        if query.get("response_type") != "code":
            raise RedirectError(request, "unsupported_response_type", "The response type is not supported.")
        if request.challenge and request.method not in {"S256", "plain"}:
            raise RedirectError(request, "invalid_request", "The code challenge method is not supported.")
        return request

    def approve(self, request: AuthorizeRequest, account: str, scopes: Iterable[str]) -> dict[str, str]:
        """Grant those of *scopes* that were asked for; return the callback's query."""
        allowed = {bare(scope) for scope in scopes}
        grant = Grant(account, frozenset(scope for scope in request.scopes if scope in allowed))
        code = secrets.token_urlsafe(24)
        expires_at = self.clock() + CODE_TTL_S
        uri = request.redirect_uri if request.redirect_uri_was_sent else None
        _keep(self._codes, code, Code(grant, uri, request.challenge, request.method, expires_at))
        answer = {"code": code}
        if self.knobs.scope_in_callback:
            answer["scope"] = self.spelled(grant.scopes)
        return answer if request.state is None else {**answer, "state": request.state}

    def spelled(self, scopes: frozenset[str]) -> str:
        prefix = "extapi:" if self.knobs.scope_prefix else ""
        return " ".join(prefix + scope for scope in SCOPES if scope in scopes)

    # token

    def exchange(self, endpoint: str, form: Mapping[str, str], authorization: tuple[str, str] | None) -> Reply:
        """Answer a token request at *endpoint* ("api" or "moi")."""
        if endpoint != self.knobs.token_endpoint:
            return self._misdirected(endpoint, form)
        client_id, secret = authorization or (form.get("client_id", ""), form.get("client_secret", ""))
        if not self._is_client(client_id, secret):
            return oauth_error(401, "invalid_client", "Client authentication failed.")
        kind = form.get("grant_type", "")
        if kind == "authorization_code":
            return self._by_code(form)
        if kind == "refresh_token":
            return self._by_refresh(form)
        return oauth_error(400, "unsupported_grant_type", "Invalid grant type.")

    def _misdirected(self, endpoint: str, form: Mapping[str, str]) -> Reply:
        """The endpoint that does not own the client: 401, but the legacy one answers a refresh with `invalid_request`."""
        code = self._codes.get(form.get("code", ""))
        if code and self.knobs.misdirected_code_is_burnt:
            code.used = True
        if endpoint == "api" and form.get("grant_type") == "refresh_token":
            return oauth_error(400, "invalid_request", "Invalid request")
        if endpoint == "moi":
            return json_reply(401, {"error": "invalid_client"})
        return oauth_error(401, "invalid_client", "Client authentication failed.")

    def _is_client(self, client_id: str, secret: str) -> bool:
        same_id = hmac.compare_digest(client_id.encode(), self.client.client_id.encode())
        return same_id & hmac.compare_digest(secret.encode(), self.client.client_secret.encode())

    def _by_code(self, form: Mapping[str, str]) -> Reply:
        code = self._codes.get(form.get("code", ""))
        if code is None or code.used or code.expires_at < self.clock():
            return oauth_error(400, "invalid_grant", "The authorization code is invalid, expired or already used.")
        code.used = True
        if code.redirect_uri is not None and form.get("redirect_uri") != code.redirect_uri:
            return oauth_error(400, "invalid_grant", "The redirect URI does not match.")
        if not _proven(code, form.get("code_verifier")):
            return oauth_error(400, "invalid_grant", "The code verifier does not match.")
        return self.issue(code.grant)

    def _by_refresh(self, form: Mapping[str, str]) -> Reply:
        grant = self._refresh.pop(form.get("refresh_token", ""), None)
        if grant is None or grant.revoked:
            return oauth_error(400, "invalid_grant", "The refresh token is invalid, already used or revoked.")
        return self.issue(grant)

    def issue(self, grant: Grant) -> Reply:
        """A new pair; the old one dies at once."""
        self._forget(grant)
        grant.access_token, grant.refresh_token = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        ttl_s = self.knobs.access_token_ttl_s
        _keep(self._access, grant.access_token, Access(grant, self.clock() + ttl_s))
        _keep(self._refresh, grant.refresh_token, grant)
        answer: dict[str, Any] = {
            "token_type": "bearer",
            "access_token": grant.access_token,
            "expires_in": ttl_s,
            "refresh_token": grant.refresh_token,
        }
        if self.knobs.new_portal:
            answer["id_token"] = _unsigned_id_token(grant.account, self.client.client_id)
            if self.knobs.scope_in_token:
                answer["scope"] = self.spelled(grant.scopes)
        return json_reply(200, answer, {"Cache-Control": "no-store"})

    # use and end

    def bearer(self, authorization: str | None) -> Grant:
        """The grant a request acts for; raises Refusal (401) for every token that is not alive."""
        kind, _, token = (authorization or "").partition(" ")
        if kind.lower() != "bearer" or not token.strip():
            raise Refusal(token_rejected("Missing or malformed access token."))
        access = self._access.get(token.strip())
        if access is None:
            ended = token.strip() in self._ended
            raise Refusal(token_rejected(TOKEN_REVOKED if ended else "Invalid access token."))
        if access.grant.revoked:
            raise Refusal(token_rejected(TOKEN_REVOKED))
        if access.expires_at <= self.clock():
            raise Refusal(token_rejected(TOKEN_EXPIRED))
        return access.grant

    def revoke(self, token: str) -> Reply:
        access = self._access.get(token)
        if access is None or access.grant.revoked:
            return token_rejected("Invalid access token.")
        self._end(access.grant)
        return json_reply(200, {})

    def revoke_all(self) -> None:
        """The person withdrew consent in the Oura app."""
        for access in list(self._access.values()):
            self._end(access.grant)
        for grant in list(self._refresh.values()):
            self._end(grant)

    def expire_access_tokens(self) -> None:
        for access in self._access.values():
            access.expires_at = 0.0

    def live_grants(self) -> int:
        return len({id(grant) for grant in self._refresh.values() if not grant.revoked})

    def _end(self, grant: Grant) -> None:
        grant.revoked = True
        self._forget(grant)

    def _forget(self, grant: Grant) -> None:
        if self._access.pop(grant.access_token, None):
            _keep(self._ended, grant.access_token, True)
        self._refresh.pop(grant.refresh_token, None)


def _keep(store: OrderedDict[str, Any], key: str, value: object) -> None:
    store[key] = value
    while len(store) > _KEPT:
        store.popitem(last=False)


def _proven(code: Code, verifier: str | None) -> bool:
    """PKCE (RFC 7636), checked where a challenge was sent."""
    if code.challenge is None:
        return True
    if not verifier:
        return False
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return hmac.compare_digest(code.challenge.encode(), (digest if code.method == "S256" else verifier).encode())


def _unsigned_id_token(subject: str, audience: str) -> str:
    def part(value: Mapping[str, str]) -> str:
        text = ",".join(f'"{name}":"{item}"' for name, item in value.items())
        return base64.urlsafe_b64encode(f"{{{text}}}".encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'none'})}.{part({'sub': subject, 'aud': audience})}."
