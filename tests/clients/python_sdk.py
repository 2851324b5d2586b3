"""The official Python SDK doing what an assistant does; prints one JSON report.

Runs on both lines of the SDK, 1.x and 2.x: whichever the interpreter that starts it has. Told by the environment, since a
command line is for everybody to read: MCP_URL, MCP_TOKEN, MCP_TRANSPORT (streamable, sse, stdio), MCP_MODE (2.x: legacy, auto,
or a revision to pin), MCP_COMMAND (stdio: a JSON list), MCP_CALLS and MCP_BAD_CALL (see tests/clients/README.md).
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from typing import Any

from mcp import ClientSession, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

SDK = version("mcp")
TRANSPORT = os.environ.get("MCP_TRANSPORT", "streamable")
Json = dict[str, Any]


async def transport_of(stack: AsyncExitStack) -> Any:
    """The transport as an async context manager that is not entered yet."""
    headers = {"Authorization": f"Bearer {os.environ['MCP_TOKEN']}"}
    if TRANSPORT == "stdio":
        command, *args = json.loads(os.environ["MCP_COMMAND"])
        return stdio_client(StdioServerParameters(command=command, args=args, env=dict(os.environ)))
    if TRANSPORT == "sse":
        return sse_client(os.environ["MCP_URL"], headers=headers)
    http = await stack.enter_async_context(create_mcp_http_client(headers=headers))
    return streamable_http_client(os.environ["MCP_URL"], http_client=http)


class Person:
    """Answers what the server asks: agrees to open any URL, and remembers which."""

    def __init__(self) -> None:
        self.asked: list[Json] = []

    async def __call__(self, _context: Any, params: Any) -> Any:
        from mcp import types

        self.asked.append(plain(params))
        return types.ElicitResult(action="accept")


@asynccontextmanager
async def connected(report: Json, person: Person | None) -> AsyncIterator[Any]:
    """A session that has shaken hands, in whichever way this line of the SDK does."""
    async with AsyncExitStack() as stack:
        transport = await transport_of(stack)
        if SDK.startswith("1."):
            read, write, *_ = await stack.enter_async_context(transport)
            session = await stack.enter_async_context(ClientSession(read, write, elicitation_callback=person))
            answer = plain(await session.initialize())
            report |= {
                "protocol": answer["protocolVersion"],
                "server": answer["serverInfo"],
                "capabilities": answer["capabilities"],
            }
            report["instructions"] = answer.get("instructions")
            yield session
            return
        from mcp import Client

        client = await stack.enter_async_context(
            Client(transport, mode=os.environ.get("MCP_MODE", "auto"), elicitation_callback=person)
        )
        report |= {"protocol": client.protocol_version, "server": plain(client.server_info), "instructions": client.instructions}
        report["capabilities"] = plain(client.server_capabilities)
        yield client


def plain(model: Any) -> Any:
    return model.model_dump(by_alias=True, mode="json", exclude_none=True) if model is not None else None


def told(result: Any) -> Json:
    answer = plain(result)
    return {
        "isError": bool(answer.get("isError")),
        "text": "\n".join(block.get("text", "") for block in answer["content"]),
        "structured": answer.get("structuredContent"),
    }


async def every_tool(session: Any, report: Json) -> None:
    calls = json.loads(os.environ.get("MCP_CALLS", "{}"))
    tools = (await session.list_tools()).tools
    report["tools"] = [plain(tool) for tool in tools]
    steps: list[Any] = []

    async def progressed(done: float, total: float | None, message: str | None) -> None:
        steps.append([done, total, message])

    report["calls"] = {}
    for tool in tools:
        result = await session.call_tool(tool.name, calls.get(tool.name, {}), progress_callback=progressed)
        report["calls"][tool.name] = told(result)
    report["progress"] = steps
    bad = json.loads(os.environ.get("MCP_BAD_CALL", "null"))
    if bad:
        report["bad_call"] = told(await session.call_tool(bad["name"], bad["arguments"]))


async def everything_else(session: Any, report: Json) -> None:
    if report["protocol"] < "2026":
        report["ping"] = plain(await session.send_ping())
    if "resources" in report["capabilities"]:
        listed = (await session.list_resources()).resources
        templates = plain(await session.list_resource_templates())["resourceTemplates"]
        report["templates"] = [template["uriTemplate"] for template in templates]
        report["resources"] = {str(item.uri): plain(await session.read_resource(item.uri))["contents"] for item in listed}
    if "prompts" in report["capabilities"]:
        prompts = (await session.list_prompts()).prompts
        needed = {item.name: {a.name: "sleep" for a in item.arguments or [] if a.required} for item in prompts}
        report["prompts"] = {name: plain(await session.get_prompt(name, needed[name]))["messages"] for name in needed}


async def main() -> None:
    report: Json = {"client": f"python {SDK} {TRANSPORT}", "closed": False}
    person = Person() if os.environ.get("MCP_ELICIT") else None
    async with connected(report, person) as session:
        await every_tool(session, report)
        await everything_else(session, report)
    report["closed"] = True
    if person:
        report["asked"] = person.asked
    print(json.dumps(report))


asyncio.run(asyncio.wait_for(main(), 60))
