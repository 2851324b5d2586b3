import io
import json
import logging
import time

import pytest

from app.logs import configure, event, redacted

LOGGER = logging.getLogger("app.test_logs")


@pytest.fixture
def lines():
    stream = io.StringIO()
    kept = logging.getLogger().handlers[:], logging.getLogger().level
    configure("DEBUG", stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logging.getLogger().handlers[:], level = kept
    logging.getLogger().setLevel(level)


def test_an_event_is_one_json_line_with_its_fields(lines):
    event(LOGGER, "tool.done", tool="get_tags", request_id="0123456789abcdef0123456789abcdef", rows=3)
    (line,) = lines()
    assert line["event"] == "tool.done"
    assert line["level"] == "info"
    assert line["ts"].endswith("Z")
    assert (line["tool"], line["rows"], line["request_id"]) == ("get_tags", 3, "0123456789abcdef0123456789abcdef")


def test_an_events_own_fields_cannot_replace_its_name_or_level(lines):
    event(LOGGER, "login.failed", event="x", logger_="y")
    assert lines()[0]["event"] == "login.failed"


def test_a_message_of_several_lines_stays_one_line(lines):
    LOGGER.warning("first\nsecond")
    assert len(lines()) == 1


def test_a_traceback_is_kept_without_its_secrets(lines):
    try:
        raise ValueError("access_token=abcdefghijkl refused")
    except ValueError as exc:
        event(LOGGER, "failed", level=logging.ERROR, exc_info=exc)
    (line,) = lines()
    assert "ValueError" in line["traceback"]
    assert "abcdefghijkl" not in line["traceback"]


def test_libraries_that_print_tokens_at_debug_are_kept_quiet(lines):
    for name in ("requests_oauthlib.oauth2_session", "oauthlib.oauth2", "urllib3.connectionpool"):
        logging.getLogger(name).debug("anything")
    assert lines() == []


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer SECRETVALUE",
        "authorization: bearer  SECRETVALUE",
        "{'Authorization': 'Bearer SECRETVALUE'}",
        '{"refresh_token": "SECRETVALUE", "x": 1}',
        "client_secret=SECRETVALUE&grant_type=refresh_token",
        "GET /oauth/callback?code=SECRETVALUE&scope=daily",
        "GET /oauth/callback?scope=daily&state=SECRETVALUE",
        "postgresql://oura:SECRETVALUE@db.example/oura",
        "code_verifier=SECRETVALUE",
        "Cookie: session=SECRETVALUE",
        "OWNER_PASSWORD='SECRETVALUE'",
        "got SECRETVALUE0123456789012345678901234567 back",
        "jwt SECRETVALUE012345678901234567890.SECRETVALUE012345678901234567890.SECRETVALUE0123456789",
    ],
)
def test_what_looks_like_a_secret_is_hidden(text):
    assert "SECRETVALUE" not in redacted(text)


@pytest.mark.parametrize(
    "text",
    [
        "status code: 401",
        "GET /sse 200",
        "a monkey's author keyed in 31 tokens for its token endpoint, and the secret ingredient",
        "daily_sleep 2026-11-15..2026-11-21 7 days",
        "a_function_with_a_rather_long_name_in_a_traceback",
        "https://api.ouraring.com/v2/usercollection/sleep",
    ],
)
def test_ordinary_words_are_left_as_they_are(text):
    assert redacted(text) == text


@pytest.mark.parametrize("text", ["/" + "a-" * 10_000, "'a-" * 7_000, "a-token-" * 2_500, "bearer " * 3_000])
def test_an_address_made_to_be_slow_to_look_through_is_not(text):
    began = time.process_time()
    redacted(text)

    assert time.process_time() - began < 2  # it took twelve seconds when each word of a run was a beginning
