"""The way to Oura and back in one browser: what is asked, what must come back, and how it ends.

Owns the state cookie's content. Knows no HTTP framework; `views` hands in what the browser sent.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hmac import compare_digest
from typing import TYPE_CHECKING, NamedTuple

from app.auth.once import Once
from app.errors import AppError, GrantRefusedError, OuraUnavailableError, VaultError
from app.logs import event
from app.oauth.authorization import NOT_OURS, OuraAuthorization, TokenPair
from app.oauth.grant import Grant
from app.oauth.outcomes import Outcome
from app.oauth.scopes import normalised

if TYPE_CHECKING:
    from app.config import Settings
    from app.oauth.pending import Pending
    from app.oauth.tokens import Connection
    from app.seal import Sealer

STATE_S = 600.0
_STATE = "oauth-state"
_ACCOUNT = "oura-account"
_REDIRECT_ERRORS = frozenset({"invalid_redirect_uri", "redirect_uri_mismatch", "invalid_redirect"})
log = logging.getLogger(__name__)


class StoppedError(AppError):
    """Connecting ended before the person was sent away; *outcome* is the page that says why."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        super().__init__(outcome.value)


@dataclass(frozen=True, slots=True)
class Departure:
    """Where the browser goes, and the sealed cookie it must bring back."""

    url: str
    cookie: str


class Arrival(NamedTuple):
    """How it ended, and what the person was doing before."""

    outcome: Outcome
    then: str


class Flow:
    """Connecting, from the first click to the stored tokens."""

    def __init__(
        self,
        settings: Settings,
        sealer: Sealer,
        authorization: OuraAuthorization,
        connection: Connection,
        pending: Pending,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._sealer = sealer
        self._authorization = authorization
        self._connection = connection
        self._pending = pending
        self._clock = clock
        self._used = Once(ttl_s=STATE_S, clock=clock)

    def begin(self, then: str = "") -> Departure:
        """Find the endpoint that owns our application, which also proves client id and secret, and make state and PKCE.

        Raises StoppedError where sending the person away could only disappoint them.
        """
        stopped = {"unconfigured": Outcome.UNCONFIGURED, "unreadable": Outcome.UNREADABLE, "store": Outcome.NOT_SAVED}
        if outcome := stopped.get(self._connection.status().state):
            raise StoppedError(outcome)
        try:
            token_url = self._authorization.owning_endpoint()
        except GrantRefusedError as exc:
            raise StoppedError(Outcome.CREDENTIALS) from exc
        except OuraUnavailableError as exc:
            raise StoppedError(Outcome.UNAVAILABLE) from exc
        state = secrets.token_urlsafe(32)
        consent = self._authorization.consent(state)
        kept = {"state": state, "verifier": consent.verifier, "token_url": token_url, "then": then}
        return Departure(consent.url, self._sealer.seal(_STATE, kept, ttl_s=STATE_S))

    def finish(self, came_back: Mapping[str, str], cookie: str) -> Arrival:
        """Judge the callback's query against the cookie, trade the code, and keep what it gave. Never raises for Oura's sake."""
        held = self._sealer.open(_STATE, cookie)
        ours = held is not None and compare_digest(held["state"].encode(), came_back.get("state", "").encode("utf-8", "replace"))
        then = str(held["then"]) if held is not None and ours else ""
        error = came_back.get("error")
        if error is not None:  # the page it leads to says nothing that a forged link could use
            outcome = Outcome.REDIRECT if error in _REDIRECT_ERRORS else Outcome.REFUSED
            return self._ended(Outcome.DENIED if error == "access_denied" else outcome, then)
        if held is None or not ours or not self._used.use(held["state"]) or not came_back.get("code"):
            return self._ended(Outcome.EXPIRED, then)
        try:
            pair = self._authorization.exchange(held["token_url"], came_back["code"], held["verifier"])
        except GrantRefusedError as exc:
            return self._ended(_refused(exc.code), then)
        except OuraUnavailableError:
            return self._ended(Outcome.UNAVAILABLE, then)
        return self._ended(self._keep(pair, held["token_url"], came_back.get("scope")), then)

    def _keep(self, pair: TokenPair, token_url: str, scope: str | None) -> Outcome:
        """Store the new grant; one of another account, or of one that cannot be told, waits for the owner's word."""
        account_id = self._authorization.account_id(pair.access_token)
        now = self._clock()
        grant = Grant(
            provider=self._settings.provider,
            access_token=pair.access_token,
            refresh_token=pair.refresh_token,
            expires_at=pair.expires_at,
            scopes=pair.scopes if pair.scopes is not None else normalised(scope),
            token_url=token_url,
            account=self._sealer.keyed_hash(_ACCOUNT, account_id) if account_id is not None else None,
            connected_at=now,
            renewed_at=now,
        )
        try:
            if self._belongs_to(self._connection.grant(), account_id):
                self._connection.connect(grant)
                self._pending.drop()
                return Outcome.CONNECTED
            self._pending.hold(grant)
        except VaultError as exc:
            event(log, "oura_tokens_not_saved", level=logging.ERROR, reason=str(exc))
            return Outcome.NOT_SAVED
        return Outcome.ANOTHER_ACCOUNT

    def _belongs_to(self, present: Grant | None, account_id: str | None) -> bool:
        """Whether connecting *account_id* replaces nobody else's connection."""
        if present is None:
            return True
        if present.provider != self._settings.provider:
            return False
        if present.account is None:  # the original's record never says whose it is; one of ours only if Oura did not
            return present.connected_at is None
        return account_id is not None and self._sealer.hash_matches(_ACCOUNT, account_id, present.account)

    def _ended(self, outcome: Outcome, then: str) -> Arrival:
        event(log, "oura_flow_ended", outcome=outcome.value)
        return Arrival(outcome, then)


def _refused(code: str) -> Outcome:
    if code in _REDIRECT_ERRORS:
        return Outcome.REDIRECT
    return Outcome.CREDENTIALS if code in NOT_OURS else Outcome.REFUSED
