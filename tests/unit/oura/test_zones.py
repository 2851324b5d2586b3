"""Where the wearer is: the setting, else the newest record, else UTC and said so."""

from datetime import UTC, date, datetime, timedelta

import pytest

from app.oura.collections import COLLECTIONS
from app.oura.zones import ASSUMED_S, REMEMBERED_S, WearerZone
from tests.unit.oura.upstream import NOON, activity_document, day_back, sleep_document


def slept(days_ago: int, offset: str):
    return COLLECTIONS["sleep"].read(sleep_document(day_back(days_ago), offset=offset))


def active(days_ago: int, offset: str):
    return COLLECTIONS["daily_activity"].read(activity_document(day_back(days_ago), offset=offset))


def test_the_setting_wins_and_needs_no_record():
    zone = WearerZone("Europe/Helsinki").current(NOON)
    assert (zone.name, zone.assumed) == ("Europe/Helsinki", False)


def test_the_newest_record_of_either_kind_tells_the_offset():
    wearer = WearerZone()
    wearer.observe([slept(1, "+01:00"), active(0, "-07:00"), slept(3, "+09:00")], NOON)
    assert wearer.current(NOON).name == "UTC-07:00"
    wearer.observe([slept(0, "+05:30")], NOON + 60)  # 07:00+05:30 is before 04:00-07:00
    assert wearer.current(NOON).name == "UTC-07:00"


def test_it_is_remembered_for_hours_and_then_looked_up_again():
    wearer = WearerZone()
    wearer.observe([slept(0, "+02:00")], NOON)
    assert wearer.current(NOON + REMEMBERED_S - 1) is not None
    assert wearer.current(NOON + REMEMBERED_S) is None
    assert wearer.settle(NOON + REMEMBERED_S, is_complete=False).name == "UTC+02:00"


def test_nothing_told_means_utc_is_assumed_for_a_while():
    wearer = WearerZone()
    zone = wearer.settle(NOON, is_complete=True)
    assert (zone.tz, zone.assumed) == (UTC, True)
    assert wearer.current(NOON + ASSUMED_S - 1) == zone
    assert wearer.current(NOON + ASSUMED_S) is None


def test_a_failed_look_up_is_not_remembered():
    wearer = WearerZone()
    assert wearer.settle(NOON, is_complete=False).assumed
    assert wearer.current(NOON) is None


def test_records_older_than_the_look_up_or_of_the_future_tell_nothing():
    wearer = WearerZone()
    wearer.observe([slept(30, "+02:00"), slept(-3, "+02:00"), COLLECTIONS["workout"].read({"day": "2026-03-20"})], NOON)
    assert wearer.current(NOON) is None


@pytest.mark.parametrize("offset", ["+23:59", "-15:00"])
def test_an_offset_that_exists_nowhere_tells_nothing(offset):
    wearer = WearerZone()
    wearer.observe([slept(0, offset)], NOON)
    assert wearer.current(NOON) is None


def test_today_is_the_wearers_day():
    wearer = WearerZone()
    wearer.observe([slept(0, "+14:00")], NOON)
    late = datetime(2026, 3, 20, 11, tzinfo=UTC).timestamp()
    assert wearer.current(late).today(late) == date(2026, 3, 21)
    assert wearer.current(late).tz.utcoffset(None) == timedelta(hours=14)


def test_clearing_forgets():
    wearer = WearerZone()
    wearer.observe([slept(0, "+02:00")], NOON)
    wearer.clear()
    assert wearer.current(NOON) is None
