import pytest

from app.commands.docs import env_example, with_tables
from app.config import Settings
from app.registry import Registry

TOOLS = Registry.collect("app.tools")


def test_what_stands_between_markers_is_written_anew_and_the_rest_is_kept():
    text = "before\n<!-- begin: tools -->\nold\n<!-- end: tools -->\nafter\n"
    made = with_tables(text, TOOLS)
    assert made.startswith("before\n<!-- begin: tools -->\n")
    assert made.endswith("\n<!-- end: tools -->\nafter\n")
    assert "old" not in made
    assert "| `get_sleep_summary` |" in made
    assert with_tables(made, TOOLS) == made


def test_a_marker_that_nothing_fills_is_an_error():
    with pytest.raises(KeyError, match="tulz"):
        with_tables("<!-- begin: tulz -->\n<!-- end: tulz -->", TOOLS)


def test_env_example_without_its_comments_is_what_the_server_defaults_to(tmp_path):
    secrets = {"AUTH_TOKEN": "f3a91b7c5d2e8046" * 3, "TOKEN_ENCRYPTION_KEY": "0123456789abcdef" * 4}
    (tmp_path / "env").write_text(
        "\n".join(line.removeprefix("# ") if "=" in line else line for line in env_example().splitlines())
    )
    assert Settings.load(secrets, tmp_path / "env") == Settings.load(secrets, None)
