"""What is asked of Oura, how often, and what happens to fetches that nobody waits for any more."""

import gc
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial

import gevent
import pytest
from gevent.event import Event

from app.errors import ConnectionChangedError, ConnectionNeededError, OuraUnavailableError
from app.oura.answers import of_one_connection
from app.oura.cache import DayCache
from app.oura.days import Dates, Span
from app.oura.records import SleepPeriod
from app.services import Deadline
from tests.unit.oura.upstream import NOON, TODAY, day_back, heart_row, score_document, sleep_document

HASTY = partial(Deadline, soft_s=0.02, hard_s=5)
DOWN = (503, {}, "<html>")


@pytest.fixture
def nights(upstream):
    upstream.rows["sleep"] = [sleep_document(day_back(n)) for n in range(400, -1, -1)]
    upstream.rows["daily_sleep"] = [score_document(day_back(n)) for n in range(400, -1, -1)]
    return upstream


def ask(data, dates=None, *names, **options):
    return data.query(names or ("sleep",), dates or Dates.last(7), **{"deadline": Deadline(), **options})


def spans(upstream, name="sleep") -> list[tuple[str, str]]:
    return [(query["start_date"], query["end_date"]) for query in upstream.asked(name)]


def wide(first: int, last: int) -> tuple[str, str]:
    """What is sent for the days from *first* to *last* days ago."""
    return day_back(first + 2).isoformat(), day_back(last - 2).isoformat()


def test_held_days_are_answered_without_asking(data, nights):
    ask(data, None, "sleep", "daily_sleep")
    before = len(nights.requests)
    answer = ask(data, None, "sleep", "daily_sleep")
    assert len(nights.requests) == before == 2
    assert len(answer["sleep"].rows) == 7


@pytest.mark.requirement("cache")
def test_an_overlapping_range_asks_only_for_the_days_it_lacks(data, nights):
    ask(data, Dates.between("2026-03-01", "2026-03-10"))
    ask(data, Dates.between("2026-02-20", "2026-03-15"))
    assert spans(nights) == [("2026-02-27", "2026-03-12"), ("2026-03-09", "2026-03-17"), ("2026-02-18", "2026-03-02")]


def test_the_days_beside_a_range_are_not_taken_for_asked(data, nights):
    ask(data, Dates.between("2026-03-05", "2026-03-05"))
    ask(data, Dates.between("2026-03-06", "2026-03-06"))
    assert len(nights.requests) == 2


def test_a_long_range_is_asked_for_in_windows_and_loses_no_day(data, nights):
    answer = ask(data, Dates.last(365))
    assert [row.day for row in answer["sleep"].rows] == answer.days
    assert len(nights.requests) == 4


def test_today_is_asked_again_after_its_time_and_older_days_are_not(data, nights, clock):
    ask(data)
    clock.now += 301
    ask(data)
    assert spans(nights)[1] == wide(1, 0)


def test_a_young_night_that_was_missing_is_there_as_soon_as_it_was_synced(data, nights):
    synced = nights.rows["sleep"].pop()
    assert TODAY not in [row.day for row in ask(data)["sleep"].rows]
    nights.rows["sleep"].append(synced)
    assert ask(data)["sleep"].rows[-1].day == TODAY
    assert spans(nights)[1] == wide(0, 0)


def test_an_old_empty_day_is_asked_for_once(data, upstream):
    for _ in range(2):
        assert ask(data, Dates.between("2026-01-01", "2026-01-05"))["sleep"].rows == ()
    assert len(upstream.requests) == 1


@pytest.mark.requirement("cache")
def test_50_identical_cold_calls_cost_one_fetch_per_collection(make_data, nights):
    data = make_data()
    calls = nights.hold(until=3, calls=[lambda: ask(data, None, "sleep", "daily_sleep")] * 50)
    nights.gate.set()
    answers = [call.get(timeout=10) for call in calls]
    assert sorted(name for name, _ in nights.requests) == ["daily_activity", "daily_sleep", "sleep"]
    assert all(len(answer["sleep"].rows) == 7 for answer in answers)


