"""docs/contract.md lists exactly the keys of the output schemas, with their types."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.tools.coverage import Coverage
from tests.unit.tools.answers import REGISTRY

CONTRACT = (Path(__file__).parents[3] / "docs" / "contract.md").read_text()
ROW = re.compile(r"^\| `([^`]+)` \| ([^|]+?) \|", re.MULTILINE)


def section(heading: str) -> str:
    assert f"\n## {heading}\n" in CONTRACT, f"docs/contract.md needs a section on {heading} that explains its keys"
    return CONTRACT.split(f"\n## {heading}\n")[1].split("\n## ")[0].split("| Key |")[1]


def keys(schema: dict[str, Any], under: str = "") -> Iterator[tuple[str, str]]:
    for name, inner in schema.get("properties", {}).items():
        yield f"{under}{name}", spoken(inner)
        yield from keys(inner, f"{under}{name}.")
        yield from keys(inner.get("items", {}), f"{under}{name}[].")


def spoken(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    kind = schema["type"]
    if isinstance(kind, list):
        return " or ".join(kind)
    return f"list of {spoken(schema['items'])}" if kind == "array" else kind


@pytest.mark.parametrize("name", sorted(REGISTRY.tools))
def test_every_key_of_a_tool_is_written_down_with_its_type(name: str) -> None:
    schema = dict(keys(dict(REGISTRY.tools[name].output_schema or {})))
    if name != "get_personal_info":
        schema = {key: kind for key, kind in schema.items() if not key.startswith("coverage.")}

    assert dict(ROW.findall(section(name))) == schema


def test_every_key_of_a_coverage_is_written_down() -> None:
    assert dict.fromkeys(key for key, _ in ROW.findall(section("Coverage"))) == dict.fromkeys(
        [*Coverage.__annotations__, "ignored_arguments"]
    )
