"""Query parameters as Oura reads them: dates and date-times, paging tokens, and the errors for what is neither.

Parsing and its messages are pydantic's, as Oura's are; a number is a unix time, a date-time without an offset is UTC.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from pydantic import TypeAdapter, ValidationError

from app.simulator.replies import Refusal, json_reply

_DATETIME: TypeAdapter[datetime] = TypeAdapter(datetime)
_BOOLEAN: TypeAdapter[bool] = TypeAdapter(bool)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY_S = 86_400


def bounds(query: Mapping[str, str], names: tuple[str, str], now: float) -> tuple[float, float]:
    """(start, end) as epoch seconds. Without them the end is now and the start a day before the end.

    Raises Refusal: 422 with pydantic's list for what cannot be read, 400 for a range that runs backwards.
    """
    problems: list[dict[str, Any]] = []
    start, end = (_instant(query, name, problems) for name in names)
    if problems:
        raise Refusal(json_reply(422, {"detail": problems}))
    end = now if end is None else end
    start = end - DAY_S if start is None else start
    if start > end:
        raise Refusal(json_reply(400, {"detail": "Start time is greater than end time."}))
    return start, end


def flag(query: Mapping[str, str], name: str) -> bool:
    if name not in query:
        return False
    try:
        return _BOOLEAN.validate_python(query[name])
    except ValidationError as exc:
        raise Refusal(json_reply(422, {"detail": _problems(exc, name)})) from exc


def _instant(query: Mapping[str, str], name: str, problems: list[dict[str, Any]]) -> float | None:
    if name not in query:
        return None
    try:
        value = _DATETIME.validate_python(query[name])
    except ValidationError as exc:
        problems += _problems(exc, name)
        return None
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    return (aware - _EPOCH).total_seconds()


def _problems(exc: ValidationError, name: str) -> list[dict[str, Any]]:
    errors = exc.errors(include_url=False, include_context=True)
    kept = ("type", "msg", "input", "ctx")
    return [
        {"loc": ["query", name], **{key: _plain(error[key]) for key in kept if key in error}}  # type: ignore[literal-required]
        for error in errors
    ]


def _plain(value: Any) -> Any:
    return {key: str(item) for key, item in value.items()} if isinstance(value, dict) else value


class Pages:
    """Opaque `next_token`s: where to go on, bound to the query they were made for."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(16)

    def token(self, subject: str, offset: int, start: float, end: float) -> str:
        text = f"{offset} {start!r} {end!r}".encode()
        return base64.urlsafe_b64encode(self._seal(subject, text) + text).rstrip(b"=").decode()

    def position(self, subject: str, token: str) -> tuple[int, float, float]:
        """(offset, start, end) of a token of ours for *subject*; raises Refusal (400) for every other."""
        try:
            raw = base64.urlsafe_b64decode(token.encode() + b"=" * (-len(token) % 4))
        except ValueError:
            raw = b""
        seal, text = raw[:12], raw[12:]
        if not hmac.compare_digest(seal, self._seal(subject, text)):
            raise Refusal(json_reply(400, {"detail": "Invalid next_token."}))
        offset, start, end = text.decode().split()
        return int(offset), float(start), float(end)

    def _seal(self, subject: str, text: bytes) -> bytes:
        return blake2b(subject.encode() + b"\x00" + text, key=self._key, digest_size=12).digest()
