"""Flask without what no request of this server needs, which was half of the time that Flask itself takes."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask, Request
from flask.sessions import NullSession, SessionInterface
from werkzeug.routing import MapAdapter

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class _NoSessions(SessionInterface):
    """Flask's sessions are not used, `app/auth/session.py` has the pages' own."""

    _none = NullSession()

    def open_session(self, app: Flask, request: Request) -> NullSession:  # noqa: ARG002 - there is one for all
        return self._none


class Application(Flask):
    session_interface = _NoSessions()

    def wsgi_app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Give the request an id that every log line about it carries, the access log's too."""
        environ["request_id"] = f"{random.getrandbits(48):012x}"
        return super().wsgi_app(environ, start_response)

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Flask looks four times a request whether a function is a coroutine; none of ours is."""
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Flask's own also looks at the host, for virtual hosts; the guard does, for its list of them."""
        if request is None:
            return None
        environ = request.environ
        host, query = environ.get("HTTP_HOST", ""), environ.get("QUERY_STRING", "")
        return MapAdapter(self.url_map, host, request.root_path, "", request.scheme, request.path, request.method, query)
