"""Sealing: a dict in, URL-safe text out, that only holders of TOKEN_ENCRYPTION_KEY can open or change.

Owns the envelope's format. Does not know who keeps sealed text or what is in it. AES-256-GCM with a random nonce; the key id
says which of several keys sealed it, so that the first key seals, all open, and a key is dropped once nothing needs it.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VERSION = b"\x01"
KEY_ID_BYTES = 4
NONCE_BYTES = 12
_HEADER_BYTES = len(VERSION) + KEY_ID_BYTES + NONCE_BYTES


@dataclass(frozen=True, slots=True)
class _Key:
    secret: bytes
    key_id: bytes
    cipher: AESGCM
    hashing: bytes

    @classmethod
    def of(cls, secret: bytes) -> _Key:
        if len(secret) != 32:
            raise ValueError("a sealing key has 32 bytes")
        return cls(secret, _expand(secret, b"key id")[:KEY_ID_BYTES], AESGCM(_expand(secret, b"seal")), _expand(secret, b"hash"))


class Sealer:
    """Seals with the first of *keys* (32 bytes each) and opens with all of them.

    *purpose* and *owner* are authenticated, not stored: text sealed for one place does not open in another.
    """

    def __init__(self, keys: Sequence[bytes], *, clock: Callable[[], float]) -> None:
        self._keys = [_Key.of(key) for key in keys]
        self._clock = clock

    def seal(self, purpose: str, value: Mapping[str, Any], *, owner: str = "", ttl_s: float | None = None) -> str:
        """Seal *value* (anything JSON can say); with *ttl_s* it stops opening after that many seconds."""
        expires_at = None if ttl_s is None else self._clock() + ttl_s
        plain = json.dumps([expires_at, dict(value)], separators=(",", ":"), allow_nan=False).encode()
        key = self._keys[0]
        header = VERSION + key.key_id + os.urandom(NONCE_BYTES)
        sealed = key.cipher.encrypt(header[-NONCE_BYTES:], plain, _bound(header, purpose, owner))
        return base64.urlsafe_b64encode(header + sealed).rstrip(b"=").decode()

    def open(self, purpose: str, text: str, *, owner: str = "") -> dict[str, Any] | None:
        """What was sealed, or None: not ours, tampered with, expired, or sealed for another purpose or owner."""
        raw = _decoded(text)
        if raw is None or len(raw) <= _HEADER_BYTES or raw[:1] != VERSION:
            return None
        header, sealed = raw[:_HEADER_BYTES], raw[_HEADER_BYTES:]
        for key in self._keys:
            if key.key_id != header[1 : 1 + KEY_ID_BYTES]:
                continue
            try:
                plain = key.cipher.decrypt(header[-NONCE_BYTES:], sealed, _bound(header, purpose, owner))
            except InvalidTag:
                continue
            expires_at, value = json.loads(plain)
            return value if expires_at is None or self._clock() < expires_at else None
        return None

    def derived(self, context: bytes) -> Sealer:
        """A sealer whose keys come from each of ours and *context* (HKDF): another context opens nothing of it."""
        return Sealer([_expand(key.secret, b"derived:" + context) for key in self._keys], clock=self._clock)

    def keyed_hash(self, purpose: str, value: str) -> str:
        """HMAC-SHA-256 of *value* under the first key, for values too guessable for a plain hash, such as account ids.

        Adding a key in front changes it: compare with `hash_matches`, which knows the older keys, never with `==`.
        """
        return _hmac(self._keys[0], purpose, value)

    def hash_matches(self, purpose: str, value: str, keyed: str) -> bool:
        """Whether *keyed* is the `keyed_hash` of *value* under any of our keys; constant time."""
        return any(hmac.compare_digest(_hmac(key, purpose, value).encode(), keyed.encode()) for key in self._keys)


def _expand(secret: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"oura-mcp/1 " + info).derive(secret)


def _hmac(key: _Key, purpose: str, value: str) -> str:
    return hmac.digest(key.hashing, _lines(purpose, value), "sha256").hex()


def _bound(header: bytes, purpose: str, owner: str) -> bytes:
    return header + _lines(purpose, owner)


def _lines(*parts: str) -> bytes:
    """The parts with their lengths in front, so that no two different lists read the same."""
    return b"".join(b"%d:%s" % (len(raw), raw) for raw in (part.encode() for part in parts))


def _decoded(text: str) -> bytes | None:
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    # One text per sealed value: base64 ignores the last character's spare bits, which would let a used text come back spelt anew.
    return raw if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() == text else None
