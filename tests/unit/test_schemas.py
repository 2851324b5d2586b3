"""Schemas from annotations: what may be null says so, and allows it."""

from enum import Enum
from typing import Any, Literal

import jsonschema
import pytest
from pydantic import TypeAdapter
from typing_extensions import TypedDict

from app.schemas import OutputSchema


class Stage(Enum):
    DEEP = "deep"
    REM = "rem"


class Nap(TypedDict):
    minutes: int


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (int, 5),
        (Literal["deep"], "deep"),
        (Literal["deep", "rem"], "rem"),
        (Stage, "deep"),
        (Nap, {"minutes": 5}),
        (list[Stage], ["rem"]),
    ],
)
def test_what_may_be_null_is_one_type_list_that_null_satisfies(annotation: Any, value: Any):
    class Holder(TypedDict):
        value: annotation | None  # type: ignore[valid-type]

    schema = TypeAdapter(Holder).json_schema(schema_generator=OutputSchema, mode="serialization")

    assert "anyOf" not in str(schema)
    assert "$ref" not in str(schema)
    assert schema["properties"]["value"]["type"][-1] == "null"
    for given in (value, None):
        jsonschema.validate({"value": given}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"value": "light"}, schema)
