"""Which Host names are ours, and which web origins may call: one list, for the Origin check and for CORS alike."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import Flask, Response
from flask_cors.core import get_cors_options, set_cors_headers

from app.variables import is_loopback

if TYPE_CHECKING:
    from app.config import Settings

CORS_HEADERS: Mapping[str, Any] = {
    "methods": ["GET", "POST", "DELETE", "OPTIONS"],
    "allow_headers": [
        "Authorization",
        "Content-Type",
        "Accept",
        "MCP-Protocol-Version",
        "Mcp-Session-Id",
        "Mcp-Method",
        "Mcp-Name",
        "Last-Event-ID",
    ],
    "expose_headers": ["Mcp-Session-Id", "WWW-Authenticate", "Retry-After"],
    "max_age": 600,
    "supports_credentials": False,  # browsers' cookies open pages, never the API
}
_LOOPBACK = r"https?://(?:localhost|(?:[a-z0-9-]+\.)+localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?"


class Origins:
    """The origin of PUBLIC_URL, loopback ones on any port, and CORS_ORIGIN, in which `*` admits all but `null`."""

    def __init__(self, settings: Settings) -> None:
        listed = [settings.public_url, settings.redirect_origin, *settings.cors_origin]
        exact = "|".join(re.escape(origin) for origin in listed if origin != "*")
        anyone = r"|(?!null\Z)[^\s,]+" if "*" in listed else ""
        self.pattern = re.compile(rf"(?:{exact}|{_LOOPBACK}{anyone})\Z", re.IGNORECASE)

    def admit(self, origin: str) -> bool:
        return self.pattern.match(origin) is not None

    def cors(self, app: Flask) -> CorsHeaders:
        """What adds CORS headers to a response, by this same list."""
        return CorsHeaders(get_cors_options(app, CORS_HEADERS, {"origins": [self.pattern]}))


class CorsHeaders:
    """Flask-CORS, called only for requests that carry an Origin: its own hook costs every other request 10 µs."""

    def __init__(self, options: Any) -> None:
        self._options = options

    def add_to(self, response: Response) -> None:
        set_cors_headers(response, self._options)


class Hosts:
    """The Host names that are answered: PUBLIC_URL's, OURA_REDIRECT_URI's, loopback, and ALLOWED_HOSTS."""

    def __init__(self, settings: Settings) -> None:
        own = {urlsplit(url).hostname for url in (settings.public_url, settings.redirect_origin)}
        named = {host for host in settings.allowed_hosts if not host.startswith("*.")}
        suffixes = tuple(host[1:] for host in settings.allowed_hosts if host.startswith("*."))

        @lru_cache(maxsize=256)
        def admit(header: str) -> bool:
            host = hostname(header)
            return host is not None and (host in own or host in named or host.endswith(suffixes) or is_loopback(host))

        self.admit = admit


def hostname(header: str) -> str | None:
    """The name in a Host header, lower case and without port and brackets; None if it is not one."""
    if not re.fullmatch(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?", header):
        return None
    try:
        return urlsplit(f"//{header}").hostname
    except ValueError:  # brackets around what is no IPv6 address
        return None
