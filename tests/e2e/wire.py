"""A plain MCP client over HTTP, written against the specification and nothing of ours; every message it reads is checked.

`Caller` posts JSON-RPC; `Stream` reads server-sent events in a greenlet of its own.
"""

import json
from collections.abc import Iterator
from typing import Any, Self, TypeVar

import gevent
import requests
from gevent.queue import Empty, Queue

from tests.revisions import MODERN, assert_legal

WAIT_S = 30.0
Json = dict[str, Any]
PREFIX = "io.modelcontextprotocol/"


AnyStream = TypeVar("AnyStream", bound="Stream")


def eventually(predicate: Any, *, within_s: float = WAIT_S, what: str = "") -> Any:
    """The first true value of *predicate*; fails after *within_s*, which is generous."""
    with gevent.Timeout(within_s, AssertionError(f"not within {within_s:.0f} s: {what or predicate}")):
        while not (value := predicate()):
            gevent.sleep(0.05)
        return value


class Event:
    """One server-sent event: its name, its data, and whether the blank line that ends it arrived."""

    def __init__(self, name: str, data: str, ident: str | None) -> None:
        self.name = name
        self.data = data
        self.id = ident


def events(lines: Iterator[bytes], *, comments: list[str] | None = None) -> Iterator[Event]:
    """Parse server-sent events (the WHATWG format, LF line ends); a last event without its blank line is an error."""
    name, data, ident = "message", [], None
    for raw in lines:
        line = raw.decode()
        if line.startswith(":"):
            if comments is not None:
                comments.append(line[1:].strip())
        elif line:
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            name = value if field == "event" else name
            ident = value if field == "id" else ident
            data += [value] if field == "data" else []
        elif data:
            yield Event(name, "\n".join(data), ident)
            name, data, ident = "message", [], None
    assert not data, f"the stream ended inside an event: {data}"


