"""The manifest of requirements and the tests agree: each id has a test, and each id a test names is in the manifest."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
MANIFEST = tomllib.loads((HERE / "requirements.toml").read_text())


def files_of_tests() -> Iterator[Path]:
    return (path for path in HERE.rglob("test_*.py") if "node_modules" not in path.parts)


def named_ids(source: str) -> Iterator[str]:
    """The ids of every `pytest.mark.requirement(...)` in *source*."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "requirement":
            yield from (argument.value for argument in node.args if isinstance(argument, ast.Constant))


NAMED = {ident: path for path in files_of_tests() for ident in named_ids(path.read_text())}


def test_every_requirement_has_a_test():
    assert not sorted(MANIFEST.keys() - NAMED.keys())


def test_every_requirement_a_test_names_is_in_the_manifest():
    assert not {ident: NAMED[ident].name for ident in NAMED.keys() - MANIFEST.keys()}


def test_every_requirement_has_a_source_and_one_sentence():
    for ident, requirement in MANIFEST.items():
        assert requirement.keys() == {"source", "sentence"}, ident
        assert requirement["source"], ident
        assert requirement["sentence"].endswith("."), ident
