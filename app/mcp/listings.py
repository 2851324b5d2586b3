"""The lists a server publishes, encoded once: every page of `tools/list` and its like is ready before anyone asks.

Cursors are the keys of that table, so that one which was never given out cannot be anything but refused.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from app.errors import RpcError
from app.mcp.envelope import INVALID_PARAMS
from app.mcp.wire import encode

if TYPE_CHECKING:
    from app.registry import Prompt, Registry, Resource, Tool


class Listings:
    """Everything of one registry, in pages of *page_size*."""

    def __init__(self, registry: Registry, *, page_size: int) -> None:
        resources = registry.resources.values()
        self._pages = {
            "tools": _pages("tools", [_tool(tool) for tool in registry.tools.values()], page_size),
            "prompts": _pages("prompts", [_prompt(prompt) for prompt in registry.prompts.values()], page_size),
            "resources": _pages("resources", [_resource(one, "uri") for one in resources if not one.is_template], page_size),
            "resourceTemplates": _pages(
                "resourceTemplates", [_resource(one, "uriTemplate") for one in resources if one.is_template], page_size
            ),
        }

    def page(self, name: str, params: Mapping[str, Any]) -> str:
        """The result object of the page that *params* ask for."""
        cursor = params.get("cursor")
        page = self._pages[name].get(cursor) if cursor is None or isinstance(cursor, str) else None
        if page is None:
            raise RpcError(INVALID_PARAMS, "'cursor' is not one that this list gave.")
        return page


def _pages(name: str, items: Sequence[Mapping[str, Any]], size: int) -> dict[str | None, str]:
    pages: dict[str | None, str] = {}
    for start in range(0, max(1, len(items)), size):
        page: dict[str, Any] = {name: items[start : start + size]}
        if start + size < len(items):
            page["nextCursor"] = _cursor(name, start + size)
        pages[_cursor(name, start) if start else None] = encode(page)
    return pages


def _cursor(name: str, start: int) -> str:
    return base64.urlsafe_b64encode(f"{name}:{start}".encode()).decode()


def _tool(tool: Tool) -> dict[str, Any]:
    listed: dict[str, Any] = {
        "name": tool.name,
        "title": tool.title,
        "description": tool.description,
        "inputSchema": tool.input_schema,
        "annotations": tool.annotations,
    }
    if tool.output_schema is not None:
        listed["outputSchema"] = tool.output_schema
    return listed


def _prompt(prompt: Prompt) -> dict[str, Any]:
    arguments = [
        {"name": argument.name, "description": argument.description, "required": argument.required}
        for argument in prompt.arguments
    ]
    return {"name": prompt.name, "title": prompt.title, "description": prompt.description, "arguments": arguments}


def _resource(resource: Resource, key: str) -> dict[str, Any]:
    return {
        key: resource.uri,
        "name": resource.name,
        "title": resource.title,
        "description": resource.description,
        "mimeType": resource.mime_type,
    }
