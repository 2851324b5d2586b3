"""Is a JSON-RPC message that the server sent legal in its protocol revision?

Two oracles: the types of the official `mcp` package, always; and the published JSON schemas, where a folder holds them
(`MCP_SCHEMAS`, or `../shared/reference/mcp-schema` beside the project; the files are called `<revision>.json`).
Knows nothing of our code.
"""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any, Union, get_args

from jsonschema import Draft7Validator, Draft202012Validator
from mcp_types import methods
from pydantic import TypeAdapter, ValidationError

ROOT = Path(__file__).resolve().parent.parent
SCHEMAS = Path(os.environ.get("MCP_SCHEMAS") or ROOT.parent / "shared" / "reference" / "mcp-schema")
HANDSHAKE = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
MODERN = "2026-07-28"
REVISIONS = (*HANDSHAKE, MODERN)
RESERVED = range(-32768, -31999)  # JSON-RPC's and MCP's own; an application's own codes lie outside
_ANY = {-32700, -32600, -32601, -32602, -32603}
CODES = {
    **{revision: _ANY | {-32002} for revision in HANDSHAKE},
    "2025-11-25": _ANY | {-32002, -32042},
    MODERN: _ANY | {-32020, -32021, -32022},
}
RESULTS = {
    "initialize": "InitializeResult",
    "ping": "EmptyResult",
    "logging/setLevel": "EmptyResult",
    "resources/subscribe": "EmptyResult",
    "resources/unsubscribe": "EmptyResult",
    "tools/list": "ListToolsResult",
    "tools/call": "CallToolResult",
    "resources/list": "ListResourcesResult",
    "resources/templates/list": "ListResourceTemplatesResult",
    "resources/read": "ReadResourceResult",
    "prompts/list": "ListPromptsResult",
    "prompts/get": "GetPromptResult",
    "completion/complete": "CompleteResult",
    "server/discover": "DiscoverResult",
    "subscriptions/listen": "SubscriptionsListenResult",
}


def assert_legal(message: dict[str, Any], revision: str, method: str | None = None) -> None:
    """Fail unless *message* may be sent in *revision*; *method* is that of the request a response answers."""
    problems = [*_envelope(message, revision), *_typed(message, revision, method), *_published(message, revision, method)]
    assert not problems, f"not legal in {revision} ({method or message.get('method')}):\n" + "\n".join(problems)


def _envelope(message: dict[str, Any], revision: str) -> list[str]:
    problems = []
    if message.get("jsonrpc") != "2.0":
        problems.append("jsonrpc is not '2.0'")
    if "id" in message and (message["id"] is None or isinstance(message["id"], bool | float)):
        problems.append(f"id is {message['id']!r}")
    if sum(key in message for key in ("method", "result", "error")) != 1:
        problems.append("is not exactly one of request, result and error")
    if "error" in message and message["error"]["code"] in RESERVED and message["error"]["code"] not in CODES[revision]:
        problems.append(f"the error code {message['error'].get('code')} does not exist")
    if revision == MODERN and "method" in message and "id" in message:
        problems.append("a server sends no requests in this revision")
    return problems


def _typed(message: dict[str, Any], revision: str, method: str | None) -> list[str]:
    try:
        if "result" in message and method:
            _adapter(method, revision, message["result"].get("resultType")).validate_python(message["result"], by_name=False)
        elif "method" in message and "id" in message:
            methods.parse_server_request(message["method"], revision, message.get("params"))
        elif "method" in message:
            methods.parse_server_notification(message["method"], revision, message.get("params"))
    except KeyError:
        return [f"{method or message.get('method')} does not exist"]
    except ValidationError as exc:
        return [f"{error['loc']}: {error['msg']}" for error in exc.errors()]
    return []


@cache
def _adapter(method: str, revision: str, kind: str | None) -> TypeAdapter[Any]:
    """The package's type of a result; of its unions, which take much for an `input_required`, only the member that is meant."""
    whole = methods.SERVER_RESULTS[(method, revision)]
    members = [one for one in get_args(whole) if (one.__name__ == "InputRequiredResult") == (kind == "input_required")]
    return TypeAdapter(Union[tuple(members)] if members else whole)  # noqa: UP007 - made of a list


def _kind(method: str, revision: str, result: dict[str, Any]) -> Any:
    """The type that *result* says it is: where it may also be a question, that one alone would let anything pass."""
    kinds = methods.SERVER_RESULTS[method, revision]
    asks = result.get("resultType") == "input_required"
    return next((kind for kind in get_args(kinds) if kind.__name__.startswith("InputRequired") is asks), kinds)


def _published(message: dict[str, Any], revision: str, method: str | None) -> list[str]:
    if not published():
        return []
    if "result" in message:
        kind = "InputRequiredResult" if message["result"].get("resultType") == "input_required" else RESULTS.get(method or "")
        return [*_against(revision, "JSONRPCMessage", message), *(_against(revision, kind, message["result"]) if kind else [])]
    if "method" in message:
        if "id" not in message:
            return _against(revision, "ServerNotification", message)
        return _against(revision, "ServerRequest", message) if revision != MODERN else []
    if "id" not in message and revision < "2025-11-25":
        return []  # those schemas have no word for an error that answers an unreadable request
    return _against(revision, "JSONRPCMessage", message)


def published() -> bool:
    """Whether the published schemas are at hand."""
    return SCHEMAS.is_dir()


def _against(revision: str, kind: str, value: Any) -> list[str]:
    return [f"{error.json_path} [{kind}]: {error.message[:300]}" for error in _validator(revision, kind).iter_errors(value)]


@cache
def _validator(revision: str, kind: str) -> Any:
    document = json.loads((SCHEMAS / f"{revision}.json").read_text())
    section, validator = ("$defs", Draft202012Validator) if "$defs" in document else ("definitions", Draft7Validator)
    assert kind in document[section], f"{revision} has no {kind}"
    return validator({**document, "$ref": f"#/{section}/{kind}"})
