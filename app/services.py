"""The types that are handed around: who is calling, how long a call may take, and the parts that `create_app` joins.

Knows no part's inside; imports of parts are for annotations only.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.config import Settings
    from app.metrics import Metrics
    from app.oauth.tokens import Connection
    from app.oura.data import OuraData
    from app.seal import Sealer
    from app.vault import Vault

SOFT_DEADLINE_S = 7.0
HARD_DEADLINE_S = 20.0


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is calling. *key* names the caller in rate limits, stream caps and sealed state; it is never a secret."""

    key: str
    is_owner: bool
    scopes: frozenset[str] = frozenset({"health:read"})


OWNER = Principal(key="owner", is_owner=True)


class Deadline:
    """One deadline for a whole call, *soft_at* and *hard_at* in seconds of `time.monotonic`.

    After the soft one an answer is made from what is here; at the hard one the call is stopped.
    """

    __slots__ = ("hard_at", "soft_at")

    def __init__(self, *, soft_s: float = SOFT_DEADLINE_S, hard_s: float = HARD_DEADLINE_S) -> None:
        now = time.monotonic()
        self.soft_at = now + soft_s
        self.hard_at = now + hard_s

    def soft_left_s(self) -> float:
        return max(0.0, self.soft_at - time.monotonic())

    def hard_left_s(self) -> float:
        return max(0.0, self.hard_at - time.monotonic())


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that `create_app` built; one per application."""

    settings: Settings
    clock: Callable[[], float]
    metrics: Metrics
    sealer: Sealer
    vault: Vault
    connection: Connection
    oura: OuraData
