"""The table of the original's defects is whole: each number once, and each test it names exists."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DEFECTS = 57
ROW = re.compile(r"\| (\d+) \| (.+?) \| (.+) \|")
ROWS = [match.groups() for line in (ROOT / "tests" / "defects.md").read_text().splitlines() if (match := ROW.fullmatch(line))]


@cache
def functions_of(file: Path) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.FunctionDef)}


def test_every_defect_is_there_once():
    assert [int(number) for number, _, _ in ROWS] == list(range(1, DEFECTS + 1))


@pytest.mark.parametrize(("number", "noticed_by"), [(number, noticed_by) for number, _, noticed_by in ROWS])
def test_the_tests_it_names_exist_or_a_reason_is_given(number, noticed_by):
    nodes = re.findall(r"`([^`]+)::(test_\w+)`", noticed_by)
    assert nodes or len(noticed_by) > 40, f"{number}: neither a test nor a reason"
    for file, function in nodes:
        assert function in functions_of(ROOT / file), f"{number}: {file} has no {function}"
