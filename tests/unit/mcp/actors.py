"""Who takes part in the engine's tests: a clock, a door, and a client that checks every message it reads against its revision."""

import json
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import gevent
from flask import Flask

from app.mcp import Engine
from app.metrics import Metrics
from app.seal import Sealer
from app.services import OWNER, Principal
from tests.revisions import MODERN, assert_legal

Json = dict[str, Any]
PREFIX = "io.modelcontextprotocol/"


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


class Services:
    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.metrics = Metrics()
        self.sealer = Sealer([bytes(32)], clock=clock)


class Door:
    """The edge: the bearer is the caller's name; `units` counts what was charged."""

    def __init__(self) -> None:
        self.units: list[int] = []
        self.refuse: Exception | None = None

    def authenticate(self, request: Any) -> Principal:
        if self.refuse is not None:
            raise self.refuse
        name = request.headers.get("Authorization", "Bearer owner").removeprefix("Bearer ")
        return OWNER if name == "owner" else Principal(key=name, is_owner=False)

    def charge(self, principal: Principal, request: Any, units: int) -> None:
        self.units.append(units)

    def challenge(self, error: Exception) -> Mapping[str, str]:
        return {"WWW-Authenticate": "Bearer"}


class Answer:
    """An HTTP answer whose body may still be coming; each message is checked as it is read."""

    def __init__(self, response: Any, revision: str, methods: dict[Any, str]) -> None:
        self._response = response
        self._revision = revision
        self._methods = methods
        self._chunks = response.response
        self.status: int = response.status_code
        self.headers = response.headers
        self.is_stream = response.mimetype == "text/event-stream"
        assert not self.is_stream or self.status == 200

    @cached_property
    def text(self) -> str:
        return b"".join(self._chunks).decode()

    @cached_property
    def message(self) -> Json:
        """The only message: the JSON body, or the last event of a stream."""
        return self.messages()[-1]

    @property
    def result(self) -> Json:
        return self.message["result"]

    @property
    def error(self) -> Json:
        return self.message["error"]

    def messages(self) -> list[Json]:
        """Every message to the end."""
        if self.is_stream:
            return [message for message in iter(self.next_message, None) if message is not None]
        decoded = json.loads(self.text)
        return [self._checked(message) for message in (decoded if isinstance(decoded, list) else [decoded])]

    def next_event(self) -> Json | None:
        """The next event's fields; None at the end. A comment is {'': text}."""
        chunk = next(self._chunks, None)
        if chunk is None:
            return None
        assert chunk.endswith(b"\n\n"), chunk
        return {
            name: value.removeprefix(" ") for name, _, value in (line.partition(":") for line in chunk.decode().split("\n")[:-2])
        }

    def next_message(self) -> Json | None:
        """The next event that carries a message; None at the end."""
        while (event := self.next_event()) is not None:
            if event.get("data"):
                return self._checked(json.loads(event["data"]))
        return None

    def reads(self, revision: str, methods: dict[Any, str]) -> None:
        """Judge what comes from here on by *revision*; *methods* are the requests that are answered here, by id."""
        self._revision, self._methods = revision, methods

    def close(self) -> None:
        """Leave, as a client does that goes away."""
        self._chunks.close()

    def _checked(self, message: Json) -> Json:
        id_ = message.get("id")
        if self.status < 400 or (isinstance(message.get("error"), dict) and message["error"]["code"] < 0):
            assert_legal(message, self._revision, self._methods.get(id_) if "result" in message else None)
        return message


class Client:
    """Posts what it is told, in the revision it speaks."""

    def __init__(self, app: Flask, engine: Engine) -> None:
        self.app = app
        self.engine = engine
        self.revision: str | None = None
        self.path = "/mcp"
        self.headers: dict[str, str] = {"Accept": "application/json, text/event-stream"}
        self.capabilities: Json = {}
        self.methods: dict[Any, str] = {}

    def speaking(self, revision: str | None, *, path: str = "/mcp", **capabilities: Any) -> "Client":
        """Another client of the same server."""
        other = Client(self.app, self.engine)
        other.revision, other.path, other.capabilities = revision, path, capabilities
        if revision is not None:
            other.headers["MCP-Protocol-Version"] = revision
        return other

    def http(self, verb: str, path: str | None = None, body: Any = None, **headers: str | None) -> Answer:
        """Any request; keyword headers have underscores for hyphens, None removes one."""
        given = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        content_type = given.pop("Content-Type", "application/json" if sent is not None else None)
        response = self.app.test_client().open(
            path or self.path,
            method=verb,
            data=sent,
            headers={name: value for name, value in given.items() if value is not None},
            content_type=content_type,
        )
        return Answer(response, self.revision or "2025-03-26", self.methods)

    def post(self, body: Any, **headers: str | None) -> Answer:
        return self.http("POST", None, body, **headers)

    def request(
        self, method: str, params: Json | None = None, *, id_: Any = 1, meta: Json | None = None, **headers: Any
    ) -> Answer:
        """One request, with what its era asks for around it."""
        self.methods[id_] = method
        given = dict(params or {})
        if self.revision == MODERN:
            declared = {f"{PREFIX}protocolVersion": MODERN, f"{PREFIX}clientCapabilities": self.capabilities}
            given["_meta"] = {**declared, **(meta or {})}
            named = given.get("uri" if method == "resources/read" else "name")
            headers = {"Mcp_Method": method, **({"Mcp_Name": named} if isinstance(named, str) else {}), **headers}
        elif meta is not None:
            given["_meta"] = meta
        return self.post({"jsonrpc": "2.0", "id": id_, "method": method, "params": given}, **headers)

    def call(self, tool_name: str, arguments: Json | None = None, **given: Any) -> Answer:
        params = {"name": tool_name, **({"arguments": arguments} if arguments is not None else {}), **given.pop("params", {})}
        return self.request("tools/call", params, **given)

    def initialize(self, revision: str = "2025-11-25", **capabilities: Any) -> Json:
        """Shake hands; keeps the session id, if one is given."""
        self.revision = revision
        params = {"protocolVersion": revision, "capabilities": capabilities, "clientInfo": {"name": "unit", "version": "1"}}
        answer = self.request("initialize", params, id_="hello")
        if "Mcp-Session-Id" in answer.headers:
            self.headers["Mcp-Session-Id"] = answer.headers["Mcp-Session-Id"]
        self.headers["MCP-Protocol-Version"] = revision
        return answer.result

    def notify(self, method: str, params: Json | None = None) -> Answer:
        return self.post({"jsonrpc": "2.0", "method": method, **({"params": params} if params is not None else {})})

    def reply(self, id_: Any, result: Json | None = None, error: Json | None = None) -> Answer:
        return self.post({"jsonrpc": "2.0", "id": id_, **({"result": result} if error is None else {"error": error})})


def wait_until(predicate: Callable[[], bool]) -> None:
    """Let other greenlets run until *predicate* holds; the test's own time limit ends a wait that never does."""
    while not predicate():
        gevent.sleep(0)


def yield_to_others() -> None:
    """Let whatever is ready to run do so."""
    for _ in range(5):
        gevent.sleep(0)
