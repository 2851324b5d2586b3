"""The token and revocation endpoints: Authlib's grants with our storage.

Authlib authenticates the client, checks code, redirect URI, PKCE and scopes, and words the errors (RFC 6749, 7636, 7009). Ours
are where tokens come from and go to, that S256 is the only PKCE, the `resource` (RFC 8707), and that a token is spent once: the
whole answer is made under one lock across processes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AuthorizationServer, InvalidClientError, OAuth2Request
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, RefreshTokenGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge

from app.access.clients import AUTH_METHODS, Client
from app.access.grants import ACCESS_S, Grant, Grants, new_token
from app.access.resources import audience_of, issuer_of
from app.errors import AccessRefusedError


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint answers; the body is JSON."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str]


class _Request(OAuth2Request):  # type: ignore[misc] # Authlib has no types
    """A form. Its URI is given as https: whether TLS was spoken is the affair of the proxy in front."""

    def __init__(self, form: Mapping[str, str], headers: Mapping[str, str]) -> None:
        super().__init__("POST", "https://localhost/", headers=dict(headers))
        self.payload = BasicOAuth2Payload(dict(form))

    @property
    def form(self) -> Mapping[str, str]:
        form: Mapping[str, str] = self.payload.data
        return form


class InvalidTargetError(OAuth2Error):  # type: ignore[misc]
    error = "invalid_target"


class TokenServer(AuthorizationServer):  # type: ignore[misc]
    """Answers forms posted to /token and /revoke."""

    def __init__(self, grants: Grants, client: Callable[[str], Client | None]) -> None:
        super().__init__()
        self.grants = grants
        self._client = client
        self.register_token_generator("default", _tokens)
        self.register_grant(_CodeGrant, [_OnlyS256()])
        self.register_grant(_RefreshGrant)
        self.register_endpoint(_Revocation)

    def token(self, form: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        with self.grants.lock():
            return self._answer(self.create_token_response, form, headers)

    def revocation(self, form: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        with self.grants.lock():
            return self._answer(lambda request: self.create_endpoint_response("revocation", request), form, headers)

    def _answer(self, make: Callable[[_Request], Any], form: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        # Base64 is ASCII; Authlib falls over a header that is not, instead of refusing it.
        request = _Request(form, {name: value for name, value in headers.items() if value.isascii()})
        try:
            answer: Answer = make(request)
        except UnicodeDecodeError:  # a Basic header that is no text
            answer = self.handle_error_response(request, InvalidClientError())
        return answer

    # -- what Authlib asks of a framework ------------------------------------------------------------------------------

    def query_client(self, client_id: str) -> Client | None:
        return self._client(client_id)

    def create_oauth2_request(self, request: _Request) -> _Request:
        return request

    def handle_response(self, status: int, body: dict[str, Any], headers: list[tuple[str, str]]) -> Answer:
        return Answer(status, body, dict(headers))

    def handle_error_response(self, request: _Request, error: Any) -> Answer:
        if isinstance(error, InvalidClientError):
            error.status_code = 401  # also for clients without Basic: it is what makes Claude register anew
        answer: Answer = super().handle_error_response(request, error)
        return answer

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""


def _tokens(*, user: Grant, scope: str, include_refresh_token: bool, **_: Any) -> dict[str, Any]:
    """A new pair for the grant, which Authlib knows as the user."""
    token = {"access_token": new_token("a", user.id), "token_type": "Bearer", "expires_in": int(ACCESS_S), "scope": scope}
    return {**token, "refresh_token": new_token("r", user.id)} if include_refresh_token else token


class _OnlyS256(CodeChallenge):  # type: ignore[misc]
    SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]  # noqa: RUF012 - Authlib's names
    DEFAULT_CODE_CHALLENGE_METHOD = "S256"


class _CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS

    def validate_token_request(self) -> None:
        super().validate_token_request()
        _check_resource(self.request)

    def query_authorization_code(self, code: str, client: Client) -> Grant | None:
        found: Grant | None = self.server.grants.of_code(code, client)
        if found is not None and not found.redirect_was_given:  # RFC 6749 §4.1.3: then it may be left out here too
            self.request.form.setdefault("redirect_uri", found.redirect_uri)
        return found

    def authenticate_user(self, grant: Grant) -> Grant:
        return grant

    def save_token(self, token: dict[str, str]) -> None:
        self.server.grants.redeem(
            self.request.authorization_code, access=token["access_token"], refresh=token.get("refresh_token")
        )

    def delete_authorization_code(self, grant: Grant) -> None:
        """Redeeming has marked it; it is kept, for a replay must be noticed."""


class _RefreshGrant(RefreshTokenGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True

    def validate_token_request(self) -> None:
        super().validate_token_request()
        _check_resource(self.request)

    def authenticate_refresh_token(self, token: str) -> Grant | None:
        found: Grant | None = self.server.grants.of_refresh_token(token)
        return found

    def authenticate_user(self, grant: Grant) -> Grant:
        return grant

    def save_token(self, token: dict[str, str]) -> None:
        self.server.grants.rotate(
            self.request.refresh_token,
            self.request.form["refresh_token"],
            access=token["access_token"],
            refresh=token["refresh_token"],
        )

    def revoke_old_credential(self, grant: Grant) -> None:
        """Rotating has done it."""


class _Revocation(RevocationEndpoint):  # type: ignore[misc]
    CLIENT_AUTH_METHODS = AUTH_METHODS

    def query_token(self, token: str, _hint: str | None) -> Grant | None:
        found: Grant | None = self.server.grants.of_any_token(token)
        return found

    def revoke_token(self, grant: Grant, request: _Request) -> None:
        self.server.grants.revoke_token(grant, request.form["token"])


def _check_resource(request: _Request) -> None:
    """Refuse a `resource` other than the one that was consented to (RFC 8707 §2.2)."""
    asked = request.form.get("resource")
    if asked is None:
        return
    grant: Grant = request.authorization_code or request.refresh_token
    issuer = issuer_of(grant.resource)
    try:
        audience = audience_of(asked, issuer)
    except AccessRefusedError as exc:
        raise InvalidTargetError(str(exc)) from exc
    if grant.resource not in {audience, issuer}:
        raise InvalidTargetError("The owner's consent was for another resource.")
