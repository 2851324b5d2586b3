"""What is held, for how long it answers, and what it weighs."""

import gc
import tracemalloc
from array import array
from datetime import timedelta

import pytest

from app.oura.cache import DAYLESS, DayCache, DayEntry, Freshness, weight
from app.oura.collections import COLLECTIONS
from app.oura.heart import HeartSamples
from tests.unit.oura.upstream import NOON, TODAY, day_back, sleep_document

ROWS = (COLLECTIONS["sleep"].read(sleep_document(TODAY)),)
HOUR = 3600.0


@pytest.mark.parametrize(
    ("days_ago", "lives_s"),
    [(-1, 300), (0, 300), (1, 300), (2, HOUR), (7, HOUR), (8, 24 * HOUR), (400, 24 * HOUR)],
)
def test_a_day_is_fresh_for_as_long_as_its_age_allows(days_ago, lives_s):
    entry = DayEntry(ROWS, NOON)
    day = day_back(days_ago)
    assert Freshness(NOON + lives_s - 1, TODAY, 300).holds(day, entry)
    assert not Freshness(NOON + lives_s, TODAY, 300).holds(day, entry)


@pytest.mark.parametrize(("days_ago", "is_known"), [(0, False), (6, False), (7, True), (40, True)])
def test_an_empty_day_is_known_only_once_it_is_a_week_old(days_ago, is_known):
    assert Freshness(NOON, TODAY, 300).holds(day_back(days_ago), DayEntry((), NOON)) is is_known


def test_a_refresh_asks_again_for_young_days_but_only_once_a_minute():
    first, again = DayEntry(ROWS, NOON), DayEntry(ROWS, NOON, was_refresh=True)
    just_after = Freshness(NOON + 1, TODAY, 300, is_refresh=True)
    assert not just_after.holds(TODAY, first)
    assert just_after.holds(TODAY, again)
    assert just_after.holds(day_back(8), first)
    assert not Freshness(NOON + 60, TODAY, 300, is_refresh=True).holds(TODAY, again)


@pytest.mark.parametrize("is_refresh", [False, True])
def test_what_comes_from_a_time_that_is_still_to_come_is_asked_again(is_refresh):
    entry = DayEntry(ROWS, NOON + HOUR, was_refresh=is_refresh)  # the clock has been set back since
    assert not Freshness(NOON, TODAY, 300, is_refresh=is_refresh).holds(TODAY, entry)


def test_what_has_no_day_is_fresh_for_an_hour_and_can_be_refreshed():
    entry = DayEntry(ROWS, NOON)
    assert Freshness(NOON + HOUR - 1, TODAY, 300).holds(DAYLESS, entry)
    assert not Freshness(NOON + HOUR, TODAY, 300).holds(DAYLESS, entry)
    assert not Freshness(NOON + 1, TODAY, 300, is_refresh=True).holds(DAYLESS, entry)


@pytest.mark.parametrize(
    "used", [lambda cache: cache.get("sleep", day_back(0)), lambda cache: cache.several("sleep", [day_back(0)])[day_back(0)]]
)
def test_the_least_recently_used_days_go_when_the_budget_is_full(used):
    cache = DayCache(max_bytes=5 * (320 + weight(ROWS)))
    for n in range(5):
        cache.put("sleep", day_back(n), DayEntry(ROWS, NOON))
    assert used(cache) is not None  # used now, so the next oldest goes
    cache.put("sleep", day_back(9), DayEntry(ROWS, NOON))
    assert [cache.get("sleep", day_back(n)) is not None for n in (0, 1, 2, 9)] == [True, False, True, True]
    assert cache.nbytes <= cache.max_bytes


def test_an_answer_to_a_later_question_is_not_overwritten_by_an_earlier_one():
    cache = DayCache()
    cache.put("sleep", TODAY, DayEntry(ROWS, NOON, turn=2))
    cache.put("sleep", TODAY, DayEntry((), NOON + 5, turn=1))
    assert cache.get("sleep", TODAY).rows == ROWS


def test_replacing_and_clearing_keep_the_books():
    cache = DayCache()
    cache.put("sleep", TODAY, DayEntry(ROWS, NOON))
    before = cache.nbytes
    cache.put("sleep", TODAY, DayEntry(ROWS, NOON + 1))
    assert (cache.nbytes, cache.days) == (before, 1)
    cache.clear()
    assert (cache.nbytes, cache.days, cache.get("sleep", TODAY)) == (0, 0, None)


def test_the_neighbours_of_a_run_are_found():
    cache = DayCache()
    for n in range(6):
        cache.put("sleep", TODAY + timedelta(days=n), DayEntry(ROWS, NOON))
    found = {day for day, _ in cache.around("sleep", TODAY + timedelta(days=2), TODAY + timedelta(days=3), 1)}
    assert found == {TODAY + timedelta(days=1), TODAY + timedelta(days=4)}


def test_what_a_mapping_holds_counts_too():
    held = {"hrv_balance": "x" * 1000}
    assert weight(held) > weight({"hrv_balance": ""}) + 900


def test_bytes_are_counted_as_python_spends_them():
    def fill(cache: DayCache) -> None:
        for n in range(200):
            items = [float(value) for value in range(100)]
            document = sleep_document(
                day_back(n), movement_30_sec="12" * 480, hrv={"interval": 300, "items": items, "timestamp": None}
            )
            cache.put("sleep", day_back(n), DayEntry((COLLECTIONS["sleep"].read(document),), NOON))
            packed = HeartSamples(array("I", range(1300)), array("B", bytes(1300)), array("B", bytes(1300)), ())
            cache.put("heartrate", day_back(n), DayEntry(packed, NOON))

    cache = DayCache()
    gc.collect()
    tracemalloc.start()
    fill(cache)
    gc.collect()
    spent, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 0.8 < cache.nbytes / spent < 1.25
