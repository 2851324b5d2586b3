"""Every environment variable the application reads, typed, frozen and checked before anything else runs.

Knows no other part. A bad environment raises one ConfigError that lists every problem and shows no value, for values
are secrets. The descriptions of the fields are what `.env.example` and README's table say (`make docs`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dotenv import dotenv_values
from limits import parse_many
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from app.errors import ConfigError

ROOT = Path(__file__).resolve().parent.parent
CALLBACK_PATH = "/oauth/callback"
PLACEHOLDER = "replace-me: `make setup` writes one, or use openssl rand -hex 32"
_PLACEHOLDERS = re.compile(r"(replace|your|change|put|paste|example|generate|todo|xxx|<)", re.IGNORECASE)
_HEX_KEY = re.compile(r"[0-9a-fA-F]{64}")
_HOST = re.compile(r"(\*\.)?([A-Za-z0-9_-]+\.)*[A-Za-z0-9_-]+|\[[0-9a-fA-F:.]+\]")
_LEVELS = {"DEBUG": "DEBUG", "INFO": "INFO", "WARN": "WARNING", "WARNING": "WARNING", "ERROR": "ERROR", "CRITICAL": "CRITICAL"}


def origin_of(url: str) -> str:
    """scheme://host[:port] of *url*, in lower case and without the scheme's own port."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    port = "" if parts.port in {None, usual} else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def is_loopback(host: str | None) -> bool:
    """Whether *host* (as in a URL, without brackets) can only be this machine."""
    if host is None or host == "localhost" or host.endswith(".localhost"):
        return host is not None
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _names(value: Any) -> Any:
    """A comma list as a tuple, each name once; what is no text is left for pydantic to judge."""
    return tuple(dict.fromkeys(name for name in re.split(r"[,\s]+", value) if name)) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_names)]


