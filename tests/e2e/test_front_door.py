"""The OAuth front door with real clients and a real browser: from the bare URL to a tool's answer, renewal, and the end."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import gevent
import pytest
import requests

from tests.conformance.suite import SUITE
from tests.e2e.chromium import Tunnel, chromium, needs_chromium
from tests.e2e.harness import GUNICORN, ROOT, Browser, Process, Server, free_port
from tests.e2e.wire import eventually

CLIENTS = ROOT / "tests" / "clients"
NODE = CLIENTS / "node_modules" / ".bin" / "node"
node = pytest.mark.skipif(not NODE.exists(), reason="the Node clients are not installed: npm ci in tests/clients (make clients)")
DOCUMENT = "https://sdk.example/oauth/client.json"
LINE_S = 60


class DoorServer(Server):
    """The server with an internet of its own for client documents, and a clock that can be put forward."""

    def __init__(self, folder: Path, *given: Any, **env: str) -> None:
        super().__init__(folder, *given, **env)
        self._documents, self._ahead = folder / "documents.json", folder / "ahead"
        self.env |= {"DOCUMENTS": str(self._documents), "AHEAD": str(self._ahead)}

    def start(self) -> Self:
        self.publish(DOCUMENT, client_name="An SDK", redirect_uris=["http://127.0.0.1/callback"])
        self.ahead(0)
        if self.simulator is not None:
            self.simulator.register(self.env["OURA_REDIRECT_URI"])
        self.spawn([*GUNICORN[:-1], "tests.e2e.front_door_app:app"], self.env)
        self.expect(self.healthy, "the server")
        return self

    def publish(self, url: str, **document: Any) -> str:
        held = json.loads(self._documents.read_text()) if self._documents.exists() else {}
        self._documents.write_text(json.dumps({**held, url: {"client_id": url, **document}}))
        return url

    def ahead(self, seconds: float) -> None:
        new = self._ahead.with_suffix(".new")
        new.write_text(str(seconds))
        new.replace(self._ahead)

    def grants(self) -> list[str]:
        return [name for name in self.logs().splitlines() if '"access_granted"' in name]


class Program(Process):
    """A client that is spoken to by lines."""

    name = "program"

    def __init__(self, folder: Path, command: list[str | Path], **env: str) -> None:
        super().__init__(folder)
        given = {"PATH": f"{NODE.parent}:{os.environ['PATH']}", "HOME": str(folder), "MCP_TOOL": "get_sleep_summary", **env}
        self._errors = (folder / "errors").open("w")
        self.child = subprocess.Popen(
            command, env=given, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.tell("quit")
        try:
            self.child.wait(20)
        finally:
            self.child.kill()
            self.child.wait()
            self.child.stdin.close()
            self.child.stdout.close()
            self._errors.close()

    def logs(self) -> str:
        return (self.folder / "errors").read_text()

    def tell(self, command: str) -> None:
        self.child.stdin.write(command + "\n")
        self.child.stdin.flush()

    def said(self) -> dict[str, Any]:
        with gevent.Timeout(LINE_S, AssertionError(f"nothing was said\n{self.logs()[-3000:]}")):
            line = self.child.stdout.readline()
        assert line, self.logs()[-3000:]
        return json.loads(line)

    def asked(self, command: str) -> dict[str, Any]:
        self.tell(command)
        return self.said()


SCRIPTS = {
    "python": ([sys.executable, CLIENTS / "python_oauth.py"], {}),
    "typescript": ([NODE, CLIENTS / "typescript_oauth.mjs"], {"MCP_SDK": "sdk-newest"}),
    "typescript-1.17": ([NODE, CLIENTS / "typescript_oauth.mjs"], {"MCP_SDK": "sdk-1.17"}),
}


@pytest.fixture(scope="module")
def started_browser():
    with chromium() as started:
        yield started


@pytest.fixture
def browser(started_browser):
    started_browser.forget()
    return started_browser


@pytest.fixture
def tunnel(tmp_path) -> Iterator[Tunnel]:
    opened = Tunnel(tmp_path, "ring.tunnel.example", interstitial=False)
    yield opened
    opened.stop()


@pytest.fixture(scope="module")
def door(tmp_path_factory, simulator) -> Iterator[DoorServer]:
    with DoorServer(tmp_path_factory.mktemp("door"), simulator) as started:
        assert started.connect().ok
        yield started


def let_in(browser, server: Server, *, secret: str | None = None) -> None:
    browser.find("#password").send_keys(secret or server.token)
    browser.press("Allow")


@needs_chromium
@pytest.mark.requirement("oauth-official-clients")
@pytest.mark.parametrize(
    ("script", "known_by"),
    [
        ("python", "document"),
        ("python", "registration"),
        pytest.param("typescript", "document", marks=node),
        pytest.param("typescript", "registration", marks=node),
        pytest.param("typescript-1.17", "registration", marks=node),
    ],
)
@pytest.mark.parametrize("path", ["/mcp", "/sse"])
def test_an_official_client_comes_in_from_the_bare_url_renews_and_is_refused_after_revocation(
    door, browser, tmp_path, script, known_by, path
):
    command, env = SCRIPTS[script]
    if known_by == "document":
        env = {**env, "CLIENT_DOCUMENT": DOCUMENT}
    door.ahead(0)
    with Program(tmp_path, command, MCP_URL=door.url + path, **env) as program:
        opened = program.asked("call")["open"]
        browser.get(opened)
        assert "A program on this computer" in browser.text()
        let_in(browser, door)
        assert browser.heading() == "Back in the program"
        assert browser.violations() == []
        first = program.said()
        assert first["called"]["isError"] is False
        assert first["called"]["structured"]["data"]
        assert (first["client_id"] == DOCUMENT) is (known_by == "document")

        door.ahead(3700)
        program.tell("expire")
        renewed = program.asked("call")
        assert renewed["called"]["structured"]["data"]
        assert renewed["token"] != first["token"]

        grant_id = renewed["token"].split(".")[1]
        revoked = requests.post(
            f"{door.url}/access/revoke?grant_id={grant_id}", headers={"Authorization": f"Bearer {door.token}"}, timeout=30
        )
        assert revoked.json() == {"revoked": True}
        program.tell("expire")
        assert "sign in again" in program.asked("call")["refused"]


CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # RFC 7636, appendix B
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"


def ask(server: Server, client_id: str, redirect_uri: str, **more: str) -> str:
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "state": "s",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "resource": f"{server.url}/mcp",
        **more,
    }
    return requests.Request("GET", f"{server.url}/authorize", params=query).prepare().url or ""


def register(server: Server, **metadata: Any) -> str:
    answer = requests.post(f"{server.url}/register", json={"token_endpoint_auth_method": "none", **metadata}, timeout=30)
    assert answer.status_code == 201, answer.text
    return answer.json()["client_id"]


def landed(browser) -> dict[str, str]:
    """What the browser brought to the address it stands at."""
    return {name: values[0] for name, values in parse_qs(urlsplit(browser.current_url).query).items()}


def redeemed(server: Server, client_id: str, redirect_uri: str, code: str) -> dict[str, Any]:
    fields = {"grant_type": "authorization_code", "client_id": client_id, "redirect_uri": redirect_uri, "code": code}
    answer = requests.post(f"{server.url}/token", data={**fields, "code_verifier": VERIFIER}, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()


@needs_chromium
@pytest.mark.requirement("oauth-consent")
@pytest.mark.parametrize(
    ("name", "redirect_uri", "document"),
    [
        ("Claude", "https://claude.ai/api/mcp/auth_callback", None),
        ("Claude", "https://claude.com/api/mcp/auth_callback", None),
        ("ChatGPT", "https://chatgpt.com/connector_platform_oauth_redirect", "https://chatgpt.com/oauth/client.json"),
    ],
)
def test_a_browser_goes_back_to_a_web_client_with_code_and_iss(door, browser, name, redirect_uri, document):
    door.ahead(0)
    if document is None:
        client_id = register(door, client_name=name, redirect_uris=[redirect_uri])
    else:
        choices = {
            "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
        }
        client_id = door.publish(document, client_name=name, redirect_uris=[redirect_uri], **choices)
    browser.get(ask(door, client_id, redirect_uri))
    let_in(browser, door)

    assert browser.current_url.startswith(redirect_uri + "?")
    answer = landed(browser)
    assert (answer["iss"], answer["state"]) == (door.url, "s")
    tokens = redeemed(door, client_id, redirect_uri, answer["code"])
    caller = door.caller(token=tokens["access_token"])
    assert caller.tool("get_sleep_summary")["data"]


@needs_chromium
@pytest.mark.requirement("oauth-consent")
def test_a_browser_hands_the_answer_to_an_application_with_a_scheme_of_its_own(door, browser):
    redirect_uri = "cursor://anysphere.cursor-mcp/oauth/callback"
    client_id = register(door, client_name="Cursor", redirect_uris=[redirect_uri])
    browser.get(ask(door, client_id, redirect_uri))
    assert "An application on this device" in browser.text()
    browser.find("#password").send_keys(door.token)
    before = len(door.grants())
    browser.find("button[value=allow]").click()

    # Nothing on this machine opens the scheme; that the browser did not stop the redirect is what can be seen.
    eventually(lambda: len(door.grants()) == before + 1, what="the grant")
    gevent.sleep(0.5)
    assert browser.violations() == []


@needs_chromium
@pytest.mark.requirement("oauth-consent")
def test_a_no_and_a_wrong_secret_in_the_browser(door, browser):
    redirect_uri = "https://claude.ai/api/mcp/auth_callback"
    client_id = register(door, client_name="Claude", redirect_uris=[redirect_uri])
    browser.get(ask(door, client_id, redirect_uri))
    let_in(browser, door, secret="wrong")
    assert "not the right secret" in browser.text()

    browser.press("Do not allow")

    assert landed(browser)["error"] == "access_denied"
    assert landed(browser)["iss"] == door.url


@needs_chromium
@pytest.mark.requirement("oauth-ring-in-the-same-visit")
def test_without_a_ring_the_visit_goes_by_oura_and_comes_back_to_the_client(start, simulator, browser):
    server = start(DoorServer, simulator)
    redirect_uri = "https://claude.ai/api/mcp/auth_callback"
    client_id = register(server, client_name="Claude", redirect_uris=[redirect_uri])
    browser.get(ask(server, client_id, redirect_uri))
    let_in(browser, server)
    assert browser.heading() == "One more step: your ring"

    browser.press("Connect your ring")
    assert browser.current_url.startswith(simulator.url)
    browser.press("Accept")

    assert browser.current_url.startswith(redirect_uri + "?")
    tokens = redeemed(server, client_id, redirect_uri, landed(browser)["code"])
    assert server.caller(token=tokens["access_token"]).tool("get_sleep_summary")["data"]
    assert browser.violations() == []


@needs_chromium
@pytest.mark.requirement("oauth-consent", "oauth-ring-in-the-same-visit")
def test_a_client_on_this_computer_comes_in_at_localhost_although_the_ring_connects_at_a_public_name(
    start, simulator, browser, tunnel
):
    server = start(DoorServer, simulator, OURA_REDIRECT_URI=f"{tunnel.url}/oauth/callback")
    tunnel.target = server.port
    redirect_uri = "https://claude.ai/api/mcp/auth_callback"
    client_id = register(server, client_name="Local", redirect_uris=[redirect_uri])
    browser.get(ask(server, client_id, redirect_uri))
    let_in(browser, server)
    assert browser.heading() == "One more step: your ring"
    assert browser.find("a.button").get_attribute("href") == f"{tunnel.url}/oauth/authorize?next=client"

    browser.press("Go on")

    assert browser.current_url.startswith(redirect_uri + "?")
    assert landed(browser)["iss"] == server.url
    tokens = redeemed(server, client_id, redirect_uri, landed(browser)["code"])
    assert tokens["scope"] == "health:read"


@needs_chromium
@pytest.mark.requirement("oauth-grants")
def test_the_status_pages_button_shuts_a_client_out(door, browser):
    redirect_uri = "https://claude.ai/api/mcp/auth_callback"
    client_id = register(door, client_name="Shut me out", redirect_uris=[redirect_uri])
    browser.get(ask(door, client_id, redirect_uri))
    let_in(browser, door)
    tokens = redeemed(door, client_id, redirect_uri, landed(browser)["code"])
    caller = door.caller(token=tokens["access_token"])
    assert caller.tool("get_sleep_summary")["data"]

    browser.get(f"{door.url}/status")
    browser.press("Revoke Shut me out")

    assert "Shut me out" not in browser.text()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert requests.post(f"{door.url}/mcp", headers=headers, timeout=30).status_code == 401
    assert browser.violations() == []


@node
@pytest.mark.requirement("oauth-conformance")
def test_the_official_suites_authorization_server_scenarios_pass(start, tmp_path):
    port = free_port()
    # Without a secret: the suite sends none wherever the server says that clients may do without.
    server = start(Server, OAUTH_CLIENTS=f"suite||http://127.0.0.1:{port}/callback")
    given = ["--url", server.url, "--client-id", "suite", "--resource", f"{server.url}/mcp", "--port", str(port)]
    command = [NODE, SUITE, "authorization", *given, "-o", str(tmp_path)]
    env = {"PATH": f"{NODE.parent}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    with (
        subprocess.Popen(command, env=env, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as suite,
        gevent.Timeout(LINE_S, AssertionError("the suite did not come to its end")),
    ):
        said = ""
        while not (found := re.search(rf"{server.url}/authorize\S+", said)):
            line = suite.stdout.readline()
            assert line, said
            said += line
        person = Browser(server)
        person.submit(person.open(found[0]), password=server.token, decision="allow")
        said += suite.stdout.read()

    assert suite.returncode == 0, said
    assert "Total: 3 passed, 0 failed" in said
