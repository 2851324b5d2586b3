"""Every environment variable the application reads, typed, frozen and checked before anything else runs.

Knows no other part. A bad environment raises one ConfigError that lists every problem and shows no value, for values
are secrets. The descriptions of the fields are what `.env.example` and README's table say (`make docs`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from dotenv.parser import Binding, parse_stream
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    SecretStr,
    ValidationError,
    model_validator,
)

from app import variables
from app.errors import ConfigError
from app.variables import is_loopback, names, origin_of

ROOT = Path(__file__).resolve().parent.parent
ALL_SCOPES = (
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
)
DEMO = "OURA_MCP_DEMO"  # `make demo` sets it for the server that it starts; nobody else should
SECRETS = ("auth_token", "token_encryption_key", "owner_password", "metrics_token")
OURA_URLS = ("oura_api_base_url", "oura_authorize_url", "oura_token_url", "oura_revoke_url")


class Settings(BaseModel):
    """The environment, checked. Field names are the variables' names in lower case."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=True)

    auth_token: variables.BearerSecret = Field(
        description="The owner's secret: MCP clients send it as bearer; it opens the pages."
    )
    token_encryption_key: variables.HexKeys = Field(
        description="64 hexadecimal digits that seal what is stored. Several, by commas: the first seals, all open (rotation)."
    )
    oura_client_id: str = Field("", description="Client ID of your application at Oura.")
    oura_client_secret: SecretStr = Field(SecretStr(""), description="Client secret of your application at Oura.")
    oura_redirect_uri: variables.RedirectUri = Field(
        "", description="Its redirect URI, exactly as registered: the public address followed by /oauth/callback."
    )
    port: int = Field(3001, ge=0, le=65535, description="Port to listen on.")
    bind: variables.BindAddress = Field("127.0.0.1", description="Address to listen on; Procfile and Dockerfile pass 0.0.0.0.")
    public_url: variables.Address = Field(
        default_factory=lambda held: origin_of(held["oura_redirect_uri"] or f"http://localhost:{held['port']}"),
        description="Address under which clients reach the server. Default: the origin of OURA_REDIRECT_URI.",
    )
    cors_origin: variables.Origins = Field(
        (), description="Web origins, by commas, that may call from a browser besides this server's own and loopback; * for any."
    )
    allowed_hosts: variables.Hosts = Field(
        (), description="Further host names that are answered, by commas; *.example.org works."
    )
    trusted_proxy_hops: int | None = Field(
        None,
        ge=0,
        le=10,
        description="Proxies whose X-Forwarded-For counts. Default: 1 when the peer is loopback (ngrok), else 0.",
    )
    owner_password: variables.Password | None = Field(
        None, description="Opens the pages instead of AUTH_TOKEN, which clients hold. At least 12 characters."
    )
    metrics_token: variables.ReadingSecret | None = Field(
        None, description="A bearer that may read /metrics and nothing else. At least 16 characters."
    )
    oauth_server: bool = Field(True, description="off: no OAuth front door for MCP clients; only AUTH_TOKEN opens /mcp.")
    oauth_clients: SecretStr = Field(
        SecretStr(""),
        description="Clients that must be given an id and a secret: id|secret|redirect URI; several by ;. Others need no entry.",
    )
    max_streams: int = Field(100, ge=1, description="Event streams one caller may hold open.")
    mcp_rate_limit: variables.Rate = Field("100 per 15 minutes", description="JSON-RPC requests one client address may make.")
    cache_ttl: int = Field(300, ge=0, le=86400, description="Seconds for which today's and yesterday's data count as fresh.")
    user_timezone: variables.ZoneName = Field(
        "", description="IANA zone such as Europe/Helsinki. Default: the offset that the ring's own data carry."
    )
    log_level: variables.LogLevel = Field("info", description="debug, info, warn or error.")
    token_file: Annotated[Path, AfterValidator(lambda path: ROOT / path.expanduser())] = Field(
        Path("tokens.json"), description="File of the sealed records, relative to the project's folder. Unused with DATABASE_URL."
    )
    database_url: variables.PostgresUrl | None = Field(
        None, description="postgresql://… that keeps the sealed records where disks vanish (Heroku sets it)."
    )
    oura_daily_limit: int = Field(5000, ge=1, description="Our own budget of requests to Oura a UTC day.")
    oura_scopes: variables.ScopeNames = Field(ALL_SCOPES, min_length=1, description="Scopes to ask Oura for, by commas.")
    oura_api_base_url: variables.Url = Field("https://api.ouraring.com", description="Where Oura's API is.")
    oura_authorize_url: variables.Url = Field(
        "https://cloud.ouraring.com/oauth/authorize", description="Where Oura asks for consent."
    )
    oura_token_url: variables.OptionalUrl = Field(
        "", description="Oura's token endpoint. Default: find out which of its two owns your application."
    )
    oura_revoke_url: variables.Url = Field("https://api.ouraring.com/oauth/revoke", description="Where Oura revokes tokens.")
    demo: bool = Field(False, description="No setting: in `make demo` answers are marked synthetic and pages carry a banner.")

    # -- loading -------------------------------------------------------------------------------------------------------

    @classmethod
    def load(cls, env: Mapping[str, str] | None = None, env_file: Path | None = ROOT / ".env") -> Settings:
        """Read *env* (the process's) over *env_file*; raise ConfigError with every problem.

        A variable of *env* beats the file's even when it is empty; empty then means the default. Unknown names are ignored.
        The demo reads no file.
        """
        env = os.environ if env is None else env
        demo = env.get(DEMO) == "1"
        merged = {**({} if demo else _env_file(env_file)), **env}
        given = {name: merged.get(name.upper(), "").strip() for name in cls.env_fields()}
        return cls.model_validate({**{name: value for name, value in given.items() if value}, "demo": demo})

    @classmethod
    def env_fields(cls) -> tuple[str, ...]:
        """The fields that are environment variables."""
        return tuple(name for name in cls.model_fields if name != "demo")

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

    # -- what follows from them ----------------------------------------------------------------------------------------

    @property
    def encryption_keys(self) -> tuple[bytes, ...]:
        """The keys as 32 bytes each; the first seals."""
        return tuple(bytes.fromhex(key) for key in names(self.token_encryption_key.get_secret_value()))

    @property
    def owner_secret(self) -> bytes:
        """What opens the pages, and with them the front door: OWNER_PASSWORD if set, else AUTH_TOKEN."""
        return (self.owner_password or self.auth_token).get_secret_value().encode()

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
        """Whether the Oura this talks to is plain http on this machine: the simulator."""
        return self.oura_api_base_url.startswith("http://")

    @property
    def provider(self) -> str:
        """Names the Oura this talks to in stored records, so that a simulator's token never meets the real one."""
        return origin_of(self.oura_api_base_url)


