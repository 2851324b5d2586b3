"""What the tests of the connection to Oura stand in for: a clock, and Oura's endpoints at the HTTP edge."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import responses

from app.config import Settings
from app.oauth.grant import Grant

API, MOI = "https://api.ouraring.com/oauth/token", "https://moi.ouraring.com/oauth/v2/ext/oauth-token"
REVOKE = "https://api.ouraring.com/oauth/revoke"
PERSONAL_INFO = "https://api.ouraring.com/v2/usercollection/personal_info"
NOW = 1_790_000_000.0


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def settings_in(folder: Path, **changes: Any) -> Settings:
    return Settings.model_validate(
        {
            "auth_token": "kD9wq2Lx8vR4tZ7mB1nC6yH3sJ5gF0pA",
            "token_encryption_key": "0123456789abcdef" * 4,
            "oura_client_id": "client-id",
            "oura_client_secret": "client-secret",
            "oura_redirect_uri": "https://oura.example.com/oauth/callback",
            "token_file": str(folder / "tokens.json"),
            **changes,
        }
    )


@dataclass
class TokenEndpoint:
    """A token endpoint that rotates: it answers each refresh token once, and knows its own client or not."""

    mock: responses.RequestsMock
    url: str
    owns: bool = True
    valid: set[str] = field(default_factory=lambda: {"R0"})
    expires_in: int | None = 86_400
    scope: str | None = None
    spent: list[str] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.mock.add_callback(responses.POST, self.url, self.answer)

    def answer(self, request: Any) -> tuple[int, dict[str, str], str]:
        form = {name: values[0] for name, values in parse_qs(request.body).items()}
        self.forms.append(form)
        if not self.owns:
            return 400, {}, json.dumps({"error": "invalid_request", "error_description": "Invalid request"})
        token = form.get("refresh_token") or form.get("code", "")
        if token not in self.valid:
            return 400, {}, json.dumps({"error": "invalid_grant"})
        self.valid.remove(token)
        self.spent.append(token)
        n = len(self.spent)
        self.valid.add(f"R{n}")
        said = {"access_token": f"A{n}", "token_type": "bearer", "refresh_token": f"R{n}"}
        said |= {"expires_in": self.expires_in} if self.expires_in is not None else {}
        said |= {"scope": self.scope} if self.scope is not None else {}
        return 200, {}, json.dumps(said)


def grant(**changes: Any) -> Grant:
    held = {
        "provider": "https://api.ouraring.com",
        "access_token": "A0",
        "refresh_token": "R0",
        "expires_at": NOW + 86_400,
        "scopes": frozenset({"daily"}),
        "token_url": API,
        "account": "hash-of-account",
        "connected_at": NOW,
        "renewed_at": NOW,
    }
    return Grant(**{**held, **changes})
