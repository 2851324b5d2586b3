"""What each method does: one function a method, from a Call to the JSON text of its result object.

Names no revision: `eras.py` says which of these serve which, and adds what every result of a revision carries.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gevent import GreenletExit

from app.errors import ArgumentError, ConnectionNeededError, RpcError, ToolError
from app.mcp.changes import LISTS, MAX_URIS, Listener
from app.mcp.channels import LEVELS
from app.mcp.content import block_for, failure, tool_result
from app.mcp.envelope import INVALID_PARAMS, METHOD_NOT_FOUND
from app.mcp.roundtrips import InputRequired
from app.mcp.wire import encode

if TYPE_CHECKING:
    from app.mcp.calls import Call
    from app.mcp.engine import Engine
    from app.mcp.sessions import Session
    from app.registry import Completer, Prompt, Resource

MAX_COMPLETIONS = 100


# -- lifecycle ---------------------------------------------------------------------------------------------------------


def initialize(call: Call) -> str:
    """Agree on a revision: the client's, if it is one with a handshake, else our newest of those."""
    asked = _text(call.request.params, "protocolVersion")
    capabilities = call.request.params.get("capabilities", {})
    if not isinstance(capabilities, dict):
        raise RpcError(INVALID_PARAMS, "'capabilities' must be an object.")
    revision = call.engine.handshake_revision(asked)
    if call.session is not None:
        call.session.agree(revision, capabilities)
    return call.engine.greeting(revision, has_channel=call.session is not None)


def discover(call: Call) -> str:
    return call.engine.discovery


def ping(_call: Call) -> str:
    return "{}"


def set_level(call: Call) -> str:
    """Remember the level for this session. Without one there is nothing to remember it in, and no message is ever sent."""
    level = _text(call.request.params, "level")
    if level not in LEVELS:
        raise RpcError(INVALID_PARAMS, f"'level' must be one of {', '.join(LEVELS)}.")
    if call.session is not None:
        call.session.log_level = level
    return "{}"


def cancelled(session: Session | None, params: Mapping[str, Any]) -> None:
    """Stop the call it names, if it still runs. Without a session ids of different clients cannot be told apart: ignored."""
    id_ = params.get("requestId")
    call = session.calls.get(id_) if session is not None and type(id_) in {int, str} else None  # type: ignore[arg-type]
    if call is not None and call.request.method != "initialize":
        call.cancel()


# -- lists -------------------------------------------------------------------------------------------------------------


def list_tools(call: Call) -> str:
    return call.engine.listings.page("tools", call.request.params)


def list_prompts(call: Call) -> str:
    return call.engine.listings.page("prompts", call.request.params)


def list_resources(call: Call) -> str:
    return call.engine.listings.page("resources", call.request.params)


def list_templates(call: Call) -> str:
    return call.engine.listings.page("resourceTemplates", call.request.params)


# -- tools -------------------------------------------------------------------------------------------------------------


def call_tool(call: Call) -> str:
    """Run a tool. Its failures are results with `isError`, in words; only a call of no tool is a protocol error."""
    name = _text(call.request.params, "name")
    tool = call.engine.registry.tools.get(name)
    if tool is None:
        raise RpcError(INVALID_PARAMS, f"Unknown tool: {name[:64]}")
    arguments = _arguments(call)
    started, outcome = time.monotonic(), "defect"
    try:
        result = call.bounded(tool.call, call.context(), arguments)
        outcome = "failed" if result.is_error else "ok"
        return tool_result(result, call.revision)
    except (InputRequired, RpcError):
        outcome = "asked"
        raise
    except ConnectionNeededError as exc:
        outcome = "not_connected"
        call.channel.hand_over(exc)
        return failure(f"{exc} {exc.url}" if exc.url and exc.url not in str(exc) else str(exc))
    except ToolError as exc:
        outcome = type(exc).__name__
        return failure(str(exc))
    except GreenletExit:
        outcome = "cancelled"
        raise
    finally:
        call.engine.services.metrics.tool_call(name, outcome, time.monotonic() - started)


# -- resources ---------------------------------------------------------------------------------------------------------


def read_resource(call: Call) -> str:
    uri = _text(call.request.params, "uri")
    resource, variables = _resource(call, uri)
    try:
        value = call.bounded(resource.function, call.context(), **variables)
    except LookupError as exc:
        raise _no_such_resource(call, uri) from exc
    except ConnectionNeededError as exc:
        call.channel.hand_over(exc)
        raise
    content: dict[str, Any] = {"uri": uri, "mimeType": resource.mime_type}
    if isinstance(value, bytes):
        content["blob"] = base64.b64encode(value).decode()
    else:
        content["text"] = value if isinstance(value, str) else encode(value)
    return encode({"contents": [content]})


def subscribe(call: Call) -> str:
    subscriptions = _subscriptions(call)
    uri = _text(call.request.params, "uri")
    _resource(call, uri)
    if len(subscriptions) >= MAX_URIS and uri not in subscriptions:
        raise RpcError(INVALID_PARAMS, f"At most {MAX_URIS} resources can be subscribed to.")
    subscriptions.add(uri)
    return "{}"


def unsubscribe(call: Call) -> str:
    _subscriptions(call).discard(_text(call.request.params, "uri"))
    return "{}"


