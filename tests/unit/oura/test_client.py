"""The client: what each answer of Oura becomes, what is repeated, and what is never repeated."""

import json

import pytest
import requests
from requests.exceptions import ChunkedEncodingError

from app.errors import (
    BudgetError,
    ConnectionNeededError,
    MembershipError,
    OuraError,
    OuraUnavailableError,
    RateLimitedError,
    ScopeMissingError,
)
from app.oura.client import ATTEMPTS, OuraClient, PagesRepeatError
from app.oura.collections import COLLECTIONS
from app.services import Deadline
from tests.unit.oura.upstream import BASE_URL, Upstream, day_back, sleep_document

SLEEP = COLLECTIONS["sleep"]
OK = (200, {}, '{"data":[],"next_token":null}')
SECRET_BODY = "upstream-secret-body"


def rows(client: OuraClient, params: dict[str, str] | None = None, deadline: Deadline | None = None) -> list:
    return [row for page in client.pages(SLEEP, params or {}, deadline=deadline or Deadline()) for row in page.rows]


def test_pages_are_followed_to_the_end_with_the_same_parameters(client, upstream):
    upstream.rows["sleep"] = [sleep_document(day_back(n)) for n in range(5)]
    upstream.page_size = 2
    found = rows(client, {"start_date": "2026-03-01", "end_date": "2026-03-25"})
    assert [row["id"] for row in found] == [row["id"] for row in upstream.rows["sleep"]]
    assert [query.get("next_token") for query in upstream.asked("sleep")] == [None, "page-2", "page-4"]
    assert {query["start_date"] for query in upstream.asked("sleep")} == {"2026-03-01"}


def test_an_empty_page_in_the_middle_does_not_end_the_list(client, upstream):
    upstream.canned["sleep"] += [
        (200, {}, '{"data":[{"id":"a"}],"next_token":"x"}'),
        (200, {}, '{"data":[],"next_token":"y"}'),
        (200, {}, '{"data":[{"id":"b"}]}'),
    ]
    assert [row["id"] for row in rows(client)] == ["a", "b"]


def test_pages_that_lead_in_a_circle_end_after_what_was_new(client, upstream):
    upstream.canned["sleep"] += [(200, {}, f'{{"data":[{{"id":"{n}"}}],"next_token":"again"}}') for n in range(9)]
    pages = client.pages(SLEEP, {}, deadline=Deadline())
    assert [row["id"] for page in (next(pages), next(pages)) for row in page.rows] == ["0", "1"]
    with pytest.raises(PagesRepeatError):
        next(pages)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_trouble_on_ouras_side_is_repeated_until_it_passes(client, upstream, naps, status):
    upstream.canned["sleep"] += [(status, {"Content-Type": "text/html"}, "<html>")] * 2
    assert rows(client) == []
    assert len(upstream.requests) == 3
    assert len(naps) == 2
    assert all(0 <= nap <= 0.6 for nap in naps)


@pytest.mark.parametrize(
    "broken",
    [
        (500, {}, SECRET_BODY),
        (200, {"Content-Type": "text/html"}, f"<html>{SECRET_BODY}</html>"),
        (200, {}, '{"data":[{"id":"cut'),
        (200, {}, '{"data":null,"next_token":null}'),
        (200, {}, '["not an envelope"]'),
        (200, {}, b'{"data":["\xff"],"next_token":null}'),
        (200, {}, "[" * 50_000),
        requests.ConnectionError(f"https://{SECRET_BODY}?start_date=1"),
        requests.ReadTimeout(SECRET_BODY),
        ChunkedEncodingError(SECRET_BODY),
    ],
)
def test_lasting_trouble_is_unavailable_after_a_few_attempts_and_quotes_nothing(client, upstream, broken):
    upstream.canned["sleep"] += [broken] * 9
    with pytest.raises(OuraUnavailableError) as caught:
        rows(client)
    assert len(upstream.requests) == ATTEMPTS
    assert SECRET_BODY not in str(caught.value)
    assert "start_date" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, '{"detail":"Start time is greater than end time"}', OuraUnavailableError),
        (403, '{"detail":"no subscription"}', MembershipError),
        (404, '{"detail":"Not Found"}', OuraUnavailableError),
        (422, '{"detail":[{"loc":["query","start_date"]}]}', OuraUnavailableError),
        (426, "{}", OuraUnavailableError),
        (302, "", OuraUnavailableError),
    ],
)
def test_what_repeating_cannot_mend_is_asked_once(client, upstream, status, body, kind):
    upstream.canned["sleep"].append((status, {"Location": f"{BASE_URL}/elsewhere"}, body))
    with pytest.raises(kind):
        rows(client)
    assert len(upstream.requests) == 1


def test_an_old_phone_app_is_named(client, upstream):
    upstream.canned["sleep"].append((426, {}, "{}"))
    with pytest.raises(OuraUnavailableError, match="Update the app"):
        rows(client)


