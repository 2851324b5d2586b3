"""What Home Assistant's MCP client does: a fresh connection for every call, ten seconds for all of it, schemas converted.

Uses the SDK line and the converter Home Assistant uses (`mcp` 1.x, voluptuous-openapi); prints one JSON report.
Told by the environment: MCP_URL, MCP_TOKEN, MCP_CALLS and MCP_BAD_CALL (see README.md).
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mcp import ClientSession, McpError
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from voluptuous_openapi import convert_to_voluptuous

TIMEOUT_S = 10
URL = os.environ["MCP_URL"]
HEADERS = {"Authorization": f"Bearer {os.environ['MCP_TOKEN']}"}
Json = dict[str, Any]
used: list[str] = []


@asynccontextmanager
async def connection() -> AsyncIterator[ClientSession]:
    """Streamable HTTP first; SSE where that is answered with an error."""
    try:
        async with (
            create_mcp_http_client(headers=HEADERS) as http,
            streamable_http_client(URL, http_client=http) as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            used.append("streamable")
            yield session
            return
    except McpError:
        pass
    async with sse_client(URL, headers=HEADERS) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        used.append("sse")
        yield session


async def once(name: str, arguments: Json) -> Json:
    async with asyncio.timeout(TIMEOUT_S), connection() as session:
        result = await session.call_tool(name, arguments)
    return {
        "isError": result.isError,
        "text": "\n".join(getattr(block, "text", "") for block in result.content),
        "structured": result.structuredContent,
    }


async def main() -> None:
    calls = json.loads(os.environ.get("MCP_CALLS", "{}"))
    async with asyncio.timeout(TIMEOUT_S), connection() as session:
        tools = (await session.list_tools()).tools
    report: Json = {"client": "home assistant", "tools": [tool.model_dump(mode="json", exclude_none=True) for tool in tools]}
    for tool in tools:
        convert_to_voluptuous(tool.inputSchema)(calls.get(tool.name, {}))
    report["calls"] = {tool.name: await once(tool.name, calls.get(tool.name, {})) for tool in tools}
    bad = json.loads(os.environ.get("MCP_BAD_CALL", "null"))
    if bad:
        report["bad_call"] = await once(bad["name"], bad["arguments"])
    print(json.dumps({**report, "transports": sorted(set(used)), "connections": len(used), "closed": True}))


asyncio.run(main())