class Settings(BaseModel):
    """The environment, checked. Field names are the variables' names in lower case."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=True)

    auth_token: SecretStr = Field(description="The owner's secret: MCP clients send it as bearer; it opens the pages.")
    token_encryption_key: SecretStr = Field(
        description="64 hexadecimal digits that seal what is stored. Several, by commas: the first seals, all open (rotation)."
    )
    oura_client_id: str = Field("", description="Client ID of your application at Oura.")
    oura_client_secret: SecretStr = Field(SecretStr(""), description="Client secret of your application at Oura.")
    oura_redirect_uri: str = Field("", description="Its redirect URI, exactly as registered: <public address>/oauth/callback.")
    port: int = Field(3001, ge=0, le=65535, description="Port to listen on.")
    bind: str = Field("127.0.0.1", description="Address to listen on; Procfile and Dockerfile pass 0.0.0.0.")
    public_url: str = Field(
        default_factory=lambda held: (
            origin_of(held["oura_redirect_uri"]) if held["oura_redirect_uri"] else f"http://localhost:{held['port']}"
        ),
        description="Address under which clients reach the server. Default: the origin of OURA_REDIRECT_URI.",
    )
    cors_origin: Names = Field(
        (), description="Web origins, comma-separated, that may call from a browser besides this server's own; * for any."
    )
    allowed_hosts: Names = Field((), description="Further Host names that are answered, comma-separated; *.example.org works.")
    trusted_proxy_hops: int | None = Field(
        None,
        ge=0,
        le=10,
        description="Proxies whose X-Forwarded-For counts. Default: 1 when the peer is loopback (ngrok), else 0.",
    )
    owner_password: SecretStr | None = Field(
        None, description="Opens the pages instead of AUTH_TOKEN, which clients hold. At least 12 characters."
    )
    metrics_token: SecretStr | None = Field(
        None, description="A bearer that may read /metrics and nothing else. At least 16 characters."
    )
    oauth_server: bool = Field(True, description="off: no OAuth front door for MCP clients; only AUTH_TOKEN opens /mcp.")
    max_streams: int = Field(100, ge=1, description="Open event streams one caller may hold.")
    mcp_rate_limit: str = Field("100 per 15 minutes", description="JSON-RPC requests one client address may make.")
    cache_ttl: int = Field(300, ge=0, le=86400, description="Seconds for which today's and yesterday's data count as fresh.")
    user_timezone: str = Field("", description="IANA zone such as Europe/Helsinki. Default: the offset your ring's data carries.")
    log_level: str = Field("INFO", description="debug, info, warn or error.")
    token_file: Path = Field(
        Path("tokens.json"), description="File of the sealed records, relative to the project's folder. Unused with DATABASE_URL."
    )
    database_url: SecretStr | None = Field(
        None, description="postgresql://… that keeps the sealed records where disks vanish (Heroku sets it)."
    )
    oura_daily_limit: int = Field(5000, ge=1, description="Our own budget of requests to Oura a UTC day.")
    oura_scopes: Names = Field(
        (
            "email",
            "personal",
            "daily",
            "heartrate",
            "workout",
            "tag",
            "session",
            "spo2",
            "stress",
            "heart_health",
            "ring_configuration",
        ),
        description="Scopes to ask Oura for.",
    )
    oura_api_base_url: str = Field("https://api.ouraring.com", description="Where Oura's API is.")
    oura_authorize_url: str = Field("https://cloud.ouraring.com/oauth/authorize", description="Where Oura asks for consent.")
    oura_token_url: str = Field(
        "", description="Oura's token endpoint. Default: find out which of its two owns your application."
    )
    oura_revoke_url: str = Field("https://api.ouraring.com/oauth/revoke", description="Where Oura revokes tokens.")
    demo: bool = Field(
        False, exclude=True, description="Set by `make demo` alone: answers are marked synthetic, pages carry a banner."
    )

    # -- loading -------------------------------------------------------------------------------------------------------

    @classmethod
    def load(cls, env: Mapping[str, str] | None = None, env_file: Path | None = ROOT / ".env") -> Settings:
        """Read *env* (the process's) over *env_file*; raise ConfigError with every problem.

        A variable of *env* beats the file's even when it is empty; empty then means the default. Unknown names are ignored.
        """
        merged = {**_env_file(env_file), **(os.environ if env is None else env)}
        given = {name: merged.get(name.upper(), "").strip() for name in cls.model_fields if name != "demo"}
        return cls.model_validate({name: value for name, value in given.items() if value})

    @model_validator(mode="wrap")
    @classmethod
    def _every_problem(cls, values: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Collect what single fields and what their combinations say, so that one boot shows it all."""
        problems = _joint_problems(values)
        try:
            settings = handler(values)
        except ValidationError as exc:
            problems = [*(_sentence(error) for error in exc.errors() if error["type"] != "default_factory_not_called"), *problems]
        if problems:
            raise ConfigError(problems)
        return settings

    # -- single fields -------------------------------------------------------------------------------------------------

    @field_validator("auth_token")
    @classmethod
    def _strong_token(cls, value: SecretStr) -> SecretStr:
        secret = value.get_secret_value()
        _refuse_weak(secret)
        if not re.fullmatch(r"[\x21-\x7e]+", secret):
            raise ValueError("must be printable ASCII without blanks, since it travels in a header")
        return value

    @field_validator("token_encryption_key")
    @classmethod
    def _hex_keys(cls, value: SecretStr) -> SecretStr:
        keys = _names(value.get_secret_value())
        if not keys:
            raise ValueError("is required; `make setup` writes one")
        for key in keys:
            _refuse_weak(key)
            if not _HEX_KEY.fullmatch(key):
                raise ValueError(
                    "must be 64 hexadecimal digits (several are separated by commas); `openssl rand -hex 32` makes them"
                )
        return value

    @field_validator("owner_password", "metrics_token")
    @classmethod
    def _long_enough(cls, value: SecretStr | None, info: Any) -> SecretStr | None:
        least = 12 if info.field_name == "owner_password" else 16
        if value is not None and len(value.get_secret_value()) < least:
            raise ValueError(f"must have at least {least} characters")
        return value

    @field_validator("oura_redirect_uri")
    @classmethod
    def _callback_url(cls, value: str) -> str:
        if value and (_url_problem(value) or urlsplit(value).path != CALLBACK_PATH or "?" in value):
            raise ValueError(
                f"must be the public address followed by {CALLBACK_PATH}, as in https://oura.example.com{CALLBACK_PATH}"
            )
        return value

    @field_validator("public_url")
    @classmethod
    def _origin_url(cls, value: str) -> str:
        if _url_problem(value) or urlsplit(value).path.strip("/"):
            raise ValueError("must be an address without a path, as in https://oura.example.com")
        return origin_of(value)

    @field_validator("oura_api_base_url", "oura_authorize_url", "oura_token_url", "oura_revoke_url")
    @classmethod
    def _oura_url(cls, value: str, info: Any) -> str:
        if value == "" and info.field_name == "oura_token_url":
            return value
        if problem := _url_problem(value):
            raise ValueError(problem)
        return value.rstrip("/")

    @field_validator("bind")
    @classmethod
    def _address_only(cls, value: str) -> str:
        try:
            return str(ip_address(value.strip("[]")))
        except ValueError:
            if not _HOST.fullmatch(value) or "*" in value:
                raise ValueError("must be an address alone, such as 127.0.0.1 or 0.0.0.0; the port is PORT") from None
        return value

    @field_validator("cors_origin")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if origin != "*" and not re.fullmatch(r"[a-z][a-z0-9+.-]*://[^/?#@\s]+/?", origin, re.IGNORECASE):
                raise ValueError("must be origins such as https://app.example.com, separated by commas, or *")
        return tuple(origin.rstrip("/").lower() for origin in value)

    @field_validator("allowed_hosts")
    @classmethod
    def _hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        hosts = tuple(re.sub(r"(?<=[^:]):\d+$", "", host).lower() for host in value)
        if not all(_HOST.fullmatch(host) for host in hosts):
            raise ValueError("must be host names such as oura.example.com or *.example.com, separated by commas")
        return hosts

    @field_validator("oura_scopes")
    @classmethod
    def _scopes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or not all(re.fullmatch(r"[A-Za-z0-9_:]+", scope) for scope in value):
            raise ValueError("must be scope names such as daily,heartrate, separated by commas")
        return value

    @field_validator("mcp_rate_limit")
    @classmethod
    def _rate(cls, value: str) -> str:
        try:
            parse_many(value)
        except ValueError:
            raise ValueError("must read like '100 per 15 minutes' or '1000/day'") from None
        return value

    @field_validator("user_timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value or "UTC")
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("must be an IANA time zone such as Europe/Helsinki or America/New_York") from None
        return value

    @field_validator("log_level")
    @classmethod
    def _level(cls, value: str) -> str:
        if value.upper() not in _LEVELS:
            raise ValueError("must be debug, info, warn or error")
        return _LEVELS[value.upper()]

    @field_validator("token_file")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return ROOT / value.expanduser()

    @field_validator("database_url")
    @classmethod
    def _postgres(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.match(r"postgres(ql)?://", value.get_secret_value()):
            raise ValueError("must start with postgresql://")
        return value

    # -- what follows from them ----------------------------------------------------------------------------------------

    @property
    def encryption_keys(self) -> tuple[bytes, ...]:
        """The keys as 32 bytes each; the first seals."""
        return tuple(bytes.fromhex(key) for key in _names(self.token_encryption_key.get_secret_value()))

    @property
    def oura_configured(self) -> bool:
        """Whether all three of Oura's values are there."""
        return bool(self.oura_client_id and self.oura_client_secret.get_secret_value() and self.oura_redirect_uri)

    @property
    def redirect_origin(self) -> str:
        """The origin that sign-in and connecting run on."""
        return origin_of(self.oura_redirect_uri) if self.oura_redirect_uri else self.public_url

    @property
    def oura_is_loopback(self) -> bool:
        """Whether the Oura this talks to is plain http on this machine: the simulator, nobody else."""
        return urlsplit(self.oura_api_base_url).scheme == "http"

    @property
    def provider(self) -> str:
        """Names the Oura this talks to in stored records, so that a simulator's token never meets the real one."""
        return origin_of(self.oura_api_base_url)


def _env_file(path: Path | None) -> dict[str, str]:
    if path is None or not path.exists():
        return {}
    try:
        # No interpolation: a dollar sign in a secret is a dollar sign.
        found = dotenv_values(path, interpolate=False, encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(
            [f"{path.name}: cannot be read ({type(exc).__name__}); check that it is a text file and that you own it"]
        ) from exc
    return {name: value or "" for name, value in found.items()}


def _refuse_weak(secret: str) -> None:
    if _PLACEHOLDERS.match(secret):
        raise ValueError("still holds a placeholder; `openssl rand -hex 32` makes a value")
    if len(secret) < 32:
        raise ValueError("is too short: 32 characters at least; `openssl rand -hex 32` makes a value")
    if len(set(secret)) < 10:
        raise ValueError("is too easy to guess: fewer than 10 distinct characters; `openssl rand -hex 32` makes a value")


def _url_problem(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return "is no valid URL"
    if parts.scheme not in {"http", "https"} or not parts.hostname or re.search(r"\s", url):
        return "must be a URL that starts with https://"
    if parts.username or parts.password or parts.query or parts.fragment:
        return "must be a URL without user name, query and fragment"
    return None


def _joint_problems(values: Any) -> list[str]:
    """Problems of values together; each alone is judged by its field."""
    if not isinstance(values, Mapping):
        return []
    problems = []
    secrets = {
        name: _plain(values.get(name)) for name in ("auth_token", "token_encryption_key", "owner_password", "metrics_token")
    }
    held = [
        key
        for name, secret in secrets.items()
        for key in (_names(secret) if name == "token_encryption_key" else (secret,))
        if key
    ]
    if len(held) != len(set(held)):
        problems.append("AUTH_TOKEN, TOKEN_ENCRYPTION_KEY, OWNER_PASSWORD and METRICS_TOKEN: each must be a value of its own")
    names = [name for name in Settings.model_fields if name.startswith("oura_") and name.endswith("_url")]
    urls = [url for name in names if (url := str(values.get(name, Settings.model_fields[name].default)))]
    if any(url.startswith("http://") for url in urls) and not all(
        url.startswith("http://") and _on_loopback(url) for url in urls
    ):
        problems.append(
            "OURA_API_BASE_URL, OURA_AUTHORIZE_URL, OURA_TOKEN_URL, OURA_REVOKE_URL: plain http is for a simulator on this "
            "machine, and then for all of them; use https"
        )
    return problems


def _on_loopback(url: str) -> bool:
    try:
        return is_loopback(urlsplit(url).hostname)
    except ValueError:
        return False


def _plain(value: Any) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value or "")


_SENTENCES = {
    "missing": "is required; `make setup` writes one",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_parsing": "must be on or off",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "extra_forbidden": "is no setting",
}


def _sentence(error: Any) -> str:
    name = str(error["loc"][0]).upper() if error["loc"] else "settings"
    says = _SENTENCES.get(error["type"], error["msg"].removeprefix("Value error, "))
    return f"{name}: {says.format(**error.get('ctx', {})) if error['type'] in _SENTENCES else says}"