def test_a_wider_call_joins_the_narrower_one_under_way(data, nights):
    narrow, wider = (Dates.between("2026-03-01", last) for last in ("2026-03-07", "2026-03-14"))
    calls = nights.hold(until=2, calls=[lambda: ask(data, narrow), lambda: ask(data, wider)])
    nights.gate.set()
    assert [len(call.get(timeout=5)["sleep"].rows) for call in calls] == [7, 14]
    assert spans(nights) == [("2026-02-27", "2026-03-09"), ("2026-03-06", "2026-03-16")]


def test_collections_are_fetched_side_by_side(data, nights):
    names = ("sleep", "daily_sleep", "daily_readiness", "workout")
    (call,) = nights.hold(until=4, calls=[lambda: ask(data, None, *names)])
    nights.gate.set()
    call.get(timeout=5)
    assert len(nights.requests) == 4


def test_a_failure_answers_everybody_who_waits_and_for_a_few_seconds_more(data, nights, clock):
    nights.refusals["sleep"] = DOWN
    calls = [gevent.spawn(ask, data) for _ in range(20)]
    for call in calls:
        with pytest.raises(OuraUnavailableError):
            call.get(timeout=5)
    with pytest.raises(OuraUnavailableError):
        ask(data)
    assert len(nights.requests) == 4  # one fetch, which tried four times
    clock.now += 3
    nights.refusals.clear()
    assert len(ask(data)["sleep"].rows) == 7


def test_connecting_again_helps_at_once(data, nights, source):
    source.dead = True
    with pytest.raises(ConnectionNeededError):
        ask(data)
    source.dead = False
    assert len(ask(data)["sleep"].rows) == 7


def test_a_refresh_asks_for_young_days_at_most_once_a_minute(data, nights, clock):
    ask(data, Dates.last(30))
    ask(data, Dates.last(30), refresh=True)
    assert spans(nights)[1:] == [wide(6, 0)]
    clock.now += 30
    ask(data, Dates.last(30), refresh=True)
    assert len(nights.requests) == 2
    clock.now += 31
    ask(data, Dates.last(30), refresh=True)
    assert len(nights.requests) == 3


def test_a_refresh_is_not_answered_by_a_question_asked_before_it(data, nights):
    nights.hold(until=2, calls=[lambda: ask(data), lambda: ask(data, refresh=True)])
    assert spans(nights) == [wide(6, 0)] * 2
    nights.gate.set()


@pytest.mark.requirement("deadline")
def test_the_soft_deadline_answers_with_what_is_here_and_the_fetch_goes_on(data, nights):
    ask(data, Dates.between("2026-03-15", "2026-03-20"))
    nights.gate.clear()
    fetched = ask(data, Dates.last(10), deadline=HASTY())["sleep"]
    assert fetched.partial
    assert (fetched.resume_from, fetched.resume_to) == (day_back(9), day_back(6))
    assert fetched.known == {day_back(n) for n in range(6)}
    nights.gate.set()
    whole = ask(data, Dates.last(10))["sleep"]
    assert (whole.partial, len(whole.rows), len(nights.requests)) == (False, 10, 2)


def test_stale_days_stand_in_at_the_soft_deadline(data, nights, clock):
    ask(data)
    clock.now += 301
    nights.gate.clear()
    fetched = ask(data, deadline=HASTY())["sleep"]
    assert (fetched.partial, fetched.stale, len(fetched.rows)) == (True, {TODAY, day_back(1)}, 7)
    nights.gate.set()


def test_heart_rate_at_the_soft_deadline_says_where_to_go_on(data, upstream):
    upstream.gate.clear()
    answer = data.heart_rate(Span("2026-03-18"), deadline=HASTY())
    assert (answer.partial, answer.resume_from, answer.resume_to) == (True, answer.start, answer.end)
    upstream.gate.set()


