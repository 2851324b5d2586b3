"""The processes that are measured: an invented Oura, the server, and Flask alone under the same gunicorn configuration."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import requests

from app.commands.browser import Browser
from app.commands.demo import Children
from app.config import DEMO, ROOT

TOKEN, KEY = secrets.token_hex(24), secrets.token_hex(32)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Oura:
    """The simulator, its knobs and its journal."""

    def __init__(self, children: Children, folder: Path, redirect_uri: str) -> None:
        secret_file = folder / "simulator.json"
        child = children.start(
            "simulator", ["app.simulator", "--redirect-uri", redirect_uri, "--secret-file", str(secret_file)], {}
        )
        children.wait_for("simulator", child, lambda: '"url"' in children.said("simulator"))
        told = json.loads(secret_file.read_text())
        self.env: dict[str, str] = told["env"]
        self._url = f"{told['url']}/_sim"
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["X-Sim-Secret"] = told["secret"]

    def turn(self, **knobs: Any) -> None:
        self._session.post(f"{self._url}/knobs", json=knobs, timeout=30).raise_for_status()

    def forget(self) -> None:
        self._session.delete(f"{self._url}/requests", timeout=30).raise_for_status()

    def asked(self) -> dict[str, int]:
        """How often each collection was asked for since it last forgot."""
        counts: dict[str, int] = self._session.get(f"{self._url}/requests", timeout=30).json()["counts"]
        return counts


class Server:
    """One gunicorn with *application*; start and stop as often as needed."""

    def __init__(self, children: Children, name: str, application: str, port: int, env: dict[str, str]) -> None:
        self._children, self._name, self._application = children, name, application
        self.port = port
        self._env = {
            DEMO: "1",
            "PORT": str(port),
            "AUTH_TOKEN": TOKEN,
            "TOKEN_ENCRYPTION_KEY": KEY,
            "MCP_RATE_LIMIT": "100000000 per minute",
            "CACHE_TTL": "86400",
            "MAX_STREAMS": "2000",
            **env,
        }
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def start(self) -> float:
        """Seconds until it was healthy."""
        began = time.perf_counter()
        self._child = self._children.start(self._name, ["gunicorn", "-c", "gunicorn.conf.py", self._application], self._env)
        self._children.wait_for(self._name, self._child, self._is_healthy, every_s=0.01)
        return time.perf_counter() - began

    def stop(self) -> None:
        assert self._child is not None
        self._child.terminate()
        self._child.wait(30)

    def _is_healthy(self) -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{self.port}/healthz", timeout=2).ok
        except requests.RequestException:
            return False

    def pids(self) -> list[int]:
        """The master and its worker; empty where the kernel does not tell (only Linux does)."""
        assert self._child is not None
        try:
            children = Path(f"/proc/{self._child.pid}/task/{self._child.pid}/children").read_text().split()
        except OSError:
            return []
        return [self._child.pid, *map(int, children)]

    def request(self, message: dict[str, Any], *lines: str, token: str = TOKEN) -> str:
        body = json.dumps({"jsonrpc": "2.0", **message})
        return self.head("POST", "/mcp", token, "Content-Type: application/json", f"Content-Length: {len(body)}", *lines) + body

    def head(self, verb: str, path: str, token: str, *lines: str) -> str:
        accept = "text/event-stream" if verb == "GET" else "application/json, text/event-stream"
        head = [
            f"{verb} {path} HTTP/1.1",
            f"Host: localhost:{self.port}",
            f"Authorization: Bearer {token}",
            f"Accept: {accept}",
            *lines,
        ]
        return "\r\n".join([*head, "", ""])

    def call(self, tool: str, arguments: dict[str, Any], *, at: str = "/mcp") -> requests.Response:
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
        headers = {"Authorization": f"Bearer {TOKEN}", "Accept": "application/json, text/event-stream"}
        return requests.post(f"http://127.0.0.1:{self.port}{at}", json=message, headers=headers, timeout=60)

    def issued_token(self) -> str:
        """A token that the front door gives to a client of its own, the way a client gets it."""
        browser = Browser(self.url)
        browser.connect(TOKEN)
        redirect_uri, verifier = "http://127.0.0.1:1/callback", secrets.token_urlsafe(48)
        told = {"client_name": "bench", "redirect_uris": [redirect_uri], "token_endpoint_auth_method": "none"}
        client = requests.post(f"{self.url}/register", json=told, timeout=30).json()["client_id"]
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {"response_type": "code", "client_id": client, "redirect_uri": redirect_uri, "code_challenge": challenge}
        asked |= {"code_challenge_method": "S256", "resource": f"{self.url}/mcp", "state": "s"}
        page = browser.open(f"/authorize?{urlencode(asked)}")
        sent_back = browser.submit(page, {"decision": "allow"}, follow=False).headers["Location"]
        code = parse_qs(urlsplit(sent_back).query)["code"][0]
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "client_id": client}
        form |= {"code_verifier": verifier, "resource": f"{self.url}/mcp"}
        token: str = requests.post(f"{self.url}/token", data=form, timeout=30).json()["access_token"]
        return token


class Load:
    """The load generator, told what to do by one JSON object."""

    def __init__(self, **spec: Any) -> None:
        command = [sys.executable, "-m", "gevent.monkey", "--module", "bench.load"]
        self._child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps(spec) + "\n")
        self._child.stdin.flush()

    def told(self) -> dict[str, Any]:
        assert self._child.stdout is not None
        line = self._child.stdout.readline()
        if not line:
            raise RuntimeError("the load generator failed")
        told: dict[str, Any] = json.loads(line)
        return told

    def end(self) -> None:
        self._child.communicate(timeout=60)


def hammer(**spec: Any) -> dict[str, Any]:
    load = Load(**spec)
    told = load.told()
    load.end()
    if told["wrong"]:
        raise RuntimeError(f"{told['wrong']} answers were not 200")
    return told


def memory_kb(pids: list[int]) -> int | None:
    """The proportional set size of *pids*; None if there are none to look at."""
    try:
        return sum(int(Path(f"/proc/{pid}/smaps_rollup").read_text().split("Pss:")[1].split()[0]) for pid in pids) or None
    except (OSError, IndexError):
        return None
