"""How often: requests per client address, and failed attempts to prove who one is.

Flask-Limiter's storage, hit directly: its hooks cost every request 40 µs and cannot count the members of a batch.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Any

from flask import Flask
from flask_limiter import Limiter
from limits import RateLimitItem, parse_many

from app.auth.windows import FixedWindows
from app.errors import RateExceededError
from app.variables import is_loopback

if TYPE_CHECKING:
    from app.metrics import Metrics

FAILED_BEARERS = "20 per 15 minutes"
FAILED_SIGN_INS = "5 per 15 minutes"
TOO_MANY = {
    "bearer": "Too many wrong tokens came from this address (the right one is taken all the same).",
    "sign-in": "Too many failed attempts from this address.",
}
FRONT_DOOR = {"registration": "20 per hour", "authorization": "60 per 15 minutes", "token": "300 per 15 minutes"}


class Rates:
    """The limits of one application: fixed windows, in this process's memory."""

    def __init__(self, app: Flask, requests: str, *, metrics: Metrics) -> None:
        limiter = Limiter(lambda: "", storage_uri=f"{FixedWindows.STORAGE_SCHEME[0]}://", strategy="fixed-window")
        app.extensions["limiter"] = {limiter}  # what makes it skip installing its hooks
        limiter.init_app(app)
        self._storage = limiter.storage
        self._metrics = metrics
        self._limits = {
            "requests": parse_many(requests),
            "bearer": parse_many(FAILED_BEARERS),
            "sign-in": parse_many(FAILED_SIGN_INS),
            **{kind: parse_many(limit) for kind, limit in FRONT_DOOR.items()},
        }

    def charge(self, address: str, cost: int) -> Mapping[str, str]:
        """Count *cost* requests; the first limit's headers, or RateExceededError."""
        return self._hit("requests", address, cost, "Too many requests from this address.")

    def count(self, kind: str, address: str) -> None:
        """Count one request of *kind*, which has a limit of its own; RateExceededError from the one too many on."""
        self._hit(kind, address, 1, "Too many requests from this address.")

    def failed(self, kind: str, address: str) -> None:
        """Count a failed attempt of *kind*; RateExceededError from the one too many on."""
        self._hit(kind, address, 1, TOO_MANY[kind])

    def check(self, kind: str, address: str) -> None:
        """RateExceededError if this address has failed too often to try again."""
        for limit in self._limits[kind]:
            if self._storage.get(_key(limit, kind, address)) >= limit.amount:
                raise self._refusal(limit, kind, address, TOO_MANY[kind])

    def forgive(self, kind: str, address: str) -> None:
        """A success ends the count."""
        for limit in self._limits[kind]:
            self._storage.clear(_key(limit, kind, address))

    def _hit(self, kind: str, address: str, cost: int, says: str) -> Mapping[str, str]:
        headers: Mapping[str, str] = {}
        for limit in self._limits[kind]:
            key = _key(limit, kind, address)
            count = self._storage.incr(key, limit.get_expiry(), amount=cost)
            if count > limit.amount:
                raise self._refusal(limit, kind, address, says)
            headers = headers or self._headers(limit, key, count)
        return headers

    def _refusal(self, limit: RateLimitItem, kind: str, address: str, says: str) -> RateExceededError:
        self._metrics.rate_limited()
        key = _key(limit, kind, address)
        wait_s = max(1, math.ceil(self._storage.get_expiry(key) - time.time()))
        wait = f"{wait_s} seconds" if wait_s < 120 else f"{math.ceil(wait_s / 60)} minutes"
        headers = self._headers(limit, key, limit.amount)
        return RateExceededError(f"{says} Wait {wait}, then try again.", retry_after_s=wait_s, headers=headers)

    def _headers(self, limit: RateLimitItem, key: str, count: int) -> Mapping[str, str]:
        return {
            "X-RateLimit-Limit": str(limit.amount),
            "X-RateLimit-Remaining": str(limit.amount - count),
            "X-RateLimit-Reset": str(math.ceil(self._storage.get_expiry(key))),
        }


@lru_cache(maxsize=1024)
def _key(limit: RateLimitItem, kind: str, address: str) -> str:
    return limit.key_for(kind, address)


def client_address(environ: Mapping[str, Any], hops: int | None) -> str:
    """The caller's address as rates count it: an IPv4 address, or the /64 network of an IPv6 one.

    X-Forwarded-For counts only as far from its right end as there are proxies of ours; what stands left of that the client wrote.
    With *hops* None a peer on this machine is taken for one proxy (a tunnel's agent), any other for the client itself.
    """
    peer = environ.get("REMOTE_ADDR") or "127.0.0.1"  # a Unix socket has no address
    if hops is None:
        hops = 1 if _is_on_this_machine(peer) else 0
    if hops:
        forwarded = environ.get("HTTP_X_FORWARDED_FOR", "").split(",")
        if len(forwarded) >= hops and (bucket := _bucket(forwarded[-hops].strip())):
            return bucket
    return _bucket(peer) or peer


_is_on_this_machine = lru_cache(maxsize=256)(is_loopback)


@lru_cache(maxsize=1024)
def _bucket(text: str) -> str | None:
    bare = text[1:].partition("]")[0] if text.startswith("[") else text.partition(":")[0] if text.count(":") == 1 else text
    try:
        address = ip_address(bare)
    except ValueError:
        return None
    if not isinstance(address, IPv6Address):
        return str(address)
    return str(address.ipv4_mapped) if address.ipv4_mapped else str(ip_network((address, 64), strict=False))
