"""A reverse proxy on loopback that keeps what passes, so that every message a real client is sent can be checked.

It also cuts connections on demand. Knows HTTP, JSON-RPC and server-sent events; nothing of ours.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from gevent.pywsgi import WSGIServer

from tests.e2e.wire import events, strictly
from tests.revisions import MODERN, assert_legal

_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host", "te", "upgrade"}
_ENVELOPE = "io.modelcontextprotocol/protocolVersion"


@dataclass
class Exchange:
    """One request and its answer, as far as it got."""

    verb: str
    path: str
    headers: dict[str, str]
    body: bytes
    status: int = 0
    kind: str = ""
    answer: bytearray = field(default_factory=bytearray)
    waiting: dict[Any, tuple[str, str]] = field(default_factory=dict)  # id -> method and revision of what was asked

    @property
    def asked(self) -> list[dict[str, Any]]:
        """The messages the client sent."""
        sent = json.loads(self.body) if self.body else []
        return sent if isinstance(sent, list) else [sent]

    @property
    def told(self) -> list[dict[str, Any]]:
        """The messages the server sent; an event that was cut off is none."""
        if not self.path.startswith(("/mcp", "/sse", "/message")):
            return []  # what a client asked of OAuth
        if "event-stream" in self.kind:
            whole = bytes(self.answer).rpartition(b"\n\n")[0] + b"\n\n"
            return [strictly(event.data) for event in events(iter(whole.split(b"\n"))) if event.name == "message" and event.data]
        if "json" in self.kind and self.answer:
            answer = strictly(bytes(self.answer))
            return answer if isinstance(answer, list) else [answer]
        return []

    @property
    def session(self) -> str:
        """What ties the two halves of a classic conversation together."""
        if self.verb == "GET":
            name, _, data = bytes(self.answer).partition(b"\n\n")[0].partition(b"data:")
            return data.strip().decode() if b"endpoint" in name else ""
        return self.path if "sessionId" in parse_qs(urlsplit(self.path).query) else ""


class Recorder:
    """Listens on a port of its own and forwards to *target* (an origin)."""

    def __init__(self, target: str) -> None:
        self._target = urlsplit(target)
        self.exchanges: list[Exchange] = []
        self._server = WSGIServer(("127.0.0.1", 0), self._forward, log=None)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def _forward(self, environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        headers = {k[5:].replace("_", "-").lower(): v for k, v in environ.items() if k.startswith("HTTP_")}
        headers |= {k.replace("_", "-").lower(): environ[k] for k in ("CONTENT_TYPE",) if environ.get(k)}
        path = environ["PATH_INFO"] + (f"?{environ['QUERY_STRING']}" if environ["QUERY_STRING"] else "")
        exchange = Exchange(environ["REQUEST_METHOD"], path, headers, environ["wsgi.input"].read())
        self.exchanges.append(exchange)
        upstream = HTTPConnection(self._target.hostname or "", self._target.port, timeout=60)
        passed = {name: value for name, value in headers.items() if name not in _HOP}
        upstream.request(exchange.verb, path, body=exchange.body or None, headers={**passed, "Connection": "close"})
        response = upstream.getresponse()
        exchange.status, exchange.kind = response.status, response.getheader("Content-Type") or ""
        kept = [(name, value) for name, value in response.getheaders() if name.lower() not in _HOP]
        start_response(f"{response.status} {response.reason}", kept)
        return self._body(exchange, upstream, response)

    def _body(self, exchange: Exchange, upstream: HTTPConnection, response: Any) -> Iterator[bytes]:
        try:
            while chunk := response.read1(65536):
                exchange.answer += chunk
                yield chunk
        finally:
            upstream.close()

    def assert_all_legal(self) -> int:
        """Check every message the server sent against the revision it was sent in; return how many there were."""
        conversations: dict[str, dict[Any, tuple[str, str]]] = {}
        negotiated: dict[str, str] = {}
        checked = 0
        for exchange in self.exchanges:
            if exchange.session:
                exchange.waiting = conversations.setdefault(exchange.session, {})
            asked = [message for message in exchange.asked if "method" in message and "id" in message]
            exchange.waiting |= {message["id"]: (message["method"], _revision(exchange, message)) for message in asked}
        for exchange in self.exchanges:
            for message in exchange.told:
                method, revision = exchange.waiting.get(message.get("id"), (None, ""))
                if method == "initialize" and "result" in message:
                    negotiated[exchange.session] = message["result"]["protocolVersion"]
                assert_legal(message, revision or negotiated.get(exchange.session, "2025-11-25"), method)
                checked += 1
        return checked

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(timeout=1)


def _revision(exchange: Exchange, message: dict[str, Any]) -> str:
    meta = (message.get("params") or {}).get("_meta") or {}
    return MODERN if _ENVELOPE in meta else exchange.headers.get("mcp-protocol-version", "")
