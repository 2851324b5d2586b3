"""`make docs`: write the tables of README.md and docs/contract.md, and .env.example, from what the code says.

A table stands between `<!-- begin: NAME -->` and `<!-- end: NAME -->`; everything else of those files is written by hand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from app.config import ROOT, Settings
from app.pages.clients import Assistant, assistants
from app.registry import Registry, Tool

PLACEHOLDERS = {"auth_token": "an-output", "token_encryption_key": "another-output"}  # the two that a start requires
OURA = ("oura_client_id", "oura_client_secret", "oura_redirect_uri")
_BLOCK = re.compile(r"(<!-- begin: (?P<name>[\w-]+) -->\n)(?P<body>.*?)(<!-- end: (?P=name) -->)", re.DOTALL)


def main() -> None:
    for path, text in generated().items():
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            print(f"wrote {path.relative_to(ROOT)}")


def generated() -> dict[Path, str]:
    """What each generated file should hold now."""
    files = {ROOT / ".env.example": env_example()}
    registry = Registry.collect("app.tools")
    for path in (ROOT / "README.md", ROOT / "docs" / "contract.md"):
        if path.exists():
            files[path] = with_tables(path.read_text(), registry)
    return files


def with_tables(text: str, registry: Registry) -> str:
    """*text* with every block between markers written anew; a block that nobody makes is an error."""
    tables = _tables(registry)

    def renewed(block: re.Match[str]) -> str:
        return f"{block[1]}\n{tables[block['name']]()}\n{block[4]}"

    return _BLOCK.sub(renewed, text)


def _tables(registry: Registry) -> Mapping[str, Callable[[], str]]:
    tables: dict[str, Callable[[], str]] = {
        "tools": lambda: tool_table(registry),
        "environment": environment_table,
        "clients": clients,
        "resources": lambda: _table(
            ("Resource or prompt", "What it holds"),
            [(f"`{each.uri}`", _first_sentence(each.description)) for each in registry.resources.values()]
            + [(f"`{each.name}` (prompt)", _first_sentence(each.description)) for each in registry.prompts.values()],
        ),
    }
    for tool in registry.tools.values():
        tables[f"arguments-{tool.name}"] = lambda tool=tool: arguments_table(tool)  # type: ignore[misc]
    return tables


# -- the environment ---------------------------------------------------------------------------------------------------


def environment_table() -> str:
    rows = []
    for name in Settings.env_fields():
        needed = "**required**" if name in PLACEHOLDERS else "for your ring" if name in OURA else _shown(name)
        rows.append((f"`{name.upper()}`", needed, _description(name)))
    return _table(("Variable", "Default", "Meaning"), rows)


def env_example() -> str:
    lines = [
        "# Every variable the server reads. `make setup` writes .env for you; by hand, copy this file to .env.",
        "# Written by `make docs`.",
    ]
    for name in Settings.env_fields():
        lines += ["", f"# {_description(name)}"]
        if name in PLACEHOLDERS:
            lines.append(f"{name.upper()}=replace-me-with-{PLACEHOLDERS[name]}-of-openssl-rand-hex-32")
        else:
            lines.append(f"{'' if name in OURA else '# '}{name.upper()}={_default(name)}")
    return "\n".join(lines) + "\n"


def _description(name: str) -> str:
    return Settings.model_fields[name].description or ""


def _default(name: str) -> str:
    value = Settings.model_fields[name].default
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value) if isinstance(value, int | str | Path) else ""


def _shown(name: str) -> str:
    return f"`{text.replace(',', ', ')}`" if (text := _default(name)) else ""


# -- tools -------------------------------------------------------------------------------------------------------------


def tool_table(registry: Registry) -> str:
    rows = []
    for tool in registry.tools.values():
        arguments = ", ".join(f"`{name}`" for name in tool.input_schema.get("properties", {}))
        rows.append((f"`{tool.name}`", _first_sentence(tool.description), arguments))
    return _table(("Tool", "What it answers", "Arguments"), rows)


def arguments_table(tool: Tool) -> str:
    rows = []
    for name, schema in tool.input_schema.get("properties", {}).items():
        default = schema.get("default", "")
        rows.append(
            (f"`{name}`", _type(schema), f"`{str(default).lower()}`" if default != "" else "", schema.get("description", ""))
        )
    return _table(("Argument", "Type", "Default", "Meaning"), rows)


def _type(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    types = schema.get("type", "any")
    if isinstance(types, list):
        return " or ".join(types)
    items = schema.get("items", {})
    return f"list of {_type(items)}" if types == "array" and "type" in items else str(types)


# -- clients -----------------------------------------------------------------------------------------------------------


def clients() -> str:
    """How each client is connected, as the server's own page says it."""
    return "\n\n".join(_client(each) for each in assistants("https://YOUR-HOST"))


def _client(assistant: Assistant) -> str:
    lines = [f"<details><summary><b>{assistant.name}</b>: {assistant.about}</summary>", ""]
    lines += [f"{number}. {step}" for number, step in enumerate(assistant.steps, 1)]
    for snippet in assistant.snippets:
        lines += ["", f"{snippet.where}:", "", "```", snippet.text, "```"]
    if not assistant.bearer:
        lines += ["", f"{assistant.name} cannot send a token by itself; it signs in through this server's own page instead."]
    if assistant.note:
        lines += ["", assistant.note]
    return "\n".join([*lines, "", "</details>"])


# -- Markdown ----------------------------------------------------------------------------------------------------------


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=[.!?])\s", text.strip(), maxsplit=1)[0]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |" for line in lines)


if __name__ == "__main__":
    main()
