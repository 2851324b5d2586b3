"""The stateless era's checks of a request against its headers, in the order in which a client must be told.

Pure: a request and a way to look up headers in, what the client declared out, or the RpcError of the first rung that breaks.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.errors import RpcError
from app.mcp.channels import LEVELS
from app.mcp.envelope import HEADER_MISMATCH, INVALID_PARAMS, UNSUPPORTED_VERSION
from app.mcp.eras import NEWEST, PROTOCOL_VERSION, REVISIONS, WITHOUT_HANDSHAKE, Method, Revision

if TYPE_CHECKING:
    from app.mcp.edge import Header
    from app.mcp.envelope import Request

CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
LOG_LEVEL = "io.modelcontextprotocol/logLevel"
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NUMBER = re.compile(r"-?[0-9]{1,17}(\.[0-9]{1,17})?")
_WRAPPED = re.compile(r"=\?base64\?(.*)\?=", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Declared:
    """What a client says of itself with each request."""

    revision: Revision
    capabilities: Mapping[str, Any]
    log_level: str | None


def check(request: Request, header: Header, methods: Mapping[str, Mapping[str, Method]]) -> Declared:
    """Climb from the envelope to the revision; the rungs are those of the revision's transport chapter, defects first."""
    version, capabilities, level = _envelope(request)
    _same(header, "MCP-Protocol-Version", version)
    _same(header, "Mcp-Method", request.method)
    revision = WITHOUT_HANDSHAKE.get(version)
    method = methods[(revision or NEWEST).name].get(request.method)
    named = request.params.get(method.named_by) if method is not None and method.named_by else None
    if isinstance(named, str) and _decoded(_trimmed(header("Mcp-Name"))) != named:
        raise RpcError(HEADER_MISMATCH, "The Mcp-Name header is missing or differs from the body.")
    if revision is None:
        raise unsupported(version)
    if level is not None and level not in LEVELS:
        raise RpcError(INVALID_PARAMS, f"'{LOG_LEVEL}' must be one of {', '.join(LEVELS)}.")
    return Declared(revision, capabilities, level)


def unsupported(version: str) -> RpcError:
    """What a client is told that speaks a revision nobody here knows."""
    data = {"supported": [known.name for known in REVISIONS], "requested": version}
    return RpcError(UNSUPPORTED_VERSION, "This protocol version is not supported.", data)


def _envelope(request: Request) -> tuple[str, Mapping[str, Any], str | None]:
    meta = request.params.get("_meta")
    if not isinstance(meta, dict):
        raise RpcError(INVALID_PARAMS, f"'params._meta' must be an object with '{PROTOCOL_VERSION}' and '{CAPABILITIES}'.")
    version, capabilities, level = meta.get(PROTOCOL_VERSION), meta.get(CAPABILITIES), meta.get(LOG_LEVEL)
    if not isinstance(version, str):
        raise RpcError(INVALID_PARAMS, f"'params._meta' needs '{PROTOCOL_VERSION}', a string.")
    if not isinstance(capabilities, dict):
        raise RpcError(INVALID_PARAMS, f"'params._meta' needs '{CAPABILITIES}', an object.")
    if level is not None and not isinstance(level, str):
        raise RpcError(INVALID_PARAMS, f"'{LOG_LEVEL}' must be a string.")
    return version, capabilities, level


def _same(header: Header, name: str, said: str) -> None:
    if _trimmed(header(name)) != said:
        raise RpcError(HEADER_MISMATCH, f"The {name} header is missing or differs from the body.")


def _trimmed(value: str | None) -> str | None:
    return value.strip(" \t") if value is not None else None


def _decoded(value: str | None) -> str | None:
    """A header's value, out of its base64 wrapping if it has one; None where the wrapping is broken or not canonical."""
    wrapped = _WRAPPED.fullmatch(value) if value is not None else None
    if wrapped is None:
        return value
    try:
        raw = base64.b64decode(wrapped[1], validate=True)
        return raw.decode("utf-8") if base64.b64encode(raw).decode() == wrapped[1] else None
    except (binascii.Error, ValueError):
        return None


# -- arguments that are repeated in headers ----------------------------------------------------------------------------


def check_arguments(arguments: Mapping[str, Any], headers: Mapping[tuple[str, ...], str], header: Header) -> None:
    """Check each argument that its tool repeats in an Mcp-Param header (`x-mcp-header` in the input schema)."""
    for path, name in headers.items():
        value: Any = arguments
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        sent = _decoded(_trimmed(header(f"Mcp-Param-{name}")))
        if not _matches(value, sent, is_sent=header(f"Mcp-Param-{name}") is not None):
            raise RpcError(HEADER_MISMATCH, f"The Mcp-Param-{name} header is missing or differs from '{'.'.join(path)}'.")


def _matches(value: Any, sent: str | None, *, is_sent: bool) -> bool:
    if value is None:
        return not is_sent
    if isinstance(value, bool):
        return sent == ("true" if value else "false")
    if isinstance(value, int | float):
        return sent is not None and _NUMBER.fullmatch(sent) is not None and float(sent) == value
    return bool(sent == value)


def repeated_arguments(schema: Mapping[str, Any]) -> dict[tuple[str, ...], str]:
    """Path of each property of *schema* that carries `x-mcp-header` → that header's name; raise TypeError on a bad one.

    A client drops a tool whose annotation breaks the rules, so they are checked when the server starts.
    """
    found: dict[tuple[str, ...], str] = {}
    for path, node in _annotated(schema, ()):
        name = node["x-mcp-header"]
        if path is None or not path:
            raise TypeError("x-mcp-header must be on a property reached by 'properties' alone")
        if not isinstance(name, str) or not _TOKEN.fullmatch(name) or "_" in name:
            raise TypeError(f"{'.'.join(path)}: x-mcp-header must be letters, digits and hyphens")
        if node.get("type") not in ("string", "integer", "boolean"):
            raise TypeError(f"{'.'.join(path)}: x-mcp-header needs a string, an integer or a boolean")
        if name.lower() in {other.lower() for other in found.values()}:
            raise TypeError(f"{'.'.join(path)}: x-mcp-header '{name}' is used twice")
        found[path] = name
    return found


def _annotated(node: Any, path: tuple[str, ...] | None) -> Iterator[tuple[tuple[str, ...] | None, Mapping[str, Any]]]:
    if isinstance(node, list):
        for item in node:
            yield from _annotated(item, None)
    if not isinstance(node, dict):
        return
    if "x-mcp-header" in node:
        yield path, node
    for key, value in node.items():
        if key == "properties" and isinstance(value, dict):
            for name, schema in value.items():
                yield from _annotated(schema, None if path is None else (*path, name))
        elif key not in {"default", "examples", "const", "enum"}:
            yield from _annotated(value, None)
