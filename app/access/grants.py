"""Grants: what the owner allowed a client, and every token that came of it.

Owns the sealed record of a grant: one for each consent, with hashes of its tokens only. Codes, access tokens and refresh tokens
carry the id of their grant, so that finding it is reading one record. Does not know HTTP, nor what a scope opens.
"""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from hmac import compare_digest
from typing import TYPE_CHECKING, ClassVar, Literal

from app.access.clients import Client, hashed
from app.access.redirects import label
from app.errors import RecordUnreadableError
from app.logs import event

if TYPE_CHECKING:
    from app.access.authorization import AuthorizationRequest
    from app.vault import Vault

GRANTS = "mcp-grant"
CODE_S = 60.0
ACCESS_S = 3600.0
GRACE_S = 30.0  # a client whose answer was lost may present the same refresh token again
IDLE_S = 90 * 86_400.0  # RFC 9700 §4.14.2: what is not used for long stops working
LOCK_S = 10.0
MAX_ACCESS, MAX_REFRESH = 20, 50
_TOKEN = re.compile(r"om[acr]\.(?P<grant>[\w-]{16})\.[\w-]{43}", re.ASCII)
Kind = Literal["a", "c", "r"]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Grant:
    """One consent. Tokens are hashed; times are epoch seconds. It is Authlib's code and its refresh token in one."""

    id: str
    client_id: str
    client_name: str
    redirect_uri: str
    resource: str
    scope: str
    created_at: float
    used_at: float
    code: str
    code_challenge: str
    consent: str  # names the owner's secret that let it in: whoever has only an older one is out
    redirect_was_given: bool = True
    redeemed: bool = False
    access: tuple[tuple[str, float], ...] = ()  # hash, expiry
    refresh: tuple[tuple[str, float | None], ...] = ()  # hash, when it was replaced

    code_challenge_method: ClassVar[str] = "S256"

    @property
    def key(self) -> str:
        """Names whoever holds its tokens in rates, stream caps and logs."""
        return f"grant:{self.id}"

    def is_over(self, now: float) -> bool:
        """Whether nothing of it can work any more."""
        if self.refresh:
            return now >= self.used_at + IDLE_S
        until = max((expiry for _, expiry in self.access), default=self.created_at + (0.0 if self.redeemed else CODE_S))
        return now >= until

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def check_client(self, client: Client) -> bool:
        return self.client_id == client.client_id