def test_progress_is_told_for_every_window(data, nights):
    told = []
    ask(data, Dates.last(180), "sleep", "daily_sleep", progress=lambda *step: told.append(step))
    assert [(done, total) for done, total, _ in told] == [(n, 4) for n in range(5)]
    assert all("sleep" in message for _, _, message in told[1:])


def test_clearing_empties_everything_and_fetches_under_way_bring_nothing(data, nights):
    ask(data)
    (waiting,) = nights.hold(until=1, calls=[lambda: ask(data, Dates.between("2026-02-01", "2026-02-07"))])
    data.clear()
    with pytest.raises(ConnectionChangedError):
        waiting.get(timeout=5)
    nights.gate.set()
    ask(data)  # comes after the abandoned one in every queue
    assert data.stats()["cache_days"] == 7
    assert spans(nights)[-1] == wide(6, 0)


def test_a_call_under_way_while_everything_is_forgotten_shows_nothing_of_what_was_held(data, nights):
    ask(data)
    (waiting,) = nights.hold(until=1, calls=[lambda: ask(data, refresh=True)])
    data.clear()
    with pytest.raises(ConnectionChangedError):
        waiting.get(timeout=5)
    nights.gate.set()


def test_what_is_forgotten_between_its_arrival_and_its_showing_is_not_shown(make_data, nights):
    data = make_data(user_timezone="Europe/Helsinki")
    data.on_change.append(lambda _: data.clear())  # as late as it can be: the fetch has stored its rows, nobody has woken up
    nights.rows["sleep"].pop()
    ask(data)
    nights.rows["sleep"].append(sleep_document(TODAY))
    with pytest.raises(ConnectionChangedError):
        ask(data)


def test_answers_of_different_connections_can_be_told_apart(data, nights):
    before, beside = ask(data), data.heart_rate(Span(), deadline=Deadline())
    of_one_connection(before, beside)
    data.clear()
    for old in (before, beside):
        with pytest.raises(ConnectionChangedError):
            of_one_connection(old, ask(data))


def test_a_fetch_that_waited_for_its_turn_is_not_made_after_clearing(data, nights):
    days = [day_back(n).isoformat() for n in range(10, 400, 10)]
    calls = nights.hold(until=10, calls=[lambda day=day: ask(data, Dates.between(day, day)) for day in days])
    data.clear()
    gevent.joinall(calls, timeout=5)
    nights.gate.set()
    ask(data, None, "daily_sleep")
    assert len(nights.requests) == 11


def test_a_fetch_that_a_refresh_overtook_brings_nothing_after_clearing_either(data, nights):
    calls = nights.hold(until=2, calls=[lambda: ask(data), lambda: ask(data, refresh=True)])
    data.clear()
    nights.gate.set()
    gevent.joinall(calls, timeout=5)
    ask(data, None, "daily_sleep")
    assert (data.stats()["cache_days"], data.stats()["fetches_under_way"]) == (7, 0)


def test_clearing_while_an_answer_is_being_read_keeps_nothing_of_it(data, nights):
    (call,) = nights.hold(until=1, calls=[lambda: ask(data, Dates.last(90))])

    def clear_as_soon_as_it_arrives() -> None:
        while nights.at_once:
            gevent.sleep(0)
        data.clear()

    clearing = gevent.spawn(clear_as_soon_as_it_arrives)
    nights.gate.set()
    gevent.joinall([call, clearing], timeout=5)
    ask(data, None, "daily_sleep")
    assert data.stats()["cache_days"] == 7


@pytest.fixture
def changes() -> list[frozenset[date]]:
    return []


@pytest.fixture
def told(make_data: Callable, changes):
    data = make_data(user_timezone="Europe/Helsinki")
    data.on_change.append(changes.append)
    return data


def test_changed_days_are_told_and_unchanged_ones_are_not(told, nights, changes, clock):
    ask(told)
    clock.now += 301
    ask(told)
    assert changes == []
    clock.now += 301
    nights.rows["sleep"][-1]["efficiency"] = 91
    assert ask(told)["sleep"].rows[-1].efficiency == 91
    assert changes == [{TODAY}]


