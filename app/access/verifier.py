"""Whether an access token is good here: answered from memory on the hot path.

Owns what was learnt of tokens a moment ago, by their digests. Does not know requests.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from app.access.grants import Grants
from app.access.resources import opened_by
from app.errors import AuthError, StoreUnavailableError
from app.services import Principal

RECHECK_S = 5.0  # within this a revocation in another process is noticed; one in this process is at once
MAX_KNOWN = 1000


@dataclass(slots=True)
class _Known:
    principal: Principal
    grant_id: str
    resources: frozenset[str]
    until: float
    recheck_at: float


class Verifier:
    """Verifies access tokens of *grants*."""

    def __init__(
        self, grants: Grants, *, clock: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._grants = grants
        self._clock = clock
        self._monotonic = monotonic
        self._known: dict[bytes, _Known] = {}

    def verify(self, token: str, resource_url: str) -> Principal | None:
        """Who holds *token*, if it is good for *resource_url* now; None otherwise.

        AuthError for one of ours whose hour is over: nobody guessed it, so it is no failed attempt. Were it counted, wrong
        tokens of others at the same address would turn the 401 that makes its client renew into a 429.
        """
        digest = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        known = self._known.get(digest)
        if known is None or self._monotonic() >= known.recheck_at:
            known = self._looked_up(token, digest, known)
        if known is None or resource_url not in known.resources:
            return None
        if self._clock() >= known.until:
            raise AuthError("The access token has expired. Renew it with the refresh token.", token_was_sent=True)
        self._grants.used(known.grant_id)
        return known.principal

    def forget(self, key: str) -> None:
        """Look up again what the grant of this key has issued."""
        for digest in [digest for digest, known in self._known.items() if known.principal.key == key]:
            self._known.pop(digest, None)

    def _looked_up(self, token: str, digest: bytes, known: _Known | None) -> _Known | None:
        try:
            held = self._grants.of_access_token(token)
        except StoreUnavailableError:
            return known  # what was true a moment ago holds while the store is away; who was unknown stays so
        if held is None:
            self._known.pop(digest, None)
            return None
        grant, expiry = held
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        found = _Known(
            principal=Principal(key=grant.key, is_owner=False),
            grant_id=grant.id,
            resources=opened_by(grant.resource),
            until=expiry,
            recheck_at=self._monotonic() + RECHECK_S,
        )
        self._known[digest] = found
        return found
