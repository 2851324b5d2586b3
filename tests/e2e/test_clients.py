"""The official clients, each a process of its own, against the running server: connect, list, call everything, fail, close."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.e2e.harness import ROOT
from tests.e2e.recorder import Recorder

CLIENTS = ROOT / "tests" / "clients"
NODE = CLIENTS / "node_modules" / ".bin" / "node"
PYTHON_1 = ROOT / "build" / "sdk1" / "bin" / "python"
NINE = {
    "get_activity_summary",
    "get_health_insights",
    "get_heart_rate",
    "get_personal_info",
    "get_readiness_score",
    "get_sleep_detailed",
    "get_sleep_summary",
    "get_tags",
    "get_workouts",
}
BAD_CALL = {"name": "get_sleep_summary", "arguments": {"start_date": "2026-13-45"}}
LIMIT_S = 90

node = pytest.mark.skipif(not NODE.exists(), reason="the Node clients are not installed: npm ci in tests/clients (make clients)")
python_1 = pytest.mark.skipif(not PYTHON_1.exists(), reason="the Python SDK 1.x is not installed in build/sdk1 (make clients)")


def run(command: list[str | Path], url: str, token: str, folder: Path, **env: str) -> dict[str, Any]:
    """Run a client to its end and return its report."""
    given = {
        "PATH": f"{NODE.parent}:{os.environ['PATH']}",
        "HOME": str(folder),
        "MCP_URL": url,
        "MCP_TOKEN": token,
        "MCP_BAD_CALL": json.dumps(BAD_CALL),
        "PYTHONWARNINGS": "ignore",
        **env,
    }
    done = subprocess.run(command, env=given, cwd=folder, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-5000:]}"
    assert token not in done.stdout + done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])


def assert_did_everything(report: dict[str, Any]) -> None:
    """Every tool answered truly formed and not as an error; the bad call came back as words."""
    tools = {tool["name"]: tool for tool in report["tools"]}
    assert tools.keys() >= NINE
    assert report["calls"].keys() == tools.keys()
    for name, call in report["calls"].items():
        assert not call["isError"], (name, call["text"][:500])
        assert json.loads(call["text"]) == call["structured"], name
        Draft202012Validator(tools[name]["outputSchema"]).validate(call["structured"])
    assert report["bad_call"]["isError"] is True
    assert "start_date" in report["bad_call"]["text"]
    assert report["closed"] is True


SCRIPTS: dict[str, list[str | Path]] = {
    "python2": [sys.executable, CLIENTS / "python_sdk.py"],
    "python1": [PYTHON_1, CLIENTS / "python_sdk.py"],
    "ts": [NODE, CLIENTS / "typescript_sdk.mjs"],
    "client2": [NODE, CLIENTS / "typescript_client.mjs"],
    "inspector": [sys.executable, CLIENTS / "inspector.py"],
}
MODERN, NEWEST, POKE = "2026-07-28", "2025-11-25", "2025-06-18"


def case(script, path, revision, marks=(), **env):
    name = "-".join([script, path.strip("/"), *(value for key, value in env.items() if key != "MCP_NODE")])
    return pytest.param(script, path, revision, env, id=name, marks=marks)


CASES = [
    case("python2", "/mcp", NEWEST, MCP_MODE="legacy"),
    case("python2", "/mcp", MODERN, MCP_MODE="auto"),
    case("python2", "/mcp", MODERN, MCP_MODE=MODERN),
    case("python2", "/sse", MODERN, MCP_MODE="auto"),
    case("python2", "/sse", NEWEST, MCP_MODE="legacy", MCP_TRANSPORT="sse"),
    case("python2", "/sse", None, MCP_MODE="auto", MCP_TRANSPORT="sse"),
    case("python1", "/mcp", NEWEST, python_1),
    case("python1", "/sse", NEWEST, python_1),
    case("python1", "/sse", NEWEST, python_1, MCP_TRANSPORT="sse"),
    case("ts", "/mcp", POKE, node, MCP_SDK="sdk-1.17"),
    case("ts", "/sse", POKE, node, MCP_SDK="sdk-1.17"),
    case("ts", "/sse", POKE, node, MCP_SDK="sdk-1.17", MCP_TRANSPORT="sse"),
    case("ts", "/mcp", POKE, node, MCP_SDK="sdk-1.17", MCP_TRANSPORT="sse"),
    case("ts", "/mcp", NEWEST, node, MCP_SDK="sdk-newest"),
    case("ts", "/sse", NEWEST, node, MCP_SDK="sdk-newest", MCP_TRANSPORT="sse"),
    case("client2", "/mcp", NEWEST, node, MCP_MODE="legacy"),
    case("client2", "/mcp", MODERN, node, MCP_MODE="auto"),
    case("client2", "/mcp", MODERN, node, MCP_MODE=MODERN),
    case("client2", "/sse", NEWEST, node, MCP_MODE="legacy", MCP_TRANSPORT="sse"),
    case("client2", "/sse", None, node, MCP_MODE="auto", MCP_TRANSPORT="sse"),
    case("inspector", "/mcp", None, node, MCP_NODE=str(NODE), MCP_MODE="legacy"),
]


@pytest.mark.requirement("official-clients")
@pytest.mark.requirement("wire-legal")
@pytest.mark.parametrize(("script", "path", "revision", "env"), CASES)
def test_an_official_client_connects_and_calls_every_tool(server, tmp_path, script, path, revision, env):
    with Recorder(server.url) as recorder:
        report = run(SCRIPTS[script], recorder.url + path, server.token, tmp_path, **env)
        assert_did_everything(report)
        assert recorder.assert_all_legal() > len(NINE)
    if revision:
        assert report["protocol"] == revision
    if report.get("protocol", MODERN) != MODERN:
        assert report["ping"] == {}
    if report.get("instructions") is not None or revision not in {None, MODERN}:
        assert len(report["instructions"]) > 100
    if report.get("capabilities") != {}:  # a client that is told its revision asks for nothing else
        assert report["resources"]
        assert all(report["resources"].values())
        assert report["prompts"]
        assert all(report["prompts"].values())


@node
@pytest.mark.requirement("official-clients")
@pytest.mark.parametrize(
    ("path", "env"), [("/mcp", {"MCP_MODE": "modern"}), ("/sse", {"MCP_MODE": "legacy", "MCP_TRANSPORT": "sse"})], ids=str
)
def test_the_inspector_finds_nothing_to_warn_of_in_the_other_era_and_transport(server, tmp_path, path, env):
    """It starts a process for every call, so one tool stands for all."""
    with Recorder(server.url) as recorder:
        env = {**env, "MCP_NODE": str(NODE), "MCP_ONLY": "get_sleep_summary"}
        report = run(SCRIPTS["inspector"], recorder.url + path, server.token, tmp_path, **env)
        assert recorder.assert_all_legal()
    assert {tool["name"] for tool in report["tools"]} >= NINE
    assert report["calls"]["get_sleep_summary"]["structured"]["data"]
    assert report["bad_call"]["isError"] is True


@node
@pytest.mark.requirement("official-clients")
@pytest.mark.parametrize(
    ("path", "transport", "protocol"),
    [("/mcp", "http-only", "legacy"), ("/mcp", "http-only", "auto"), ("/sse", "sse-only", "legacy")],
)
def test_mcp_remote_carries_everything_over_stdio(server, tmp_path, path, transport, protocol):
    header_file = tmp_path / "headers"
    header_file.touch(0o600)
    header_file.write_text(f"Authorization: Bearer {server.token}\n")
    with Recorder(server.url) as recorder:
        script = CLIENTS / "node_modules" / "mcp-remote" / "dist" / "proxy.js"
        options = ["--header-file", str(header_file), "--transport", transport, "--protocol", protocol, "--silent"]
        command = [str(NODE), str(script), recorder.url + path, *options]
        env = {"MCP_TRANSPORT": "stdio", "MCP_MODE": "legacy", "MCP_COMMAND": json.dumps(command)}
        env["MCP_REMOTE_CONFIG_DIR"] = str(tmp_path / "mcp-remote")
        report = run(SCRIPTS["python2"], recorder.url + path, server.token, tmp_path, **env)
        assert_did_everything(report)
        assert recorder.assert_all_legal() > len(NINE)


@node
@pytest.mark.requirement("classic-reconnect")
@pytest.mark.parametrize("sdk", ["sdk-1.17", "sdk-newest"])
def test_a_dropped_classic_stream_comes_back_and_goes_on(server, tmp_path, sdk):
    report = run([NODE, CLIENTS / "dropped_stream.mjs"], server.url + "/sse", server.token, tmp_path, MCP_SDK=sdk)
    assert report["back"] == {"moved": True, "same": True, "isError": True}
    assert [stream["status"] for stream in report["streams"]] == [200, 200]
    assert report["streams"][-1]["version"], "this is the reconnect that must not be mistaken for a Streamable client"


@python_1
@pytest.mark.requirement("home-assistant")
def test_home_assistant_connects_anew_for_every_call_and_converts_every_schema(server, tmp_path):
    report = run([PYTHON_1, CLIENTS / "home_assistant.py"], server.url + "/sse", server.token, tmp_path)
    assert_did_everything(report)
    assert report["transports"] == ["streamable"]
    assert report["connections"] == len(report["tools"]) + 2


@pytest.mark.requirement("home-assistant")
@pytest.mark.requirement("tool-list-small")
def test_what_a_model_reads_of_the_tools_is_small_plain_and_labelled(server):
    tools = {tool["name"]: tool for tool in server.caller().result("tools/list")["tools"]}
    assert tools.keys() >= NINE
    read = [{key: tools[name][key] for key in ("name", "description", "inputSchema")} for name in NINE]
    assert len(json.dumps(read, separators=(",", ":"), ensure_ascii=False).encode()) < 9_000
    nine = [tools[name] for name in sorted(NINE)]
    assert len(json.dumps(nine, separators=(",", ":"), ensure_ascii=False).encode()) < 24_000
    for tool in tools.values():
        assert not {"$ref", "anyOf", "oneOf", "allOf", "$defs"} & set(_keys(tool["inputSchema"])), tool["name"]
        assert tool["title"]
        assert tool["annotations"]["readOnlyHint"] is True
        assert tool["annotations"]["destructiveHint"] is False
        Draft202012Validator.check_schema(tool["inputSchema"])
        Draft202012Validator.check_schema(tool["outputSchema"])


def _keys(node: Any) -> list[str]:
    if isinstance(node, list):
        return [key for item in node for key in _keys(item)]
    return [*node, *(key for value in node.values() for key in _keys(value))] if isinstance(node, dict) else []


@node
@pytest.mark.requirement("poke")
def test_poke_finds_a_streamable_server_on_either_url_and_reconnects(server, tmp_path):
    """Poke runs the TypeScript SDK 1.17.3, posts to the very URL it was given, and reads the tools again only on reconnecting."""
    for path in ("/sse", "/mcp", "/sse"):
        assert_did_everything(run(SCRIPTS["ts"], server.url + path, server.token, tmp_path, MCP_SDK="sdk-1.17"))


@pytest.mark.requirement("poke")
@pytest.mark.requirement("rate-limit")
def test_whom_poke_speaks_for_changes_nothing_and_is_not_believed(server):
    """Poke's X-Poke-User-Id is no secret: alone it opens nothing."""
    caller = server.caller()
    assert caller.result("ping", headers={"X-Poke-User-Id": "someone"}) == {}
    stranger = server.caller(token=None)
    body = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    assert stranger.post(body, headers={"X-Poke-User-Id": "someone"}).status_code == 401


@node
@pytest.mark.requirement("bearer")
@pytest.mark.parametrize("transport", ["streamable", "sse"])
def test_a_client_with_a_wrong_token_is_told_so_and_does_not_hang(server, tmp_path, transport):
    command = SCRIPTS["ts"]
    with pytest.raises(AssertionError, match=r"401|nauthorized"):
        run(command, server.url + "/sse", "w" * 40, tmp_path, MCP_SDK="sdk-1.17", MCP_TRANSPORT=transport)
