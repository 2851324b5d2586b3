"""`make demo`: the main job on an embedded Oura, with real processes and real HTTP, and nothing left behind.

Starts the simulator and the server with throw-away secrets in a temporary folder, connects the one to the other the way a
person's browser would, asks for last night's sleep over MCP and prints the answer. Reads no `.env`.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from app.commands.browser import Browser, BrowserError
from app.commands.night import told
from app.config import DEMO, ROOT, Settings
from app.variables import CALLBACK_PATH

HOST = "127.0.0.1"
BOOT_S = 30.0
STOP_S = 25.0
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZDIR", "SYSTEMROOT")
# Cleans up if this process is killed too hard to do it itself: the pipe that the guard reads closes with us.
GUARD = """
import contextlib, os, shutil, signal, sys, time
folder, *pids = sys.argv[1:]
sys.stdin.read()
for number in (signal.SIGTERM, signal.SIGKILL):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(int(pid), number)
    time.sleep(3 if os.path.exists(folder) else 0)
shutil.rmtree(folder, ignore_errors=True)
"""


class DemoError(Exception):
    """The demo cannot go on; the message is for the person at the terminal."""


class Children:
    """The processes of the demo, each in a group of its own, so that only we decide when they end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: list[subprocess.Popen[bytes]] = []
        self._guard: subprocess.Popen[bytes] | None = None

    def start(self, name: str, command: list[str], env: dict[str, str]) -> subprocess.Popen[bytes]:
        inherited = {key: os.environ[key] for key in INHERITED if key in os.environ}
        with (self._folder / f"{name}.log").open("wb") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=ROOT,
                env={**inherited, "PYTHONUNBUFFERED": "1", **env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._started.append(child)
        return child

    def guard(self) -> None:
        """Call when all are started."""
        known = [str(self._folder), *(str(child.pid) for child in self._started)]
        self._guard = subprocess.Popen([sys.executable, "-c", GUARD, *known], stdin=subprocess.PIPE, start_new_session=True)

    def said(self, name: str) -> str:
        return (self._folder / f"{name}.log").read_text(errors="replace")

    def wait_for(self, name: str, child: subprocess.Popen[bytes], ready: Callable[[], bool], *, every_s: float = 0.05) -> None:
        until = time.monotonic() + BOOT_S
        while not ready():
            if child.poll() is not None or time.monotonic() > until:
                raise DemoError(f"The {name} did not start. It said:\n{self.said(name)[-3000:]}")
            time.sleep(every_s)

    def ended(self) -> bool:
        return any(child.poll() is not None for child in self._started)

    def stop(self) -> None:
        for child in reversed(self._started):
            child.terminate()
        for child in reversed(self._started):
            with suppress(subprocess.TimeoutExpired):
                child.wait(STOP_S)
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
        if self._guard is not None:
            self._guard.kill()
            self._guard.communicate()


def main() -> int:
    options = argparse.ArgumentParser(prog="make demo", description=__doc__)
    options.add_argument("--once", action="store_true", help="stop after the first answer")
    once = options.parse_args().once
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="oura-demo-")))
            children = Children(folder)
            stack.callback(children.stop)
            _show(children, folder, once=once)
    except (DemoError, BrowserError, requests.RequestException) as exc:
        print(exc, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Nothing was kept.")
    return 0


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _show(children: Children, folder: Path, *, once: bool) -> None:
    port = _port()
    url, token = f"http://localhost:{port}", secrets.token_hex(24)
    print("Starting an invented Oura and the server ...", flush=True)
    oura = _start_oura(children, folder, f"{url}{CALLBACK_PATH}")
    _start_server(children, folder, url=url, port=port, token=token, oura=oura)
    children.guard()
    print("Connecting them through the OAuth flow, as a browser would ...", flush=True)
    Browser(url).connect(token)
    question = {"start_date": (datetime.now(UTC) - timedelta(days=2)).date().isoformat(), "include_hrv": True}
    print(f"Asking over MCP: get_sleep_summary {json.dumps(question)}\n", flush=True)
    print(told(_asked(url, token, question)))
    print(_invitation(url, token), flush=True)
    print(
        "It stops here; without ONCE=1 it goes on serving." if once else "It goes on serving until you press Ctrl-C.", flush=True
    )
    if once:
        return
    while not children.ended():
        time.sleep(0.5)
    raise DemoError(f"The server stopped. It said:\n{children.said('server')[-3000:]}")


def _port() -> int:
    text = os.environ.get("PORT") or "3001"
    if not text.isdigit() or int(text) > 65535:
        raise DemoError("PORT must be a port number, as in: make demo PORT=3002")
    port = int(text)
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, port))
            port = int(probe.getsockname()[1])
        taken = _somebody_listens(port)
    except OSError:
        taken = True
    if taken:
        raise DemoError(f"Port {text} is in use. Take another one: make demo PORT={port % 65535 + 1}")
    return port