@pytest.mark.parametrize(
    ("detail", "scope"),
    [
        ("Token is not authorized access stress scope.", "stress"),
        ("Token is not authorized access extapi:heart_health scope.", "heart_health"),
        ("Token is not authorized access spo2Daily scope.", "spo2"),
        ("Missing required scopes.", "daily"),
        ("insufficient_scope", "daily"),
    ],
)
def test_a_missing_scope_is_named_and_spends_no_refresh(client, upstream, source, detail, scope):
    upstream.canned["sleep"].append((401, {}, json.dumps({"status": 401, "title": "Unauthorized", "detail": detail})))
    with pytest.raises(ScopeMissingError) as caught:
        rows(client)
    assert caught.value.scope == scope
    assert source.rejected_tokens == []
    assert len(upstream.requests) == 1


def test_a_refusal_that_only_mentions_scopes_still_renews_the_token(client, upstream, source):
    upstream.canned["sleep"].append((401, {}, '{"detail":"Token has expired.","scope":"daily heartrate"}'))
    assert rows(client) == []
    assert source.rejected_tokens == ["token-1"]


def test_a_rejected_token_is_renewed_once_and_the_page_asked_again(client, upstream, source):
    upstream.canned["sleep"].append((401, {}, '{"detail":"Token has expired."}'))
    assert rows(client) == []
    assert source.rejected_tokens == ["token-1"]
    assert upstream.tokens == ["Bearer token-1", "Bearer token-2"]


def test_a_second_rejection_asks_a_person_to_connect_again(client, upstream, source):
    upstream.canned["sleep"] += [(401, {}, "<html>")] * 3
    with pytest.raises(ConnectionNeededError) as refused:
        rows(client)
    assert refused.value.url == "https://server.test/oauth/authorize"
    assert source.rejected_tokens == ["token-1"]
    assert len(upstream.requests) == 2


def test_retry_after_is_obeyed_if_it_fits(client, upstream, naps):
    upstream.canned["sleep"].append((429, {"Retry-After": "3"}, "{}"))
    assert rows(client) == []
    assert naps[0] == 3.0


@pytest.mark.parametrize("header", ["60", "Fri, 20 Mar 2026 12:01:00 GMT"])
def test_a_longer_retry_after_ends_it_and_holds_for_every_other_question(client, upstream, header):
    upstream.canned["sleep"].append((429, {"Retry-After": header}, "{}"))
    with pytest.raises(RateLimitedError, match="60 seconds") as caught:
        rows(client)
    assert caught.value.retry_after_s == pytest.approx(60)
    with pytest.raises(RateLimitedError):
        rows(client)
    assert len(upstream.requests) == 1


def test_a_429_without_a_usable_retry_after_is_repeated_with_backoff(client, upstream, naps):
    upstream.canned["sleep"] += [(429, {}, "{}"), (429, {"Retry-After": "soon"}, "{}")]
    assert rows(client) == []
    assert len(naps) == 2


def test_no_attempt_is_made_after_the_hard_deadline(client, upstream):
    past = Deadline(soft_s=-9, hard_s=-1)
    with pytest.raises(OuraUnavailableError):
        rows(client, deadline=past)
    assert upstream.requests == []


def test_every_attempt_counts_in_the_daily_budget_which_begins_anew_at_midnight_utc(upstream, source, clock):
    client = OuraClient(BASE_URL, source, clock=clock, daily_limit=3, sleep=lambda _: None)
    upstream.canned["sleep"] += [(500, {}, "")] * 2
    rows(client)
    assert client.spent == 3
    with pytest.raises(BudgetError, match="OURA_DAILY_LIMIT"):
        rows(client)
    assert len(upstream.requests) == 3
    clock.now += 86_400
    assert client.spent == 0
    rows(client)
    assert client.spent == 1


def test_the_request_carries_the_bearer_in_its_header_and_nothing_of_the_environment(client, upstream, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine api.oura.test login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    rows(client, {"start_date": "2026-03-01"})
    assert upstream.tokens == ["Bearer token-1"]
    assert upstream.requests == [("sleep", {"start_date": "2026-03-01"})]


def test_a_page_without_end_is_given_up(client, upstream, monkeypatch):
    monkeypatch.setattr("app.oura.client.MAX_BODY_BYTES", 1000)
    upstream.canned["sleep"] += [(200, {}, '{"data":["' + "x" * 5000 + '"],"next_token":null}')] * 4
    with pytest.raises(OuraUnavailableError):
        rows(client)


def test_every_message_is_short_and_says_what_to_do(client, upstream: Upstream):
    for status in (400, 403, 404, 422, 426, 429, 500):
        upstream.canned["sleep"] += [(status, {}, SECRET_BODY)] * ATTEMPTS
        with pytest.raises(OuraError) as caught:
            rows(client)
        upstream.canned["sleep"].clear()
        assert 20 < len(str(caught.value)) < 250
        assert SECRET_BODY not in str(caught.value)
