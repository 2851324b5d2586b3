"""Sealed records in one JSON file, for a machine whose disk stays.

Owns the file: mode 0600, replaced whole (write new, fsync, rename, fsync the folder), so that a full disk or a crash leaves
the old one. Does not know what an envelope holds. Locks are files of their own beside it, polled by `filelock`: a blocking
flock would freeze every greenlet of the process.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import cast

from filelock import FileLock, Timeout

from app.errors import RecordUnreadableError, StoreUnavailableError

FORMAT = "oura-mcp-vault/1"
WRITE_LOCK_S = 10.0
PROBE_BYTES = 16384  # an empty file fits on a full disk

Records = dict[str, dict[str, str]]  # purpose -> owner -> envelope

_REASONS = {
    errno.ENOSPC: "the disk is full; make room",
    errno.EDQUOT: "the disk quota is used up; make room",
    errno.EFBIG: "the file may not grow further; raise the limit",
    errno.EROFS: "the disk is read-only; mount it writable, or set TOKEN_FILE to a folder that can be written",
    errno.EACCES: "permission is denied; give this process's user write access to the folder, or set TOKEN_FILE to another",
    errno.EPERM: "permission is denied; give this process's user write access to the folder, or set TOKEN_FILE to another",
    errno.ENOENT: "its folder does not exist; create it, or set TOKEN_FILE to another",
    errno.ENOTDIR: "its folder is not a folder; set TOKEN_FILE to another",
    errno.EBUSY: "the file is a mount point; mount its folder instead",
    errno.EISDIR: "it is a folder; set TOKEN_FILE to a file",
}


class FileStore:
    """Keeps envelopes in the file *path*; any number of processes of this machine may share it."""

    def __init__(self, path: Path) -> None:
        self._path = Path(os.path.realpath(path))  # a link stays a link: what it points to is replaced

    def get(self, purpose: str, owner: str) -> str | None:
        return self._load().get(purpose, {}).get(owner)

    def put(self, purpose: str, owner: str, envelope: str) -> None:
        self._change(lambda records: records.setdefault(purpose, {}).update({owner: envelope}))

    def remove(self, purpose: str, owner: str) -> None:
        self._change(lambda records: records.get(purpose, {}).pop(owner, None))

    def owners(self, purpose: str) -> list[str]:
        return sorted(self._load().get(purpose, {}))

    def begin(self, purpose: str, owner: str, envelope: str) -> bool:
        """As Store.begin; a file that is not ours is replaced, so the caller keeps a copy first."""
        with self._write_lock():
            with suppress(RecordUnreadableError):
                if self._path.exists() and self._load() is not None:
                    return False
            self._save({purpose: {owner: envelope}})
            return True

    def set_aside(self, purpose: str, owner: str, suffix: str, *, whole: bool) -> str:
        with self._write_lock():
            try:
                records = self._load()
            except RecordUnreadableError:
                if not whole:
                    raise
                return self._set_file_aside(suffix)
            name = f"{owner} {suffix}"
            envelope = records.get(purpose, {}).pop(owner, None)
            if envelope is not None:
                records.setdefault(f"{purpose} set aside", {})[name] = envelope
                self._save(records)
            return name

    @contextmanager
    def lock(self, purpose: str, timeout_s: float) -> Iterator[None]:
        lock = FileLock(self._beside(f"{purpose}.lock"), timeout=timeout_s, mode=0o600)
        try:
            lock.acquire()
        except Timeout as exc:
            raise StoreUnavailableError("Another process is still changing this record. Try again in a few seconds.") from exc
        except OSError as exc:
            raise _unavailable("written", exc) from exc
        try:
            yield
        finally:
            lock.release()

    def prepare(self) -> None:
        """Raise StoreUnavailableError if a write would fail, by making and removing the file that a write begins with."""
        folder = self._path.parent
        if not folder.is_dir():  # filelock would make it
            raise _unavailable("written", OSError(errno.ENOTDIR if folder.exists() else errno.ENOENT, ""))
        with self._write_lock():
            try:
                self._write_new(" " * PROBE_BYTES).unlink()
            except OSError as exc:
                raise self._not_written(exc) from exc
            with suppress(RecordUnreadableError):
                self._load()

    def _beside(self, ending: str) -> Path:
        return self._path.with_name(f"{self._path.name}.{ending}")

    def _write_lock(self) -> AbstractContextManager[None]:
        return self.lock("write", WRITE_LOCK_S)

    def _change(self, change: Callable[[Records], object]) -> None:
        with self._write_lock():
            records = self._load()
            change(records)
            self._save(records)

    def _load(self) -> Records:
        try:
            text = self._path.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as exc:
            raise _unavailable("read", exc) from exc
        with suppress(ValueError):
            held = json.loads(text)
            if isinstance(held, dict) and held.get("format") == FORMAT and isinstance(held.get("records"), dict):
                return cast("Records", held["records"])
        raise RecordUnreadableError(
            "The token file is damaged, or was written by another program or with another key. Nothing was changed. Put the "
            "right file or TOKEN_ENCRYPTION_KEY back, or connect anew, which keeps the old file under another name."
        )

    def _save(self, records: Records) -> None:
        text = json.dumps({"format": FORMAT, "records": {purpose: held for purpose, held in records.items() if held}}, indent=1)
        try:
            self._write_new(text).replace(self._path)
            self._sync_folder()
        except OSError as exc:
            raise self._not_written(exc) from exc

    def _write_new(self, text: str) -> Path:
        """Write and sync the file that a rename then puts in place; only the holder of the write lock may."""
        new = self._beside("new")
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            os.fchmod(handle, 0o600)  # one that a crash left may be of any mode
            file.write(text)
            file.flush()
            os.fsync(handle)
        return new

    def _not_written(self, exc: OSError) -> StoreUnavailableError:
        with suppress(OSError):
            self._beside("new").unlink(missing_ok=True)
        return _unavailable("written", exc)

    def _set_file_aside(self, suffix: str) -> str:
        aside = self._beside(suffix)
        try:
            self._path.rename(aside)
            self._sync_folder()
        except OSError as exc:
            raise _unavailable("renamed", exc) from exc
        return aside.name

    def _sync_folder(self) -> None:
        handle = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _unavailable(done: str, exc: OSError) -> StoreUnavailableError:
    reason = _REASONS.get(exc.errno or 0, f"the system says '{os.strerror(exc.errno or 0)}'")
    return StoreUnavailableError(f"The token file (TOKEN_FILE) cannot be {done}: {reason}.")