class Stream:
    """Server-sent events, read as they come until the end of the stream."""

    def __init__(self, response: requests.Response) -> None:
        assert response.headers["Content-Type"].startswith("text/event-stream"), response.headers
        self.response = response
        self.comments: list[str] = []
        self.raw = b""
        self.error: Exception | None = None
        self._queue: Queue[Event | None] = Queue()
        self._reader = gevent.spawn(self._read)

    def _lines(self) -> Iterator[bytes]:
        rest = b""
        for chunk in self.response.iter_content(None):
            self.raw += chunk
            *lines, rest = (rest + chunk).split(b"\n")
            yield from lines
        assert not rest, f"the stream ended inside a line: {rest!r}"

    def _read(self) -> None:
        try:
            for event in events(self._lines(), comments=self.comments):
                self._queue.put(event)
        except Exception as exc:  # noqa: BLE001 - told by `ended`
            self.error = exc
        self._queue.put(None)

    def next(self, *, within_s: float = WAIT_S) -> Event | None:
        """The next event; None at the end of the stream."""
        try:
            return self._queue.get(timeout=within_s)
        except Empty:
            raise AssertionError(f"no event within {within_s:.0f} s") from None

    def message(self, *, within_s: float = WAIT_S) -> Json:
        event = self.next(within_s=within_s)
        assert event is not None, f"the stream ended: {self.error}"
        assert event.name == "message", event.name
        return strictly(event.data)

    def rest(self, *, within_s: float = WAIT_S) -> list[Event]:
        """Every event until the stream ends, which it must, and whole."""
        found = []
        while (event := self.next(within_s=within_s)) is not None:
            found.append(event)
        assert self.error is None, f"the stream broke off: {self.error!r}"
        return found

    @property
    def open(self) -> bool:
        return not self._reader.dead

    def close(self) -> None:
        self._reader.kill(block=True, timeout=5)
        self.response.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def strictly(text: str | bytes) -> Any:
    """JSON as the specification has it: no NaN, and one line (that is one `data:` field)."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


class Caller:
    """Somebody with a bearer who speaks one handshake revision (or none yet) over Streamable HTTP."""

    def __init__(self, url: str, token: str | None, *, revision: str | None = "2025-11-25", path: str = "/mcp") -> None:
        self.url = url
        self.path = path
        self.revision = revision
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers = {
            "Accept": "application/json, text/event-stream",
            "Content-Type": "application/json",
            "Connection": "keep-alive",
        }
        if token:
            self.session.headers["Authorization"] = f"Bearer {token}"
        if revision:
            self.session.headers["MCP-Protocol-Version"] = revision
        self._ids = 0
        self._streams: list[Stream] = []

    def close(self) -> None:
        for stream in self._streams:
            stream.close()
        self.session.close()

    def request(self, verb: str, path: str | None = None, **given: Any) -> requests.Response:
        """Any HTTP request; a header given as None is not sent."""
        given.setdefault("timeout", WAIT_S)
        given.setdefault("allow_redirects", False)
        return self.session.request(verb, self.url + (path or self.path), **given)

    def post(self, body: Any, *, path: str | None = None, **given: Any) -> requests.Response:
        data = body if isinstance(body, bytes | str) or hasattr(body, "__next__") else json.dumps(body)
        return self.request("POST", path, data=data, **given)

    def new_id(self) -> int:
        self._ids += 1
        return self._ids

    def call(self, method: str, params: Json | None = None, **given: Any) -> Json:
        """Send a request and return the response message, whichever way it came; checked against the revision."""
        message: Json = {"jsonrpc": "2.0", "id": self.new_id(), "method": method}
        if params is not None:
            message["params"] = params
        *before, answer = self.conversation(message, **given)
        for other in before:
            assert_legal(other, self.revision or "2025-03-26")
        assert answer.get("id") == message["id"], answer
        assert_legal(answer, self.revision or "2025-03-26", method)
        return answer

    def conversation(self, message: Json, **given: Any) -> list[Json]:
        """Everything that came back for one message."""
        response = self.post(message, stream=True, **given)
        if response.headers.get("Content-Type", "").startswith("text/event-stream"):
            with Stream(response) as stream:
                return [strictly(event.data) for event in stream.rest()]
        assert response.headers["Content-Type"].startswith("application/json"), (response.status_code, response.headers)
        return [strictly(response.content)]

    def result(self, method: str, params: Json | None = None, **given: Any) -> Json:
        answer = self.call(method, params, **given)
        assert "result" in answer, answer
        return answer["result"]

    def tool(self, name: str, **arguments: Any) -> Json:
        """The structured answer of a tool that must succeed."""
        answer = self.result("tools/call", {"name": name, "arguments": arguments})
        assert not answer.get("isError"), answer
        assert strictly(answer["content"][0]["text"]) == answer["structuredContent"]
        return answer["structuredContent"]

    def refusal(self, name: str, **arguments: Any) -> str:
        """The words of a tool that must fail."""
        answer = self.result("tools/call", {"name": name, "arguments": arguments})
        assert answer.get("isError") is True, answer
        return answer["content"][0]["text"]

    def stream(self, path: str = "/sse", **given: Any) -> "Classic":
        """Open a classic stream (HTTP+SSE of 2024-11-05)."""
        headers = {"Accept": "text/event-stream", "Content-Type": None, "MCP-Protocol-Version": None, **given.pop("headers", {})}
        response = self.request("GET", path, stream=True, headers=headers, timeout=(WAIT_S, None), **given)
        assert response.status_code == 200, (response.status_code, response.text)
        return self.holds(Classic(self, response))

    def holds(self, stream: AnyStream) -> AnyStream:
        """Close *stream* with this caller, at the latest."""
        self._streams.append(stream)
        return stream


class Classic(Stream):
    """A classic stream: its first event tells where to post, and answers arrive on it."""

    def __init__(self, caller: Caller, response: requests.Response) -> None:
        super().__init__(response)
        self.caller = caller
        first = self.next()
        assert first is not None
        assert first.name == "endpoint", first.name
        self.endpoint = first.data

    def send(self, message: Json | bytes, **given: Any) -> requests.Response:
        return self.caller.post(message, path=self.endpoint, **given)

    def call(self, method: str, params: Json | None = None, *, revision: str = "2024-11-05") -> Json:
        message: Json = {"jsonrpc": "2.0", "id": self.caller.new_id(), "method": method}
        if params is not None:
            message["params"] = params
        response = self.send(message)
        assert response.status_code == 202, (response.status_code, response.text)
        while "id" not in (answer := self.message()):
            assert_legal(answer, revision)
        assert answer["id"] == message["id"]
        assert_legal(answer, revision, method)
        return answer


class ModernCaller(Caller):
    """Somebody who speaks 2026-07-28: every request carries its revision and capabilities, and says in headers what it asks."""

    def __init__(self, url: str, token: str | None, *, path: str = "/mcp", capabilities: Json | None = None) -> None:
        super().__init__(url, token, revision=MODERN, path=path)
        self.capabilities = capabilities or {}

    def envelope(self, method: str, params: Json | None = None) -> tuple[Json, dict[str, str]]:
        """A request and the headers that go with it."""
        params = dict(params or {})
        meta = {f"{PREFIX}protocolVersion": MODERN, f"{PREFIX}clientCapabilities": self.capabilities}
        params["_meta"] = {**meta, **params.get("_meta", {})}
        headers = {"Mcp-Method": method}
        if name := {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}.get(method):
            headers["Mcp-Name"] = params[name]
        return {"jsonrpc": "2.0", "id": self.new_id(), "method": method, "params": params}, headers

    def call(self, method: str, params: Json | None = None, **given: Any) -> Json:
        message, headers = self.envelope(method, params)
        *before, answer = self.conversation(message, headers={**headers, **given.pop("headers", {})}, **given)
        for other in before:
            assert_legal(other, MODERN)
        assert answer.get("id") == message["id"], answer
        assert_legal(answer, MODERN, method)
        return answer
