"""JSON-RPC 2.0 as MCP uses it: what a message is, and how answers are spelt.

Pure: no HTTP, no revision. Answers are text, because a tool's result is encoded once and spliced in, never encoded again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.errors import RpcError
from app.mcp.wire import encode, quoted

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
RESOURCE_NOT_FOUND = -32002  # handshake revisions only
HEADER_MISMATCH = -32020
MISSING_CLIENT_CAPABILITY = -32021
UNSUPPORTED_VERSION = -32022
URL_ELICITATION_REQUIRED = -32042  # 2025-11-25 only

RequestId = int | str


@dataclass(slots=True)
class Request:
    """Wants an answer."""

    id: RequestId
    method: str
    params: dict[str, Any]


@dataclass(slots=True)
class Notification:
    """Never answered, whatever is in it."""

    method: str
    params: dict[str, Any]


@dataclass(slots=True)
class Reply:
    """The client's answer to a request of ours: a result, or None where it sent an error; no id where it could not read ours."""

    id: RequestId | None
    result: dict[str, Any] | None
    error: str


class MessageError(RpcError):
    """A message that cannot be taken; *id* is the one to answer to, if it could be read."""

    def __init__(
        self,
        code: int,
        message: str,
        *,
        id: RequestId | None = None,  # noqa: A002 (JSON-RPC's word)
        data: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(code, message, data)
        self.id = id


def read(message: Any) -> Request | Notification | Reply:
    """Tell what *message* (one decoded JSON value) is; raise MessageError where it is nothing of JSON-RPC 2.0.

    The presence of keys decides, never their truth: 0 and "" are legal ids.
    """
    if not isinstance(message, dict):
        raise MessageError(INVALID_REQUEST, "A message must be a JSON object.")
    has_id = "id" in message
    id_ = message.get("id")
    may_lack_id = "error" in message and "method" not in message
    if has_id and type(id_) is not int and type(id_) is not str and not (id_ is None and may_lack_id):
        raise MessageError(INVALID_REQUEST, "'id' must be a string or an integer.")
    if message.get("jsonrpc") != "2.0":
        raise MessageError(INVALID_REQUEST, "'jsonrpc' must be \"2.0\".", id=id_)
    if "method" not in message:
        return _reply(message, id_)
    method, params = message["method"], message.get("params", {})
    if type(method) is not str:
        raise MessageError(INVALID_REQUEST, "'method' must be a string.", id=id_)
    if type(params) is not dict:
        raise MessageError(INVALID_PARAMS, "'params' must be an object.", id=id_)
    return Request(id_, method, params) if has_id else Notification(method, params)  # type: ignore[arg-type]


def _reply(message: Mapping[str, Any], id_: RequestId | None) -> Reply:
    if ("result" in message) == ("error" in message) or (id_ is None and "result" in message):
        raise MessageError(INVALID_REQUEST, "A message needs a 'method', or an 'id' with a 'result' or an 'error'.", id=id_)
    result, error = message.get("result"), message.get("error")
    if error is None and isinstance(result, dict):
        return Reply(id_, result, "")
    said = error.get("message") if isinstance(error, dict) else None
    return Reply(id_, None, said if isinstance(said, str) else "it sent no usable answer")


def result_text(id_: RequestId, result: str) -> str:
    """The answer to request *id_*; *result* is the JSON text of an object."""
    id_text = quoted(id_) if isinstance(id_, str) else str(id_)
    return f'{{"jsonrpc":"2.0","id":{id_text},"result":{result}}}'


def error_text(id_: RequestId | None, error: RpcError) -> str:
    """The error answer to request *id_*; the id is left out where it is unknown (the schemas forbid null)."""
    body: dict[str, Any] = {"jsonrpc": "2.0"}
    if id_ is not None:
        body["id"] = id_
    body["error"] = {"code": error.code, "message": error.message}
    if error.data is not None:
        body["error"]["data"] = error.data
    return encode(body)


def notification_text(method: str, params: Mapping[str, Any] | None = None) -> str:
    return encode(
        {"jsonrpc": "2.0", "method": method} if params is None else {"jsonrpc": "2.0", "method": method, "params": params}
    )


def request_text(id_: RequestId, method: str, params: Mapping[str, Any]) -> str:
    return encode({"jsonrpc": "2.0", "id": id_, "method": method, "params": params})
