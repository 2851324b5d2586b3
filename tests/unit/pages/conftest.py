"""The whole application without Oura, called in process; no sockets."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from app import create_app
from app.config import Settings

TOKEN = "kD9wq2Lx8vR4tZ7mB1nC6yH3sJ5gF0pA"


class Browser:
    """What a browser without scripts would do; `client` is at http://localhost:3001."""

    def __init__(self, settings: Settings) -> None:
        self.app = create_app(settings)
        self.client: FlaskClient = self.app.test_client()
        self.secret = (settings.owner_password or settings.auth_token).get_secret_value()

    def get(self, path: str, accept: str = "text/html,*/*;q=0.8", **given: Any):
        return self.client.get(path, base_url="http://localhost:3001", headers={"Accept": accept}, **given)

    def post(self, path: str, **fields: str):
        headers = {"Accept": "text/html", "Origin": "null", "Sec-Fetch-Site": "same-origin"}
        return self.client.post(path, base_url="http://localhost:3001", headers=headers, data=fields)

    def csrf(self, path: str = "/login") -> str:
        return self.get(path).text.split('name="csrf" value="')[1].split('"')[0]

    def sign_in(self, secret: str | None = None, then: str = ""):
        return self.post("/login", csrf=self.csrf(), password=self.secret if secret is None else secret, next=then)


@pytest.fixture
def open_browser(tmp_path) -> Callable[..., Browser]:
    def opened(**changes: Any) -> Browser:
        held = {"auth_token": TOKEN, "token_encryption_key": "0123456789abcdef" * 4, "token_file": str(tmp_path / "tokens.json")}
        return Browser(Settings.model_validate({**held, **changes}))

    return opened


@pytest.fixture
def ready() -> dict[str, str]:
    """The settings of a server that has an application at Oura."""
    return {
        "oura_client_id": "client-id",
        "oura_client_secret": "client-secret",
        "oura_redirect_uri": "http://localhost:3001/oauth/callback",
    }
