"""What must hold of the numbers whatever the data."""

import math
from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from app.insights.averages import mean, total
from app.insights.comparison import MIN_BASELINE_DAYS, MIN_RECENT_DAYS, compare
from app.insights.findings import report
from app.insights.measures import MEASURES
from app.insights.significance import false_discovery, holm, two_sided_p
from app.insights.trend import trend

END = date(2026, 3, 29)
FINITE = st.floats(min_value=-1e6, max_value=1e6, allow_nan=False, allow_subnormal=False)
VALUES = st.lists(st.none() | FINITE, max_size=60)
OPPOSITE = {"improving": "declining", "declining": "improving", "higher": "lower", "lower": "higher"}


def by_day(values: list[float | None]) -> dict[date, float]:
    """The last value belongs to END; nulls are days without."""
    return {END - timedelta(days=i): value for i, value in enumerate(reversed(values)) if value is not None}


@settings(deadline=None)
@given(VALUES)
def test_averages_never_count_nulls(values: list[float | None]) -> None:
    there = [value for value in values if value is not None]

    average, n = mean(values)

    assert n == len(there)
    assert average is None if not there else math.isclose(average, math.fsum(there) / n, rel_tol=1e-9, abs_tol=1e-6)
    assert total(values) is None if not there else math.isclose(total(values), math.fsum(there), rel_tol=1e-9, abs_tol=1e-6)


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), max_size=20))
def test_corrections_only_ever_make_p_larger_and_keep_the_order(ps: list[float]) -> None:
    for corrected in (holm(ps), false_discovery(ps)):
        assert all(p <= q + 1e-12 <= 1 + 1e-12 for p, q in zip(ps, corrected, strict=True))
        order = sorted(range(len(ps)), key=ps.__getitem__)
        assert all(corrected[a] <= corrected[b] + 1e-12 for a, b in pairwise(order))


@settings(deadline=None)
@given(st.floats(0, 50), st.floats(0.001, 20), st.integers(1, 400))
def test_a_larger_t_is_never_more_likely(t: float, more: float, df: int) -> None:
    assert 0 <= two_sided_p(t + more, df) <= two_sided_p(t, df) + 1e-9 <= 1 + 2e-9


@settings(max_examples=150, deadline=None)
@given(st.lists(st.none() | st.floats(-100, 100), max_size=70), st.integers(1, 30), st.sampled_from(sorted(MEASURES)))
def test_too_little_data_never_makes_a_change(values: list[float | None], days: int, key: str) -> None:
    found = report({key: by_day(values)}, start=END - timedelta(days=days - 1), end=END)

    (judged,) = found.measures
    n, baseline_n = judged.comparison.n, judged.comparison.baseline_n
    if n < min(MIN_RECENT_DAYS, days) or baseline_n < MIN_BASELINE_DAYS:
        assert judged.verdict == "not enough data"
        assert judged.certainty is None
        assert not [finding for finding in found.findings if finding.certainty is not None]
    if n < min(MIN_RECENT_DAYS, days):
        assert found.findings == []


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.none() | st.floats(-100, 100), min_size=20, max_size=70), st.floats(-300, 300), st.sampled_from(sorted(MEASURES))
)
def test_a_mirrored_history_gives_the_opposite_verdict(values: list[float | None], shift: float, key: str) -> None:
    start = END - timedelta(days=6)
    scale = MEASURES[key].meaningful
    series = {day: scale * (value + (shift if day >= start else 0)) for day, value in by_day(values).items()}

    there = report({key: series}, start=start, end=END).measures[0]
    mirrored = report({key: {day: -value for day, value in series.items()}}, start=start, end=END).measures[0]

    assert mirrored.verdict == OPPOSITE.get(there.verdict, there.verdict)
    assert mirrored.certainty == there.certainty


@settings(max_examples=150, deadline=None)
@given(st.lists(st.none() | st.floats(0, 100), max_size=40), st.floats(-1000, 1000))
def test_where_a_person_stands_does_not_change_the_comparison(values: list[float | None], offset: float) -> None:
    series = by_day(values)
    start = END - timedelta(days=6)

    def of(shift: float) -> float | None:
        recent = {day: value + shift for day, value in series.items() if day >= start}
        earlier = {day: value + shift for day, value in series.items() if day < start}
        return compare(recent, earlier, asked_days=7, resolution=1).change

    plain, moved = of(0), of(offset)
    assert (plain is None) == (moved is None)
    assert plain is None or moved is None or math.isclose(plain, moved, abs_tol=1e-6)


@settings(deadline=None)
@given(st.lists(st.none() | st.floats(0, 100), max_size=40))
def test_a_reversed_series_has_the_opposite_trend(values: list[float | None]) -> None:
    there, back = trend(by_day(values), meaningful=5), trend(by_day(values[::-1]), meaningful=5)

    if len([value for value in values if value is not None]) < 4:
        assert there == "not enough data"
    assert back == OPPOSITE.get(there, there)
