"""The strict decoder: what two JSON readers could read differently is refused, and cheap things stay cheap."""

import json
import math
import time
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mcp.wire import MAX_DEPTH, DecodeError, decode, encode, quoted

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.requirement("json-strict")
@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[1,]",
        b"{'a':1}",
        b"1 2",
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b"1e400",
        b'{"a":-1e999}',
        b'{"a":1,"a":1}',
        b'{"x":{"a":1,"\\u0061":2}}',
        b'"\\ud800"',
        b'{"\\uDFFF":1}',
        b'"\\ud800\\u0041"',
        b"9" * 5000,
        b"[" * 50_000,
        b'{"a":' * 15_000,
        b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
        b"[" + b"[]," * 100 + b"[" * MAX_DEPTH + b"]" * (MAX_DEPTH + 1),
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b"\xef\xbb\xbf{}",
        '{"a":1}'.encode("utf-16"),
        b'"\x01"',
    ],
    ids=lambda raw: repr(raw[:24]),
)
def test_what_is_not_plain_json_is_refused(raw):
    with pytest.raises(DecodeError):
        decode(raw)


@pytest.mark.requirement("json-strict")
def test_a_string_that_never_ends_is_refused_at_once():
    began = time.process_time()
    with pytest.raises(DecodeError):
        decode(b"[" * (MAX_DEPTH + 1) + b'"' + b'\\"' * 30_000)

    assert time.process_time() - began < 2  # it took seven seconds when each of its quotes was a beginning


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'{"a":[1,2.5,"\\ud83d\\ude00",null,true]}', {"a": [1, 2.5, "😀", None, True]}),
        (b'  {"a":1e308}\n', {"a": 1e308}),
        ('"é"'.encode(), "é"),
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, json.loads("[" * MAX_DEPTH + "]" * MAX_DEPTH)),
        (b'"' + b"[{" * 5000 + b'"', "[{" * 5000),
        (b'["\\"[[[' + b"[" * 100 + b'"]', ['"[[[' + "[" * 100]),
        (b"[" + b"[]," * 500 + b"0]", [[]] * 500 + [0]),
        (b'"\\\\ud800"', "\\ud800"),
    ],
)
def test_plain_json_is_read_as_it_is(raw, value):
    assert decode(raw) == value


@pytest.mark.parametrize("text", ["plain", "Grüße 😀"])
def test_a_number_that_json_lacks_is_null_whatever_stands_beside_it(text):
    encoded = encode({"score": math.nan, "most": math.inf, "tag": text})

    assert decode(encoded.encode()) == {"score": None, "most": None, "tag": text}


@given(JSON)
def test_what_is_encoded_is_ascii_and_decodes_to_itself(value):
    text = encode(value)

    assert text.isascii()
    assert decode(text.encode()) == value


@given(st.text())
def test_quoted_text_is_a_json_string(text):
    assert json.loads(quoted(text)) == text


@pytest.mark.parametrize("beside", [1, 1 << 70])
def test_times_are_written_in_iso_8601_with_their_own_offset(beside):
    night = datetime(2026, 3, 28, 23, 5, tzinfo=timezone(timedelta(hours=5, minutes=30)))

    told = {"n": beside, "day": night.date(), "bedtime": night, "exact": night.replace(microsecond=120_000)}

    assert decode(encode(told).encode()) == {
        "n": beside,
        "day": "2026-03-28",
        "bedtime": "2026-03-28T23:05:00+05:30",
        "exact": "2026-03-28T23:05:00.120000+05:30",
    }


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": [-float("inf")]}])
def test_numbers_that_json_lacks_are_never_sent(value):
    assert encode(value) in {"null", '{"a":[null]}'}
