"""What tools get: the wearer's days, whole or with the reason why not."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest

from app.errors import (
    ArgumentError,
    BudgetError,
    ConnectionNeededError,
    MembershipError,
    OuraUnavailableError,
    ScopeMissingError,
)
from app.metrics import Metrics
from app.oura.client import OuraClient
from app.oura.days import Dates, Span
from app.services import Deadline
from tests.unit.oura.upstream import (
    BASE_URL,
    NOON,
    TODAY,
    activity_document,
    day_back,
    heart_row,
    score_document,
    sleep_document,
)

YEARS = Span("2024-03-01", "2026-03-19")
DOWN = (503, {}, "<html>")
NO_SCOPE = (401, {}, '{"detail":"Token is not authorized access daily scope."}')
TOKEN_DEAD = (401, {}, '{"detail":"Token already used or revoked."}')


@pytest.fixture
def month(upstream):
    """A month of nights, scores and activity at +02:00."""
    for n in range(30, -1, -1):
        upstream.rows["sleep"].append(sleep_document(day_back(n)))
        upstream.rows["daily_sleep"].append(score_document(day_back(n), score=50 + n))
        upstream.rows["daily_activity"].append(activity_document(day_back(n), steps=1000 * n))
    return upstream


def ask(data, dates=None, *names, **options):
    return data.query(names or ("sleep",), dates or Dates.last(7), **{"deadline": Deadline(), **options})


def days_of(fetched) -> list[date]:
    return [row.day for row in fetched.rows]


def test_a_week_has_every_night_though_oura_drops_the_last_day_of_a_range(data, month):
    answer = ask(data, None, "sleep", "daily_sleep")
    assert (answer.start, answer.end, answer.first, answer.today) == (day_back(6), TODAY, day_back(6), TODAY)
    assert days_of(answer["sleep"]) == days_of(answer["daily_sleep"]) == answer.days
    assert answer["sleep"].known == frozenset(answer.days)
    assert answer["sleep"].fetched_at == NOON
    assert (answer["sleep"].error, answer["sleep"].partial) == (None, False)


def test_a_baseline_is_fetched_with_the_period(data, month):
    answer = ask(data, Dates.last(7).before(14))
    assert (answer.first, answer.start) == (day_back(20), day_back(6))
    assert days_of(answer["sleep"])[0] == day_back(20)


def test_a_future_end_is_told(data, month):
    assert "ends today" in ask(data, Dates.between("2026-03-18", "2026-04-01")).notes[0]


def test_bad_dates_are_told_before_oura_is_asked(make_data, upstream):
    with pytest.raises(ArgumentError):
        ask(make_data(), Dates.between("2026-03-32"))
    assert upstream.requests == []


def test_a_missing_night_is_known_to_be_missing(data, month):
    month.rows["sleep"] = [row for row in month.rows["sleep"] if row["day"] != day_back(2).isoformat()]
    answer = ask(data)
    assert day_back(2) in answer["sleep"].known
    assert day_back(2) not in days_of(answer["sleep"])


# -- the wearer's zone -------------------------------------------------------------------------------------------------


def test_the_zone_is_found_beside_the_data_and_not_before_it(make_data, month):
    data = make_data()
    answer = ask(data, None, "daily_sleep")
    assert (answer.zone.name, answer.zone.assumed) == ("UTC+02:00", False)
    assert sorted(name for name, _ in month.requests) == ["daily_activity", "daily_sleep", "sleep"]
    ask(data, None, "sleep")
    assert len(month.requests) == 3  # what told the zone answers, too


def test_a_zone_that_was_not_told_in_time_is_not_taken_for_utc_afterwards(make_data, month):
    data = make_data()
    month.gate.clear()
    assert ask(data, None, "daily_sleep", deadline=Deadline(soft_s=0.02, hard_s=5)).zone.assumed
    month.gate.set()
    assert ask(data, None, "daily_sleep").zone.name == "UTC+02:00"


@pytest.mark.parametrize(("offset", "hour", "today"), [("+13:00", 12, 21), ("-10:00", 6, 19), ("+00:00", 12, 20)])
def test_today_is_the_wearers_wherever_the_server_runs(make_data, upstream, clock, offset, hour, today):
    clock.now = datetime(2026, 3, 20, hour, tzinfo=UTC).timestamp()
    upstream.rows["sleep"] = [sleep_document(date(2026, 3, n), offset=offset) for n in range(10, today + 1)]
    upstream.rows["daily_sleep"] = [score_document(date(2026, 3, n)) for n in range(10, today + 1)]
    answer = ask(make_data(), Dates.last(2), "daily_sleep")
    assert (answer.today, answer.end) == (date(2026, 3, today), date(2026, 3, today))
    assert days_of(answer["daily_sleep"]) == [date(2026, 3, today - 1), date(2026, 3, today)]


@pytest.mark.parametrize("dates", [(day_back(364),), (day_back(364), TODAY), (day_back(364), date(2026, 4, 1))])
def test_a_year_until_today_is_not_too_long_while_the_zone_is_unknown(make_data, month, dates):
    answer = ask(make_data(), Dates.between(*(day.isoformat() for day in dates)))
    assert (answer.start, answer.end) == (day_back(364), TODAY)
    assert days_of(answer["sleep"])[-1] == TODAY


@pytest.mark.parametrize("offset", ["+14:00", "+02:00", "-11:00"])
def test_the_days_of_times_with_an_offset_are_judged_once_the_zone_is_known(make_data, upstream, offset):
    upstream.rows["sleep"] = [sleep_document(day_back(n), offset=offset) for n in range(9, 0, -1)]
    answer = ask(make_data(), Dates.between(f"{day_back(4)}T23:30:00{offset}", f"{day_back(4)}"))
    assert days_of(answer["sleep"]) == [day_back(4)]


def test_days_that_are_too_many_in_every_zone_ask_oura_nothing(make_data, upstream):
    for call in (
        lambda: ask(make_data(), Dates.between("2025-03-01")),
        lambda: make_data().heart_rate(YEARS, deadline=Deadline()),
    ):
        with pytest.raises(ArgumentError, match="at most 365"):
            call()
    assert upstream.requests == []


def test_without_any_record_utc_is_assumed_and_said(make_data, upstream):
    answer = ask(make_data(), None, "tag")
    assert (answer.zone.name, answer.zone.assumed) == ("UTC", True)


def test_a_missing_scope_for_what_tells_the_zone_spoils_nothing(make_data, upstream):
    upstream.refusals.update(sleep=NO_SCOPE, daily_activity=NO_SCOPE)
    upstream.rows["tag"] = [{"id": "t", "day": TODAY.isoformat(), "timestamp": f"{TODAY}T08:00:00+02:00", "text": "hi"}]
    data = make_data()
    answer = ask(data, None, "tag")
    assert (answer.zone.assumed, answer["tag"].error, len(answer["tag"].rows)) == (True, None, 1)
    before = len(upstream.requests)
    ask(data, None, "tag")
    assert {name for name, _ in upstream.requests[before:]} <= {"tag"}


def test_travel_is_noticed_with_the_next_record(make_data, month, clock):
    data = make_data()
    ask(data)
    clock.now += 86_400
    month.rows["sleep"].append(sleep_document(TODAY + timedelta(days=1), offset="-07:00"))
    ask(data)
    answer = ask(data)
    assert answer.zone.name == "UTC-07:00"
    assert answer["sleep"].rows[-1].bedtime_end.utcoffset() == timedelta(hours=-7)
    assert answer["sleep"].rows[0].bedtime_end.utcoffset() == timedelta(hours=2)


# -- failures ----------------------------------------------------------------------------------------------------------


def test_one_collections_failure_leaves_the_others_whole(data, month):
    month.refusals["daily_sleep"] = NO_SCOPE
    answer = ask(data, None, "sleep", "daily_sleep")
    assert len(answer["sleep"].rows) == 7
    assert isinstance(answer["daily_sleep"].error, ScopeMissingError)
    assert (answer["daily_sleep"].rows, answer["daily_sleep"].known) == ((), frozenset())


@pytest.mark.parametrize(
    ("refusal", "kind"), [(NO_SCOPE, ScopeMissingError), ((403, {}, ""), MembershipError), (DOWN, OuraUnavailableError)]
)
def test_if_nothing_can_be_had_the_reason_is_raised(data, upstream, refusal, kind):
    upstream.refusals.update(sleep=refusal, daily_sleep=refusal)
    with pytest.raises(kind):
        ask(data, None, "sleep", "daily_sleep")


def test_a_dead_connection_is_raised_with_its_url(data, month, source):
    source.dead = True
    with pytest.raises(ConnectionNeededError) as caught:
        ask(data)
    assert caught.value.url == "https://me.test/oauth/authorize"


def test_a_dead_connection_leaves_held_days_readable(data, month, source, clock):
    ask(data)
    source.dead = True
    clock.now += 301
    answer = ask(data)
    assert len(answer["sleep"].rows) == 7
    assert answer["sleep"].stale == {TODAY, day_back(1)}
    assert isinstance(answer["sleep"].error, ConnectionNeededError)
    with pytest.raises(ConnectionNeededError):
        ask(data, Dates.last(10))


def test_an_expired_token_is_renewed_on_the_way(data, month, source):
    month.canned["sleep"].append(TOKEN_DEAD)
    assert len(ask(data)["sleep"].rows) == 7
    assert source.rejected_tokens == ["token-1"]


@pytest.mark.requirement("held-days-served-stale")
def test_stale_days_are_served_and_marked_while_oura_is_down(data, month, clock):
    ask(data)
    clock.now += 301
    month.refusals["sleep"] = DOWN
    fetched = ask(data)["sleep"]
    assert len(fetched.rows) == 7
    assert fetched.stale == {TODAY, day_back(1)}
    assert fetched.fetched_at == NOON
    assert isinstance(fetched.error, OuraUnavailableError)


def test_days_that_were_never_held_stay_unknown_while_oura_is_down(data, month, clock):
    ask(data)
    month.refusals["sleep"] = DOWN
    fetched = ask(data, Dates.last(9))["sleep"]
    assert fetched.known == {day_back(n) for n in range(7)}
    assert isinstance(fetched.error, OuraUnavailableError)


def test_an_empty_young_day_is_not_called_known_while_oura_is_down(data, month, clock):
    month.rows["sleep"] = [row for row in month.rows["sleep"] if row["day"] != TODAY.isoformat()]
    ask(data)
    month.refusals["sleep"] = DOWN
    assert TODAY not in ask(data)["sleep"].known


def test_a_spent_budget_serves_what_is_held(upstream, month, source, clock, make_data):
    client = OuraClient(BASE_URL, source, clock=clock, daily_limit=1, sleep=lambda _: None)
    data = make_data(client=client, user_timezone="Europe/Helsinki")
    ask(data)
    clock.now += 301
    fetched = ask(data)["sleep"]
    assert fetched.stale
    assert isinstance(fetched.error, BudgetError)
    with pytest.raises(BudgetError):
        ask(data, None, "daily_sleep")


def test_pages_in_a_circle_give_what_came_and_say_that_more_may_be_missing(data, month):
    row = '{"id":"a","day":"2026-03-20","type":"long_sleep","total_sleep_duration":60}'
    month.canned["sleep"] += [(200, {}, f'{{"data":[{row}],"next_token":"again"}}')] * 2
    fetched = ask(data)["sleep"]
    assert [found.id for found in fetched.rows] == ["a"]
    assert fetched.known == frozenset()
    assert "circle" in str(fetched.error)
    assert data.stats()["cache_days"] == 0


# -- heart rate --------------------------------------------------------------------------------------------------------


@pytest.fixture
def beats(upstream):
    """A sample every ten minutes for four days, the last one at noon today."""
    start = datetime(2026, 3, 16, 12, tzinfo=UTC)
    upstream.rows["heartrate"] = [heart_row(start + timedelta(minutes=10 * n), 50 + n % 40) for n in range(4 * 144 + 1)]
    upstream.page_size = 100
    return upstream


def test_the_last_24_hours_are_every_sample_up_to_this_second(data, beats):
    answer = data.heart_rate(Span(), deadline=Deadline())
    assert len(answer.samples) == 144  # noon yesterday is 24 hours and one second ago
    assert answer.samples.times[-1] == NOON
    assert answer.covers(answer.start, answer.end)
    assert (answer.partial, answer.error, answer.fetched_at) == (False, None, NOON)


def test_a_bare_date_is_the_wearers_day_though_held_by_utc_day(data, beats):
    answer = data.heart_rate(Span("2026-03-18"), deadline=Deadline())
    assert answer.start == datetime(2026, 3, 17, 22, tzinfo=UTC)
    assert len(answer.samples) == 144
    data.heart_rate(Span("2026-03-18T10:00", "2026-03-18T11:00"), deadline=Deadline())
    assert len({query["start_datetime"] for query in beats.asked("heartrate")}) == 1


def test_an_unknown_zone_is_found_beside_heart_rate(make_data, month, beats):
    answer = make_data().heart_rate(Span("2026-03-18"), deadline=Deadline())
    assert answer.zone.name == "UTC+02:00"
    assert len(answer.samples) == 144


def test_a_time_with_offset_and_one_without_are_judged_once_the_zone_is_known(make_data, month, beats):
    data = make_data()
    answer = data.heart_rate(Span("2026-03-19T10:00Z", "2026-03-19T13:00"), deadline=Deadline())
    assert (answer.end - answer.start).total_seconds() == 3601
    with pytest.raises(ArgumentError, match="swap them"):
        data.heart_rate(Span("2026-03-19T10:00Z", "2026-03-19T11:00"), deadline=Deadline())


def test_a_year_of_heart_rate_until_today_is_not_too_long_while_the_zone_is_unknown(make_data, month, clock):
    clock.now += 3 * 3600
    answer = make_data().heart_rate(Span(f"{day_back(364)}T00:00"), deadline=Deadline())
    assert (answer.start.date(), answer.zone.name) == (day_back(364), "UTC+02:00")


def test_windows_are_fetched_by_the_days_they_touch(data, beats):
    def hour(day: int, hour_of_day: int) -> tuple[datetime, datetime]:
        start = datetime(2026, 3, day, hour_of_day, tzinfo=UTC)
        return start, start + timedelta(hours=1)

    windows = [hour(17, 9), hour(17, 18), hour(19, 9)]
    answer = data.heart_rate_within(windows, deadline=Deadline())
    assert [len(answer.between(*window)) for window in windows] == [6, 6, 6]
    assert all(answer.covers(*window) for window in windows)
    assert not answer.covers(*hour(18, 9))
    assert answer.zone.name == "Europe/Helsinki"
    assert {query["start_datetime"] for query in beats.asked("heartrate")} == {"2026-03-17T00:00:00Z", "2026-03-19T00:00:00Z"}


def test_windows_that_cannot_be_had_raise_nothing(data, beats):
    beats.refusals["heartrate"] = (401, {}, '{"detail":"Token is not authorized access heartrate scope."}')
    start = datetime(2026, 3, 19, 9, tzinfo=UTC)
    answer = data.heart_rate_within([(start, start + timedelta(hours=1))], deadline=Deadline())
    assert isinstance(answer.error, ScopeMissingError)
    assert not answer.covers(start, start + timedelta(hours=1))
    with pytest.raises(ScopeMissingError):
        data.heart_rate(Span(), deadline=Deadline())


def test_no_windows_ask_nothing(data, upstream):
    future = datetime(2030, 1, 1, tzinfo=UTC)
    for windows in ([], [(future, future + timedelta(hours=1))]):
        assert len(data.heart_rate_within(windows, deadline=Deadline()).samples) == 0
    assert upstream.requests == []


# -- profile and house-keeping -----------------------------------------------------------------------------------------


def test_the_profile_is_the_wearer_and_the_rings(data, upstream):
    upstream.rows["ring_configuration"] = [
        {"id": "old", "hardware_type": "gen3", "set_up_at": "2022-01-01T10:00:00Z"},
        {"id": "new", "hardware_type": "gen4", "set_up_at": "2025-01-01T10:00:00Z"},
    ]
    profile = data.profile(deadline=Deadline())
    assert (profile.person.id, profile.person.age, profile.person.email) == ("me", 40, None)
    assert [ring.id for ring in profile.rings] == ["new", "old"]
    assert profile.zone.name == "Europe/Helsinki"
    data.profile(deadline=Deadline())
    assert len(upstream.requests) == 2


def test_a_profile_does_not_look_for_the_zone(make_data):
    assert make_data().profile(deadline=Deadline()).zone.assumed


def test_rings_without_consent_leave_the_wearer(data, upstream):
    upstream.refusals["ring_configuration"] = (401, {}, '{"detail":"Token is not authorized access ring_configuration scope."}')
    profile = data.profile(deadline=Deadline())
    assert profile.person.id == "me"
    assert profile.rings is None
    assert profile.rings_error.scope == "ring_configuration"


def test_a_profile_that_cannot_be_had_is_raised(data, upstream):
    upstream.refusals.update(personal_info=DOWN, ring_configuration=DOWN)
    with pytest.raises(OuraUnavailableError):
        data.profile(deadline=Deadline())


def test_days_are_counted_as_held_asked_for_or_stale(make_data, month, clock):
    metrics = Metrics()
    data = make_data(user_timezone="Europe/Helsinki", metrics=metrics)
    ask(data)
    ask(data)
    month.refusals["sleep"] = DOWN
    clock.now += 301
    ask(data)
    counted = re.findall(r'cache_days_total\{result="(\w+)"\} (\d+)', metrics.render().decode())
    assert dict(counted) == {"miss": "9", "hit": "12", "stale": "2"}  # today and yesterday have grown old


def test_statistics_tell_numbers_and_no_health(data, month):
    month.refusals["daily_sleep"] = DOWN
    ask(data, None, "sleep", "daily_sleep")
    stats = data.stats()
    assert stats["cache_days"] == 7
    assert stats["cache_bytes"] > 1000
    assert stats["requests_today"] == len(month.requests)
    assert (stats["last_error"], stats["last_error_at"]) == ("OuraUnavailableError", NOON)
    assert all(isinstance(value, int | float | str | None) for value in stats.values())
