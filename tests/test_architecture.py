"""What holds the house together: who imports whom, and that tables and examples say what the code does."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from app.commands.docs import generated
from app.config import ROOT, Settings
from app.registry import Registry

SOURCES = sorted((ROOT / "app").rglob("*.py"))


def test_imports_go_one_way():
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.requirement("documents-fresh")
@pytest.mark.parametrize("path", generated(), ids=lambda path: str(path.relative_to(ROOT)))
def test_what_make_docs_writes_is_what_the_code_says(path):
    assert path.read_text() == generated()[path], "run `make docs`"


def test_env_example_names_every_setting_and_nothing_else():
    named = re.findall(r"^(?:# )?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert named == [name.upper() for name in Settings.env_fields()]


def test_every_setting_says_what_it_is_for():
    assert all(field.description for field in Settings.model_fields.values())


def test_readme_holds_the_tables_of_tools_and_variables():
    readme = (ROOT / "README.md").read_text()
    for name in Registry.collect("app.tools").tools:
        assert f"| `{name}` |" in readme
    for name in Settings.env_fields():
        assert f"| `{name.upper()}` |" in readme


def test_links_within_the_documents_lead_somewhere():
    for document in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        text = document.read_text()
        anchors = {
            re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-")
            for line in text.splitlines()
            if line.startswith("#")
        }
        for target in re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'src="([^"]+)"', text):
            if target.startswith("#"):
                assert target[1:] in anchors, (document.name, target)
            elif "://" not in target and not target.startswith("mailto:"):
                assert (document.parent / target.partition("#")[0]).exists(), (document.name, target)


def test_the_environment_is_read_in_one_place():
    """What starts processes hands their environment on; everything else asks Settings."""
    allowed = {"config.py", "commands/demo.py", "oauth/authorization.py"}
    readers = {
        str(path.relative_to(ROOT / "app"))
        for path in SOURCES
        if any(
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "os"
            and node.attr in {"environ", "getenv"}
            for node in ast.walk(ast.parse(path.read_text()))
        )
    }
    assert readers <= allowed


def test_functions_fit_on_a_screen():
    tables = {"app/pages/clients.py:assistants"}  # one long list of what each client needs, with the address put in
    too_long = {
        f"{path.relative_to(ROOT)}:{node.name}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno + 1 > 50
    }
    assert too_long <= tables


def test_nothing_committed_names_a_machine():
    """Absolute paths of somebody's computer have no place in a project."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in listed.stdout.split():
        path = ROOT / name
        if path.suffix in {".png", ".svg", ".txt", ".json"} or path == Path(__file__) or not path.is_file():
            continue
        found = re.findall(r"(?<![\w.])/(?:home|Users|work)/\w+", path.read_text(errors="replace"))
        assert set(found) <= {"/home/me"}, (name, found)
