"""What a tool's schema may say about headers: checked when the server starts, since a client drops a tool that gets it wrong."""

import pytest

from app.mcp.ladder import repeated_arguments


def schema(**properties):
    return {"type": "object", "properties": properties}


def region(**more):
    return {"type": "string", "x-mcp-header": "Region", **more}


def test_annotated_properties_are_found_at_any_depth():
    inner = schema(b=region(), c={"type": "integer", "x-mcp-header": "Count-2"})

    assert repeated_arguments(schema(a=inner, d={"type": "string"})) == {("a", "b"): "Region", ("a", "c"): "Count-2"}


def test_data_that_looks_like_an_annotation_is_none():
    assert repeated_arguments(schema(a={"type": "object", "default": region(), "examples": [region()]})) == {}


@pytest.mark.parametrize(
    "bad",
    [
        region(),
        schema(a=region(**{"x-mcp-header": ""})),
        schema(a=region(**{"x-mcp-header": "two words"})),
        schema(a=region(**{"x-mcp-header": "with_underscore"})),
        schema(a=region(**{"x-mcp-header": 5})),
        schema(a=region(type="number")),
        schema(a=region(type=["string", "null"])),
        schema(a=region(), b=region(**{"x-mcp-header": "REGION"})),
        schema(a={"type": "array", "items": region()}),
        schema(a={"anyOf": [region()]}),
        {"type": "object", "$defs": {"a": region()}},
        {"type": "object", "allOf": [schema(a=region())]},
    ],
    ids=str,
)
def test_a_breach_stops_the_server_from_starting(bad):
    with pytest.raises(TypeError, match="x-mcp-header"):
        repeated_arguments(bad)
