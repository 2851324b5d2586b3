"""Recent days against earlier ones: weekday kinds, days that hang together, and how much is enough."""

from datetime import date, timedelta

import pytest

from app.insights.comparison import compare, serial_correlation

MONDAY = date(2026, 3, 2)


def days(start: date, values: list[float]) -> dict[date, float]:
    return {start + timedelta(days=i): value for i, value in enumerate(values)}


def weeks_before(values: list[float]) -> dict[date, float]:
    """*values* on the days that end the day before MONDAY."""
    return days(MONDAY - timedelta(days=len(values)), values)


def test_a_clear_drop_has_an_interval_below_zero() -> None:
    earlier = weeks_before([50.0, 54.0, 46.0, 52.0] * 7)

    found = compare(days(MONDAY, [30.0, 31.0, 29.0, 30.0, 32.0, 28.0, 30.0]), earlier, asked_days=7, resolution=1)

    assert found.baseline == pytest.approx(50.5)
    assert found.change == pytest.approx(-20.5)
    assert found.high is not None
    assert found.high < 0
    assert found.p is not None
    assert found.p < 1e-6


def test_fewer_than_two_weeks_of_history_decide_nothing() -> None:
    found = compare(days(MONDAY, [30.0] * 7), weeks_before([50.0, 51.0] * 6 + [50.0]), asked_days=7, resolution=1)

    assert (found.enough, found.p, found.change) == (False, None, None)
    assert (found.n, found.baseline_n) == (7, 13)


def test_two_nights_of_a_week_decide_nothing_but_the_one_night_asked_for_may() -> None:
    earlier = weeks_before([50.0, 54.0, 46.0, 52.0] * 7)

    assert not compare(days(MONDAY, [30.0, 30.0]), earlier, asked_days=7, resolution=1).enough
    assert compare(days(MONDAY, [30.0]), earlier, asked_days=1, resolution=1).enough


def test_one_night_is_judged_as_an_outlier_not_as_a_mean() -> None:
    earlier = weeks_before([50.0, 60.0, 40.0, 55.0, 45.0, 50.0, 50.0] * 4)

    one = compare(days(MONDAY, [42.0]), earlier, asked_days=1, resolution=1)
    week = compare(days(MONDAY, [42.0] * 7), earlier, asked_days=7, resolution=1)

    assert one.p is not None
    assert week.p is not None
    assert one.p > 0.15
    assert week.p < 0.05


def test_a_weekend_is_held_against_weekends_where_they_clearly_differ() -> None:
    earlier = {day: (9.0 if day.weekday() >= 5 else 7.0) + (day.day % 3) / 10 for day in weeks_before([0.0] * 28)}
    saturday = MONDAY + timedelta(days=5)

    found = compare(days(saturday, [9.1, 9.2]), earlier, asked_days=2, resolution=0.1)

    assert found.weekday_matched
    assert found.baseline == pytest.approx(9.1, abs=0.1)
    assert found.p is not None
    assert found.p > 0.3


def test_without_a_weekend_habit_the_baseline_is_the_plain_mean() -> None:
    earlier = weeks_before([50.0, 54.0, 46.0, 52.0] * 7)

    found = compare(days(MONDAY, [50.0] * 5), earlier, asked_days=5, resolution=1)

    assert not found.weekday_matched
    assert found.baseline == pytest.approx(50.5)


def test_days_that_hang_together_make_the_same_change_less_sure() -> None:
    calm = weeks_before([48.0, 52.0] * 14)
    waves = weeks_before(([48.0] * 7 + [52.0] * 7) * 2)

    of_calm = compare(days(MONDAY, [54.0] * 7), calm, asked_days=7, resolution=0.1)
    of_waves = compare(days(MONDAY, [54.0] * 7), waves, asked_days=7, resolution=0.1)

    assert of_calm.p is not None
    assert of_waves.p is not None
    assert of_waves.p > 3 * of_calm.p


def test_a_perfectly_flat_history_does_not_make_a_tiny_change_certain() -> None:
    found = compare(days(MONDAY, [50.4] * 7), weeks_before([50.0] * 28), asked_days=7, resolution=1)

    assert found.p is not None
    assert found.p > 0.2


def test_serial_correlation_of_neighbours_only() -> None:
    with_gaps = {MONDAY + timedelta(days=2 * i): value for i, value in enumerate([1.0, -1.0] * 10)}

    assert serial_correlation(with_gaps) == pytest.approx(0.3)
    assert serial_correlation(days(MONDAY, [1.0, -1.0] * 20)) < 0.05
    assert serial_correlation(days(MONDAY, ([1.0] * 10 + [-1.0] * 10) * 4)) > 0.6
    assert serial_correlation({}) == pytest.approx(0.3)
