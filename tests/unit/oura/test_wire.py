"""Pages decoded row by row are the pages that `json.loads` would give."""

import json

import gevent
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.oura import wire

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=10,
)
SPACES = st.sampled_from([None, 0, 2])


@given(rows=st.lists(VALUES, max_size=6), more=st.dictionaries(st.text(max_size=5), VALUES, max_size=2), indent=SPACES)
def test_any_page_is_read_as_json_loads_reads_it(rows, more, indent):
    text = json.dumps({**more, "data": rows, "next_token": "t"}, indent=indent)
    page = wire.page(text)
    assert page.rows == json.loads(text)["data"]
    assert page.next_token == "t"


@given(rows=st.lists(VALUES, max_size=3), cut=st.integers(min_value=1, max_value=60))
def test_a_cut_page_is_never_taken_for_a_whole_one(rows, cut):
    text = json.dumps({"data": rows, "next_token": None})
    with pytest.raises(ValueError, match=r".*"):
        wire.page(text[: max(0, len(text) - cut)])


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "{}", '{"data":{}}', '{"data":[]} {}', '{1:2,"data":[]}', '{"data":[] "a":1}']
)
def test_what_is_no_page_is_refused(text):
    with pytest.raises(ValueError, match=r".*"):
        wire.page(text)


@pytest.mark.parametrize("token", ["null", '""'])
def test_an_empty_token_is_the_end(token):
    assert wire.page(f'{{"data":[],"next_token":{token}}}').next_token is None


def test_a_number_as_token_is_sent_back_as_text():
    assert wire.page('{"data":[],"next_token":7}').next_token == "7"


def test_numbers_that_are_none_become_null():
    assert wire.page('{"data":[NaN,Infinity,-Infinity]}').rows == [None, None, None]


def test_others_run_while_a_large_page_is_decoded():
    turns = []

    def count() -> None:
        while True:
            turns.append(1)
            gevent.sleep(0)

    other = gevent.spawn(count)
    wire.page(json.dumps({"data": [{"items": list(range(100))}] * 5000}))
    other.kill()
    assert len(turns) > 10


def test_a_bare_document_is_a_page_of_one():
    assert wire.bare_document('{"id":"me"}').rows == [{"id": "me"}]
    with pytest.raises(ValueError, match="object"):
        wire.bare_document("[]")
