"""A trend is a line through all days, not the difference of two."""

from datetime import date, timedelta

import pytest

from app.insights.trend import line, trend

START = date(2026, 3, 2)


def days(values: list[float]) -> dict[date, float]:
    return {START + timedelta(days=i): value for i, value in enumerate(values)}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([60, 64, 70, 73, 79, 85, 90], "improving"),
        ([90, 85, 79, 73, 70, 64, 60], "declining"),
        ([75, 75, 75, 75, 75, 75, 75], "stable"),
        ([60, 90, 60, 90, 60, 90, 75], "stable"),
        ([75, 76, 75, 77, 76, 77, 77], "stable"),  # clear but smaller than is worth a word
        ([60, 90, 60], "not enough data"),
        ([], "not enough data"),
    ],
)
def test_a_week_is_named_by_its_line(values: list[float], expected: str) -> None:
    assert trend(days(values), meaningful=5) == expected


def test_one_bad_last_day_is_no_decline() -> None:
    assert trend(days([80, 81, 79, 80, 82, 80, 62]), meaningful=5) == "stable"


def test_the_rise_is_that_of_the_least_squares_line() -> None:
    found = line(days([1.0, 2.0, 3.0, 4.0, 5.0]), resolution=0.1)

    assert found is not None
    assert found.rise == pytest.approx(4.0)
    assert found.p < 0.001


def test_gaps_between_days_count_as_time() -> None:
    spaced = {START: 60.0, START + timedelta(days=1): 62.0, START + timedelta(days=9): 78.0, START + timedelta(days=10): 80.0}

    found = line(spaced, resolution=0.1)

    assert found is not None
    assert found.rise == pytest.approx(20.0)
