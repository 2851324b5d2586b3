"""JSON-RPC messages: keys decide what they are, and an id comes back as it was."""

import json

import pytest

from app.errors import RpcError
from app.mcp.envelope import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    MessageError,
    Notification,
    Reply,
    Request,
    error_text,
    read,
    result_text,
)


@pytest.mark.requirement("json-rpc")
@pytest.mark.parametrize("id_", [0, -1, 1, 2**60, "", "a", "é\u2028"])
def test_any_string_or_integer_is_an_id_and_comes_back(id_):
    message = read({"jsonrpc": "2.0", "id": id_, "method": "ping"})

    assert isinstance(message, Request)
    assert json.loads(result_text(message.id, "{}")) == {"jsonrpc": "2.0", "id": id_, "result": {}}


@pytest.mark.requirement("json-rpc")
@pytest.mark.parametrize("id_", [None, True, False, 1.0, 1.5, [], {}])
def test_nothing_else_is_an_id(id_):
    with pytest.raises(MessageError) as caught:
        read({"jsonrpc": "2.0", "id": id_, "method": "ping"})

    assert caught.value.code == INVALID_REQUEST
    assert caught.value.id is None


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ({"jsonrpc": "2.0", "id": 1, "method": "a", "extra": 1}, Request),
        ({"jsonrpc": "2.0", "method": "a"}, Notification),
        ({"jsonrpc": "2.0", "method": "a", "params": {}}, Notification),
        ({"jsonrpc": "2.0", "id": "s", "result": {}}, Reply),
        ({"jsonrpc": "2.0", "id": "s", "error": {"code": -1, "message": "no"}}, Reply),
        ({"jsonrpc": "2.0", "id": None, "error": {"code": -1, "message": "no"}}, Reply),
        ({"jsonrpc": "2.0", "error": {"code": -1, "message": "no"}}, Reply),
    ],
)
def test_the_keys_tell_what_a_message_is(message, kind):
    assert type(read(message)) is kind


@pytest.mark.parametrize(
    ("message", "code", "id_"),
    [
        ([], INVALID_REQUEST, None),
        ("ping", INVALID_REQUEST, None),
        (7, INVALID_REQUEST, None),
        (None, INVALID_REQUEST, None),
        ({}, INVALID_REQUEST, None),
        ({"id": 1, "method": "ping"}, INVALID_REQUEST, 1),
        ({"jsonrpc": "1.0", "id": 1, "method": "ping"}, INVALID_REQUEST, 1),
        ({"jsonrpc": 2.0, "id": 1, "method": "ping"}, INVALID_REQUEST, 1),
        ({"jsonrpc": "2.0", "id": 1}, INVALID_REQUEST, 1),
        ({"jsonrpc": "2.0", "result": {}}, INVALID_REQUEST, None),
        ({"jsonrpc": "2.0", "id": None}, INVALID_REQUEST, None),
        ({"jsonrpc": "2.0", "id": None, "result": {}}, INVALID_REQUEST, None),
        ({"jsonrpc": "2.0", "id": 1, "result": {}, "error": {}}, INVALID_REQUEST, 1),
        ({"jsonrpc": "2.0", "id": 1, "method": 5}, INVALID_REQUEST, 1),
        ({"jsonrpc": "2.0", "id": 1, "method": None}, INVALID_REQUEST, 1),
        ({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": []}, INVALID_PARAMS, 1),
        ({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": None}, INVALID_PARAMS, 1),
    ],
)
def test_what_is_no_message_is_told_so_with_its_id_where_that_is_known(message, code, id_):
    with pytest.raises(MessageError) as caught:
        read(message)

    assert (caught.value.code, caught.value.id) == (code, id_)


def test_an_error_whose_request_is_unknown_has_no_id_at_all():
    assert json.loads(error_text(None, RpcError(-32700, "no"))) == {"jsonrpc": "2.0", "error": {"code": -32700, "message": "no"}}
    assert json.loads(error_text(0, RpcError(-32602, "no", {"uri": "x"})))["id"] == 0


def test_a_reply_that_is_an_error_says_what_the_client_said():
    assert read({"jsonrpc": "2.0", "id": 1, "error": {"code": -1, "message": "declined"}}) == Reply(1, None, "declined")
    assert read({"jsonrpc": "2.0", "id": 1, "result": "no object"}) == Reply(1, None, "it sent no usable answer")
