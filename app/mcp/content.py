"""What a tool gave, as the JSON text of a `tools/call` result.

The structured answer is encoded once; the same text is `structuredContent` and, quoted, the text block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.mcp.wire import encode, quoted

if TYPE_CHECKING:
    from app.mcp.eras import Revision
    from app.registry import ContentBlock, ToolResult


def tool_result(result: ToolResult, revision: Revision) -> str:
    """The result object of *result* for *revision*. Only content types are adapted to a revision, never properties."""
    structured = None if result.structured is None else encode(result.structured)
    if result.content is not None:
        content = encode([block_for(revision, block) for block in result.content])
    elif structured is not None:
        content = f'[{{"type":"text","text":{quoted(structured)}}}]'
    else:
        content = "[]"
    if result.is_error:  # an error need not match the tool's outputSchema, so it carries no structured answer
        return f'{{"content":{content},"isError":true}}'
    if structured is None:
        return f'{{"content":{content}}}'
    return f'{{"content":{content},"structuredContent":{structured}}}'


def failure(text: str) -> str:
    """The result that tells a model what went wrong and what to do next."""
    return f'{{"content":[{{"type":"text","text":{quoted(text)}}}],"isError":true}}'


def block_for(revision: Revision, block: ContentBlock) -> ContentBlock:
    """*block*, or words in its place where *revision* does not know its type."""
    kind = block.get("type", "")
    if kind in revision.content_types:
        return block
    if kind == "resource_link":
        return {"type": "text", "text": f"{block.get('title') or block.get('name', 'Resource')}: {block.get('uri', '')}"}
    return {"type": "text", "text": f"[{kind} {block.get('mimeType', '')}: this protocol revision has no way to show it]"}
