import json
import tomllib

import pytest

from app.pages.clients import TOKEN, assistants

URL = "https://oura.example.com"
BY_NAME = {assistant.name: assistant for assistant in assistants(URL)}
KNOWN = [
    "Poke", "Claude", "Claude Code", "ChatGPT", "Codex", "Cursor", "VS Code", "Windsurf", "Goose", "LibreChat", "Open WebUI",
    "n8n", "Home Assistant", "MCP Inspector", "mcp-remote", "Gemini CLI", "curl", "Claude Desktop by file",
]  # fmt: skip


def words(name):
    assistant = BY_NAME[name]
    return "\n".join([*assistant.steps, *(snippet.text for snippet in assistant.snippets)])


@pytest.mark.parametrize("name", KNOWN)
def test_each_client_gets_this_server_s_address_and_a_placeholder_for_the_token(name):
    assert f"{URL}/mcp" in words(name)
    assistant = BY_NAME[name]
    shown = words(name) + "".join(snippet.where for snippet in assistant.snippets)
    assert assistant.bearer == (TOKEN in shown or "${input:oura}" in shown)


def test_no_client_is_listed_twice_and_each_can_be_linked_to():
    slugs = [assistant.slug for assistant in assistants(URL)]

    assert sorted(BY_NAME) == sorted(KNOWN)
    assert len(set(slugs)) == len(slugs)
    assert all(slug.replace("-", "").isalnum() for slug in slugs)


@pytest.mark.parametrize("name", ["Cursor", "Windsurf", "Gemini CLI"])
def test_the_json_is_json_with_a_header(name):
    [server] = json.loads(BY_NAME[name].snippets[0].text)["mcpServers"].values()

    assert server["headers"] == {"Authorization": f"Bearer {TOKEN}"}
    assert f"{URL}/mcp" in server.values()


def test_windsurf_and_gemini_use_their_own_keys_for_the_address():
    assert "serverUrl" in json.loads(words("Windsurf"))["mcpServers"]["oura"]
    assert "httpUrl" in json.loads(words("Gemini CLI"))["mcpServers"]["oura"]


def test_vs_code_asks_for_the_token_once():
    made = json.loads(words("VS Code"))

    assert made["servers"]["oura"]["headers"] == {"Authorization": "Bearer ${input:oura}"}
    assert made["inputs"][0]["password"] is True


def test_claude_desktop_passes_the_header_without_a_blank_in_an_argument():
    made = json.loads(words("Claude Desktop by file"))["mcpServers"]["oura"]

    assert made["args"][-1] == "Authorization:${AUTH_HEADER}"
    assert not any(" " in argument for argument in made["args"])
    assert made["env"] == {"AUTH_HEADER": f"Bearer {TOKEN}"}


def test_codex_s_toml_is_toml():
    made = tomllib.loads(words("Codex"))["mcp_servers"]["oura"]

    assert made["url"] == f"{URL}/mcp"
    assert made["bearer_token_env_var"] == "OURA_MCP_TOKEN"


def test_claude_code_s_options_stand_before_the_name():
    command = words("Claude Code")

    assert command.index("--transport") < command.index(" oura ")


def test_curl_sends_json_and_accepts_both_kinds_of_answer():
    command = words("curl")
    body = json.loads(command.split("-d '")[1].rstrip("'"))

    assert body["method"] == "tools/call"
    assert "application/json, text/event-stream" in command
