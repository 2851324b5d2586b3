"""Blueprint: the pages, and the words in which browsers are told that something is wrong."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from flask import Blueprint, Response, redirect, render_template, request, send_from_directory, url_for
from markupsafe import Markup, escape
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as WerkzeugResponse

from app.auth import Guard
from app.errors import AppError, AuthError, BodyError, ForbiddenError, RateExceededError, VaultError
from app.pages.clients import assistants
from app.pages.permissions import with_state

if TYPE_CHECKING:
    from app.oauth.pending import Pending
    from app.oauth.tokens import Connection

Answer = Response | WerkzeugResponse | str | tuple[str, int]
STATIC = Path(__file__).parent / "static"
APIS = frozenset({"mcp", "health"})
# Where signing in may lead: names, never addresses, so that no link can send a person elsewhere.
NEXT: Mapping[str, str] = {"status": "/status", "connect": "/login?next=connect", "replace": "/oauth/replace"}


class IssuedGrant(Protocol):
    """A client that the owner let in through the front door."""

    @property
    def grant_id(self) -> str: ...

    @property
    def client_name(self) -> str: ...

    @property
    def redirect_host(self) -> str: ...

    @property
    def granted_at(self) -> float: ...

    @property
    def last_used_at(self) -> float | None: ...


class Access(Protocol):
    """The front door, as far as the status page shows it."""

    revoke_path: str  # POST with `csrf` and `grant_id`

    def grants(self) -> Sequence[IssuedGrant]: ...


@dataclass(frozen=True, slots=True)
class Pages:
    """What the pages show. *resumes* adds names to those that signing in may lead to."""

    guard: Guard
    connection: Connection
    pending: Pending
    access: Access | None = None
    resumes: Mapping[str, str] = field(default_factory=dict)


def create_blueprint(pages: Pages) -> Blueprint:
    """The pages, their files, and error pages for browsers."""
    bp = Blueprint("pages", __name__, template_folder="templates")
    views = _Views(pages)
    bp.get("/")(views.front)
    bp.get("/login")(views.login)
    bp.post("/login")(views.sign_in)
    bp.post("/logout")(views.logout)
    bp.get("/status")(views.status)
    bp.get("/assets/<name>")(views.asset)
    bp.app_template_filter("moment")(moment)
    bp.app_template_filter("marked")(marked)
    bp.app_context_processor(views.site)
    for kind in (AuthError, ForbiddenError, RateExceededError, BodyError):
        bp.app_errorhandler(kind)(views.refuse)
    bp.app_errorhandler(HTTPException)(views.fail)
    return bp


class _Views:
    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._guard = pages.guard
        self._settings = pages.guard.settings
        self._next = {**NEXT, **pages.resumes}
        self._assistants = assistants(self._settings.public_url)
        self._version = hashlib.sha256((STATIC / "style.css").read_bytes()).hexdigest()[:12]

    def site(self) -> dict[str, Any]:
        """What every template may use."""
        session = self._guard.session(request)
        return {
            "demo": self._settings.demo,
            "signed_in": session.signed_in,
            "form_token": session.form_token,
            "asset_version": self._version,
        }

    # -- pages ---------------------------------------------------------------------------------------------------------

    def front(self) -> Answer:
        """What this is, whether a ring is connected, and how to connect an assistant."""
        return render_template(
            "front.html",
            status=self._pages.connection.status(),
            base_url=self._settings.public_url,
            redirect_uri=self._settings.oura_redirect_uri,
            assistants=self._assistants,
            front_door=self._settings.oauth_server,
        )

    def login(self) -> Answer:
        """The sign-in form; for someone signed in, the next step."""
        then = self._then(request.args.get("next"))
        if home := self._guard.home_url(request):
            return redirect(f"{home}?next={then}" if then else home)
        if not self._guard.session(request).signed_in:
            return self._sign_in_page(then)
        if then == "connect":
            return render_template("connect.html", status=self._pages.connection.status())
        return redirect(self._next.get(then, NEXT["status"]), 303)

    def sign_in(self) -> Answer:
        """Check the owner's secret. Oura's address is not in the chain of redirects, which `form-action` would have to allow."""
        fields = self._guard.form(request)
        then = self._then(fields.get("next"))
        try:
            known = self._guard.sign_in(request, fields.get("password", ""))
        except RateExceededError as exc:
            return self._sign_in_page(then, problem=str(exc), status=429, headers=exc.headers)
        if not known:
            return self._sign_in_page(
                then, problem="That is not the right secret. Look at it again, letter by letter.", status=401
            )
        return redirect(self._next.get(then, NEXT["status"]), 303)

    def logout(self) -> Answer:
        self._guard.form(request)
        self._guard.sign_out(request)
        return redirect(url_for("pages.front"), 303)

    def status(self) -> Answer:
        """How things stand, for the owner."""
        self._guard.owner(request)
        status = self._pages.connection.status()
        access = self._pages.access
        return render_template(
            "status.html",
            status=status,
            permissions=with_state(status.scopes),
            pending=self._pages.pending.waiting() is not None,
            settings=self._settings,
            stored_in="the PostgreSQL database" if self._settings.database_url else f"the file {self._settings.token_file.name}",
            grants=self._grants(),
            revoke_path=access.revoke_path if access is not None else None,
        )

    def _grants(self) -> Sequence[IssuedGrant] | None:
        """Who was let in; None without a front door, and while the store is away, which the page says anyhow."""
        try:
            return self._pages.access.grants() if self._pages.access is not None else None
        except VaultError:
            return None

    def asset(self, name: str) -> Answer:
        return send_from_directory(STATIC, name, max_age=86_400)

    def _sign_in_page(
        self, then: str, *, problem: str = "", status: int = 200, headers: Mapping[str, str] | None = None
    ) -> Response:
        page = render_template("login.html", then=then, problem=problem, by_password=self._settings.owner_password is not None)
        return Response(page, status, headers)

    def _then(self, name: str | None) -> str:
        return name if name in self._next else ""

    # -- what goes wrong -----------------------------------------------------------------------------------------------

    def refuse(self, error: AppError) -> Answer:
        """A refusal: a page for a browser on a page's route, JSON for everyone else."""
        if not _is_for_a_person():
            return self._guard.refuse(error)
        if isinstance(error, AuthError) and request.method == "GET":
            return redirect(url_for("pages.login", next=_NEXT_OF.get(request.endpoint or "")))
        status = self._guard.status_of(error)
        title = {401: "Please sign in first", 403: "This was not done", 429: "Too many attempts"}.get(status, "This did not work")
        response = Response(render_template("problem.html", title=title, text=str(error)), status)
        response.headers.update(self._guard.challenge(error))
        return response

    def fail(self, error: HTTPException) -> Answer | HTTPException:
        """404 and its like, in a browser; redirects that routing asks for pass."""
        if error.code is None or error.code < 400:
            return error
        if not _is_for_a_person():
            response = error.get_response()
            response.data = b'{"error":"%s"}' % (error.name.lower().replace(" ", "_").encode())
            response.content_type = "application/json"
            return response
        text = _SAYS.get(error.code, "Something went wrong here. The server's log says what.")
        page = render_template("problem.html", title=error.name, text=text)
        response = error.get_response()
        response.set_data(page)
        response.content_type = "text/html; charset=utf-8"
        return response


_SAYS = {404: "There is nothing at this address.", 405: "This address does not take that kind of request."}
_NEXT_OF = {"pages.status": "status", "oauth.ask_to_replace": "replace"}


def _is_for_a_person() -> bool:
    if request.blueprint in APIS or "Authorization" in request.headers:
        return False
    return "text/html" in request.headers.get("Accept", "")


def moment(seconds: float) -> str:
    """A time in UTC, as a person writes it."""
    return time.strftime("%-d %B %Y, %H:%M UTC", time.gmtime(seconds))


def marked(text: str) -> Markup:
    """*text* as HTML, in which what stands between backticks is code; everything else in it is only text."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped just here
