"""Decodes a page of Oura's JSON a row at a time, so that a page of any size never holds the hub.

`json.loads` of a year of sleep takes tens of milliseconds in one piece; here other greenlets run in between.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

import gevent

SLICE_CHARS: Final = 100_000  # about 2 ms
_skip: Final = re.compile(r"[ \t\n\r]*").match
_decoder: Final = json.JSONDecoder(parse_constant=lambda _: None)  # NaN and Infinity are nobody's measurements


class NotAPageError(ValueError):
    """JSON, perhaps, but not what Oura sends."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list: its rows as decoded, and the token of the next."""

    rows: list[Any]
    next_token: str | None


def bare_document(text: str) -> Page:
    """Read a document that comes without an envelope as a page of one row. Raises ValueError."""
    document = _decoder.decode(text)
    if not isinstance(document, dict):
        raise NotAPageError("not an object")
    return Page([document], None)


def page(text: str) -> Page:
    """Read `{"data": […], "next_token": …}`. Raises ValueError (RecursionError for absurd nesting)."""
    found: dict[str, Any] = {}
    at = _past(text, 0, "{")
    while True:
        key, at = _decoder.raw_decode(text, _start(text, at))
        if not isinstance(key, str):
            raise NotAPageError("a key that is no string")
        at = _start(text, _past(text, at, ":"))
        found[key], at = _array(text, at) if key == "data" and text[at : at + 1] == "[" else _decoder.raw_decode(text, at)
        at = _start(text, at)
        if text[at : at + 1] == "}":
            break
        at = _past(text, at, ",")
    if _start(text, at + 1) != len(text):
        raise NotAPageError("more than one object")
    rows, token = found.get("data"), found.get("next_token")
    if not isinstance(rows, list):
        raise NotAPageError("no list of rows")
    return Page(rows, str(token) if token else None)


def _array(text: str, at: int) -> tuple[list[Any], int]:
    rows: list[Any] = []
    at = _start(text, at + 1)
    if text[at : at + 1] == "]":
        return rows, at + 1
    pause_at = at + SLICE_CHARS
    while True:
        row, at = _decoder.raw_decode(text, at)
        rows.append(row)
        at = _start(text, at)
        if text[at : at + 1] == "]":
            return rows, at + 1
        at = _start(text, _past(text, at, ","))
        if at > pause_at:
            gevent.sleep(0)
            pause_at = at + SLICE_CHARS


def _start(text: str, at: int) -> int:
    """Return where the next thing that is not white space begins."""
    skipped = _skip(text, at)
    return skipped.end() if skipped else at


def _past(text: str, at: int, character: str) -> int:
    at = _start(text, at)
    if text[at : at + 1] != character:
        raise NotAPageError(f"no {character} where one belongs")
    return at + 1
