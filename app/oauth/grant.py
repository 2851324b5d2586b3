"""The connection's record: what Oura granted, when, to whom, and where it is renewed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from app.oauth.authorization import OURA_API, TokenPair
from app.oauth.scopes import normalised

RENEW_EARLY_S = 300.0


@dataclass(frozen=True, slots=True)
class Grant:
    """One grant of one Oura account. None means not known."""

    provider: str
    access_token: str
    refresh_token: str | None
    expires_at: float | None
    scopes: frozenset[str] | None
    token_url: str | None = None
    account: str | None = None  # keyed hash of the account's id
    connected_at: float | None = None
    renewed_at: float | None = None
    needs_reconnect: bool = False

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Grant:
        """Read a record; what the original's lacks is unknown."""
        return cls(
            provider=record.get("provider") or OURA_API,
            access_token=record["access_token"],
            refresh_token=record.get("refresh_token"),
            expires_at=record.get("expires_at"),
            scopes=normalised(record.get("scopes")),
            token_url=record.get("token_url"),
            account=record.get("account"),
            connected_at=record.get("connected_at"),
            renewed_at=record.get("renewed_at"),
            needs_reconnect=bool(record.get("needs_reconnect")),
        )

    def record(self) -> dict[str, Any]:
        return {**asdict(self), "scopes": sorted(self.scopes) if self.scopes is not None else None}

    def renewed(self, pair: TokenPair, *, token_url: str, now: float) -> Grant:
        """This grant with a new pair; what a refresh does not repeat stays as it was."""
        return replace(
            self,
            access_token=pair.access_token,
            refresh_token=pair.refresh_token or self.refresh_token,
            expires_at=pair.expires_at,
            scopes=self.scopes if pair.scopes is None else pair.scopes,
            token_url=token_url,
            renewed_at=now,
            needs_reconnect=False,
        )

    def is_fresh(self, now: float) -> bool:
        """Whether the access token may be used as it is. One of unknown lifetime is used until Oura refuses it."""
        if self.expires_at is None:
            return True
        lifetime = self.expires_at - (self.renewed_at or self.connected_at or 0.0)
        return now < self.expires_at - min(RENEW_EARLY_S, lifetime / 4)

    def is_same_account(self, other: Grant | None) -> bool:
        if other is None or other.provider != self.provider:
            return False
        if self.account is not None and other.account is not None:
            return self.account == other.account
        return self.connected_at == other.connected_at  # the same grant, renewed
