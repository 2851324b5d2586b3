"""What probes and monitors ask: /healthz, /readyz, /health, /metrics.

Knows the parts only by what they say of themselves; answers hold no health value and no secret.
"""

from __future__ import annotations

import hmac
import platform
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from flask import Blueprint, Request, Response, jsonify, request

from app.errors import AuthError, ForbiddenError, RateExceededError, VaultError
from app.metrics import CONTENT_TYPE
from app.services import Principal, Services

READY_FOR_S = 2.0  # a store is asked at most this often, however many probes come
LIBRARIES = ("flask", "gevent", "gunicorn")


def create_blueprint(services: Services, *, owner: Callable[[Request], Principal], version_name: str) -> Blueprint:
    """Routes for probes; *owner* returns the owner or raises AuthError or ForbiddenError."""
    bp = Blueprint("health", __name__)
    started_at = time.monotonic()
    readiness = Readiness(services)

    @bp.get("/healthz")
    def healthz() -> Response:
        return _json({"status": "ok"})

    @bp.get("/readyz")
    def readyz() -> tuple[Response, int]:
        reason = readiness.reason()
        return (_json({"status": "ok"}), 200) if reason is None else (_json({"status": "unavailable", "reason": reason}), 503)

    @bp.get("/health")
    def health() -> Response:
        state = services.connection.status()
        answer: dict[str, Any] = {
            "status": "ok" if readiness.reason() is None and state.connected else "degraded",
            "oauth_connected": state.connected,
            "uptime": round(time.monotonic() - started_at),
        }
        if _is_owner(owner):
            answer |= _details(services, version_name)
        return _json(answer)

    @bp.get("/metrics")
    def metrics() -> Response:
        if not _may_read_metrics(services):
            owner(request)
        return Response(services.metrics.render(), content_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"})

    return bp


class Readiness:
    """Whether the key opens and the store can be read, asked anew after two seconds."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._asked_at = float("-inf")
        self._reason: str | None = None

    def reason(self) -> str | None:
        """None when ready, else why not, in plain words."""
        if time.monotonic() - self._asked_at >= READY_FOR_S:
            self._asked_at = time.monotonic()
            try:
                self._services.vault.check()
                self._reason = None
            except VaultError as exc:
                self._reason = str(exc)
        return self._reason


def _is_owner(owner: Callable[[Request], Principal]) -> bool:
    """A stranger's probe, or one with an old token, still gets the public part with 200, however often it comes."""
    try:
        return owner(request).is_owner
    except (AuthError, ForbiddenError, RateExceededError):
        return False


def _may_read_metrics(services: Services) -> bool:
    token = services.settings.metrics_token
    scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
    return (
        token is not None
        and scheme.lower() == "bearer"
        and hmac.compare_digest(sent.strip().encode(), token.get_secret_value().encode())
    )


def _details(services: Services, version_name: str) -> dict[str, Any]:
    state = services.connection.status()
    return {
        "oura": {"state": state.state, "scopes": sorted(state.scopes or ()), "missing_scopes": list(state.missing)},
        "cache": services.oura.stats(),
        "versions": {"server": version_name, "python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
    }


def _json(body: dict[str, Any]) -> Response:
    response = jsonify(body)
    response.headers["Cache-Control"] = "no-store"
    return response
