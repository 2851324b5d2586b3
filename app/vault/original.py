"""The TypeScript original's token file, read once.

Owns its format: JSON whose `access_token` and `refresh_token` are `iv:tag:ciphertext` in hex, AES-256-GCM under the raw
TOKEN_ENCRYPTION_KEY, beside plain `expires_at`, `scope` and `token_type`. These three are not authenticated, so they count as
unknown: the first use refreshes and learns them.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.errors import StoreUnavailableError
from app.logs import event
from app.seal import Sealer

if TYPE_CHECKING:
    from app.vault import Store

CONNECTION = "oura-connection"
PROVIDER = "https://api.ouraring.com"  # the original knew no other
_FIELDS = ("access_token", "refresh_token")
_IV_BYTES, _TAG_BYTES = 16, 16
log = logging.getLogger(__name__)


def import_original(store: Store, sealer: Sealer, *, keys: Sequence[bytes], path: Path) -> bool:
    """Make the connection record from the original's file at *path*, where no record of ours ever existed.

    The file is first copied to `<name>.original`. Returns whether a record was made; a file that does not open is left alone.
    """
    stored = _stored(path)
    if stored is None:
        return False
    tokens = _opened(stored, keys)
    if tokens is None:
        event(
            log,
            "original_tokens_unreadable",
            level=logging.WARNING,
            advice="TOKEN_ENCRYPTION_KEY is not the one they were sealed with",
        )
        return False
    record = {**tokens, "expires_at": None, "scopes": None, "provider": PROVIDER}
    _keep_copy(path)
    made = store.begin(CONNECTION, "owner", sealer.seal(CONNECTION, record, owner="owner"))
    if made:
        event(
            log,
            "original_tokens_imported",
            level=logging.WARNING,
            advice="Stop the old server now and do not start it again: Oura's refresh tokens work once, and the two would "
            "disconnect each other. A copy of its token file was kept.",
        )
    return made


def is_original(path: Path, keys: Sequence[bytes]) -> bool:
    """Whether `import_original` would take the connection from the file at *path*."""
    stored = _stored(path)
    return stored is not None and _opened(stored, keys) is not None


def _stored(path: Path) -> dict[str, Any] | None:
    try:
        held = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(held, dict) or not all(isinstance(held.get(name), str) for name in _FIELDS):
        return None
    return held


def _opened(stored: dict[str, Any], keys: Sequence[bytes]) -> dict[str, str] | None:
    for key in keys:
        try:
            return {name: _decrypted(stored[name], key) for name in _FIELDS}
        except (ValueError, InvalidTag):  # not hex, wrong lengths, or another key
            continue
    return None


def _decrypted(text: str, key: bytes) -> str:
    iv, tag, sealed = (bytes.fromhex(part) for part in text.split(":"))
    if len(iv) != _IV_BYTES or len(tag) != _TAG_BYTES:
        raise ValueError("not the original's lengths")
    return AESGCM(key).decrypt(iv, sealed + tag, None).decode()


def _keep_copy(path: Path) -> None:
    copy = path.with_name(f"{path.name}.original")
    try:
        handle = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return  # kept at an earlier boot
    except OSError as exc:
        raise StoreUnavailableError("The old server's token file cannot be copied: its folder cannot be written.") from exc
    with os.fdopen(handle, "wb") as file:
        file.write(path.read_bytes())
        file.flush()
        os.fsync(handle)
