"""The edge's guard: every request passes it, and every part that must know its caller asks it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from hmac import compare_digest
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import Flask, Request, Response, jsonify, request

from app.auth.bodies import read_form
from app.auth.headers import PAGE_HEADERS, security_headers
from app.auth.origins import Hosts, Origins, hostname
from app.auth.rates import Rates, client_address
from app.auth.session import Session, Sessions
from app.errors import AppError, AuthError, BodyError, ForbiddenError, RateExceededError
from app.logs import event
from app.services import OWNER, Principal
from app.variables import is_loopback

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from app.config import Settings
    from app.metrics import Metrics
    from app.seal import Sealer

PROBES = frozenset({"/healthz", "/readyz"})  # probes name whatever host they like
RESOURCES = frozenset({"/mcp", "/sse"})
Verifier = Callable[[str, str], Principal | None]
log = logging.getLogger(__name__)


class Guard:
    """Knows the owner by AUTH_TOKEN or a signed-in browser, and others by *verifiers*, each of a token and a resource URL.

    A verifier may raise AuthError for a token that it knows to be over.
    """

    def __init__(self, settings: Settings, sealer: Sealer, *, metrics: Metrics, clock: Callable[[], float]) -> None:
        self.settings = settings
        self.verifiers: list[Verifier] = []
        self._metrics = metrics
        self._token = settings.auth_token.get_secret_value().encode()
        self._page_secret = settings.owner_secret
        self._hosts = Hosts(settings)
        self._origins = Origins(settings)
        self._sessions = Sessions(settings, sealer, clock=clock)
        self._headers = [(header[0].lower(), header) for header in security_headers(settings)]
        self._home = urlsplit(settings.redirect_origin)
        self._public_host = urlsplit(settings.public_url).netloc

    def install(self, app: Flask) -> None:
        """Put the guard before and after every request of *app*."""
        self._rates = Rates(app, self.settings.mcp_rate_limit, metrics=self._metrics)
        self._cors = self._origins.cors(app)
        app.before_request(self._before)
        app.after_request(self._after)
        app.wsgi_app = self._adding_headers(app.wsgi_app)  # type: ignore[assignment, method-assign]
        for kind in (AuthError, ForbiddenError, RateExceededError, BodyError):
            app.register_error_handler(kind, self.refuse)

    # -- who is calling ------------------------------------------------------------------------------------------------

    def authenticate(self, request: Request) -> Principal:
        """Whose bearer this is; AuthError if nobody's. The owner's is never refused, however many wrong ones came before."""
        sent = request.environ.get("HTTP_AUTHORIZATION")
        if sent is None:
            raise AuthError("Send this server's token in the header 'Authorization: Bearer …'.")
        scheme, _, token = sent.partition(" ")
        token = token.strip()
        if scheme.lower() == "bearer":
            # WSGI's strings are Latin-1: every byte a client sent, as it was sent.
            if compare_digest(token.encode("latin-1", "replace"), self._token):
                return OWNER
            for verify in self.verifiers:
                principal = verify(token, self.resource_url(request))
                if principal is not None:
                    return principal
        self._metrics.auth_failure("bearer")
        event(log, "bearer_refused")
        self._rates.failed("bearer", self.address(request))
        raise AuthError("The token is not valid for this server.", token_was_sent=True)

    def owner(self, request: Request) -> Principal:
        """The owner, by bearer or signed-in browser; a browser that changes something must carry its form's token."""
        if "HTTP_AUTHORIZATION" in request.environ:
            principal = self.authenticate(request)
            if not principal.is_owner:
                raise ForbiddenError(
                    "Only the owner of this server may do this; a client's token reads health data and nothing else."
                )
            return principal
        if not self.session(request).signed_in:
            raise AuthError("Sign in, or send AUTH_TOKEN in the header 'Authorization: Bearer …'.")
        if request.method not in {"GET", "HEAD"}:
            self.form(request)
        return OWNER

    def is_owner(self, request: Request) -> bool:
        """Whether the owner is asking, for pages that show more to them."""
        try:
            return self.owner(request).is_owner
        except (AuthError, ForbiddenError, RateExceededError):
            return False

    # -- the browser ---------------------------------------------------------------------------------------------------

    def session(self, request: Request) -> Session:
        """The browser's session; its cookie goes on the answer if it has changed."""
        session: Session | None = request.environ.get(_SESSION)
        if session is None:
            session = request.environ[_SESSION] = self._sessions.of(request)
        return session

    def form(self, request: Request) -> dict[str, str]:
        """The fields of a form of ours; ForbiddenError unless it carries this session's `csrf` field."""
        fields: dict[str, str] | None = request.environ.get(_FORM)
        if fields is None:
            fields = request.environ[_FORM] = read_form(request)
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
            raise ForbiddenError("This form was sent from another site. Open the page here and send it again.")
        if not self.session(request).matches(fields.get("csrf", "")):
            raise ForbiddenError(
                f"This page was open for too long, or its cookie was lost. Open {self.settings.redirect_origin} and try again."
            )
        return fields

    def sign_in(self, request: Request, secret: str) -> bool:
        """Sign this browser in if *secret* is the owner's. RateExceededError after five failures from its address."""
        if not self.knows_owner(request, secret):
            return False
        self._sessions.sign_in(self.session(request))
        event(log, "owner_signed_in")
        return True

    def knows_owner(self, request: Request, secret: str) -> bool:
        """Whether *secret* opens the pages: OWNER_PASSWORD if set, else AUTH_TOKEN. Counts failures like `sign_in`."""
        address = self.address(request)
        self._rates.check("sign-in", address)
        if compare_digest(secret.strip().encode("utf-8", "replace"), self._page_secret):
            self._rates.forgive("sign-in", address)
            return True
        self._metrics.auth_failure("sign-in")
        event(log, "sign_in_refused")
        self._rates.failed("sign-in", address)
        return False

    def sign_out(self, request: Request) -> None:
        self._sessions.sign_out(self.session(request))

    def home_url(self, request: Request) -> str | None:
        """Where this page must be opened instead, since its cookie would not come back here; None if it is at home.

        Without a redirect URI nothing comes back from Oura, and every address is as good as another.
        """
        if not self.settings.oura_redirect_uri:
            return None
        usual = {"http": ":80", "https": ":443"}[self._home.scheme]
        # The scheme is not compared: behind proxies nobody knows it for sure, and a wrong guess would redirect for ever.
        here = request.environ.get("HTTP_HOST", "").lower().removesuffix(usual)
        return None if here == self._home.netloc else self.settings.redirect_origin + request.path

    # -- what the rest of the edge asks --------------------------------------------------------------------------------

    def charge(self, principal: Principal, request: Request, units: int) -> None:  # noqa: ARG002 - whoever calls, the address counts
        """Count *units* JSON-RPC requests; RateExceededError beyond MCP_RATE_LIMIT. The limit's headers go on the answer."""
        request.environ[_RATE_HEADERS] = self._rates.charge(self.address(request), units).items()

    def count(self, kind: str, request: Request) -> None:
        """Count a request of *kind* ("registration", "authorization", "token"); RateExceededError beyond its limit."""
        self._rates.count(kind, self.address(request))

    def address(self, request: Request) -> str:
        return client_address(request.environ, self.settings.trusted_proxy_hops)

    def base_url(self, request: Request) -> str:
        """This server as the caller addressed it: the loopback Host it used, else PUBLIC_URL.

        PUBLIC_URL itself may be on loopback, and https there by a proxy that only it tells of.
        """
        header = request.environ.get("HTTP_HOST", "").lower()
        if is_loopback(hostname(header)) and header != self._public_host:
            return f"{request.environ['wsgi.url_scheme']}://{header}"
        return self.settings.public_url

    def resource_url(self, request: Request) -> str:
        """The protected resource that *request* is for, which issued tokens name as their audience.

        What is on neither MCP path (the classic stream's /message, the owner's routes) belongs to the server as a whole.
        """
        path = request.path.rstrip("/")
        return self.base_url(request) + (path if path in RESOURCES else "")

    def challenge(self, error: AppError) -> dict[str, str]:
        """The headers that the answer to *error* carries; a 401's say how to come in."""
        if isinstance(error, RateExceededError):
            return error.headers
        if not isinstance(error, AuthError):
            return {}
        parts = ['realm="oura-mcp"']
        if error.token_was_sent:
            parts.append('error="invalid_token"')
        if self.settings.oauth_server:
            resource = urlsplit(self.resource_url(request))
            slash = "/" if resource.path and request.path.endswith("/") else ""  # clients compare with what they were given
            metadata = f"{resource.scheme}://{resource.netloc}/.well-known/oauth-protected-resource{resource.path}{slash}"
            parts.append(f'resource_metadata="{metadata}"')
            parts.append('scope="health:read"')
        return {"WWW-Authenticate": "Bearer " + ", ".join(parts)}

    def status_of(self, error: AppError) -> int:
        """The HTTP status that *error* of this guard is answered with, whatever the body looks like."""
        match error:
            case AuthError():
                return 401
            case RateExceededError():
                return 429
            case BodyError():
                return error.status
            case _:
                return 403

    def refuse(self, error: AppError) -> Response:
        """The answer of routes that have no words of their own for it: JSON."""
        status = self.status_of(error)
        response = jsonify({"error": _NAMES.get(status, "bad_request"), "message": str(error)})
        response.status_code = status
        response.headers.update(self.challenge(error))
        return response

    # -- around every request ------------------------------------------------------------------------------------------

    def _before(self) -> Response | None:
        environ = request.environ
        host = environ.get("HTTP_HOST", "")
        if not self._hosts.admit(host) and environ["PATH_INFO"] not in PROBES:
            self._metrics.auth_failure("host")
            raise ForbiddenError(_unlisted_host(host))
        origin = environ.get("HTTP_ORIGIN")
        if origin is None:
            return None
        if not self._origins.admit(origin) and not self._is_own_form(origin):
            self._metrics.auth_failure("origin")
            raise ForbiddenError("This web origin may not call this server. To allow it, add it to CORS_ORIGIN and restart.")
        if environ["REQUEST_METHOD"] == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ:
            return Response(status=204)
        return None

    def _is_own_form(self, origin: str) -> bool:
        """A form of our pages: browsers send it with Origin `null`, for the pages' own policy is to send no referrer.

        Its `csrf` field is what proves it; a bearer in the same request would mean a script, not a form.
        """
        environ = request.environ
        host = environ.get("HTTP_HOST", "")
        plain = request.mimetype == "application/x-www-form-urlencoded" and "HTTP_AUTHORIZATION" not in environ
        return plain and origin in {"null", f"http://{host}", f"https://{host}"}

    def _after(self, response: Response) -> Response:
        environ = request.environ
        if "HTTP_ORIGIN" in environ:
            self._cors.add_to(response)
        if _SESSION in environ:
            self._sessions.save(environ[_SESSION], response)
        return response

    def _adding_headers(self, wsgi_app: WSGIApplication) -> WSGIApplication:
        """What every answer carries, added where it leaves: Flask would check each header, and copy it, once more."""

        def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Callable[[bytes], object]:
                given = {name.lower(): value for name, value in headers}
                headers += [header for lower, header in self._headers if lower not in given]
                if given.get("content-type", "").startswith("text/html"):
                    headers += PAGE_HEADERS
                headers += environ.get(_RATE_HEADERS, ())
                return start_response(status, headers, *exc_info)

            return wsgi_app(environ, start)

        return serve


# What the guard keeps of a request: in its environ, since Flask's `g` has to be looked up each time.
_RATE_HEADERS, _SESSION, _FORM = "oura_mcp.rate_headers", "oura_mcp.session", "oura_mcp.form"
_NAMES = {401: "unauthorized", 403: "forbidden", 408: "timeout", 413: "too_large", 429: "too_many_requests"}


def _unlisted_host(header: str) -> str:
    name = hostname(header)
    if name is None:
        return "This request names no host that this server answers to."
    return f"This server does not answer to the host name {name}. To allow it, add it to ALLOWED_HOSTS and restart."
