"""The MCP Inspector's command line doing what an assistant does; prints one JSON report.

Told by the environment: MCP_URL, MCP_TOKEN, MCP_TRANSPORT (streamable, sse), MCP_MODE (legacy, auto, modern), MCP_NODE,
MCP_ONLY (names of tools to call instead of all), MCP_CALLS and MCP_BAD_CALL (see README.md). The token goes into a file that
only we can read, since a command line is for everybody to read.
"""

import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).parent / "node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js"
TRANSPORT = os.environ.get("MCP_TRANSPORT", "streamable")
Json = dict[str, Any]


class Inspector:
    def __init__(self, folder: Path) -> None:
        server = {
            "type": "sse" if TRANSPORT == "sse" else "streamable-http",
            "url": os.environ["MCP_URL"],
            "headers": {"Authorization": f"Bearer {os.environ['MCP_TOKEN']}"},
        }
        self.config = folder / "config.json"
        self.config.touch(0o600)
        self.config.write_text(json.dumps({"mcpServers": {"server": server}}))
        self.env = {**os.environ, "HOME": str(folder), "MCP_INSPECTOR_SECRET_STORE": "memory"}

    def run(self, method: str, *args: str) -> tuple[int, Json, str]:
        """Exit status, the JSON it printed, and its remarks."""
        command = [os.environ["MCP_NODE"], str(SCRIPT), "--cli", "--config", str(self.config), "--server", "server"]
        era = ["--protocol-era", os.environ.get("MCP_MODE", "legacy")]
        command += [*era, "--format", "json", "--connect-timeout", "10000", "--method", method, *args]
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=60, check=False)
        printed = done.stdout.strip().splitlines()
        return done.returncode, json.loads(printed[-1]) if printed else {}, done.stderr

    def result(self, method: str, *args: str) -> Json:
        status, said, remarks = self.run(method, *args)
        if status:
            raise SystemExit(f"{method}: exit {status}: {said} {remarks}")
        return said["result"]

    def tool(self, name: str, arguments: Json) -> Json:
        """Call a tool; the Inspector ends with 5 where the tool failed, and prints its words all the same."""
        args = ["--tool-name", name, "--tool-args-json", json.dumps(arguments)]
        status, said, remarks = self.run("tools/call", *args)
        if status not in {0, 5}:
            raise SystemExit(f"{name}: exit {status}: {said} {remarks}")
        result = said["result"]
        return {
            "isError": result.get("isError", False),
            "text": "\n".join(block.get("text", "") for block in result["content"]),
            "structured": result.get("structuredContent"),
        }


def main(folder: Path) -> Json:
    inspector = Inspector(folder)
    calls = json.loads(os.environ.get("MCP_CALLS", "{}"))
    tools = inspector.result("tools/list", "--strict")["tools"]
    report: Json = {"client": f"inspector {TRANSPORT}", "tools": tools}
    names = os.environ.get("MCP_ONLY", "").split() or [tool["name"] for tool in tools]
    with ThreadPoolExecutor(4) as pool:  # each call is a process and a connection of its own
        report["calls"] = dict(zip(names, pool.map(lambda name: inspector.tool(name, calls.get(name, {})), names), strict=True))
    bad = json.loads(os.environ.get("MCP_BAD_CALL", "null"))
    if bad:
        report["bad_call"] = inspector.tool(bad["name"], bad["arguments"])
    report["resources"] = {item["uri"]: item for item in inspector.result("resources/list")["resources"]}
    report["prompts"] = {item["name"]: item for item in inspector.result("prompts/list")["prompts"]}
    report["closed"] = True
    return report


with tempfile.TemporaryDirectory() as folder:
    json.dump(main(Path(folder)), sys.stdout)
