"""Blueprint: the front door's HTTP. Metadata, the consent page, the token endpoint, registration, revocation.

Sources: RFC 6749, 7009, 7591, 8414, 9207, 9728; MCP authorization. Owns the words on the consent page.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from flask import Blueprint, Response, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as WerkzeugResponse

from app.access import redirects
from app.access.authorization import AuthorizationRequest, RedirectedError, checked
from app.access.door import Access, resource_metadata, server_metadata
from app.access.resources import PATHS
from app.access.server import Answer as TokenAnswer
from app.auth import Guard
from app.auth.bodies import MAX_FORM_BYTES, read_body
from app.auth.headers import content_security_policy
from app.errors import AccessRefusedError, AuthError, RateExceededError, VaultError
from app.logs import event
from app.mcp.wire import DecodeError, decode

if TYPE_CHECKING:
    from app.oauth.tokens import Connection
    from app.seal import Sealer

Answer = Response | WerkzeugResponse | str | tuple[Response | str, int]
RESUME = "client"  # the name under which connecting a ring leads back here
CONTINUE = "/authorize/continue"
CONSENT_S, RESUME_S = 600.0, 1800.0
_CONSENT, _RESUME = "mcp-consent", "mcp-resume"
_TO_CONNECT = frozenset({"never", "reconnect"})  # the states in which a visit to Oura helps
_LONGEST_COOKIE = 3800  # browsers drop one of more than 4096 bytes with its name and attributes
_WRONG = "That is not the right secret. Look at it again, letter by letter."
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FrontDoor:
    """What the views of this blueprint work with."""

    access: Access
    guard: Guard
    connection: Connection
    sealer: Sealer

    @property
    def cookie(self) -> str:
        return "__Host-oura_mcp_client" if self.is_secure else "oura_mcp_client"

    @property
    def is_secure(self) -> bool:
        return self.guard.settings.redirect_origin.startswith("https://")


def create_blueprint(door: FrontDoor) -> Blueprint:
    """The routes of the front door."""
    bp = Blueprint("access", __name__, template_folder="templates")
    endpoints, pages = _Endpoints(door), _Pages(door)
    bp.get("/.well-known/oauth-authorization-server")(endpoints.server_metadata)
    bp.get("/.well-known/oauth-protected-resource", defaults={"path": ""})(endpoints.resource_metadata)
    bp.get("/.well-known/oauth-protected-resource/<path>", strict_slashes=False)(endpoints.resource_metadata)
    bp.post("/token")(endpoints.token)
    bp.post("/revoke")(endpoints.revocation)
    bp.post("/register")(endpoints.register)
    bp.get("/authorize")(pages.ask)
    bp.post("/authorize")(pages.decide)
    bp.get(CONTINUE)(pages.go_on)
    bp.post(door.access.revoke_path)(pages.revoke)
    return bp


class _Endpoints:
    """What programs call."""

    def __init__(self, door: FrontDoor) -> None:
        self._access = door.access
        self._guard = door.guard

    def server_metadata(self) -> Answer:
        return jsonify(server_metadata(self._guard.base_url(request)))

    def resource_metadata(self, path: str) -> Answer:
        """Of the MCP path in the address, with a slash at its end if it is written so; without a path, of /mcp."""
        if path and f"/{path}" not in PATHS:
            return _refusal("not_found", "There is no such resource.", 404)
        written = request.path.removeprefix("/.well-known/oauth-protected-resource")
        return jsonify(resource_metadata(self._guard.base_url(request), written or PATHS[0]))

    def token(self) -> Answer:
        return self._answered("token", self._access.server.token)

    def revocation(self) -> Answer:
        return self._answered("revocation", self._access.server.revocation)

    def register(self) -> Answer:
        """Dynamic client registration (RFC 7591)."""
        if request.mimetype != "application/json":  # what any site may send from a visitor's browser without asking first
            return _refusal("invalid_client_metadata", "Send the metadata as application/json.")
        self._guard.count("registration", request)
        try:
            client, secret = self._access.clients.register(decode(read_body(request, limit=MAX_FORM_BYTES)))
        except DecodeError:
            return _refusal("invalid_client_metadata", "The body must be a JSON object.")
        except AccessRefusedError as exc:
            return _refusal(exc.code, str(exc), 503 if exc.code == "temporarily_unavailable" else 400)
        except VaultError as exc:
            return _refusal("temporarily_unavailable", str(exc), 503)
        event(log, "client_registered", client=client.name, redirect=redirects.label(client.redirect_uris[0]))
        response = jsonify(client.registration(secret))
        response.status_code = 201
        return response

    def _answered(self, name: str, endpoint: Callable[[dict[str, str], dict[str, str]], TokenAnswer]) -> Answer:
        self._guard.count("token", request)
        pairs = self._form_pairs()
        if pairs is None or len(dict(pairs)) != len(pairs):
            return _refusal("invalid_request", "Send a form (application/x-www-form-urlencoded) that names each field once.")
        try:
            answer = endpoint(dict(pairs), {"Authorization": request.headers.get("Authorization", "")})
        except VaultError as exc:
            return _refusal("temporarily_unavailable", str(exc), 503)
        event(log, f"{name}_answered", status=answer.status, error=answer.body.get("error"), grant_type=_grant_type(pairs))
        response = jsonify(answer.body)
        response.status_code = answer.status
        response.headers.update(answer.headers)
        return response

    def _form_pairs(self) -> list[tuple[str, str]] | None:
        if request.mimetype != "application/x-www-form-urlencoded":
            return None
        try:
            return parse_qsl(read_body(request, limit=MAX_FORM_BYTES).decode(), keep_blank_values=False, max_num_fields=50)
        except ValueError:
            return None


class _Pages:
    """What the owner sees."""

    def __init__(self, door: FrontDoor) -> None:
        self._door = door
        self._access = door.access
        self._guard = door.guard

    def ask(self) -> Answer:
        """Show who wants to come in, and what they would see."""
        self._guard.count("authorization", request)
        pairs = list(request.args.items(multi=True))
        try:
            asked = checked(pairs, self._access.clients, issuer=self._guard.base_url(request))
        except RedirectedError as exc:
            event(log, "authorization_refused", error=exc.code)
            return redirect(exc.location)
        except AccessRefusedError as exc:
            event(log, "authorization_refused", error=exc.code)
            return render_template("problem.html", title="This application cannot come in", text=str(exc)), 400
        return self._consent(asked)

    def decide(self) -> Answer:
        """The owner's answer: to the client with a code or a refusal, or to the ring first."""
        fields = self._guard.form(request)
        session = self._guard.session(request)
        held = self._door.sealer.open(_CONSENT, fields.get("request", ""), owner=session.csrf)
        if held is None:
            text = "This page was open for too long. Start again in the application that sent you here."
            return render_template("problem.html", title="Too late", text=text), 400
        asked = AuthorizationRequest.of_record(held)
        if fields.get("decision") != "allow":
            event(log, "access_denied", client=asked.client_name)
            return redirect(asked.denied(), 303)
        if not session.signed_in:
            try:
                known = self._guard.sign_in(request, fields.get("password", ""))
            except RateExceededError as exc:
                return self._consent(asked, problem=str(exc), status=429, retry_after_s=exc.retry_after_s)
            if not known:
                return self._consent(
                    asked, problem="That is not the right secret. Look at it again, letter by letter.", status=401
                )
        if self._door.connection.status().state in _TO_CONNECT:
            return self._to_the_ring(asked)
        return self._let_in(asked)

    def go_on(self) -> Answer:
        """After consent, while no ring is connected: connect it, or go on without."""
        asked = self._waiting()
        if asked is None:
            return redirect(url_for("pages.status"))
        if not self._guard.session(request).signed_in:
            raise AuthError("Sign in first.")
        status = self._door.connection.status()
        if status.state not in _TO_CONNECT or "without" in request.args:
            return self._let_in(asked)
        home = self._guard.home_url(request)
        return render_template(
            "access/ring.html",
            client_name=asked.client_name,
            status=status,
            connect_url=f"{self._guard.settings.redirect_origin if home else ''}{url_for('oauth.authorize', next=RESUME)}",
            elsewhere=home is not None,
        )

    def revoke(self) -> Answer:
        """End a client's access; from the status page's button, or by the owner's bearer."""
        self._guard.owner(request)
        by_script = "Authorization" in request.headers
        fields = request.args.to_dict() if by_script else self._guard.form(request)
        try:
            revoked = self._access.revoke(fields.get("grant_id", ""))
        except VaultError as exc:
            return _refusal("temporarily_unavailable", str(exc), 503) if by_script else self._not_saved(exc)
        return jsonify({"revoked": revoked}) if by_script else redirect(url_for("pages.status"), 303)

    # -- steps ---------------------------------------------------------------------------------------------------------

    def _consent(
        self, asked: AuthorizationRequest, *, problem: str = "", status: int = 200, retry_after_s: int | None = None
    ) -> Response:
        token = self._guard.session(request).form_token()
        page = render_template(
            "access/consent.html",
            asked=asked,
            goes_to=redirects.label(asked.redirect_uri),
            local=redirects.is_local(asked.redirect_uri),
            private=redirects.is_private(asked.redirect_uri),
            vouched_by=urlsplit(asked.client_id).hostname if asked.client_kind == "document" else None,
            sealed=self._door.sealer.seal(_CONSENT, asked.record(), owner=token, ttl_s=CONSENT_S),
            by_password=self._guard.settings.owner_password is not None,
            problem=problem,
        )
        response = Response(page, status)
        policy = content_security_policy(form_action=[redirects.form_target(asked.redirect_uri)])
        response.headers["Content-Security-Policy"] = policy
        if retry_after_s is not None:
            response.headers["Retry-After"] = str(retry_after_s)
        return response

    def _let_in(self, asked: AuthorizationRequest) -> Answer:
        try:
            location = self._access.grant(asked)
        except VaultError as exc:
            return self._not_saved(exc)
        response = redirect(location, 303)
        response.delete_cookie(self._door.cookie, path="/", secure=self._door.is_secure, httponly=True, samesite="Lax")
        return response

    def _to_the_ring(self, asked: AuthorizationRequest) -> Answer:
        """Remember the consent in this browser; a page with a link follows, since `form-action` would stop redirects to Oura."""
        sealed = self._door.sealer.seal(_RESUME, asked.record(), ttl_s=RESUME_S)
        if len(sealed) > _LONGEST_COOKIE:  # a client with an extraordinary `state`; its tools will say what to open
            return self._let_in(asked)
        response = redirect(CONTINUE, 303)
        response.set_cookie(
            self._door.cookie,
            sealed,
            max_age=int(RESUME_S),
            path="/",
            secure=self._door.is_secure,
            httponly=True,
            samesite="Lax",  # Strict would not come back from Oura
        )
        return response

    def _waiting(self) -> AuthorizationRequest | None:
        held = self._door.sealer.open(_RESUME, request.cookies.get(self._door.cookie, ""))
        return AuthorizationRequest.of_record(held) if held is not None else None

    def _not_saved(self, exc: VaultError) -> Answer:
        return render_template("problem.html", title="This could not be stored", text=str(exc)), 503


def _refusal(code: str, text: str, status: int = 400) -> Response:
    response = jsonify({"error": code, "error_description": text})
    response.status_code = status
    return response


def _grant_type(pairs: list[tuple[str, Any]]) -> str | None:
    kind = dict(pairs).get("grant_type")
    return kind if kind in {None, "authorization_code", "refresh_token"} else "other"
