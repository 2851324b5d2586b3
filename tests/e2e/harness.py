"""The real processes the end-to-end tests talk to: the simulator, and our server under the real gunicorn configuration.

Everything is thrown away afterwards: secrets are fresh, files live in a temporary folder, ports are free loopback ones.
Knows nothing of what is tested.
"""

import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Self
from urllib.parse import urljoin

import requests

from app.config import Settings
from app.simulator.knobs import Knobs
from tests.e2e.wire import Caller, ModernCaller, eventually

ROOT = Path(__file__).resolve().parent.parent.parent
BOOT_S = 30.0
STOP_S = 30.0
GUNICORN = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"]
CHOICES = {"radio", "checkbox"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """A child process whose output goes to a file; it never outlives the test that started it."""

    name = "process"

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.output = folder / f"{self.name}.log"
        self.child: subprocess.Popen[bytes] | None = None

    def spawn(self, command: list[str], env: dict[str, str]) -> None:
        inherited = {name: os.environ[name] for name in ("PATH", "LANG", "TZDIR") if name in os.environ}
        with self.output.open("ab") as output:
            self.child = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**inherited, "HOME": str(self.folder), "PYTHONUNBUFFERED": "1", **env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def logs(self) -> str:
        return self.output.read_text(errors="replace") if self.output.exists() else ""

    @property
    def running(self) -> bool:
        return self.child is not None and self.child.poll() is None

    def expect(self, predicate: Any, what: str) -> Any:
        """Wait for *predicate*, but not for a process that has ended."""

        def ready() -> Any:
            assert self.running, f"{self.name} ended while waiting for {what}:\n{self.logs()}"
            return predicate()

        try:
            return eventually(ready, within_s=BOOT_S, what=what)
        except AssertionError as exc:
            raise AssertionError(f"{exc}\n{self.logs()}") from None

    def stop(self, sent: int = signal.SIGTERM) -> int:
        """Send *sent* and return the exit status; what is left of the process group is killed."""
        assert self.child is not None
        if self.running:
            self.child.send_signal(sent)
        try:
            return self.child.wait(STOP_S)
        finally:
            self.kill()

    def kill(self) -> None:
        """End the whole process group now, whatever it is doing."""
        if self.child is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.child.pid, signal.SIGKILL)
            self.child.wait(STOP_S)

    def __enter__(self) -> Self:
        return self.start()

    def start(self) -> Self:
        raise NotImplementedError

    def __exit__(self, *_: object) -> None:
        self.kill()  # what is thrown away need not be waited for


class Simulator(Process):
    """An Oura of our own as a process, and its knobs (see app/simulator/knobs.py)."""

    name = "simulator"

    def __init__(self, folder: Path, *, personas: tuple[str, ...] = ("adult",)) -> None:
        super().__init__(folder)
        self._personas = personas
        self._control = requests.Session()
        self._control.trust_env = False
        self.url = ""
        self.env: dict[str, str] = {}

    def start(self) -> Self:
        secret_file = self.folder / "simulator.json"
        personas = [option for persona in self._personas for option in ("--persona", persona)]
        self.spawn([sys.executable, "-m", "app.simulator", *personas, "--secret-file", str(secret_file)], {})
        self.expect(lambda: '"url"' in self.logs(), "the simulator")
        told = json.loads(secret_file.read_text())
        self.url, self.env = told["url"], told["env"]
        self._control.headers["X-Sim-Secret"] = told["secret"]
        return self

    def _asked(self, verb: str, what: str, body: Any = None) -> Any:
        response = self._control.request(verb, f"{self.url}/_sim/{what}", json=body, timeout=30)
        assert response.ok, (response.status_code, response.text)
        return response.json() if response.content else None

    def turn(self, **knobs: Any) -> None:
        self._asked("POST", "knobs", knobs)

    def register(self, redirect_uri: str) -> None:
        """Let *redirect_uri* be one of the client's."""
        self._redirect_uris = [*getattr(self, "_redirect_uris", []), redirect_uri]
        self.turn(redirect_uris=self._redirect_uris)

    @contextmanager
    def turned(self, **knobs: Any) -> Iterator[None]:
        """Turn knobs for a while; afterwards each is what it is by default."""
        self.turn(**knobs)
        try:
            yield
        finally:
            self.turn(**{name: getattr(Knobs(), name) for name in knobs})

    def expire_access_tokens(self) -> None:
        self._asked("POST", "expire")

    def revoke_all(self) -> None:
        self._asked("POST", "revoke")

    def forget_requests(self) -> None:
        self._asked("DELETE", "requests")

    def seen(self) -> dict[str, Any]:
        """What was asked since it last forgot: counts by target, statuses, single requests."""
        return self._asked("GET", "requests")

    def documents(self, collection: str, account: str | None = None, **query: str) -> list[dict[str, Any]]:
        """Every raw document of *collection*, all pages, read with a token of its own."""
        token = self._asked("POST", "grant", {"account": account})["access_token"]
        found: list[dict[str, Any]] = []
        url = f"{self.url}/v2/usercollection/{collection}"
        headers = {"Authorization": f"Bearer {token}"}
        while True:
            page = requests.get(url, params=query, headers=headers, timeout=30)
            assert page.ok, page.text
            if "data" not in page.json():
                return [page.json()]
            found += page.json()["data"]
            if not page.json().get("next_token"):
                return found
            query = {**query, "next_token": page.json()["next_token"]}


