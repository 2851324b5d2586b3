"""Another account's grant, waiting sealed until the owner says whether it replaces the present one."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import gevent

from app.errors import RecordUnreadableError, VaultError
from app.logs import event
from app.oauth.grant import Grant

if TYPE_CHECKING:
    from app.oauth.tokens import Connection
    from app.vault import Vault

PENDING = "oura-pending"
PENDING_S = 600.0
log = logging.getLogger(__name__)


class Pending:
    """At most one grant, for ten minutes; declined or forgotten, it is revoked at Oura."""

    def __init__(self, vault: Vault, connection: Connection, *, clock: Callable[[], float]) -> None:
        self._vault = vault
        self._connection = connection
        self._clock = clock

    def hold(self, grant: Grant) -> None:
        """Keep *grant* until it is accepted, declined, or ten minutes old; raises VaultError."""
        self.drop()
        self._vault.write(PENDING, {"grant": grant.record(), "until": self._clock() + PENDING_S})
        gevent.spawn_later(PENDING_S + 1, self.waiting)  # an expired one is ended when it is next looked at; so look

    def waiting(self) -> Grant | None:
        """The grant that waits, if it still may; one that is too old is revoked now."""
        held = self._read()
        if held is None:
            return None
        grant, until = held
        if self._clock() < until:
            return grant
        self.drop()
        return None

    def accept(self) -> bool:
        """Make the waiting grant the connection and end the one it replaces; False if none waits. Raises VaultError."""
        grant = self.waiting()
        if grant is None:
            return False
        replaced = self._connection.grant()
        self._connection.connect(grant)
        self._vault.delete(PENDING)
        if replaced is not None and replaced.provider == grant.provider:
            self._connection.end(replaced)
        return True

    def drop(self) -> None:
        """Forget the waiting grant, if there is one, and revoke it."""
        held = self._read()
        if held is None:
            return
        try:
            self._vault.delete(PENDING)
        except VaultError:
            return  # it stays, and is dropped when it is next looked at
        self._connection.end(held[0])
        event(log, "waiting_account_dropped")

    def _read(self) -> tuple[Grant, float] | None:
        try:
            record = self._vault.read(PENDING)
        except RecordUnreadableError:
            with suppress(VaultError):
                self._vault.set_aside(PENDING)  # it would be older than ten minutes by the time its key came back
            return None
        except VaultError:
            return None
        return (Grant.of_record(record["grant"]), record["until"]) if record is not None else None
