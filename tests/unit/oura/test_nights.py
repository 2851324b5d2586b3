"""Which period is the night."""

from datetime import date

import pytest

from app.oura.collections import COLLECTIONS
from app.oura.nights import nights
from tests.unit.oura.upstream import sleep_document

DAY = date(2026, 3, 20)


def period(name: str, *, slept_h: float | None, start: str = "2026-03-19T23:00:00+02:00", **changes):
    seconds = None if slept_h is None else int(slept_h * 3600)
    return COLLECTIONS["sleep"].read(
        sleep_document(
            DAY, **{"id": name, "total_sleep_duration": seconds, "time_in_bed": seconds, "bedtime_start": start, **changes}
        )
    )


def test_the_night_is_the_longest_long_sleep_and_the_others_are_told_apart():
    night = nights(
        [
            period("second half", slept_h=3.2, start="2026-03-20T04:00:00+02:00"),
            period("nap", slept_h=1, type="late_nap", start="2026-03-20T15:00:00+02:00"),
            period("night", slept_h=4),
            period("rest", slept_h=5, type="rest"),
            period("deleted", slept_h=9, type="deleted"),
        ]
    )[DAY]
    assert night.main.id == "night"
    assert [nap.id for nap in night.naps] == ["second half", "nap"]
    assert [rest.id for rest in night.rest] == ["rest"]


def test_a_day_of_naps_has_no_night():
    night = nights([period("nap", slept_h=2.9, type="sleep")])[DAY]
    assert night.main is None
    assert [nap.id for nap in night.naps] == ["nap"]


@pytest.mark.parametrize("slept_h", [None, 2])
def test_a_running_night_is_no_night_yet_whatever_it_has_so_far(slept_h):
    night = nights([period("running", slept_h=slept_h, bedtime_end=None), period("nap", slept_h=1, type="sleep")])[DAY]
    assert night.main is None
    assert [running.id for running in night.unfinished] == ["running"]


def test_a_long_period_of_a_kind_we_do_not_know_may_be_the_night():
    assert nights([period("new", slept_h=7, type="sleep_2027"), period("nap", slept_h=1, type=None)])[DAY].main.id == "new"


def test_a_day_whose_only_period_was_deleted_is_not_a_night():
    assert nights([period("deleted", slept_h=8, type="deleted")]) == {}


def test_days_come_in_order():
    days = [date(2026, 3, 9), date(2026, 3, 7), date(2026, 3, 8)]
    assert list(nights(COLLECTIONS["sleep"].read(sleep_document(day)) for day in days)) == sorted(days)
