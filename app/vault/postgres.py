"""Sealed records in one PostgreSQL table, for hosts whose disk vanishes.

Owns the table and its connections. Does not know what an envelope holds. Imported only where DATABASE_URL is set, and after
gevent has patched `select`: psycopg looks at import whether it may wait in C, which would freeze every greenlet.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.conninfo import conninfo_to_dict

from app.errors import StoreUnavailableError

CONNECT_TIMEOUT_S = 5
SILENCE_MS = 15_000  # an unacknowledged network is given up after this
_MARK = ("vault", "format", "oura-mcp-vault/1")  # a plain row: this store has held a record of ours
_LOCKS = "lock"  # purpose of the rows that are only there to be locked

_TABLE_LOCK = 0x6F757261  # any number that every process of ours agrees on
_TABLE = """
CREATE TABLE IF NOT EXISTS oura_mcp_records (
    purpose text NOT NULL, owner text NOT NULL, envelope text NOT NULL, changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (purpose, owner)
)"""
_ADD = "INSERT INTO oura_mcp_records (purpose, owner, envelope) VALUES (%s, %s, %s) ON CONFLICT (purpose, owner) "
_PUT = _ADD + "DO UPDATE SET envelope = excluded.envelope, changed_at = now()"
_ADD_ONCE = _ADD + "DO NOTHING"
_HOLD = "SELECT 1 FROM oura_mcp_records WHERE purpose = %s AND owner = %s FOR UPDATE"


class PostgresStore:
    """Keeps envelopes in the database at *url* (libpq's form; `postgres://` and `sslmode` are libpq's own affair).

    One connection per process for reading and writing, opened at first use so that none crosses a fork, and one for each lock
    that is held: a lock is the row lock of a transaction that stays open, while what its holder writes is committed at once.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._turn = threading.Lock()
        self._held: tuple[int, psycopg.Connection] | None = None

    def get(self, purpose: str, owner: str) -> str | None:
        with self._transaction() as connection:
            row = connection.execute(
                "SELECT envelope FROM oura_mcp_records WHERE purpose = %s AND owner = %s", (purpose, owner)
            ).fetchone()
        return None if row is None else str(row[0])

    def put(self, purpose: str, owner: str, envelope: str) -> None:
        with self._transaction() as connection:
            connection.execute(_ADD_ONCE, _MARK)
            connection.execute(_PUT, (purpose, owner, envelope))

    def remove(self, purpose: str, owner: str) -> None:
        with self._transaction() as connection:
            connection.execute("DELETE FROM oura_mcp_records WHERE purpose = %s AND owner = %s", (purpose, owner))

    def owners(self, purpose: str) -> list[str]:
        with self._transaction() as connection:
            rows = connection.execute("SELECT owner FROM oura_mcp_records WHERE purpose = %s", (purpose,)).fetchall()
        return sorted(str(row[0]) for row in rows)

    def begin(self, purpose: str, owner: str, envelope: str) -> bool:
        with self._transaction() as connection:
            first = connection.execute(_ADD_ONCE, _MARK).rowcount == 1
            if first:
                connection.execute(_PUT, (purpose, owner, envelope))
        return first

    def set_aside(self, purpose: str, owner: str, suffix: str, *, whole: bool) -> str:  # noqa: ARG002 - rows are read one by one
        name = f"{owner} {suffix}"
        with self._transaction() as connection:
            connection.execute(
                "UPDATE oura_mcp_records SET purpose = %s, owner = %s WHERE purpose = %s AND owner = %s",
                (f"{purpose} set aside", name, purpose, owner),
            )
        return name

    @contextmanager
    def lock(self, purpose: str, timeout_s: float) -> Iterator[None]:
        with self._transaction() as shared:
            shared.execute(_ADD_ONCE, (_LOCKS, purpose, ""))
        with _told():
            connection = self._connected()
        try:
            with _told():
                connection.execute("BEGIN")
                # 0 would mean no limit at all
                connection.execute("SELECT set_config('lock_timeout', %s, true)", (f"{max(1, int(timeout_s * 1000))}ms",))
                connection.execute(
                    "SELECT 1 FROM oura_mcp_records WHERE purpose = %s AND owner = %s FOR UPDATE", (_LOCKS, purpose)
                )
            yield
        finally:
            connection.close()  # which ends the transaction, and with it the lock

    def prepare(self) -> None:
        """Raise StoreUnavailableError for a URL that libpq cannot read; whether the database answers shows at first use."""
        try:
            conninfo_to_dict(self._url)
        except psycopg.Error:
            raise StoreUnavailableError(
                "DATABASE_URL is not a PostgreSQL address that can be read."
            ) from None  # it has the password

    def close(self) -> None:
        """Close the shared connection; the next use opens another."""
        with self._turn:
            if self._held is not None and self._held[0] == os.getpid():
                self._held[1].close()
            self._held = None

    @contextmanager
    def _transaction(self) -> Iterator[psycopg.Connection]:
        """The shared connection, one user at a time, in a transaction that is committed on the way out."""
        with self._turn, _told():
            connection = self._shared()
            try:
                with connection.transaction():
                    yield connection
            except BaseException:  # also a greenlet that is killed half-way: the connection's state is then unknown
                self._held = None
                connection.close()
                raise

    def _shared(self) -> psycopg.Connection:
        if self._held is not None:
            pid, connection = self._held
            if pid == os.getpid() and _answers(connection):
                return connection
        connection = self._connected()
        self._held = (os.getpid(), connection)
        if connection.execute("SELECT to_regclass('oura_mcp_records')").fetchone() == (None,):
            with connection.transaction():  # one at a time: of two that create it at once, IF NOT EXISTS lets one fail
                connection.execute("SELECT pg_advisory_xact_lock(%s)", (_TABLE_LOCK,))
                connection.execute(_TABLE)
        return connection

    def _connected(self) -> psycopg.Connection:
        return psycopg.connect(
            self._url,
            autocommit=True,
            client_encoding="utf8",  # a database in SQL_ASCII would hand out bytes
            connect_timeout=CONNECT_TIMEOUT_S,
            prepare_threshold=None,  # pgbouncer in transaction mode knows no prepared statements
            application_name="oura-mcp",
            tcp_user_timeout=SILENCE_MS,
        )


def _answers(connection: psycopg.Connection) -> bool:
    """Whether an idle connection still lives; databases and the networks before them close idle ones."""
    try:
        connection.execute("SELECT 1")
    except psycopg.Error:
        connection.close()
        return False
    return True


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except psycopg.errors.LockNotAvailable as exc:
        raise StoreUnavailableError("Another process is still changing this record. Try again in a few seconds.") from exc
    except psycopg.errors.DiskFull as exc:
        raise StoreUnavailableError("The database's disk is full; make room.") from exc
    except psycopg.errors.InsufficientPrivilege as exc:
        raise StoreUnavailableError("The database user of DATABASE_URL may not create or change the table of records.") from exc
    except psycopg.errors.ReadOnlySqlTransaction as exc:
        raise StoreUnavailableError("The database (DATABASE_URL) is read-only at present.") from exc
    except psycopg.Error as exc:
        raise StoreUnavailableError(
            "The database (DATABASE_URL) cannot be used at present; check that it runs and that the address is right."
        ) from exc
