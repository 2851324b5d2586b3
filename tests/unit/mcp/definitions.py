"""A small registry: what the engine's tests call, read and ask for."""

from typing import Any

from gevent import GreenletExit
from gevent.event import Event
from typing_extensions import TypedDict

from app.context import Context, Question
from app.errors import ConnectionNeededError, ToolError
from app.registry import Registry, ToolResult, prompt, resource, tool

ROUTED = {
    "type": "object",
    "properties": {
        "region": {"type": "string", "x-mcp-header": "Region"},
        "count": {"type": "integer", "x-mcp-header": "Count"},
        "deep": {"type": "object", "properties": {"flag": {"type": "boolean", "x-mcp-header": "Flag"}}},
    },
}
NAME_FORM = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
CONNECT_URL = "https://ring.example/oauth/authorize"


class Typed(TypedDict):
    score: int | None


class Gates:
    """What the registry's functions wait for and tell, so that a test decides when they go on."""

    def __init__(self) -> None:
        self.open = Event()
        self.started = Event()
        self.ended: list[str] = []
        self.cancelled: list[str] = []
        self.is_connected = False


def answering_tools() -> list[Any]:
    @tool(title="Echo")
    def echo(ctx: Context, *, text: str = "hello") -> dict[str, Any]:
        """Answers with what it was given."""
        return {"text": text}

    @tool(title="Typed")
    def typed(ctx: Context) -> Typed:
        """Answers what its schema says."""
        return {"score": None}

    @tool(title="Everything")
    def mixed(ctx: Context) -> list[Any]:
        """Answers with every type of content."""
        return [
            {"type": "text", "text": "words"},
            {"type": "image", "data": "AA==", "mimeType": "image/png"},
            {"type": "audio", "data": "AA==", "mimeType": "audio/wav"},
            {"type": "resource", "resource": {"uri": "unit://a", "text": "embedded"}},
            {"type": "resource_link", "uri": "unit://linked", "name": "linked", "title": "A link"},
        ]

    @tool(title="Fails")
    def fails(ctx: Context) -> str:
        """Fails in words."""
        raise ToolError("Ask for fewer days.")

    @tool(title="Breaks")
    def breaks(ctx: Context) -> str:
        """Has a defect."""
        raise ZeroDivisionError("a secret of the inside")

    @tool(title="Reports an error")
    def reports_error(ctx: Context) -> ToolResult:
        """Answers with a structured error."""
        return ToolResult(structured={"half": True}, is_error=True)

    @tool(title="Routed", input_schema=ROUTED)
    def routed(ctx: Context, arguments: dict[str, Any]) -> str:
        """Repeats arguments in headers."""
        return "here"

    return [echo, typed, mixed, fails, breaks, reports_error, routed]


def waiting_tools(gates: Gates) -> list[Any]:
    @tool(title="Waits")
    def waits(ctx: Context) -> str:
        """Waits until it may go on."""
        gates.started.set()
        try:
            gates.open.wait()
        finally:
            gates.ended.append("waits")
        return "went on"

    @tool(title="Works")
    def works(ctx: Context) -> str:
        """Reports progress, twice with the same number, then waits."""
        for done in (1, 1, 2):
            ctx.progress(done, 2, f"step {done}")
        gates.started.set()
        try:
            gates.open.wait()
        except GreenletExit:
            gates.cancelled.append("works")
            raise
        return "worked"

    @tool(title="Breaks late")
    def breaks_late(ctx: Context) -> str:
        """Has a defect after a while."""
        gates.open.wait()
        raise ZeroDivisionError("late")

    @tool(title="Logs")
    def logs(ctx: Context) -> str:
        """Logs at three levels."""
        for level in ("debug", "info", "error"):
            ctx.log(level, {"at": level}, "unit")
        return "logged"

    return [waits, works, breaks_late, logs]


def asking_tools(gates: Gates) -> list[Any]:
    @tool(title="Asks")
    def asks(ctx: Context) -> str:
        """Asks for a name."""
        answer = ctx.ask({"name": Question.form("Who?", NAME_FORM)})["name"]
        return f"{answer['action']} {answer.get('content')}"

    @tool(title="Asks twice")
    def asks_twice(ctx: Context, *, greeting: str = "Hi") -> str:
        """Asks for a name, then the model."""
        first = ctx.ask({"name": Question.form("Who?", NAME_FORM)})["name"]
        message = {"role": "user", "content": {"type": "text", "text": "Say it"}}
        second = ctx.ask({"said": Question.sample([message], max_tokens=5)})["said"]
        return f"{greeting} {first['content']['name']}: {second['content']['text']}"

    @tool(title="Asks all")
    def asks_all(ctx: Context) -> str:
        """Asks for the roots if it can."""
        return "can" if ctx.can_ask(Question.roots()) else "cannot"

    @tool(title="Needs the ring")
    def needs_ring(ctx: Context) -> str:
        """Answers once the ring is connected."""
        if not gates.is_connected:
            raise ConnectionNeededError("Connect the ring first.", url=CONNECT_URL)
        return "connected"

    @tool(title="Changes a list")
    def changes(ctx: Context, *, what: str) -> str:
        """Tells that something has changed."""
        ctx.channel.changed(what)
        return "told"

    @tool(title="Drops the connection")
    def drops(ctx: Context) -> str:
        """Drops the connection, and goes on."""
        ctx.channel.close_connection(250)
        gates.open.wait()
        ctx.log("info", "after the gap")
        return "still here"

    return [asks, asks_twice, asks_all, needs_ring, changes, drops]


def registry_of(gates: Gates) -> Registry:
    @resource("unit://text", title="Text", mime_type="text/plain")
    def text(ctx: Context) -> str:
        """Some text."""
        return "some text"

    @resource("unit://bytes", title="Bytes", mime_type="application/octet-stream")
    def some_bytes(ctx: Context) -> bytes:
        """Some bytes."""
        return b"\x00\x01"

    def dates(_ctx: Context, value: str) -> list[str]:
        return [date for date in (f"2026-{n:03}" for n in range(200)) if date.startswith(value)]

    @resource("unit://day/{date}", title="A day", completers={"date": dates})
    def day(ctx: Context, *, date: str) -> dict[str, Any]:
        """One day."""
        if date == "never":
            raise LookupError(date)
        if date == "later":
            raise ConnectionNeededError("Connect the ring first.", url=CONNECT_URL)
        return {"date": date}

    @prompt(title="Greet")
    def greet(ctx: Context, *, name: str, tone: str = "kind") -> str:
        """A greeting."""
        return f"Greet {name}, {tone}."

    @prompt(title="Listen")
    def listen_to(ctx: Context) -> list[Any]:
        """A sound."""
        return [{"role": "user", "content": {"type": "audio", "data": "AA==", "mimeType": "audio/wav"}}]

    tools = {one.name: one for one in [*answering_tools(), *waiting_tools(gates), *asking_tools(gates)]}
    resources = {one.uri: one for one in (text, some_bytes, day)}
    return Registry(dict(sorted(tools.items())), resources, {one.name: one for one in (greet, listen_to)})
