"""JSON as it crosses the wire: one strict decoder, one encoder; what is sent is ASCII, since some clients split lines at U+2028.

Knows nothing of JSON-RPC or MCP. `json.loads` alone lets through what other decoders read differently (duplicate keys, numbers
beyond a double, lone surrogates) and what hurts later (thousands of levels); each of them is a parse error here.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from operator import methodcaller
from typing import Any, NoReturn

import orjson

__all__ = ["DecodeError", "decode", "encode", "quoted"]

MAX_DEPTH = 64
# Also one that never ends: tried anew from each of its quotes, 100 kB of them would hold the process for half a minute.
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")


class DecodeError(ValueError):
    """The bytes are not JSON that every reader reads alike."""


def decode(raw: bytes) -> Any:
    """The value of the JSON text *raw* (UTF-8); raise DecodeError where it is not one, or not a plain one."""
    try:
        text = raw.decode("utf-8")
        if text.count("[") + text.count("{") > MAX_DEPTH:
            _refuse_depth(text)
        value = _decoder.decode(text)
        if "\\u" in text and _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as exc:
        raise DecodeError("not JSON") from exc
    return value


def _refuse_depth(text: str) -> None:
    depth = 0
    for character in re.sub(r"[^\[\]{}]", "", _STRING.sub("", text)):
        depth += 1 if character in "[{" else -1
        if depth > MAX_DEPTH:
            raise DecodeError("nested too deeply")


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise DecodeError("a key is given twice")
    return made


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise DecodeError("a number is too large")
    return value


def _constant(text: str) -> NoReturn:
    raise DecodeError(f"{text} is not JSON")


# Integers need no hook: Python itself raises ValueError beyond 4,300 digits.
_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_float=_float, parse_constant=_constant)
_encode_any = json.JSONEncoder(
    separators=(",", ":"), ensure_ascii=True, allow_nan=False, check_circular=False, default=methodcaller("isoformat")
).encode


def encode(value: Any) -> str:
    """*value* as compact ASCII JSON; a number that JSON lacks (NaN) is null, like everything missing; times are ISO 8601.

    orjson is ten times as fast as the standard library, but writes no `\\u` escapes, so they are put in afterwards, and no
    integers beyond 64 bits: what has those goes the long way.
    """
    try:
        text = orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        return _encode_any(value)
    return text if text.isascii() else _BEYOND_ASCII.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    return _encode_any(found[0])[1:-1]


def quoted(text: str) -> str:
    """*text* as a JSON string."""
    return encode(text)
