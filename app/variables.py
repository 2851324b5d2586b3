"""What the text of one environment variable may be: a type for each kind, with the sentence a person reads when it is not.

Knows no variable by name and shows no value, since values are secrets.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_address
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from limits import parse_many
from pydantic import AfterValidator, BeforeValidator, SecretStr

CALLBACK_PATH = "/oauth/callback"
_MAKE_ONE = "`openssl rand -hex 32` makes one"
_PLACEHOLDERS = re.compile(r"(replace|your|change|put|paste|example|generate|todo|xxx|<)", re.IGNORECASE)
_HOST = re.compile(r"(\*\.)?([A-Za-z0-9_-]+\.)*[A-Za-z0-9_-]+|\[[0-9a-fA-F:.]+\]")
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#@\s]+/?", re.IGNORECASE)
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


def names(text: str) -> tuple[str, ...]:
    """The members of a comma list, each once."""
    return tuple(dict.fromkeys(name for name in re.split(r"[,\s]+", text) if name))


def _require(holds: Callable[[str], bool], sentence: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        try:
            held = holds(value)
        except (ValueError, OSError):
            held = False
        if not held:
            raise ValueError(sentence)
        return value

    return check


def _require_each(member: re.Pattern[str], sentence: str, *, also: str = "") -> Callable[[tuple[str, ...]], tuple[str, ...]]:
    def check(value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(member.fullmatch(name) or name == also for name in value):
            raise ValueError(sentence)
        return value

    return check


# -- secrets -----------------------------------------------------------------------------------------------------------


def _refuse_weak(secret: str) -> None:
    if _PLACEHOLDERS.match(secret):
        raise ValueError(f"still holds a placeholder; {_MAKE_ONE}")
    if len(secret) < 32:
        raise ValueError(f"is too short: 32 characters at least; {_MAKE_ONE}")
    if len(set(secret)) < 10:
        raise ValueError(f"is too easy to guess: fewer than 10 distinct characters; {_MAKE_ONE}")


def _strong(value: SecretStr) -> SecretStr:
    _refuse_weak(value.get_secret_value())
    if not re.fullmatch(r"[\x21-\x7e]+", value.get_secret_value()):
        raise ValueError("must be printable ASCII without blanks, since it travels in a header")
    return value


def _hex_keys(value: SecretStr) -> SecretStr:
    keys = names(value.get_secret_value())
    for key in keys:
        _refuse_weak(key)
    if not keys or not all(re.fullmatch(r"[0-9a-fA-F]{64}", key) for key in keys):
        raise ValueError(f"must be 64 hexadecimal digits (several are separated by commas); {_MAKE_ONE}")
    return value


def _at_least(length: int) -> Callable[[SecretStr], SecretStr]:
    def check(value: SecretStr) -> SecretStr:
        if len(value.get_secret_value()) < length:
            raise ValueError(f"must have at least {length} characters")
        return value

    return check


def _postgres(value: SecretStr) -> SecretStr:
    if not re.match(r"postgres(ql)?://", value.get_secret_value()):
        raise ValueError("must start with postgresql://")
    return value


BearerSecret = Annotated[SecretStr, AfterValidator(_strong)]
HexKeys = Annotated[SecretStr, AfterValidator(_hex_keys)]
Password = Annotated[SecretStr, AfterValidator(_at_least(12))]
ReadingSecret = Annotated[SecretStr, AfterValidator(_at_least(16))]
PostgresUrl = Annotated[SecretStr, AfterValidator(_postgres)]

# -- addresses ---------------------------------------------------------------------------------------------------------


def _is_url(url: str) -> bool:
    parts = urlsplit(url)
    plain = not (parts.username or parts.password or "?" in url or "#" in url or re.search(r"\s", url))
    return plain and parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0


def _is_address(text: str) -> bool:
    return is_loopback(text) or bool(_HOST.fullmatch(text) and "*" not in text) or bool(ip_address(text.strip("[]")))


Url = Annotated[
    str, AfterValidator(_require(_is_url, "must be a URL that starts with https://, without user name, query and fragment"))
]
OptionalUrl = Annotated[
    str, AfterValidator(_require(lambda url: url == "" or _is_url(url), "must be a URL that starts with https://, without query"))
]
Address = Annotated[
    str,
    AfterValidator(
        _require(
            lambda url: _is_url(url) and urlsplit(url).path in {"", "/"},
            "must be an address without a path, as in https://oura.example.com",
        )
    ),
    AfterValidator(origin_of),
]
RedirectUri = Annotated[
    str,
    AfterValidator(
        _require(
            # One of Oura's two portals is said to insist on a slash at the end.
            lambda url: url == "" or (_is_url(url) and urlsplit(url).path in {CALLBACK_PATH, f"{CALLBACK_PATH}/"}),
            f"must be the public address followed by {CALLBACK_PATH}, as in https://oura.example.com{CALLBACK_PATH}",
        )
    ),
]
BindAddress = Annotated[
    str, AfterValidator(_require(_is_address, "must be an address alone, such as 127.0.0.1 or 0.0.0.0; the port is PORT"))
]

# -- lists and words ---------------------------------------------------------------------------------------------------


def _split(value: Any) -> Any:
    """What is no text is left for pydantic to judge."""
    return names(value) if isinstance(value, str) else value


def _without_ports(value: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(re.sub(r"(?<=[^:]):\d+$", "", host).lower() for host in value)


def _is_zone(name: str) -> bool:
    try:
        return bool(ZoneInfo(name or "UTC"))
    except ZoneInfoNotFoundError:
        return False


def _level(value: str) -> str:
    return _LEVELS.get(value.upper(), "")


Names = Annotated[tuple[str, ...], BeforeValidator(_split)]
Origins = Annotated[
    Names,
    AfterValidator(
        _require_each(_ORIGIN, "must be origins such as https://app.example.com, separated by commas, or *", also="*")
    ),
    AfterValidator(lambda value: tuple(origin.rstrip("/").lower() for origin in value)),
]
Hosts = Annotated[
    Names,
    AfterValidator(_without_ports),
    AfterValidator(_require_each(_HOST, "must be host names such as oura.example.com or *.example.com, separated by commas")),
]
ScopeNames = Annotated[
    Names, AfterValidator(_require_each(re.compile(r"[A-Za-z0-9_:]+"), "must be scope names such as daily,heartrate"))
]
Rate = Annotated[
    str, AfterValidator(_require(lambda text: bool(parse_many(text)), "must read like '100 per 15 minutes' or '1000/day'"))
]
ZoneName = Annotated[
    str, AfterValidator(_require(_is_zone, "must be an IANA time zone such as Europe/Helsinki or America/New_York"))
]
LogLevel = Annotated[str, AfterValidator(_level), AfterValidator(_require(bool, "must be debug, info, warn or error"))]
