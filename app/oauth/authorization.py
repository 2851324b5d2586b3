"""Oura's authorization server, spoken to over HTTP with requests-oauthlib.

Owns the addresses, the time-outs and how answers are told apart. Keeps nothing: who holds the tokens is `tokens`' business.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import gevent
import requests
from oauthlib.oauth2 import OAuth2Error, WebApplicationClient
from requests_oauthlib import OAuth2Session

from app.errors import GrantRefusedError, OuraUnavailableError
from app.oauth.scopes import normalised

if TYPE_CHECKING:
    from app.config import Settings

OURA_API = "https://api.ouraring.com"
# An application belongs to one of the two: one made at cloud.ouraring.com to the first, at developer.ouraring.com to the second.
OURA_TOKEN_URLS = ("https://api.ouraring.com/oauth/token", "https://moi.ouraring.com/oauth/v2/ext/oauth-token")
OURA_REVOKE_URL = "https://api.ouraring.com/oauth/revoke"
CONNECT_S, READ_S = 4.0, 8.0
TOTAL_S = 10.0  # the read time-out starts anew with every byte, so one answer gets a limit as a whole
SPEND_S = 28.0  # the answer to a spent refresh token is the connection itself; under the 30 s that others wait for the lock
NOT_OURS = frozenset({"invalid_client", "invalid_request", "unauthorized_client"})


class Consent(NamedTuple):
    """Where the person is sent, and the PKCE verifier that must come back with their code."""

    url: str
    verifier: str


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a token endpoint answered; None where it did not say."""

    access_token: str
    refresh_token: str | None
    expires_at: float | None
    scopes: frozenset[str] | None


