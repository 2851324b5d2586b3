"""Averages skip what was not measured."""

import pytest

from app.insights.averages import mean, rounded, total


def test_nulls_are_neither_counted_nor_zero() -> None:
    assert mean([80, None, 70]) == (75.0, 2)


def test_the_mean_of_nothing_is_null_with_n_zero() -> None:
    assert mean([None, None]) == (None, 0)
    assert mean([]) == (None, 0)


def test_a_total_of_nothing_is_null_not_zero() -> None:
    assert total([None]) is None
    assert total([0, None]) == 0


@pytest.mark.parametrize(("value", "expected"), [(75.0, 75), (75.25, 75.2), (None, None), (-0.04, 0), (1e15, 10**15)])
def test_rounding_keeps_null_and_drops_a_useless_fraction(value: float | None, expected: float | None) -> None:
    assert rounded(value) == expected
    assert "." not in str(rounded(75.0))
