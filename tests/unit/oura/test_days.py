"""Raw arguments into the days and spans a person means."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from app.errors import ArgumentError
from app.oura.days import EARLIEST_ZONE, Dates, Span
from tests.unit.oura.upstream import NOON, TODAY

HELSINKI = ZoneInfo("Europe/Helsinki")  # UTC+2 on the day of NOON


def period(start=None, end=None):
    return Dates.between(start, end).period(TODAY, HELSINKI)


def window(start=None, end=None, *, tz=HELSINKI):
    return Span(start, end).window(NOON, tz)


def test_the_default_is_the_week_that_ends_today():
    assert (period().start, period().end) == (date(2026, 3, 14), TODAY)


def test_an_end_alone_takes_the_week_before_it():
    assert (period(None, "2026-01-10").start, period(None, "2026-01-10").end) == (date(2026, 1, 4), date(2026, 1, 10))


def test_last_days_end_today_and_a_baseline_comes_before_them():
    made = Dates.last(3).before(28).period(TODAY)
    assert (made.first, made.start, made.end) == (date(2026, 2, 18), date(2026, 3, 18), TODAY)


def test_a_future_end_is_cut_to_today_and_told():
    made = period("2026-03-01", "2026-12-31")
    assert made.end == TODAY
    assert made.notes == ("end_date 2026-12-31 is in the future; the answer ends today, 2026-03-20.",)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-19T23:30:00Z",
        "2026-03-19T22:30:00.123456+00:00",
        "2026-03-20T01:00",
        "20260320",
        " 2026-03-20 ",
        "2026-03-20t05z",
    ],
)
def test_a_date_time_is_the_wearers_day_it_falls_on(text):
    assert period(text, text).start == TODAY


@pytest.mark.parametrize(
    ("start", "end", "parts"),
    [
        ("2026-02-30", "2026-13-01", ["start_date '2026-02-30' is not a date", "end_date '2026-13-01' is not a date"]),
        ("2026-03-19", "2026-03-01", ["start_date 2026-03-19 is after end_date 2026-03-01: swap them"]),
        ("2026-03-21", None, ["is in the future: today is 2026-03-20"]),
        ("2006-03-01", None, ["2006-03-01' is before any Oura ring"]),
        ("0024-01-01", "0024-01-05", ["start_date '0024-01-01' is before", "end_date '0024-01-05' is before"]),
        ("2020-01-01", None, ["at most 365", "starts on 2025-03-21"]),
        ("yesterday", 5, ["start_date 'yesterday'", "end_date must be text such as 2026-03-20"]),
        ("", None, ["start_date ''"]),
    ],
)
def test_every_problem_is_told_at_once_with_what_would_be_right(start, end, parts):
    with pytest.raises(ArgumentError) as caught:
        period(start, end)
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    "absurd",
    ["9" * 1_000_000, "2026-01-01" + " " * 1_000_000, "\ud800", "\uff12\uff10\uff12\uff16-01-01", "2026-01-01\x00", {}, [], True],
)
def test_absurd_input_is_answered_shortly(absurd):
    with pytest.raises(ArgumentError) as caught:
        period(absurd, absurd)
    with pytest.raises(ArgumentError):
        window(absurd, absurd)
    assert len(str(caught.value)) < 300
    json.dumps(str(caught.value)).encode("ascii")


def test_365_days_are_allowed_and_366_are_not():
    assert (period("2025-03-21").end - period("2025-03-21").start).days == 364
    with pytest.raises(ArgumentError):
        period("2025-03-20")


@pytest.mark.parametrize("days", [0, -1, 366, 10**9])
def test_a_number_of_days_out_of_range_says_the_range(days):
    with pytest.raises(ArgumentError, match="from 1 to 365"):
        Dates.last(days).period(TODAY)


def test_a_last_year_open_to_the_end_of_time_is_fine():
    assert period("2025-06-01", "9999-12-31").end == TODAY


def test_the_default_span_is_the_last_24_hours_even_when_the_clocks_change():
    spring = datetime(2026, 3, 29, 12, tzinfo=UTC).timestamp()  # Helsinki lost an hour that night
    made = Span().window(spring, HELSINKI)
    assert made.end.timestamp() - made.start.timestamp() == 86_400
    assert made.end.timestamp() == spring + 1  # a sample of this very second counts


@pytest.mark.parametrize(("start", "end"), [("2026-03-19", None), (None, "2026-03-19"), ("2026-03-19", "2026-03-19")])
def test_a_bare_date_is_that_whole_day_of_the_wearer(start, end):
    made = window(start, end)
    assert made.start == datetime(2026, 3, 18, 22, tzinfo=UTC)
    assert made.end == datetime(2026, 3, 19, 22, tzinfo=UTC)


def test_a_time_without_offset_is_the_wearers():
    made = window("2026-03-19T08:00", "2026-03-19T09:00:00.500")
    assert made.start == datetime(2026, 3, 19, 6, tzinfo=UTC)
    assert made.end == datetime(2026, 3, 19, 7, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["2026-03-19T01:00-05:00", "2026-03-19T06:00:00.000Z", "2026-03-19T11:30:00,25+0530", "20260319T060000Z"]
)
def test_any_offset_and_fraction_is_understood(text):
    assert abs(window(text).start - datetime(2026, 3, 19, 6, tzinfo=UTC)) < timedelta(seconds=1)


def test_a_start_alone_runs_until_now_and_an_end_alone_takes_the_day_before_it():
    assert window("2026-03-01T00:00").end.timestamp() == NOON + 1
    made = window(None, "2026-03-10T12:00:00Z")
    assert made.start == datetime(2026, 3, 9, 12, 0, 1, tzinfo=UTC)


def test_a_future_end_is_cut_to_now_and_told():
    made = window("2026-03-20T08:00", "2026-03-22")
    assert made.end.timestamp() == NOON + 1
    assert made.notes == ("end_datetime is in the future; the answer ends now, 2026-03-20T14:00+02:00.",)


def test_today_as_a_bare_date_ends_now_without_a_word():
    assert window("2026-03-20").notes == ()
    assert window("2026-03-14", "2026-03-20").notes == ()


@pytest.mark.parametrize(
    ("start", "end", "part"),
    [
        ("2026-03-19T10:00Z", "2026-03-19T11:00+02:00", "not before end_datetime"),
        ("2026-03-21", None, "in the future: it is 2026-03-20T14:00+02:00"),
        ("2025-03-01", None, None),
        ("2025-03-01", "2026-03-19", "at most 365"),
        ("2006-03-01", "2026-03-19", "before any Oura ring"),
        ("9999-12-31T23:59:59-11:00", None, "in the future"),
        ("2026-03-19T25:00", None, "start_datetime '2026-03-19T25:00'"),
    ],
)
def test_an_impossible_span_says_what_is_wrong(start, end, part):
    if part is None:
        assert window(start, end).end - window(start, end).start == timedelta(days=1)
        return
    with pytest.raises(ArgumentError, match=r".*") as caught:
        window(start, end)
    assert part in str(caught.value)


def test_while_the_zone_is_unknown_mixed_times_are_not_judged():
    span = Span("2026-03-19T10:00Z", "2026-03-19T11:00")
    assert span.window(NOON, EARLIEST_ZONE, is_zone_sure=False)
    with pytest.raises(ArgumentError):
        span.window(NOON, timezone(timedelta(hours=2)))


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (None, None, False),
        ("2026-03-19T10:00Z", None, False),
        ("2026-03-19", None, True),
        ("2026-03-19T10:00", None, True),
        (None, "2026-03-19", True),
    ],
)
def test_a_span_tells_whether_it_depends_on_the_zone(start, end, expected):
    assert Span(start, end).needs_zone() is expected
