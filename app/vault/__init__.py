"""Sealed records: what must outlive the process, kept in a file or in PostgreSQL, readable only with our keys.

Owns the rule that a record which does not open is never touched. Does not know what is in a record, nor who asks; it names one
record only, the connection to Oura, because the TypeScript original's file becomes it and because readiness depends on it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from app.errors import RecordUnreadableError, StoreUnavailableError
from app.logs import event
from app.seal import Sealer
from app.vault.file import FileStore
from app.vault.original import CONNECTION, import_original

if TYPE_CHECKING:
    from app.config import Settings

__all__ = ["OWNER", "FileStore", "Store", "Vault", "store_of"]

OWNER = "owner"
log = logging.getLogger(__name__)


class Store(Protocol):
    """Where envelopes are kept. Every method raises StoreUnavailableError when the folder or database cannot be used."""

    def get(self, purpose: str, owner: str) -> str | None: ...

    def put(self, purpose: str, owner: str, envelope: str) -> None:
        """Durable before it returns; whatever goes wrong, the old envelope or the new one is there, whole."""

    def remove(self, purpose: str, owner: str) -> None: ...

    def owners(self, purpose: str) -> list[str]: ...

    def begin(self, purpose: str, owner: str, envelope: str) -> bool:
        """Put the very first record; False, and nothing done, if this store ever held one."""

    def set_aside(self, purpose: str, owner: str, suffix: str, *, whole: bool) -> str:
        """Keep what is there under a new name that ends in *suffix*, which is returned; the record is then absent.

        Where nothing at all can be read, *whole* decides whether all of it is kept under a new name, or RecordUnreadableError.
        """

    def lock(self, purpose: str, timeout_s: float) -> AbstractContextManager[None]: ...

    def prepare(self) -> None:
        """At boot: tell now what would fail at the first write."""


class Vault:
    """Reads and writes sealed records by purpose and owner.

    Every method raises StoreUnavailableError when the store cannot be used, and RecordUnreadableError when a record is there
    that no key opens; the latter is mended by the right TOKEN_ENCRYPTION_KEY, or given up with `set_aside`.
    """

    def __init__(self, store: Store, sealer: Sealer) -> None:
        self._store = store
        self._sealer = sealer
        self._queues: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    @classmethod
    def of(cls, settings: Settings, sealer: Sealer) -> Vault:
        """The vault of these settings; raises StoreUnavailableError at boot for a folder that cannot be written.

        An unreachable database does not stop the boot: `check` tells, and it may come back.
        """
        store = store_of(settings)
        store.prepare()
        try:
            import_original(store, sealer, keys=settings.encryption_keys, path=settings.token_file)
        except StoreUnavailableError as exc:
            event(log, "vault_unavailable_at_boot", level=logging.WARNING, reason=str(exc))
        return cls(store, sealer)

    def read(self, purpose: str, owner: str = OWNER) -> dict[str, Any] | None:
        """The record, or None if there is none."""
        envelope = self._store.get(purpose, owner)
        if envelope is None:
            return None
        value = self._sealer.open(purpose, envelope, owner=owner)
        if value is None:
            raise RecordUnreadableError(
                "What is stored cannot be opened with the present TOKEN_ENCRYPTION_KEY. Nothing was changed. Put the earlier key "
                "back (several are separated by commas), or connect anew, which keeps the old record under another name."
            )
        return value

    def write(self, purpose: str, value: Mapping[str, Any], owner: str = OWNER) -> None:
        """Store *value*, durably before this returns; a record that does not open is not overwritten."""
        self.read(purpose, owner)
        self._store.put(purpose, owner, self._sealer.seal(purpose, value, owner=owner))

    def delete(self, purpose: str, owner: str = OWNER) -> None:
        """Forget the record; it need not exist."""
        if self.read(purpose, owner) is not None:
            self._store.remove(purpose, owner)

    def owners(self, purpose: str) -> list[str]:
        """Whose records of *purpose* there are, sorted; they are not opened."""
        return self._store.owners(purpose)

    @contextmanager
    def lock(self, purpose: str, *, timeout_s: float) -> Iterator[None]:
        """Hold the one lock of *purpose*, across greenlets and processes; StoreUnavailableError after *timeout_s*.

        Not re-entrant. Reading and writing do not need it: it is for "read, ask someone, write what they said".
        """
        until = time.monotonic() + timeout_s
        queue = self._queues[purpose]  # in front of the store's own, so that waiting greenlets cost no file or connection each
        if not queue.acquire(timeout=max(0.0, timeout_s)):
            raise StoreUnavailableError("Another request is still changing this record. Try again in a few seconds.")
        try:
            with self._store.lock(purpose, max(0.0, until - time.monotonic())):
                yield
        finally:
            queue.release()

    def set_aside(self, purpose: str, owner: str = OWNER) -> str:
        """Keep an unreadable record under a new name, which is returned, so that a new one can be written.

        A file that cannot be read at all is given up with its connection only, which is the owner's own decision; for any other
        record that stays RecordUnreadableError.
        """
        suffix = time.strftime("set-aside-%Y%m%dT%H%M%SZ", time.gmtime())
        name = self._store.set_aside(purpose, owner, suffix, whole=purpose == CONNECTION)
        event(log, "record_set_aside", level=logging.WARNING, purpose=purpose, kept_as=name)
        return name

    def check(self) -> None:
        """Readiness: raise a VaultError unless the store answers and the connection's record, if any, opens."""
        self.read(CONNECTION)


def store_of(settings: Settings) -> Store:
    """The file or the database of *settings*, not looked at yet."""
    if settings.database_url is None:
        return FileStore(settings.token_file)
    from app.vault.postgres import PostgresStore  # noqa: PLC0415 - psycopg costs memory that a file store need not pay

    return PostgresStore(settings.database_url.get_secret_value())