def _somebody_listens(port: int) -> bool:
    """Whether a program is behind `localhost` already, perhaps on the other of its two addresses, which browsers try first."""
    for family, host in ((socket.AF_INET, HOST), (socket.AF_INET6, "::1")):
        with suppress(OSError), socket.socket(family) as probe:
            probe.settimeout(1)
            if probe.connect_ex((host, port)) == 0:
                return True
    return False


def _start_oura(children: Children, folder: Path, redirect_uri: str) -> dict[str, str]:
    """The environment that makes a server use the simulator."""
    secret_file = folder / "simulator.json"
    child = children.start("simulator", ["app.simulator", "--redirect-uri", redirect_uri, "--secret-file", str(secret_file)], {})
    children.wait_for("simulator", child, lambda: '"url"' in children.said("simulator"))
    env: dict[str, str] = json.loads(secret_file.read_text())["env"]
    return env


def _start_server(children: Children, folder: Path, *, url: str, port: int, token: str, oura: dict[str, str]) -> None:
    env = {
        **oura,
        DEMO: "1",
        "PORT": str(port),
        "BIND": HOST,
        "AUTH_TOKEN": token,
        "TOKEN_ENCRYPTION_KEY": secrets.token_hex(32),
        "OURA_REDIRECT_URI": f"{url}{CALLBACK_PATH}",
        "TOKEN_FILE": str(folder / "tokens.json"),
        "MCP_RATE_LIMIT": "1000 per minute",  # who tries things out asks more than a person does in a day
    }
    Settings.load(env, None)
    child = children.start("server", ["gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"], env)
    # Its own word first: what answers may be another demo that took the port a moment earlier.
    children.wait_for("server", child, lambda: '"server.ready"' in children.said("server") and _answers(f"{url}/healthz"))


def _answers(url: str) -> bool:
    with requests.Session() as session:
        session.trust_env = False  # a proxy would look for this machine elsewhere
        try:
            return session.get(url, timeout=2).ok
        except requests.RequestException:
            return False


def _asked(url: str, token: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The structured answer of one real MCP call: initialize, say so, call the tool."""
    session = requests.Session()
    session.trust_env = False
    session.headers.update({"Authorization": f"Bearer {token}", "Accept": "application/json, text/event-stream"})
    hello: dict[str, Any] = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "make-demo", "version": "1"},
    }
    messages: list[dict[str, Any]] = [
        {"id": 1, "method": "initialize", "params": hello},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": {"name": "get_sleep_summary", "arguments": arguments}},
    ]
    for message in messages:
        answer = session.post(f"{url}/mcp", json={"jsonrpc": "2.0", **message}, timeout=30)
        session.headers["MCP-Protocol-Version"] = hello["protocolVersion"]
    result = answer.json().get("result", {}) if answer.ok else {}
    if "structuredContent" not in result:
        raise DemoError(f"The tool did not answer (HTTP {answer.status_code}):\n{answer.text[:2000]}")
    structured: dict[str, Any] = result["structuredContent"]
    return structured


def _invitation(url: str, token: str) -> str:
    return f"""
All data are invented.

  Status page   {url}/
  MCP endpoint  {url}/mcp
  Bearer token  {token}

The token is AUTH_TOKEN here: it signs you in on the pages too.

Try it from Claude Code:

  claude mcp add --transport http oura-demo {url}/mcp --header "Authorization: Bearer {token}"
"""


if __name__ == "__main__":
    sys.exit(main())