class Grants:
    """Begins, renews and ends grants; *on_revoke* is told the key of each that ends early, to close its streams.

    A grant holds as long as *owner_secret*, which it was given with: a thief of the secret may have let in a client too.
    """

    def __init__(
        self, vault: Vault, *, owner_secret: bytes, on_revoke: Callable[[str], None], clock: Callable[[], float] = time.time
    ) -> None:
        self._vault = vault
        self._consent = hashlib.sha256(b"mcp-grant " + owner_secret).hexdigest()
        self._clock = clock
        self._on_revoke = on_revoke
        self._used: dict[str, float] = {}

    def lock(self) -> AbstractContextManager[None]:
        """To hold from looking at a token until what it was spent on is stored: each works once."""
        return self._vault.lock(GRANTS, timeout_s=LOCK_S)

    # -- codes ---------------------------------------------------------------------------------------------------------

    def begin(self, request: AuthorizationRequest) -> str:
        """Store a consent; the code for its client."""
        grant_id, now = secrets.token_urlsafe(12), self._clock()
        code = new_token("c", grant_id)
        grant = Grant(
            id=grant_id,
            client_id=request.client_id,
            client_name=request.client_name,
            redirect_uri=request.redirect_uri,
            resource=request.resource,
            scope=request.scope,
            created_at=now,
            used_at=now,
            code=hashed(code),
            code_challenge=request.code_challenge,
            consent=self._consent,
            redirect_was_given=request.redirect_was_given,
        )
        with self.lock():
            self._sweep()
            self._write(grant)
        event(log, "access_granted", client=grant.client_name, redirect=label(grant.redirect_uri))
        return code

    def of_code(self, code: str, client: Client) -> Grant | None:
        """The grant that *code* may be redeemed for by *client* now. One that was redeemed before ends the grant."""
        grant = self._named_by(code)
        if grant is None or not compare_digest(grant.code, hashed(code)) or not grant.check_client(client):
            return None
        if grant.redeemed:
            self._end(grant, "code_replayed")
            return None
        return grant if self._clock() < grant.created_at + CODE_S else None

    def redeem(self, grant: Grant, *, access: str, refresh: str | None) -> None:
        """Note the first tokens of *grant*; its code is spent."""
        first = ((hashed(refresh), None),) if refresh else ()
        self._write(replace(self._with_access(grant, access), redeemed=True, refresh=first))

    # -- refresh tokens ------------------------------------------------------------------------------------------------

    def of_refresh_token(self, token: str) -> Grant | None:
        """The grant that *token* renews. One that was replaced longer ago than a lost answer explains ends the grant."""
        grant = self._named_by(token)
        replaced_at = dict(grant.refresh).get(hashed(token), -1.0) if grant is not None else -1.0
        if grant is None or replaced_at == -1.0:
            return None
        if replaced_at is not None and self._clock() >= replaced_at + GRACE_S:
            self._end(grant, "refresh_token_reused")
            return None
        return None if grant.is_over(self._clock()) else grant

    def rotate(self, grant: Grant, spent: str, *, access: str, refresh: str) -> None:
        """Replace *spent*. Within the grace its siblings stay good: of two answers nobody knows which one the client kept."""
        now = self._clock()
        older = grant.refresh
        if dict(older)[hashed(spent)] is None:
            older = tuple((digest, now if replaced_at is None else replaced_at) for digest, replaced_at in older)
        renewed = self._with_access(grant, access)
        self._write(replace(renewed, refresh=(*older, (hashed(refresh), None))[-MAX_REFRESH:]))

    # -- access tokens -------------------------------------------------------------------------------------------------

    def of_access_token(self, token: str) -> tuple[Grant, float] | None:
        """The grant of the access token *token*, and when the token ends or has ended; None if it is none of ours."""
        grant = self._named_by(token)
        expiry = dict(grant.access).get(hashed(token)) if grant is not None else None
        return (grant, expiry) if grant is not None and expiry is not None else None

    def used(self, grant_id: str) -> None:
        """Note that a token of the grant was used just now; stored at its next renewal."""
        self._used[grant_id] = self._clock()

    # -- all of them ---------------------------------------------------------------------------------------------------

    def all(self) -> list[Grant]:
        """Those that clients hold tokens of, the latest used first."""
        live = [replace(grant, used_at=max(grant.used_at, self._used.get(grant.id, 0.0))) for grant in self._stored()]
        return sorted((grant for grant in live if grant.redeemed), key=lambda grant: -grant.used_at)

    def client_ids(self) -> frozenset[str]:
        """Clients that a consent was given to and has not ended."""
        return frozenset(grant.client_id for grant in self._stored())

    def _stored(self) -> list[Grant]:
        now = self._clock()
        found = [grant for grant_id in self._vault.owners(GRANTS) if (grant := self._read(grant_id)) is not None]
        return [grant for grant in found if not grant.is_over(now)]

    def revoke(self, grant_id: str) -> bool:
        """End a grant and everything that came of it; False if there was none."""
        with self.lock():
            grant = self._read(grant_id)
            if grant is not None:
                self._end(grant, "revoked")
        return grant is not None

    def of_any_token(self, token: str) -> Grant | None:
        """The grant that has issued *token*, be it an access or a refresh token."""
        grant = self._named_by(token)
        return grant if grant is not None and hashed(token) in {**dict(grant.access), **dict(grant.refresh)} else None

    def revoke_token(self, grant: Grant, token: str) -> None:
        """End what *token* of *grant* stands for: an access token itself, a refresh token the grant. The lock is held."""
        if hashed(token) in dict(grant.access):
            self._write(replace(grant, access=tuple(held for held in grant.access if held[0] != hashed(token))))
            self._on_revoke(grant.key)
        else:
            self._end(grant, "revoked_by_client")

    def _named_by(self, token: str) -> Grant | None:
        """The grant that *token* names; that the token is good is not said."""
        found = _TOKEN.fullmatch(token)
        return self._read(found["grant"]) if found is not None else None

    def _with_access(self, grant: Grant, token: str) -> Grant:
        now = self._clock()
        held = [(digest, expiry) for digest, expiry in grant.access if now < expiry]
        return replace(grant, access=tuple([*held, (hashed(token), now + ACCESS_S)][-MAX_ACCESS:]), used_at=now)

    def _end(self, grant: Grant, reason: str) -> None:
        self._vault.delete(GRANTS, grant.id)
        self._used.pop(grant.id, None)
        self._on_revoke(grant.key)
        event(log, "access_ended", reason=reason, client=grant.client_name)

    def _sweep(self) -> None:
        now = self._clock()
        for grant_id in self._vault.owners(GRANTS):
            grant = self._kept(grant_id)
            if grant is not None and (grant.is_over(now) or grant.consent != self._consent):
                self._vault.delete(GRANTS, grant_id)

    def _read(self, grant_id: str) -> Grant | None:
        grant = self._kept(grant_id)
        return grant if grant is not None and grant.consent == self._consent else None

    def _kept(self, grant_id: str) -> Grant | None:
        try:
            record = self._vault.read(GRANTS, grant_id)
        except RecordUnreadableError:  # sealed with a key that is gone: its client signs in anew
            return None
        if record is None:
            return None
        pairs = {name: tuple(tuple(pair) for pair in record[name]) for name in ("access", "refresh")}
        return Grant(**{"consent": "", **record, **pairs})

    def _write(self, grant: Grant) -> None:
        self._vault.write(GRANTS, asdict(grant), grant.id)


def new_token(kind: Kind, grant_id: str) -> str:
    """A code (c), access token (a) or refresh token (r) of a grant; only its hash is kept."""
    return f"om{kind}.{grant_id}.{secrets.token_urlsafe(32)}"