class OuraAuthorization:
    """One application's dealings with Oura's authorization server.

    Every method that asks Oura raises OuraUnavailableError when no usable answer comes, and GrantRefusedError when it is no.
    """

    def __init__(self, settings: Settings, *, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        base = settings.oura_api_base_url
        ours = base == OURA_API
        # Where another Oura is asked (the simulator), it has the same two endpoints under its own address: nothing that it
        # issued may ever be sent to the real one.
        derived = OURA_TOKEN_URLS if ours else (f"{base}/oauth/token", f"{base}/oauth/v2/ext/oauth-token")
        self.token_urls: tuple[str, ...] = (settings.oura_token_url,) if settings.oura_token_url else derived
        defaulted = settings.oura_revoke_url == OURA_REVOKE_URL and not ours
        self._revoke_url = f"{base}/oauth/revoke" if defaulted else settings.oura_revoke_url
        self._account_url = f"{base}/v2/usercollection/personal_info"
        os.environ["OAUTHLIB_RELAX_TOKEN_SCOPE"] = "1"  # noqa: S105 - a switch; a narrower consent raises a bare Warning otherwise
        if settings.oura_is_loopback:
            os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

    def consent(self, state: str) -> Consent:
        """The address of Oura's consent page for *state*, with a fresh PKCE challenge (S256)."""
        client = WebApplicationClient(self._settings.oura_client_id)
        verifier = client.create_code_verifier(64)
        with self._session(client) as session:
            url, _ = session.authorization_url(
                self._settings.oura_authorize_url,
                state=state,
                code_challenge=client.create_code_challenge(verifier, "S256"),
                code_challenge_method="S256",
            )
        return Consent(url, verifier)

    def owning_endpoint(self) -> str:
        """The token endpoint that knows our client id and secret; GrantRefusedError if none does.

        Asked with a refresh token that cannot exist: `invalid_grant`, or whatever is not said of the client or of the request as
        such, comes from the endpoint that accepted the client itself.
        A code must not be tried at both, since the wrong one may burn it. With OURA_TOKEN_URL set nothing is asked.
        """
        if self._settings.oura_token_url:
            return self._settings.oura_token_url
        unavailable: OuraUnavailableError | None = None
        for url in self.token_urls:
            try:
                self.refresh(url, secrets.token_urlsafe(32), limit_s=TOTAL_S)
            except GrantRefusedError as exc:
                if exc.code not in NOT_OURS:
                    return url
            except OuraUnavailableError as exc:
                unavailable = exc
        if unavailable is not None:
            raise unavailable
        raise GrantRefusedError("invalid_client")

    def exchange(self, url: str, code: str, verifier: str) -> TokenPair:
        """Trade the code of the callback for tokens at *url*."""
        with _answers(), self._session() as session:
            token = session.fetch_token(
                url,
                code=code,
                code_verifier=verifier,
                include_client_id=True,
                client_secret=self._settings.oura_client_secret.get_secret_value(),
                timeout=(CONNECT_S, READ_S),
            )
        return self._pair(token)

    def refresh(self, url: str, refresh_token: str, *, limit_s: float = SPEND_S) -> TokenPair:
        """Spend *refresh_token*, which works once, for a new pair: who does not wait for it long enough has lost both."""
        with _answers(limit_s), self._session() as session:
            session.scope = None  # asking for scopes again could only narrow them
            token = session.refresh_token(
                url,
                refresh_token=refresh_token,
                client_id=self._settings.oura_client_id,
                client_secret=self._settings.oura_client_secret.get_secret_value(),
                timeout=(CONNECT_S, limit_s),
            )
        return self._pair(token)

    def revoke(self, access_token: str) -> bool:
        """End the grant at Oura; whether Oura confirms that the token is dead. Never raises for Oura's sake."""
        try:
            with _answers(), _plain_session() as session:
                # The token in the query is how Oura documents it; the verb is not documented, and either is in use.
                answer = _sent(session, "POST", self._revoke_url, access_token)
                if answer.status_code == 405:
                    answer = _sent(session, "GET", self._revoke_url, access_token)
        except OuraUnavailableError:
            return False
        return answer.status_code in {200, 202, 204, 401}  # 401: it was dead already

    def account_id(self, access_token: str) -> str | None:
        """The account's id, from the one call made at connecting; None if Oura does not tell it now."""
        try:
            with _answers(), _plain_session() as session:
                answer = session.get(
                    self._account_url,
                    headers={"Authorization": f"Bearer {access_token}"},
                    timeout=(CONNECT_S, READ_S),
                    allow_redirects=False,
                )
                found = answer.json() if answer.status_code == 200 else None
        except (OuraUnavailableError, ValueError):
            return None
        account = found.get("id") if isinstance(found, dict) else None
        return account if isinstance(account, str) and account else None

    def _session(self, client: WebApplicationClient | None = None) -> OAuth2Session:
        session = OAuth2Session(
            client=client or WebApplicationClient(self._settings.oura_client_id),
            redirect_uri=self._settings.oura_redirect_uri,
            scope=list(self._settings.oura_scopes),
        )
        session.trust_env = False
        session.max_redirects = 0
        for kind in ("access_token_response", "refresh_token_response"):
            session.register_compliance_hook(kind, _checked)
        return session

    def _pair(self, token: dict[str, Any]) -> TokenPair:
        lifetime, refresh_token = token.get("expires_in"), token.get("refresh_token")
        return TokenPair(
            access_token=str(token["access_token"]),
            refresh_token=str(refresh_token) if refresh_token else None,
            expires_at=self._clock() + lifetime if isinstance(lifetime, int) and lifetime > 0 else None,
            scopes=normalised(token.get("scope")),
        )


def _sent(session: requests.Session, verb: str, url: str, token: str) -> requests.Response:
    return session.request(verb, url, params={"access_token": token}, timeout=(CONNECT_S, READ_S), allow_redirects=False)


def _plain_session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # a ~/.netrc would replace the Authorization header
    return session


def _checked(response: requests.Response) -> requests.Response:
    """Judge a token endpoint's answer before oauthlib parses it, which takes an HTML error page for an empty form."""
    if response.status_code >= 500 or response.status_code == 429:
        raise OuraUnavailableError("Oura's sign-in service is having trouble. Try again in a few minutes.")
    try:
        body = response.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        if response.status_code in {400, 401}:
            body = {}
        else:
            raise OuraUnavailableError("Oura's sign-in service gave an answer that cannot be read. Try again in a few minutes.")
    if response.ok and isinstance(body.get("access_token"), str):
        response._content = json.dumps(_readable(body)).encode()  # noqa: SLF001 - so do its own hooks
        return response
    code = body.get("error")
    if not isinstance(code, str) or not code.isascii():
        code = "invalid_client" if response.status_code == 401 else "invalid_request"
    raise GrantRefusedError(code[:40])


def _readable(answer: dict[str, Any]) -> dict[str, Any]:
    """Keep what is used of a token *answer*, in the types that oauthlib insists on: it fails over a lifetime it cannot count, and
    the code or refresh token that paid for the answer is spent. What is unusable is unknown.
    """
    kept = {name: value for name in ("access_token", "refresh_token") if isinstance(value := answer.get(name), str) and value}
    lifetime_s = _seconds(answer.get("expires_in"))
    scopes = normalised(scope if isinstance(scope := answer.get("scope"), str | list) else None)
    return {
        **kept,
        **({"expires_in": lifetime_s} if lifetime_s is not None else {}),
        **({"scope": " ".join(sorted(scopes))} if scopes is not None else {}),
    }


def _seconds(value: Any) -> int | None:
    try:
        return int(float(value))
    except (TypeError, ValueError, OverflowError):
        return None


@contextmanager
def _answers(limit_s: float = TOTAL_S) -> Iterator[None]:
    """Turn whatever goes wrong on the wire into OuraUnavailableError, and end what takes too long as a whole."""
    slow = OuraUnavailableError("Oura did not answer in time. Try again in a few minutes.")
    try:
        with gevent.Timeout(limit_s, slow):
            yield
    except requests.RequestException as exc:
        raise OuraUnavailableError("Oura cannot be reached at the moment. Try again in a few minutes.") from exc
    except (OAuth2Error, ValueError) as exc:
        raise OuraUnavailableError("Oura's sign-in service gave an answer that cannot be read. Try again later.") from exc
