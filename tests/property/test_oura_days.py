"""Whatever is asked for becomes days and spans that are in order, not in the future and not too long, or a short explanation."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from app.errors import ArgumentError
from app.oura.days import MAX_DAYS, Dates, Span

TODAYS = st.dates(min_value=date(2024, 1, 1), max_value=date(2027, 12, 31))
ZONES = st.sampled_from(["Europe/Berlin", "America/St_Johns", "Pacific/Auckland", "Asia/Kathmandu", "UTC"]).map(
    ZoneInfo
) | st.integers(min_value=-12 * 4, max_value=14 * 4).map(lambda quarters: timezone(timedelta(minutes=15 * quarters)))
DATES = st.dates(min_value=date(2012, 1, 1), max_value=date(2030, 1, 1)).map(date.isoformat) | st.dates().map(date.isoformat)
TIMES = st.datetimes(timezones=st.none() | ZONES).map(datetime.isoformat)
MOMENTS = st.builds(datetime.fromtimestamp, st.integers(min_value=1_704_067_200, max_value=1_798_000_000), ZONES)
JUNK = st.text(max_size=30) | st.integers() | st.none() | st.booleans() | st.lists(st.text(max_size=3), max_size=2)
ASKED = DATES | TIMES | JUNK


def is_short(problem: ArgumentError) -> None:
    if not 0 < len(str(problem)) < 400:
        raise AssertionError(problem)


@given(start=ASKED, end=ASKED, today=TODAYS, tz=ZONES, baseline=st.integers(min_value=0, max_value=90))
def test_days_are_in_order_and_bounded_or_explained(start, end, today, tz, baseline):
    try:
        period = Dates.between(start, end).before(baseline).period(today, tz)
    except ArgumentError as exc:
        is_short(exc)
        return
    assert period.start <= period.end <= today
    assert (period.end - period.start).days < MAX_DAYS
    assert (period.start - period.first).days == baseline
    assert all(len(note) < 200 for note in period.notes)


@given(start=ASKED, end=ASKED, now=MOMENTS, tz=ZONES)
def test_spans_are_in_order_and_bounded_or_explained(start, end, now, tz):
    try:
        window = Span(start, end).window(now.timestamp(), tz)
    except ArgumentError as exc:
        is_short(exc)
        return
    assert window.start.timestamp() < window.end.timestamp() <= now.timestamp() + 1
    assert window.end.timestamp() - window.start.timestamp() <= MAX_DAYS * 86_400 + 3 * 3600
    assert window.start.tzinfo is tz


@given(day=st.dates(min_value=date(2024, 1, 1), max_value=date(2026, 12, 31)), tz=ZONES)
def test_a_bare_date_is_one_whole_day_where_the_ring_is_worn(day, tz):
    window = Span(day.isoformat(), day.isoformat()).window(datetime(2027, 6, 1, tzinfo=UTC).timestamp(), tz)
    assert window.start.date() == day
    assert datetime.fromtimestamp(window.end.timestamp() - 1, tz).date() == day
    assert datetime.fromtimestamp(window.end.timestamp(), tz).date() == day + timedelta(days=1)


@given(moment=MOMENTS, tz=ZONES)
def test_a_time_with_an_offset_is_that_instant_in_every_zone(moment, tz):
    window = Span(moment.isoformat(), None).window(moment.timestamp() + 3600, tz)
    assert window.start.timestamp() == moment.timestamp()
