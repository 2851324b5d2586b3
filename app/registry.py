"""What a tool, a resource and a prompt are: decorators, JSON schemas, and how each is called.

The leaf that `app/tools` and `app/mcp` share. It knows neither of them, no HTTP, no JSON-RPC and nothing of Oura.
A new tool is one typed function: its name is the function's, its description the docstring's, its input schema comes from the
annotated keyword-only parameters, its output schema from the return annotation (a TypedDict), if it has one.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar, get_type_hints
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, create_model
from typing_extensions import is_typeddict

from app.context import Context
from app.errors import ArgumentError
from app.schemas import InputSchema, OutputSchema, without_titles

NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
READ_ONLY: Mapping[str, bool] = {"readOnlyHint": True, "destructiveHint": False, "idempotentHint": True, "openWorldHint": True}
ContentBlock = dict[str, Any]
Completer = Callable[[Context, str], Sequence[str]]
Definition = TypeVar("Definition", "Tool", "Resource", "Prompt")


# -- tools -------------------------------------------------------------------------------------------------------------


class ToolResult(NamedTuple):
    """What a tool gives back: content blocks, or a structured object (its JSON becomes the text block)."""

    content: Sequence[ContentBlock] | None = None
    structured: dict[str, Any] | None = None
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Tool:
    """One callable of `tools/call`. *input_schema* is published verbatim; *arguments* checks what a client sends."""

    name: str
    title: str
    description: str
    input_schema: Mapping[str, Any]
    output_schema: Mapping[str, Any] | None
    annotations: Mapping[str, Any]
    function: Callable[..., Any]
    arguments: Arguments | None

    def call(self, ctx: Context, arguments: Mapping[str, Any]) -> ToolResult:
        """Run with *arguments*; raise ArgumentError with every problem at once.

        Null means absent. An unknown argument is ignored and named in the answer's `coverage.ignored_arguments`, unless it
        is a near miss of a known one, which is an error.
        """
        if self.arguments is None:
            return _as_result(self.function(ctx, dict(arguments)))
        values, ignored = self.arguments.checked(arguments)
        result = _as_result(self.function(ctx, **values))
        if ignored and result.structured is not None:
            coverage = result.structured.setdefault("coverage", {})
            coverage["ignored_arguments"] = ignored
            coverage.setdefault("notes", []).append(f"This tool has no argument {', '.join(ignored)}: it was ignored.")
        return result


class Arguments:
    """The keyword-only parameters of a tool's function."""

    def __init__(self, model: type[BaseModel]) -> None:
        self._known = tuple(model.model_fields)
        self._validate = TypeAdapter(model).validator.validate_python  # `model_validate` takes twice as long

    def checked(self, arguments: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """A value for each parameter, and the names of what was given besides; raise ArgumentError with every problem."""
        known = self._known
        given = {name: value for name, value in arguments.items() if value is not None}
        problems: list[str] = []
        ignored: list[str] = []
        for name in [name for name in given if name not in known]:
            del given[name]
            near = _near_misses(name, known)
            if near:
                problems.append(f"{name[:40]}: there is no such argument; did you mean {' or '.join(map(repr, near))}?")
            else:
                ignored.append(name[:40])
        try:
            checked = self._validate(given)
        except ValidationError as exc:
            problems.extend(_sentence(error) for error in exc.errors(include_url=False, include_input=False))
        if problems:
            raise ArgumentError(problems)
        return vars(checked), sorted(ignored)[:20]


def tool(
    *,
    title: str,
    input_schema: Mapping[str, Any] | None = None,
    annotations: Mapping[str, bool] = READ_ONLY,
) -> Callable[[Callable[..., Any]], Tool]:
    """Make a function a tool.

    With *input_schema* that schema is published as it is and the function gets the raw arguments as one dict.
    """

    def define(function: Callable[..., Any]) -> Tool:
        name, description = _named(function)
        model = None if input_schema is not None else _arguments_model(function)
        return Tool(
            name=name,
            title=title,
            description=description,
            input_schema=input_schema if input_schema is not None else _input_schema(model),
            output_schema=_output_schema(function),
            annotations={"title": title, **annotations},
            function=function,
            arguments=None if model is None else Arguments(model),
        )

    return define


def _near_misses(name: str, known: Iterable[str]) -> list[str]:
    """Known arguments spelt nearly so, or that share a word with *name*: `date` may be start_date or end_date."""
    folded = _folded(name)
    words = set(folded.split("_"))
    return difflib.get_close_matches(folded, known, n=1, cutoff=0.75) or [one for one in known if words & set(one.split("_"))]


def _folded(name: str) -> str:
    """snake_case of camelCase or kebab-case, for finding near misses."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name[:80]).replace("-", "_").lower()


def _as_result(value: Any) -> ToolResult:
    if isinstance(value, ToolResult):
        return value
    if isinstance(value, dict):
        return ToolResult(structured=value)
    if isinstance(value, str):
        return ToolResult(content=[{"type": "text", "text": value}])
    return ToolResult(content=list(value))


def _named(function: Callable[..., Any]) -> tuple[str, str]:
    name = function.__name__
    description = inspect.getdoc(function)
    if not NAME.fullmatch(name):
        raise TypeError(f"{name}: not a name MCP clients accept")
    if not description:
        raise TypeError(f"{name}: needs a docstring, which becomes its description")
    return name, re.sub(r"(?<!\n)\n(?!\n)", " ", description)


def _parameters(function: Callable[..., Any]) -> dict[str, tuple[Any, Any]]:
    """(annotation, default) of each keyword-only parameter; `...` where it is required."""
    hints = get_type_hints(function, include_extras=True)
    parameters = list(inspect.signature(function).parameters.values())[1:]
    for parameter in parameters:
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY or parameter.name not in hints:
            raise TypeError(f"{function.__name__}: '{parameter.name}' must be keyword-only and annotated")
    return {p.name: (hints[p.name], ... if p.default is p.empty else p.default) for p in parameters}


def _arguments_model(function: Callable[..., Any]) -> type[BaseModel]:
    config = ConfigDict(extra="forbid", hide_input_in_errors=True)
    fields: dict[str, Any] = _parameters(function)
    return create_model(function.__name__, __config__=config, **fields)


def _input_schema(arguments: type[BaseModel] | None) -> Mapping[str, Any]:
    assert arguments is not None
    schema: dict[str, Any] = without_titles(arguments.model_json_schema(schema_generator=InputSchema))
    schema.pop("additionalProperties", None)  # unknown arguments are ignored and told, not refused
    return schema


def _output_schema(function: Callable[..., Any]) -> Mapping[str, Any] | None:
    returned: Any = get_type_hints(function, include_extras=True).get("return")
    if not is_typeddict(returned):
        return None
    schema: dict[str, Any] = TypeAdapter(returned).json_schema(schema_generator=OutputSchema, mode="serialization")
    plain: dict[str, Any] = without_titles(schema)
    return plain


def _sentence(error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] == "missing":
        return f"{where}: is required."
    return f"{where}: {error['msg'].removeprefix('Value error, ')}."


# -- resources ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Resource:
    """Something to read at *uri*; a template where the URI has `{variables}` (RFC 6570, level 1)."""

    uri: str
    name: str
    title: str
    description: str
    mime_type: str
    function: Callable[..., Any]
    completers: Mapping[str, Completer]

    @property
    def is_template(self) -> bool:
        return "{" in self.uri

    def match(self, uri: str) -> dict[str, str] | None:
        """The variables' values if *uri* is this resource, else None."""
        parts = re.split(r"\{(\w+)\}", self.uri)
        pattern = "".join(f"(?P<{part}>[^/]+)" if i % 2 else re.escape(part) for i, part in enumerate(parts))
        found = re.fullmatch(pattern, uri)
        return {name: unquote(value) for name, value in found.groupdict().items()} if found else None


def resource(
    uri: str, *, title: str, mime_type: str = "application/json", completers: Mapping[str, Completer] | None = None
) -> Callable[[Callable[..., Any]], Resource]:
    """Make a function a resource. It returns text, bytes, or a dict (sent as JSON), and raises LookupError where nothing is."""

    def define(function: Callable[..., Any]) -> Resource:
        name, description = _named(function)
        return Resource(uri, name, title, description, mime_type, function, completers or {})

    return define


# -- prompts -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PromptArgument:
    name: str
    description: str
    required: bool


@dataclass(frozen=True, slots=True)
class Prompt:
    """A message, or several, that a person can start a conversation with."""

    name: str
    title: str
    description: str
    arguments: Sequence[PromptArgument]
    function: Callable[..., Any]
    completers: Mapping[str, Completer]


def prompt(*, title: str, completers: Mapping[str, Completer] | None = None) -> Callable[[Callable[..., Any]], Prompt]:
    """Make a function a prompt. Its keyword-only `Annotated[str, "description"]` parameters are its arguments.

    It returns text (one user message) or a list of MCP messages.
    """

    def define(function: Callable[..., Any]) -> Prompt:
        name, description = _named(function)
        arguments = [
            PromptArgument(argument, next(iter(getattr(hint, "__metadata__", ("",)))), default is ...)
            for argument, (hint, default) in _parameters(function).items()
        ]
        return Prompt(name, title, description, arguments, function, completers or {})

    return define


# -- the registry ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Registry:
    """Everything one server offers, in the order of its names."""

    tools: Mapping[str, Tool]
    resources: Mapping[str, Resource]
    prompts: Mapping[str, Prompt]

    @classmethod
    def collect(cls, package: str) -> Registry:
        """Import every module of *package* and gather what its functions define; a name used twice is an error."""
        found = [value for module in _modules(package) for value in vars(module).values()]
        return cls(
            tools=_unique(Tool, found, key="name"),
            resources=_unique(Resource, found, key="uri"),
            prompts=_unique(Prompt, found, key="name"),
        )


def _modules(package: str) -> Iterator[Any]:
    root = importlib.import_module(package)
    yield root
    for info in pkgutil.iter_modules(root.__path__):
        yield importlib.import_module(f"{package}.{info.name}")


def _unique(kind: type[Definition], found: Sequence[Any], *, key: str) -> dict[str, Definition]:
    unique: dict[str, Definition] = {}
    for value in found:
        if not isinstance(value, kind):
            continue
        name = getattr(value, key)
        if unique.setdefault(name, value) is not value:
            raise TypeError(f"{kind.__name__} '{name}' is defined twice")
    return dict(sorted(unique.items()))