def listen(call: Call) -> str:
    """Register what a `subscriptions/listen` stream wants to hear; give its first message."""
    wanted = call.request.params.get("notifications")
    if not isinstance(wanted, dict):
        raise RpcError(INVALID_PARAMS, "'notifications' must be an object.")
    uris = wanted.get("resourceSubscriptions", [])
    if not isinstance(uris, list) or len(uris) > MAX_URIS or not all(isinstance(uri, str) for uri in uris):
        raise RpcError(INVALID_PARAMS, f"'resourceSubscriptions' must be a list of at most {MAX_URIS} URIs.")
    engine = call.engine
    lists = frozenset(name for name, key in LISTS.items() if engine.lists_change and wanted.get(key) is True)
    listener = Listener(call.request.id, lists, frozenset(uri for uri in uris if _found(engine, uri)), call.outbox)
    engine.changes.add(listener)
    return listener.acknowledgement()


def _subscriptions(call: Call) -> set[str]:
    if call.session is None:
        raise RpcError(METHOD_NOT_FOUND, "Subscriptions need a stream to be told on, and this connection has none.")
    return call.session.subscriptions


def _resource(call: Call, uri: str) -> tuple[Resource, dict[str, str]]:
    found = _found(call.engine, uri)
    if found is None:
        raise _no_such_resource(call, uri)
    return found


def _found(engine: Engine, uri: str) -> tuple[Resource, dict[str, str]] | None:
    """The resource that *uri* names, and the values of its template's variables."""
    resource = engine.registry.resources.get(uri)
    if resource is not None and not resource.is_template:
        return resource, {}
    for template in engine.templates:
        variables = template.match(uri)
        if variables is not None:
            return template, variables
    return None


def _no_such_resource(call: Call, uri: str) -> RpcError:
    return RpcError(call.revision.resource_not_found, "There is no such resource.", {"uri": uri})


# -- prompts and completion --------------------------------------------------------------------------------------------


def get_prompt(call: Call) -> str:
    name = _text(call.request.params, "name")
    prompt = call.engine.registry.prompts.get(name)
    if prompt is None:
        raise RpcError(INVALID_PARAMS, f"Unknown prompt: {name[:64]}")
    arguments = _prompt_arguments(prompt, _arguments(call))
    try:
        made = call.bounded(prompt.function, call.context(), **arguments)
    except ConnectionNeededError as exc:
        call.channel.hand_over(exc)
        raise
    except ArgumentError as exc:
        raise RpcError(INVALID_PARAMS, str(exc)) from exc
    messages: list[dict[str, Any]]
    messages = [{"role": "user", "content": {"type": "text", "text": made}}] if isinstance(made, str) else list(made)
    shown = [{**message, "content": block_for(call.revision, message["content"])} for message in messages]
    return encode({"description": prompt.description, "messages": shown})


def _prompt_arguments(prompt: Prompt, given: Mapping[str, Any]) -> dict[str, str]:
    known = {argument.name: argument for argument in prompt.arguments}
    problems = [f"'{name}' is required." for name, argument in known.items() if argument.required and name not in given]
    problems += [f"'{name}' must be a string." for name in known if not isinstance(given.get(name, ""), str)]
    if problems:
        raise RpcError(INVALID_PARAMS, " ".join(problems))
    return {name: given[name] for name in known if name in given}


def complete(call: Call) -> str:
    """Suggest values for an argument of a prompt or a variable of a resource template."""
    argument = call.request.params.get("argument")
    name, value = (argument.get("name"), argument.get("value")) if isinstance(argument, dict) else (None, None)
    if not isinstance(name, str) or not isinstance(value, str):
        raise RpcError(INVALID_PARAMS, "'argument' must have a 'name' and a 'value', both strings.")
    completer = _completers(call).get(name)
    values = list(call.bounded(completer, call.context(), value)) if completer is not None else []
    shown = values[:MAX_COMPLETIONS]
    return encode({"completion": {"values": shown, "total": len(values), "hasMore": len(values) > len(shown)}})


def _completers(call: Call) -> Mapping[str, Completer]:
    ref = call.request.params.get("ref")
    kind = ref.get("type") if isinstance(ref, dict) else None
    found: Prompt | Resource | None = None
    if isinstance(ref, dict) and kind == "ref/prompt":
        found = call.engine.registry.prompts.get(_text(ref, "name"))
    elif isinstance(ref, dict) and kind == "ref/resource":
        found = call.engine.registry.resources.get(_text(ref, "uri"))
    if found is None:
        raise RpcError(INVALID_PARAMS, "'ref' names no prompt and no resource template of this server.")
    return found.completers


# -- parameters --------------------------------------------------------------------------------------------------------


def _text(params: Mapping[str, Any], name: str) -> str:
    value = params.get(name)
    if not isinstance(value, str):
        raise RpcError(INVALID_PARAMS, f"'{name}' must be a string.")
    return value


def _arguments(call: Call) -> Mapping[str, Any]:
    arguments = call.request.params.get("arguments")
    if arguments is None:
        return {}
    if not isinstance(arguments, dict):
        raise RpcError(INVALID_PARAMS, "'arguments' must be an object.")
    return arguments