def test_a_night_that_arrives_on_a_day_known_to_be_empty_is_a_change(told, nights, changes):
    synced = nights.rows["sleep"].pop()
    ask(told)
    nights.rows["sleep"].append(synced)
    ask(told)
    assert changes == [{TODAY}]


def test_a_night_that_vanishes_is_a_change_and_is_gone(told, nights, changes, clock):
    ask(told)
    nights.rows["sleep"].pop()
    clock.now += 301
    assert TODAY not in [row.day for row in ask(told)["sleep"].rows]
    assert changes == [{TODAY}]


def test_a_document_that_oura_moves_to_another_day_is_never_in_both(told, nights, changes, clock):
    ask(told)
    moved = {**nights.rows["sleep"][-3], "day": day_back(1).isoformat()}
    nights.rows["sleep"][-3:-1] = [moved]
    clock.now += 301
    rows = ask(told)["sleep"].rows
    assert [row.day for row in rows] == [day_back(n) for n in (6, 5, 4, 3, 1, 0)]
    assert changes == [{day_back(2), day_back(1)}]
    assert ask(told)["sleep"].rows == rows  # and what is held now says the same


def test_an_answer_is_whole_even_if_the_cache_is_too_small_for_it(make_data, nights):
    data = make_data(user_timezone="Europe/Helsinki", cache=DayCache(max_bytes=5000))
    assert len(ask(data, Dates.last(90))["sleep"].rows) == 90
    assert data.stats()["cache_bytes"] <= 5000


def test_an_earlier_question_that_is_answered_later_changes_nothing(make_data, nights, clock):
    data = make_data(user_timezone="Europe/Helsinki")
    before = nights.rows["sleep"]
    (slow,) = nights.hold(until=1, calls=[lambda: ask(data)])
    gate, nights.gate = nights.gate, Event()
    nights.gate.set()
    clock.now -= 1  # the clock is set back a little, which is no reason either
    nights.rows["sleep"] = before[:-2]
    newest = ask(data, refresh=True)["sleep"].rows
    nights.rows["sleep"] = before
    gate.set()
    assert len(slow.get(timeout=5)["sleep"].rows) == len(newest) + 2
    nights.rows["sleep"] = before[:-2]
    clock.now += 1
    assert ask(data)["sleep"].rows == newest


def test_what_the_cache_has_given_up_is_held_nowhere_else(make_data, nights):
    def periods() -> int:
        gc.collect()
        return sum(type(held) is SleepPeriod for held in gc.get_objects())

    data = make_data(user_timezone="Europe/Helsinki", cache=DayCache(max_bytes=5000))
    before = periods()
    ask(data, Dates.last(90))
    assert periods() - before < 10


def test_heart_rate_days_are_held_by_their_own_age(data, upstream, clock):
    upstream.rows["heartrate"] = [heart_row(datetime.fromtimestamp(NOON - ago_s, UTC)) for ago_s in (3600, 3 * 86_400)]
    span = Span("2026-03-17T00:00Z", "2026-03-20T12:00Z")
    data.heart_rate(span, deadline=Deadline())
    clock.now += 301
    data.heart_rate(span, deadline=Deadline())
    asked = [(query["start_datetime"][:10], query["end_datetime"][:10]) for query in upstream.asked("heartrate")]
    assert asked == [("2026-03-17", "2026-03-21"), ("2026-03-18", "2026-03-21")]  # 18 and 19 March are empty and young


def test_a_defect_in_a_fetch_reaches_whoever_waits(make_data, nights):
    def broken(_: frozenset[date]) -> None:
        raise ZeroDivisionError

    data = make_data(user_timezone="Europe/Helsinki")
    data.on_change.append(broken)
    nights.rows["sleep"].pop()
    ask(data)
    nights.rows["sleep"].append(sleep_document(TODAY))
    with pytest.raises(ZeroDivisionError):
        ask(data)