class Server(Process):
    """Our server, as a person would run it: gunicorn with its own configuration. *env* overrides any setting."""

    name = "server"

    def __init__(self, folder: Path, simulator: Simulator | None = None, **env: str) -> None:
        super().__init__(folder)
        self.simulator = simulator
        port = env.get("PORT") or str(free_port())
        self.url = f"http://localhost:{port}"
        self.env = {
            **{name.upper(): "" for name in Settings.model_fields},  # a developer's own .env must not speak
            "PORT": port,
            "AUTH_TOKEN": secrets.token_hex(24),
            "TOKEN_ENCRYPTION_KEY": secrets.token_hex(32),
            "TOKEN_FILE": str(folder / "tokens.json"),
            "MCP_RATE_LIMIT": "1000000 per minute",
            "LOG_LEVEL": "debug",
        }
        if simulator is not None:
            self.env |= {**simulator.env, "OURA_REDIRECT_URI": f"{self.url}/oauth/callback"}
        self.env |= env
        self.token = self.env["AUTH_TOKEN"]
        self._callers: list[Caller] = []

    @property
    def port(self) -> int:
        return int(self.env["PORT"])

    def start(self) -> Self:
        if self.simulator is not None:
            self.simulator.register(self.env["OURA_REDIRECT_URI"])
        self.spawn(GUNICORN, self.env)
        self.expect(self.healthy, "the server")
        return self

    def healthy(self) -> bool:
        try:
            return requests.get(f"{self.url}/healthz", timeout=5).ok
        except requests.ConnectionError:
            return False

    def connect(self, **choices: str | list[str]) -> requests.Response:
        """Connect a ring the way a person does, page by page; return the page it ends on."""
        return Browser(self).connect(**choices)

    # -- ways to ask ---------------------------------------------------------------------------------------------------

    def caller(self, *, token: str | None = "", revision: str | None = "2025-11-25", path: str = "/mcp") -> Caller:
        caller = Caller(self.url, self.token if token == "" else token, revision=revision, path=path)
        self._callers.append(caller)
        return caller

    def modern(self, **given: Any) -> ModernCaller:
        caller = ModernCaller(self.url, self.token, **given)
        self._callers.append(caller)
        return caller

    def __exit__(self, *_: object) -> None:
        for caller in self._callers:
            caller.close()
        super().__exit__()

    def get(self, path: str, **given: Any) -> requests.Response:
        """As the owner, with the bearer."""
        given.setdefault("timeout", 30)
        return requests.get(self.url + path, headers={"Authorization": f"Bearer {self.token}"}, **given)

    def metric(self, name: str) -> float:
        """The sum of a counter over its labels."""
        samples = re.findall(rf"^{name}(?:{{.*}})? (\S+)$", self.get("/metrics").text, re.MULTILINE)
        return sum(map(float, samples))

    def socket(self) -> socket.socket:
        """A bare connection, for what no HTTP library would send."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def head(self, verb: str, path: str, *, token: str | None = None, **headers: str) -> bytes:
        """The head of a request, to be sent by hand."""
        lines = [f"{verb} {path} HTTP/1.1", f"Host: localhost:{self.port}", f"Authorization: Bearer {token or self.token}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode()


class Form(HTMLParser):
    """The first form of a page: where it goes, and what it would send."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: list[tuple[str, str]] = []
        self._inside = self._seen = False
        self.feed(page)
        assert self._seen, f"no form in this page:\n{page[:2000]}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and not self._seen:
            self._inside = self._seen = True
            self.action = given.get("action")
        elif tag == "input" and self._inside and given.get("name") and (given.get("type") not in CHOICES or "checked" in given):
            self.fields.append((given["name"], given.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False


class Browser:
    """A person's browser without scripts: keeps cookies, follows redirects, fills in forms."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.session = requests.Session()
        self.session.trust_env = False
        self.visited: list[str] = []

    def open(self, path: str) -> requests.Response:
        return self._kept(self.session.get(urljoin(self.server.url, path), timeout=30))

    def submit(self, page: requests.Response, **fields: str | list[str] | None) -> requests.Response:
        """Send the first form of *page* with *fields* filled in (a list: several values; None: leave it out)."""
        form = Form(page.text)
        data = [(name, value) for name, value in form.fields if name not in fields]
        for name, value in fields.items():
            data += [(name, one) for one in (value if isinstance(value, list) else [] if value is None else [value])]
        headers = {"Origin": "/".join(page.url.split("/")[:3])}
        return self._kept(self.session.post(urljoin(page.url, form.action or page.url), data=data, headers=headers, timeout=30))

    def _kept(self, response: requests.Response) -> requests.Response:
        self.visited += [each.url for each in (*response.history, response)]
        return response

    def sign_in(self) -> requests.Response:
        page = self.open("/login")
        secret = self.server.env.get("OWNER_PASSWORD") or self.server.token
        field = next(name for name, _ in Form(page.text).fields if "csrf" not in name.lower() and name != "next")
        return self.submit(page, **{field: secret})

    def connect(self, **choices: str | list[str]) -> requests.Response:
        """Sign in and consent; *choices* are fields of the simulator's consent page."""
        assert self.sign_in().ok
        consent = self.open("/oauth/authorize")
        assert self.server.simulator is not None
        assert consent.url.startswith(self.server.simulator.url), (consent.url, consent.text[:2000])
        done = self.submit(consent, **{"decision": "approve", **choices})
        assert done.url.startswith(self.server.url), done.url
        return done
