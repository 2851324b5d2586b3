"""The official Python SDK's OAuth client provider, from the bare URL on; told by the environment and by lines on stdin.

MCP_URL is where the server is; CLIENT_DOCUMENT, if set, the URL of this client's metadata document. Commands: `call` (connect
and call MCP_TOOL), `expire` (forget when the access token ends, so that the next call renews), `quit`. It prints one JSON object
a line: {"open": URL} when a person must go somewhere, {"called": …} or {"refused": …} after a call.
"""

import asyncio
import json
import os
import sys
from typing import Any
from urllib.parse import parse_qs, urlsplit

from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n"
PAGE = HEAD + b"<title>Done</title><main><h1>Back in the program</h1></main>"


def say(**what: Any) -> None:
    print(json.dumps(what), flush=True)


class Memory:
    """Where the SDK keeps what it was given."""

    tokens: OAuthToken | None = None
    client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


class Callback:
    """The loopback address that the browser comes back to."""

    def __init__(self) -> None:
        self.answers: asyncio.Queue[AuthorizationCodeResult] = asyncio.Queue()
        self.asked = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target = (await reader.readline()).split(b" ")[1].decode()
        query = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
        writer.write(PAGE)
        await writer.drain()
        writer.close()
        if "code" in query:
            await self.answers.put(AuthorizationCodeResult(code=query["code"], state=query.get("state"), iss=query.get("iss")))

    async def open(self, url: str) -> None:
        self.asked += 1
        if self.asked > 1:
            raise PermissionError("a person would have to sign in again")
        say(open=url)

    async def wait(self) -> AuthorizationCodeResult:
        return await self.answers.get()


async def call(http: Any) -> dict[str, Any]:
    async with Client(streamable_http_client(os.environ["MCP_URL"], http_client=http)) as client:
        result = await client.call_tool(os.environ["MCP_TOOL"], {})
        return {"isError": bool(result.is_error), "structured": result.structured_content}


def reason(problem: BaseException) -> str:
    """What is at the bottom of an exception group."""
    while isinstance(problem, BaseExceptionGroup):
        problem = problem.exceptions[0]
    return f"{type(problem).__name__}: {problem}"


async def main() -> None:
    callback = Callback()
    server = await asyncio.start_server(callback.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    storage = Memory()
    provider = OAuthClientProvider(
        os.environ["MCP_URL"],
        OAuthClientMetadata(client_name="The Python SDK", redirect_uris=[f"http://127.0.0.1:{port}/callback"]),
        storage,
        redirect_handler=callback.open,
        callback_handler=callback.wait,
        client_metadata_url=os.environ.get("CLIENT_DOCUMENT"),
    )
    async with create_mcp_http_client(auth=provider) as http:
        while (command := (await asyncio.to_thread(sys.stdin.readline)).strip()) not in {"quit", ""}:
            if command == "expire":
                provider.context.token_expiry_time = 1.0
                continue
            try:
                called = await call(http)
            except Exception as exc:  # noqa: BLE001 - whatever it is, it is what the report is about
                say(refused=reason(exc))
            else:
                assert storage.client is not None
                assert storage.tokens is not None
                say(called=called, client_id=storage.client.client_id, token=storage.tokens.access_token)


asyncio.run(main())
