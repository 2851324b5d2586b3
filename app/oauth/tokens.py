"""The one connection to Oura: which access token is good now, and renewing it without ever spending a refresh token twice.

Owns the sealed record. Does not know the browser flow that makes a connection, nor what the access token is used for.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import gevent

from app.errors import (
    AppError,
    ConnectionNeededError,
    GrantRefusedError,
    OuraError,
    OuraUnavailableError,
    RecordUnreadableError,
    StoreUnavailableError,
    ToolError,
    VaultError,
)
from app.logs import event
from app.oauth.authorization import NOT_OURS, OuraAuthorization, TokenPair
from app.oauth.grant import Grant
from app.oauth.scopes import normalised

if TYPE_CHECKING:
    from app.config import Settings
    from app.services import Deadline
    from app.vault import Vault

CONNECTION = "oura-connection"
LOCK_S = 30.0  # another process may be in the middle of a refresh, which has its own limits
REREAD_S = 5.0
State = Literal["connected", "unconfigured", "never", "reconnect", "unreadable", "elsewhere", "store"]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ConnectionStatus:
    """What pages, health and tools may know of the connection: no token, no account."""

    state: State
    scopes: frozenset[str] | None = None
    missing: tuple[str, ...] = ()
    expires_at: float | None = None
    connected_at: float | None = None
    renewed_at: float | None = None
    provider: str | None = None

    @property
    def connected(self) -> bool:
        return self.state == "connected"


class Connection:
    """Hands out access tokens; `on_change` is called when the connected account changes or the connection ends."""

    def __init__(
        self, settings: Settings, vault: Vault, authorization: OuraAuthorization, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._settings = settings
        self._vault = vault
        self.authorization = authorization
        self._clock = clock
        self._grant: Grant | None = None
        self._unreadable = False
        self._read_at = float("-inf")
        self._changes = 0
        self._unsaved: tuple[str | None, Grant] | None = None
        self._flight: gevent.Greenlet | None = None
        self.on_change: list[Callable[[], None]] = []

    # -- for whoever asks Oura -----------------------------------------------------------------------------------------

    def access_token(self, deadline: Deadline) -> str:
        """A token to use now, renewed first if it is about to expire.

        Raises ConnectionNeededError if a person must act, OuraUnavailableError if Oura cannot be asked now.
        """
        grant = self._usable()
        if grant.is_fresh(self._clock()):
            return grant.access_token
        try:
            return self._renewed(grant.access_token, deadline)
        except OuraUnavailableError:
            if grant.expires_at is not None and self._clock() < grant.expires_at:
                return grant.access_token  # it was early to renew; the old one still works
            raise

    def rejected(self, token: str, deadline: Deadline) -> str:
        """Oura refused *token*: the token to try instead, renewed unless someone already did."""
        grant = self._usable()
        if grant.access_token != token and grant.is_fresh(self._clock()):
            return grant.access_token
        return self._renewed(token, deadline)

    def refused(self) -> ConnectionNeededError:
        """Oura refused even a token that was just renewed. It may be a passing fault there, so nothing is written down."""
        return self._needed("reconnect")

    def settle(self, *, timeout_s: float) -> None:
        """Wait for a refresh under way, whose token is spent already: the process is about to end."""
        if self._flight is not None:
            self._flight.join(timeout=timeout_s)

    @property
    def scopes(self) -> frozenset[str] | None:
        """The granted scopes; None if Oura did not say, or nothing is connected."""
        grant = self._known()
        return grant.scopes if grant is not None else None

    # -- for the pages -------------------------------------------------------------------------------------------------

    def status(self) -> ConnectionStatus:
        """How things stand; never raises."""
        try:
            grant = self._known()
        except ToolError:
            return ConnectionStatus("store")
        state = self._state(grant)
        if grant is None or state != "connected":
            return ConnectionStatus(state, provider=grant.provider if grant else None)
        wanted = normalised(self._settings.oura_scopes) or frozenset()
        missing = tuple(sorted(wanted - grant.scopes)) if grant.scopes is not None else ()
        return ConnectionStatus(
            state, grant.scopes, missing, grant.expires_at, grant.connected_at, grant.renewed_at, grant.provider
        )

    def grant(self) -> Grant | None:
        """The stored grant as it is now, of whatever provider; raises VaultError."""
        record = self._vault.read(CONNECTION)
        return Grant.of_record(record) if record is not None else None

    def connect(self, grant: Grant) -> None:
        """Replace whatever is connected; raises VaultError, and then nothing has changed."""
        with self._vault.lock(CONNECTION, timeout_s=LOCK_S):
            self._vault.write(CONNECTION, grant.record())
        self._unsaved = None
        self._take(grant)
        event(log, "oura_connected", scopes=sorted(grant.scopes) if grant.scopes is not None else None)

    def disconnect(self) -> bool | None:
        """Forget the tokens, then revoke them; whether Oura confirmed that, None if there was nothing to revoke there."""
        try:
            with self._vault.lock(CONNECTION, timeout_s=LOCK_S):
                grant = self._unsaved[1] if self._unsaved is not None else self.grant()
                self._vault.delete(CONNECTION)
                self._grant, self._unsaved, self._unreadable = None, None, False
                self._changes += 1
        finally:
            self._tell()  # whatever the store says, what was cached of the person goes
        event(log, "oura_disconnected")
        return self.end(grant) if grant is not None and grant.provider == self._settings.provider else None

    def forget(self) -> None:
        """Read the record anew at the next question."""
        self._read_at = float("-inf")

    def end(self, grant: Grant) -> bool:
        """Revoke *grant* at Oura, renewed once if its access token has expired, since only a living one names the grant."""
        token = grant.access_token
        if (
            grant.expires_at is not None
            and grant.expires_at <= self._clock()
            and grant.refresh_token
            and not grant.needs_reconnect
        ):
            try:
                token = self._spend(grant, grant.refresh_token)[1].access_token
            except AppError:
                return False
        return self.authorization.revoke(token)

    # -- reading -------------------------------------------------------------------------------------------------------

    def _state(self, grant: Grant | None) -> State:
        if self._unreadable:
            return "unreadable"
        if not self._settings.oura_configured:
            return "unconfigured"
        if grant is None:
            return "never"
        if grant.provider != self._settings.provider:
            return "elsewhere"
        return "reconnect" if grant.needs_reconnect else "connected"

    def _usable(self) -> Grant:
        grant = self._known()
        state = self._state(grant)
        if grant is None or state != "connected":
            raise self._needed(state)
        return grant

    def _known(self) -> Grant | None:
        """The grant as read a moment ago: another process may renew or end it."""
        if time.monotonic() - self._read_at > REREAD_S:
            self._reread()
        return self._grant

    def _reread(self) -> None:
        changes = self._changes
        try:
            stored = self.grant()
        except RecordUnreadableError:
            self._take(None, unreadable=True)
            return
        except StoreUnavailableError as exc:
            if self._grant is None:
                raise ToolError(f"{exc} Until then this server cannot use the connection to Oura.") from exc
            self._read_at = time.monotonic()  # what is in memory is good until Oura says otherwise
            return
        if changes != self._changes:
            return  # while the store was asked, another greenlet wrote what is newer
        if self._unsaved is not None and stored is not None and stored.refresh_token == self._unsaved[0]:
            self._save(self._unsaved[1], spent=self._unsaved[0])
        else:
            self._unsaved = None
            self._take(stored)

    def _take(self, grant: Grant | None, *, unreadable: bool = False) -> None:
        before, self._grant = self._grant, grant
        self._changes += 1
        self._unreadable = unreadable
        self._read_at = time.monotonic()
        if before is not None and not before.is_same_account(grant):
            self._tell()

    def _tell(self) -> None:
        for listener in self.on_change:
            listener()

    # -- renewing ------------------------------------------------------------------------------------------------------

    def _renewed(self, stale: str, deadline: Deadline) -> str:
        """Join the refresh that is under way, or start it.

        It runs in a greenlet of its own: a caller that gives up, or is stopped, must not take a spent token's answer with it.
        """
        if self._flight is None or self._flight.ready():
            self._flight = gevent.spawn(self._renew, stale)
        flight = self._flight
        flight.join(timeout=deadline.hard_left_s())
        if not flight.ready():
            raise OuraUnavailableError("Oura is slow to renew this server's access. Ask again in a minute.")
        outcome = flight.get()
        if isinstance(outcome, VaultError):
            raise ToolError(f"{outcome} Until then this server cannot renew its access to Oura.") from outcome
        if isinstance(outcome, AppError):
            raise outcome
        token: str = outcome.access_token
        return token

    def _renew(self, stale: str) -> Grant | AppError:
        """Renew under the vault's lock; what went wrong is returned, for all who wait."""
        try:
            with self._vault.lock(CONNECTION, timeout_s=LOCK_S):
                self._reread()
                grant = self._usable()
                if grant.access_token != stale and grant.is_fresh(self._clock()):
                    return grant
                if grant.refresh_token is None:
                    return self._lapsed(grant)
                try:
                    url, pair = self._spend(grant, grant.refresh_token)
                except GrantRefusedError:
                    return self._lapsed(grant)
                renewed = grant.renewed(pair, token_url=url, now=self._clock())
                self._save(renewed, spent=grant.refresh_token)
                event(log, "oura_access_renewed")
                return renewed
        except AppError as exc:
            return exc

    def _spend(self, grant: Grant, refresh_token: str) -> tuple[str, TokenPair]:
        """Refresh where the grant belongs; GrantRefusedError means that it is dead."""
        known = grant.token_url in self.authorization.token_urls
        try:
            url = grant.token_url if known and grant.token_url else self.authorization.owning_endpoint()
            try:
                return url, self.authorization.refresh(url, refresh_token)
            except GrantRefusedError as exc:
                if exc.code not in NOT_OURS:
                    raise
            # Not the grant but the client was refused there, so the token is not spent: does the application live elsewhere now?
            owner = self.authorization.owning_endpoint()
            return owner, self.authorization.refresh(owner, refresh_token)
        except GrantRefusedError as exc:
            if exc.code == "invalid_client":
                raise OuraError(
                    "Oura does not accept this server's OURA_CLIENT_ID and OURA_CLIENT_SECRET. The owner must compare them with "
                    "the application at developer.ouraring.com or cloud.ouraring.com/oauth/applications and restart the server."
                ) from exc
            raise

    def _save(self, grant: Grant, *, spent: str | None) -> None:
        """Store a new pair before it is used. If that fails, keep it in memory and try again: the old pair is dead already."""
        self._take(grant)
        try:
            self._vault.write(CONNECTION, grant.record())
        except VaultError as exc:
            self._unsaved = (spent, grant)
            event(log, "oura_tokens_not_saved", level=logging.ERROR, reason=str(exc))
        else:
            self._unsaved = None

    def _lapsed(self, grant: Grant) -> ConnectionNeededError:
        """Remember that the grant is dead, so that nobody asks Oura about it again."""
        self._save(replace(grant, needs_reconnect=True), spent=grant.refresh_token)
        event(log, "oura_reconnect_needed", level=logging.WARNING)
        return self._needed("reconnect")

    def _needed(self, state: State) -> ConnectionNeededError:
        base = self._settings.public_url
        page = {"unconfigured": "/", "unreadable": "/status"}.get(state, "/oauth/authorize")
        return ConnectionNeededError(f"{_REASONS[state]} {_STEP.format(url=base + page)}", url=base + page)


_STEP = "The owner of this server should open {url} in a browser, then ask again."
_REASONS = {
    "unconfigured": "This server is not configured for Oura: OURA_CLIENT_ID, OURA_CLIENT_SECRET or OURA_REDIRECT_URI is missing.",
    "never": "No Oura ring is connected to this server yet.",
    "reconnect": "Oura no longer accepts this server's access: it was revoked or has lapsed, and must be given again.",
    "unreadable": "The stored connection to Oura cannot be opened: it is damaged, or sealed with another TOKEN_ENCRYPTION_KEY.",
    "elsewhere": "The stored connection belongs to another Oura than the one this server is set to use.",
}
