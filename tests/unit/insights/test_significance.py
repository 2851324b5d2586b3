"""Student's t against printed tables, and the two corrections against worked examples."""

import pytest

from app.insights.significance import false_discovery, holm, t_for_95, two_sided_p

# t, degrees of freedom, two-sided p: the standard table of critical values
TABLE = [
    (12.7062, 1, 0.05),
    (4.3027, 2, 0.05),
    (3.1824, 3, 0.05),
    (2.2281, 10, 0.05),
    (2.0423, 30, 0.05),
    (63.6567, 1, 0.01),
    (3.1693, 10, 0.01),
    (2.7500, 30, 0.01),
    (1.8125, 10, 0.10),
    (4.5869, 10, 0.001),
    (1.95996, 10_000_000, 0.05),
]


@pytest.mark.parametrize(("t", "df", "p"), TABLE)
def test_p_values_are_those_of_the_printed_table(t: float, df: int, p: float) -> None:
    assert two_sided_p(t, df) == pytest.approx(p, rel=2e-4)
    assert two_sided_p(-t, df) == two_sided_p(t, df)


def test_no_difference_is_certainly_chance_and_an_infinite_one_never() -> None:
    assert two_sided_p(0.0, 5) == pytest.approx(1.0)
    assert two_sided_p(float("inf"), 5) == 0.0
    assert 0.0 <= two_sided_p(1e8, 400) < 1e-12


@pytest.mark.parametrize(("df", "t"), [(3, 3.1824), (10, 2.2281), (30, 2.0423), (120, 1.9799)])
def test_the_95_percent_t_is_that_of_the_printed_table(df: int, t: float) -> None:
    assert t_for_95(df) == pytest.approx(t, abs=1e-4)


def test_holm_on_a_worked_example() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_false_discovery_on_a_worked_example() -> None:
    assert false_discovery([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.02, 0.04, 0.04, 0.02])


def test_one_question_needs_no_correction() -> None:
    assert holm([0.03]) == false_discovery([0.03]) == [0.03]
    assert holm([]) == false_discovery([]) == []
