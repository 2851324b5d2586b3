"""JSON schemas from annotations, in the plain subset that every MCP client can read.

Inputs carry no `anyOf` with null and no `$ref` (Home Assistant converts them); nullable outputs say `"type": [.., "null"]`.
"""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema


class _PlainSchema(GenerateJsonSchema):
    def generate(self, schema: Any, mode: Any = "validation") -> JsonSchemaValue:
        made = super().generate(schema, mode)
        definitions = made.pop("$defs", {})
        plain: JsonSchemaValue = _inlined(made, definitions)
        return plain


class InputSchema(_PlainSchema):
    """Null means absent, so a nullable argument is published as the type it has when it is given."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        made = super().default_schema(schema)
        if made.get("default", ...) is None:
            del made["default"]
        return made


class OutputSchema(_PlainSchema):
    """A nullable value is one type list, not an `anyOf`."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return _or_null(self.generate_inner(schema["schema"]))


def _or_null(inner: JsonSchemaValue) -> JsonSchemaValue:
    """What allows *inner* or null: one type list, but an `anyOf` where *inner* is a reference that is still to be inlined."""
    if not isinstance(inner.get("type"), str):
        return {"anyOf": [inner, {"type": "null"}]}
    made = {**inner, "type": [inner["type"], "null"]}
    values = [made.pop("const")] if "const" in made else made.get("enum")
    return made if values is None else {**made, "enum": [*values, None]}


def _inlined(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_inlined(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = definitions[node["$ref"].rpartition("/")[2]]
        node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
    made = {key: _inlined(value, definitions) for key, value in node.items()}
    return _flat_nullable(made)


def _flat_nullable(node: dict[str, Any]) -> dict[str, Any]:
    """Turn `anyOf: [object, null]`, left where the object was a reference, into a type list."""
    options = node.get("anyOf")
    if not (isinstance(options, list) and len(options) == 2 and options[1] == {"type": "null"}):
        return node
    rest = {key: value for key, value in node.items() if key != "anyOf"}
    return {**_or_null(options[0]), **rest}


def without_titles(node: Any) -> Any:
    """Drop the titles pydantic derives from names: bytes that tell a model nothing."""
    if isinstance(node, list):
        return [without_titles(item) for item in node]
    if not isinstance(node, dict):
        return node
    made = {key: without_titles(value) for key, value in node.items() if not (key == "title" and isinstance(value, str))}
    if isinstance(node.get("properties"), dict):
        made["properties"] = {name: without_titles(value) for name, value in node["properties"].items()}
    return made