def _env_file(path: Path | None) -> dict[str, str]:
    if path is None or not path.exists():
        return {}
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError([f"{path.name}: cannot be read; check that it is a text file and that you own it"]) from exc
    lines = list(
        parse_stream(StringIO(text))
    )  # not dotenv_values: a dollar sign in a secret is a dollar sign, and errors are told
    if broken := [_number(line) for line in lines if line.error]:
        raise ConfigError([f"{path.name}: line {number} is not NAME=value; is a quote missing?" for number in broken])
    return {line.key: line.value or "" for line in lines if line.key is not None}


def _number(line: Binding) -> int:
    """Which line of the file it is; the parser counts the blank ones before it as its own."""
    raw = line.original.string
    return line.original.line + raw[: len(raw) - len(raw.lstrip())].count("\n")


def _joint_problems(values: Any) -> list[str]:
    """Problems of values together; each alone is judged by its field."""
    if not isinstance(values, Mapping):
        return []
    problems = []
    secrets = [secret for name in SECRETS for secret in names(_plain(values.get(name)))]
    if len(secrets) != len(set(secrets)):
        problems.append(f"{_listed(SECRETS)}: each must be a value of its own")
    urls = [url for name in OURA_URLS if (url := _plain(values.get(name, Settings.model_fields[name].default)))]
    if any(url.startswith("http://") for url in urls) and not all(_is_plain_loopback(url) for url in urls):
        problems.append(
            f"{_listed(OURA_URLS)}: plain http is for a simulator on this machine, and then for all of them; use https"
        )
    return problems


def _is_plain_loopback(url: str) -> bool:
    try:
        return url.startswith("http://") and is_loopback(urlsplit(url).hostname)
    except ValueError:
        return False


def _plain(value: Any) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value or "")


def _listed(fields: tuple[str, ...]) -> str:
    return ", ".join(field.upper() for field in fields)


_SENTENCES = {
    "missing": "is required; `make setup` writes one",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_parsing": "must be on or off",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "too_short": "must name at least one",
    "extra_forbidden": "is no setting",
}


def _sentence(error: Any) -> str:
    name = str(error["loc"][0]).upper() if error["loc"] else "settings"
    if template := _SENTENCES.get(error["type"]):
        return f"{name}: {template.format(**error.get('ctx', {}))}"
    return f"{name}: {error['msg'].removeprefix('Value error, ')}"
