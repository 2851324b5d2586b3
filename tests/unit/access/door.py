"""The whole application with its front door, and the two who come to it: a program, and a person with a browser."""

import base64
import hashlib
import html
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from app.access.documents import Fetched
from app.config import Settings

TOKEN = "kD9wq2Lx8vR4tZ7mB1nC6yH3sJ5gF0pA"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
HOST = "oura.example"
ISSUER = f"https://{HOST}"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
REDIRECT = "https://app.example/callback"
PUBLIC = "93.184.216.34"


class Clock:
    now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Internet:
    """Stands in for the internet: addresses of names, documents at URLs, and who connected where."""

    addresses: dict[str, list[str]] = field(default_factory=dict)
    documents: dict[str, Fetched] = field(default_factory=dict)
    connected: list[tuple[str, str]] = field(default_factory=list)

    def publish(self, url: str, document: Any, *, status: int = 200, **headers: str) -> str:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.addresses.setdefault(urlsplit(url).hostname or "", [PUBLIC])
        self.documents[url] = Fetched(status, {"content-type": "application/json", **headers}, body)
        return url

    def resolve(self, host: str) -> list[str]:
        if host not in self.addresses:
            raise OSError("no such name")
        return self.addresses[host]

    def fetch(self, url: str, address: str) -> Fetched:
        self.connected.append((url, address))
        if url not in self.documents:
            raise ConnectionRefusedError
        return self.documents[url]


@dataclass
class Door:
    """One running application; `restarted` is the next process with the same store."""

    folder: Path
    clock: Clock = field(default_factory=Clock)
    internet: Internet = field(default_factory=Internet)
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        given = {
            "auth_token": TOKEN,
            "token_encryption_key": "0123456789abcdef" * 4,
            "token_file": self.folder / "tokens.json",
            "public_url": ISSUER,
            "mcp_rate_limit": "100000 per minute",
            "trusted_proxy_hops": 0,
            **self.settings,
        }
        self.app = create_app(
            Settings.model_validate(given),
            clock=self.clock,
            resolver=self.internet.resolve,
            fetch_client_metadata=self.internet.fetch,
        )
        self.services = self.app.extensions["services"]

    def restarted(self, **settings: Any) -> "Door":
        return Door(self.folder, self.clock, self.internet, {**self.settings, **settings})

    def client(self, base: str = ISSUER, *, address: str = "198.51.100.7") -> "Client":
        client = Client(self.app, self.app.response_class, use_cookies=True)
        client.base, client.address = base, address
        return client

    def connect_ring(self) -> None:
        record = {"provider": "https://api.ouraring.com", "access_token": "a", "refresh_token": "r", "scopes": ["daily"]}
        self.services.vault.write("oura-connection", {**record, "expires_at": self.clock() + 9e6, "connected_at": 1.0})


class Client(FlaskClient):
    """A program or a browser at one address of this server."""

    base = ISSUER
    address = "198.51.100.7"

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        kwargs.setdefault("base_url", self.base)
        kwargs["environ_overrides"] = {"REMOTE_ADDR": self.address, **kwargs.get("environ_overrides", {})}
        return super().open(*args, **kwargs)

    # -- a program -----------------------------------------------------------------------------------------------------

    def register(self, **metadata: Any) -> TestResponse:
        metadata.setdefault("redirect_uris", [REDIRECT])
        return self.post("/register", json={"token_endpoint_auth_method": "none", "client_name": "An app", **metadata})

    def token(self, headers: dict[str, str] | None = None, **fields: str) -> TestResponse:
        return self.post("/token", data=fields, headers=headers)

    def redeem(self, code: str, client_id: str, **fields: str) -> TestResponse:
        given = {"grant_type": "authorization_code", "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
        return self.token(**{**given, "code": code, "client_id": client_id, **fields})

    def refresh(self, refresh_token: str, client_id: str, **fields: str) -> TestResponse:
        return self.token(grant_type="refresh_token", refresh_token=refresh_token, client_id=client_id, **fields)

    def call(self, access_token: str, path: str = "/mcp", **headers: str) -> TestResponse:
        message = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
        accept = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}
        return self.post(path, json=message, headers={"Authorization": f"Bearer {access_token}", **accept, **headers})

    # -- a person ------------------------------------------------------------------------------------------------------

    def ask(self, client_id: str, **changes: Any) -> TestResponse:
        """Open the link to /authorize that a client makes; a change of None leaves a parameter out."""
        given = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": REDIRECT,
            "state": "st&te",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            "resource": f"{self.base}/mcp",
        }
        query = {name: value for name, value in {**given, **changes}.items() if value is not None}
        return self.get(f"/authorize?{urlencode(query, doseq=True)}", headers={"Accept": "text/html"})

    def answer(self, page: TestResponse, *, decision: str = "allow", password: str | None = TOKEN, **fields: str) -> TestResponse:
        form = {**hidden_fields(page), "decision": decision, **fields}
        if password is not None:
            form["password"] = password
        return self.post("/authorize", data=form, headers={"Accept": "text/html", "Origin": "null"})

    def consent(self, client_id: str, **changes: Any) -> dict[str, str]:
        """Ask and allow; what the client is told at its redirect URI."""
        return told(self.answer(self.ask(client_id, **changes)))

    def come_in(self, client_id: str, **changes: Any) -> dict[str, Any]:
        """The whole way of a client that is known; its first tokens."""
        code = self.consent(client_id, **changes)["code"]
        answer = self.redeem(code, client_id, redirect_uri=changes.get("redirect_uri", REDIRECT))
        assert answer.status_code == 200, answer.text
        return dict(answer.json)

    def sign_in(self) -> None:
        page = self.get("/login", headers={"Accept": "text/html"})
        done = self.post("/login", data={**hidden_fields(page), "password": TOKEN}, headers={"Origin": "null"})
        assert done.status_code == 303, done.text


def hidden_fields(page: TestResponse) -> dict[str, str]:
    inputs = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text)
    return {name: html.unescape(value) for name, value in inputs}


def told(response: TestResponse) -> dict[str, str]:
    """The parameters of the redirect in *response*."""
    assert response.status_code in {302, 303}, (response.status_code, response.text)
    return dict(parse_qsl(urlsplit(response.headers["Location"]).query))
