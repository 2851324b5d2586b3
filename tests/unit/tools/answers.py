"""Asking a tool the way the protocol does, and what must hold of every answer whatever was asked."""

import json
from functools import cache
from operator import methodcaller
from typing import Any

from jsonschema import Draft202012Validator

from app.registry import Registry
from tests.unit.tools.wearer import Wearer, asking

REGISTRY = Registry.collect("app.tools")
MAX_BYTES = 60_000


@cache
def validator(tool: str) -> Draft202012Validator:
    schema = REGISTRY.tools[tool].output_schema
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def text_of(answer: Any) -> str:
    """The JSON a client gets as text."""
    return json.dumps(answer, separators=(",", ":"), allow_nan=False, default=methodcaller("isoformat"))


def ask(tool: str, wearer: Wearer, *, demo: bool = False, **arguments: Any) -> Any:
    """Call *tool* and check what every answer owes: its schema, its size, a coverage, and only JSON in it."""
    answer = REGISTRY.tools[tool].call(asking(wearer, demo=demo), arguments).structured
    assert answer is not None
    text = text_of(answer)
    assert len(text) <= MAX_BYTES
    told = json.loads(text)
    validator(tool).validate(told)
    for gap in told["coverage"].get("missing", []):
        assert set(gap) == {"why", "days"}
        assert gap["why"]
        assert gap["days"]
    assert ("synthetic" in told) == demo
    return told
