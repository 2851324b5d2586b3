"""Lists come in pages, and a cursor is one that was given out or an error."""

import base64

import pytest

from tests.revisions import MODERN, REVISIONS


@pytest.mark.parametrize("revision", REVISIONS)
def test_pages_follow_each_other_to_the_end_and_lose_nothing(serve, revision):
    client = serve(page_size=4).speaking(revision)
    whole = [tool["name"] for tool in serve().request("tools/list").result["tools"]]

    found, cursor, pages = [], None, 0
    while pages == 0 or cursor is not None:
        page = client.request("tools/list", {} if cursor is None else {"cursor": cursor}).result
        found += [tool["name"] for tool in page["tools"]]
        cursor, pages = page.get("nextCursor"), pages + 1

    assert found == whole
    assert pages == -(-len(whole) // 4)


@pytest.mark.parametrize("revision", ["2025-11-25", MODERN])
@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "4",
        "x",
        4,
        True,
        [],
        {},
        base64.urlsafe_b64encode(b"tools:5").decode(),
        base64.urlsafe_b64encode(b"prompts:4").decode(),
    ],
    ids=str,
)
def test_a_cursor_that_was_never_given_is_refused(serve, revision, cursor):
    assert serve(page_size=4).speaking(revision).request("tools/list", {"cursor": cursor}).error["code"] == -32602


def test_the_last_page_may_be_full(serve):
    client = serve(page_size=1)
    second = client.request("resources/list", {"cursor": client.request("resources/list").result["nextCursor"]}).result

    assert [one["uri"] for one in second["resources"]] == ["unit://bytes"]
    assert "nextCursor" not in second
