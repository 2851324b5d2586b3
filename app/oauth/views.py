"""Blueprint: connecting to Oura in the browser, and asking about or ending the connection from a script."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, abort, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as WerkzeugResponse

from app.auth import Guard
from app.errors import AuthError, VaultError
from app.oauth.flow import STATE_S, Flow, StoppedError
from app.oauth.outcomes import PAGES, Outcome
from app.oauth.tokens import CONNECTION

if TYPE_CHECKING:
    from app.oauth.pending import Pending
    from app.oauth.tokens import Connection, ConnectionStatus
    from app.vault import Vault

Answer = Response | WerkzeugResponse | str


@dataclass(frozen=True, slots=True)
class Connecting:
    """What the views of this blueprint work with. *resumes* names paths that a visit may go on to once a ring is connected."""

    guard: Guard
    flow: Flow
    connection: Connection
    pending: Pending
    vault: Vault
    resumes: Mapping[str, str] = field(default_factory=dict)

    @property
    def cookie(self) -> str:
        return "__Host-oura_state" if self.is_secure else "oura_state"

    @property
    def is_secure(self) -> bool:
        return self.guard.settings.redirect_origin.startswith("https://")


def create_blueprint(parts: Connecting) -> Blueprint:
    """The routes under /oauth."""
    bp = Blueprint("oauth", __name__, url_prefix="/oauth")
    views = _Views(parts)
    bp.get("/authorize")(views.authorize)
    bp.get("/callback", strict_slashes=False)(views.callback)  # Oura's newer portal may register it with a slash
    bp.get("/result/<name>")(views.result)
    bp.get("/replace")(views.ask_to_replace)
    bp.post("/replace")(views.replace)
    bp.post("/set-aside")(views.set_aside)
    bp.get("/status")(views.status)
    bp.post("/disconnect")(views.disconnect)
    return bp


class _Views:
    def __init__(self, parts: Connecting) -> None:
        self._parts = parts
        self._guard = parts.guard

    # -- there and back ------------------------------------------------------------------------------------------------

    def authorize(self) -> Answer:
        """Send the owner's browser to Oura with a state cookie of its own; a stranger signs in first."""
        then = request.args.get("next", "")
        if home := self._guard.home_url(request):
            return redirect(home)
        try:
            self._guard.owner(request)
        except AuthError as exc:
            if exc.token_was_sent:
                raise
            return redirect(url_for("pages.login", next="connect"))
        try:
            departure = self._parts.flow.begin(then if then in self._parts.resumes else "")
        except StoppedError as exc:
            return _ended(exc.outcome)
        response = redirect(departure.url)
        self._set_state(response, departure.cookie)
        return response

    def callback(self) -> Answer:
        """Take what Oura sent along and leave for a clean address, since this one holds a code."""
        came_back = {name: request.args[name] for name in ("code", "state", "error", "scope") if name in request.args}
        arrival = self._parts.flow.finish(came_back, request.cookies.get(self._parts.cookie, ""))
        if arrival.outcome is Outcome.CONNECTED and arrival.then in self._parts.resumes:
            response = redirect(self._parts.resumes[arrival.then], 303)
        else:
            response = _ended(arrival.outcome)
        response.delete_cookie(self._parts.cookie, path="/", secure=self._parts.is_secure, httponly=True, samesite="Lax")
        return response

    def result(self, name: str) -> Answer:
        """How an attempt ended, in words."""
        try:
            outcome = Outcome(name)
            page = PAGES[outcome]
        except (ValueError, KeyError):
            abort(404)
        return render_template("outcome.html", page=page, redirect_uri=self._guard.settings.oura_redirect_uri)

    # -- another account -----------------------------------------------------------------------------------------------

    def ask_to_replace(self) -> Answer:
        """Ask whether the account that waits shall replace the present one."""
        self._guard.owner(request)
        if self._parts.pending.waiting() is None:
            return _ended(Outcome.TOO_LATE)
        return render_template("replace.html", csrf=self._guard.session(request).form_token())

    def replace(self) -> Answer:
        """The owner's answer."""
        fields = self._fields()
        if fields.get("answer") != "replace":
            self._parts.pending.drop()
            return _ended(Outcome.KEPT)
        try:
            replaced = self._parts.pending.accept()
        except VaultError:
            return _ended(Outcome.NOT_SAVED)
        return _ended(Outcome.REPLACED if replaced else Outcome.TOO_LATE)

    def set_aside(self) -> Answer:
        """Keep a record that does not open under another name, so that the ring can be connected anew."""
        self._fields()
        if self._parts.connection.status().state != "unreadable":
            return redirect(url_for("pages.status"), 303)
        try:
            self._parts.vault.set_aside(CONNECTION)
        except VaultError:
            return _ended(Outcome.NOT_SAVED)
        self._parts.connection.forget()
        return redirect(url_for("pages.login", next="connect"), 303)

    # -- for scripts, and the status page's button ---------------------------------------------------------------------

    def status(self) -> Answer:
        """The original's keys, and what else a script may want to know; no token and no account."""
        self._guard.owner(request)
        return jsonify(described(self._parts.connection.status()))

    def disconnect(self) -> Answer:
        """Forget the tokens and all cached data, close open streams, and end the access at Oura."""
        self._fields()
        by_script = "Authorization" in request.headers
        try:
            revoked = self._parts.connection.disconnect()
        except VaultError as exc:
            if not by_script:
                return _ended(Outcome.UNREADABLE if self._parts.connection.status().state == "unreadable" else Outcome.NOT_SAVED)
            response = jsonify({"success": False, "message": str(exc)})
            response.status_code = 503
            return response
        self._parts.pending.drop()
        if not by_script:
            return _ended(Outcome.DISCONNECTED_HERE if revoked is False else Outcome.DISCONNECTED)
        return jsonify({"success": True, "message": "OAuth disconnected successfully", "revokedAtOura": revoked})

    # -- shared --------------------------------------------------------------------------------------------------------

    def _fields(self) -> dict[str, str]:
        """The form's fields, of the owner; a bearer needs no form and may send the fields all the same."""
        self._guard.owner(request)
        return request.args.to_dict() if "Authorization" in request.headers else self._guard.form(request)

    def _set_state(self, response: WerkzeugResponse, sealed: str) -> None:
        response.set_cookie(
            self._parts.cookie,
            sealed,
            max_age=int(STATE_S),
            path="/",
            secure=self._parts.is_secure,
            httponly=True,
            samesite="Lax",  # Strict would not come back from Oura
        )


def described(status: ConnectionStatus) -> dict[str, Any]:
    """*status* as JSON; times in epoch milliseconds, as the original gave them."""
    answer: dict[str, Any] = {"connected": status.connected, "state": status.state}
    if status.connected:
        answer |= {
            "expiresAt": round(status.expires_at * 1000) if status.expires_at is not None else None,
            "scope": " ".join(sorted(status.scopes)) if status.scopes is not None else None,
            "missingScopes": list(status.missing),
            "connectedAt": round(status.connected_at * 1000) if status.connected_at is not None else None,
        }
    return answer


def _ended(outcome: Outcome) -> WerkzeugResponse:
    if outcome is Outcome.ANOTHER_ACCOUNT:
        return redirect(url_for("oauth.ask_to_replace"), 303)
    return redirect(url_for("oauth.result", name=outcome.value), 303)
