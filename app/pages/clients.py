"""How each assistant is connected: the steps and the snippet, with this server's own address."""

from __future__ import annotations

from dataclasses import dataclass

TOKEN = "YOUR_AUTH_TOKEN"  # noqa: S105 - the placeholder that people replace


@dataclass(frozen=True, slots=True)
class Snippet:
    """Something to paste, and where."""

    where: str
    text: str


@dataclass(frozen=True, slots=True)
class Assistant:
    """One client: *steps* in its own words for things. *bearer* is False where it cannot send AUTH_TOKEN."""

    name: str
    about: str
    steps: tuple[str, ...] = ()
    snippets: tuple[Snippet, ...] = ()
    bearer: bool = True
    note: str = ""

    @property
    def slug(self) -> str:
        return "-".join(self.name.lower().replace("/", " ").split())


def assistants(base_url: str) -> list[Assistant]:
    """Every client we know, the ones most people use first."""
    mcp = f"{base_url}/mcp"
    sse = f"{base_url}/sse"
    bearer = f"Bearer {TOKEN}"
    return [
        Assistant(
            "Poke",
            "Text your assistant about last night",
            (
                "Open poke.com/integrations/new.",
                f"Name: Oura. Server URL: `{mcp}`",
                f"API key: `{TOKEN}`",
                "Ask: Tell the subagent to use the “Oura” integration's “get_sleep_summary” tool.",
            ),
            (Snippet("Or from a terminal", f'npx poke@latest mcp add {mcp} -n "Oura" -k "{TOKEN}"'),),
            note=f"An address that ends in `/sse` works as well (`{sse}`). Poke reads the list of tools only when you connect: "
            "after an update of this server, disconnect and connect again.",
        ),
        Assistant(
            "Claude",
            "claude.ai, the desktop app and the phone",
            (
                "Settings → Connectors → Add custom connector.",
                f"URL: `{mcp}`. Leave the OAuth fields empty.",
                f"Advanced → Request headers: `Authorization: {bearer}`",
            ),
            note="Connectors are called from Anthropic's network, so this server must be reachable from the internet. "
            "If Claude opens a sign-in page instead of using the header, sign in there with the owner's secret.",
        ),
        Assistant(
            "Claude Code",
            "In the terminal",
            snippets=(
                Snippet(
                    "In a terminal",
                    f'claude mcp add --transport http --scope user oura {mcp} --header "Authorization: {bearer}"',
                ),
            ),
        ),
        Assistant(
            "ChatGPT",
            "Developer mode",
            (
                "Settings → Apps → Advanced → Developer mode → Create.",
                f"MCP server URL: `{mcp}`. Authentication: OAuth.",
                "ChatGPT opens this server's sign-in page; enter the owner's secret there.",
            ),
            bearer=False,
        ),
        Assistant(
            "Cursor",
            "The editor",
            snippets=(
                Snippet(
                    "In `~/.cursor/mcp.json`",
                    f'{{"mcpServers":{{"oura":{{"url":"{mcp}","headers":{{"Authorization":"{bearer}"}}}}}}}}',
                ),
            ),
        ),
        Assistant(
            "VS Code",
            "GitHub Copilot's agent mode",
            snippets=(
                Snippet(
                    "In `.vscode/mcp.json`; it asks for the token once",
                    '{"inputs":[{"id":"oura","type":"promptString","description":"Oura MCP token","password":true}],\n'
                    f' "servers":{{"oura":{{"type":"http","url":"{mcp}",'
                    '"headers":{"Authorization":"Bearer ${input:oura}"}}}}',
                ),
            ),
        ),
        Assistant(
            "Claude Desktop by file",
            "Without a connector, through mcp-remote",
            snippets=(
                Snippet(
                    "In `claude_desktop_config.json`",
                    f'{{"mcpServers":{{"oura":{{"command":"npx","args":["-y","mcp-remote","{mcp}",\n'
                    f'  "--header","Authorization:${{AUTH_HEADER}}"],"env":{{"AUTH_HEADER":"{bearer}"}}}}}}}}',
                ),
            ),
            note="There is no blank after `Authorization:` on purpose: some programs cut arguments at blanks.",
        ),
        Assistant(
            "Codex",
            "OpenAI's coding agent",
            snippets=(
                Snippet(
                    f"In `~/.codex/config.toml`, with `OURA_MCP_TOKEN={TOKEN}` in the environment",
                    f'[mcp_servers.oura]\nurl = "{mcp}"\nbearer_token_env_var = "OURA_MCP_TOKEN"\ntool_timeout_sec = 60',
                ),
            ),
        ),
        Assistant(
            "Gemini CLI",
            "In the terminal",
            snippets=(
                Snippet(
                    "In `~/.gemini/settings.json`",
                    f'{{"mcpServers":{{"oura":{{"httpUrl":"{mcp}","headers":{{"Authorization":"{bearer}"}}}}}}}}',
                ),
            ),
        ),
        Assistant(
            "Windsurf",
            "The editor",
            snippets=(
                Snippet(
                    "In `~/.codeium/windsurf/mcp_config.json`",
                    f'{{"mcpServers":{{"oura":{{"serverUrl":"{mcp}","headers":{{"Authorization":"{bearer}"}}}}}}}}',
                ),
            ),
        ),
        Assistant(
            "Goose",
            "The open agent",
            snippets=(
                Snippet(
                    "In `~/.config/goose/config.yaml`",
                    "extensions:\n"
                    f"  oura: {{enabled: true, type: streamable_http, name: oura, uri: {mcp},\n"
                    f'         headers: {{Authorization: "{bearer}"}}, timeout: 60}}',
                ),
            ),
        ),
        Assistant(
            "LibreChat",
            "Your own chat server",
            snippets=(
                Snippet(
                    "In `librechat.yaml`",
                    "mcpServers:\n"
                    "  oura:\n"
                    "    type: streamable-http\n"
                    f"    url: {mcp}\n"
                    f'    headers: {{Authorization: "{bearer}"}}\n'
                    "    serverInstructions: true\n"
                    "    timeout: 30000\n"
                    "    initTimeout: 15000",
                ),
            ),
        ),
        Assistant(
            "Open WebUI",
            "Your own chat server, 0.6.31 or later",
            (
                "Admin → External Tools → +. Type: MCP (Streamable HTTP), not OpenAPI.",
                f"URL: `{mcp}`",
                f"Auth: Bearer, `{TOKEN}`",
            ),
        ),
        Assistant(
            "n8n",
            "MCP Client Tool, or MCP Client",
            (
                f"Server Transport: HTTP Streamable. Endpoint: `{mcp}`",
                f"Authentication: Bearer, `{TOKEN}`",
                "Timeout: 30000 or more.",
            ),
        ),
        Assistant(
            "Home Assistant",
            "Model Context Protocol integration",
            (
                f"Settings → Devices & services → Add integration → Model Context Protocol. URL: `{mcp}`",
                "It opens this server's sign-in page; enter the owner's secret there.",
                (
                    "A version that asks for application credentials instead cannot register itself: think of a long secret, put "
                    "the line below into this server's settings and restart it, then give Home Assistant that id and secret."
                ),
            ),
            (
                Snippet(
                    "In this server's settings, only for such a version",
                    "OAUTH_CLIENTS=homeassistant|YOUR_CLIENT_SECRET|https://my.home-assistant.io/redirect/oauth",
                ),
            ),
            bearer=False,
        ),
        Assistant(
            "MCP Inspector",
            "To look at the tools",
            snippets=(
                Snippet(
                    "In a terminal",
                    f"npx @modelcontextprotocol/inspector --cli {mcp} --transport http --method tools/list \\\n"
                    f'  --header "Authorization: {bearer}"',
                ),
            ),
        ),
        Assistant(
            "mcp-remote",
            "For clients that only start programs",
            snippets=(
                Snippet(
                    f"The file `~/.oura-headers` holds the line `Authorization: {bearer}`",
                    f'{{"command":"npx","args":["-y","mcp-remote","{mcp}","--transport","http-only",'
                    '"--header-file","/home/me/.oura-headers"]}',
                ),
            ),
        ),
        Assistant(
            "curl",
            "To see an answer at once",
            snippets=(
                Snippet(
                    "In a terminal",
                    f"curl -sS {mcp} -H 'Authorization: {bearer}' -H 'Content-Type: application/json' \\\n"
                    "  -H 'Accept: application/json, text/event-stream' \\\n"
                    '  -d \'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_sleep_summary"}}\'',
                ),
            ),
        ),
    ]
