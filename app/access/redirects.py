"""Where a client may be sent back to: which redirect URIs can be registered, which match, and how a person reads them.

Sources: RFC 8252 (native apps), RFC 9700 §2.1 (exact matching), MCP authorization (https or localhost). Knows no client.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlencode, urlsplit

from app.variables import is_loopback

MAX_LENGTH = 512
_PLAIN = re.compile(r"[!$&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~%]+")  # RFC 3986 without the fragment
_NETLOC = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])(?::\d{1,5})?")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
# Schemes that browsers or systems act on themselves: none of them hands the answer to one application of the person's.
_NOT_APPS = re.compile(
    "about|blob|callto|chrome|chrome-extension|data|feed|file|filesystem|ftps?|gopher|help|im|intent|jar|javascript|ldaps?|mailto"
    "|mms|ms-.*|news|nfs|opera|resource|rtsp|search.*|sftp|shell|sips?|smb|sms|ssh|tel|telnet|urn|vbscript|view-source|vnc|wss?|xmpp"
)


def problem(uri: str, *, public: bool) -> str | None:
    """Why *uri* cannot be registered by a client that keeps no secret (*public*) or does; None if it can."""
    if len(uri) > MAX_LENGTH or not _PLAIN.fullmatch(uri):
        return "is too long, or holds a blank, a fragment or another character that a redirect URI cannot have"
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return "is no valid URL"
    return _web_problem(parts) if parts.scheme in {"http", "https"} else _private_problem(uri, parts, public=public)


def _web_problem(parts: SplitResult) -> str | None:
    if not _NETLOC.fullmatch(parts.netloc):
        return "must name a plain host, without user name"
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        return "must use https, unless it is on localhost"
    return None


def _private_problem(uri: str, parts: SplitResult, *, public: bool) -> str | None:
    if not _SCHEME.fullmatch(parts.scheme) or _NOT_APPS.fullmatch(parts.scheme):
        return "must use https, localhost, or the private scheme of an application"
    if not public:
        return "may use a private scheme only for a client without a secret"
    if not uri[len(parts.scheme) + 1 :].startswith("/") or "@" in parts.netloc:
        return "must have the form scheme://… or scheme:/…"
    return None


def matches(registered: str, asked: str) -> bool:
    """Whether *asked* is *registered*, character for character; on this computer with any port (RFC 8252 §7.3)."""
    if asked == registered:
        return True
    if problem(asked, public=True) is not None or not is_local(registered):
        return False
    return _without_port(urlsplit(registered)) == _without_port(urlsplit(asked))


def is_local(uri: str) -> bool:
    """Whether the answer goes to a program on the person's own computer, which cannot prove which program it is."""
    parts = urlsplit(uri)
    return parts.scheme == "http" and is_loopback(parts.hostname)


def is_private(uri: str) -> bool:
    """Whether the answer goes to whichever application has claimed a private scheme."""
    return urlsplit(uri).scheme not in {"http", "https"}


def label(uri: str) -> str:
    """Where the answer goes, for a person: the host, or the scheme of an application."""
    return f"{urlsplit(uri).scheme}:" if is_private(uri) else urlsplit(uri).netloc


def form_target(uri: str) -> str:
    """What a page's `form-action` must list so that its form's answer may redirect to *uri*."""
    parts = urlsplit(uri)
    if is_private(uri) or "[" in parts.netloc:  # a CSP source cannot name an IPv6 address
        return f"{parts.scheme}:"
    return f"{parts.scheme}://{parts.netloc}"


def answer(uri: str, parameters: dict[str, str | None]) -> str:
    """*uri* with those of *parameters* that have a value; what it holds already stays."""
    query = urlencode([(name, value) for name, value in parameters.items() if value is not None])
    return f"{uri}{'&' if '?' in uri else '?'}{query}"


def _without_port(parts: SplitResult) -> tuple[str, str | None, str, str, bool]:
    return parts.scheme, parts.hostname, parts.path, parts.query, "@" in parts.netloc
