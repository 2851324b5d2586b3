"""Student's t and corrections for asking many questions at once, in the standard library's terms.

The t distribution comes from the regularised incomplete beta function by its continued fraction (Numerical Recipes §6.4,
modified Lentz), good to about 1e-10 here.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from statistics import NormalDist

_TINY = 1e-300


def two_sided_p(t: float, df: float) -> float:
    """The chance of a t at least this far from 0, either way, if nothing changed."""
    if math.isinf(t):
        return 0.0
    return _regularised_beta(df / 2, 0.5, df / (df + t * t))


@lru_cache(maxsize=256)
def t_for_95(df: int) -> float:
    """The t that leaves 2.5 % in each tail: half the width of a 95 % interval, in standard errors."""
    low, high = NormalDist().inv_cdf(0.975), 13.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (middle, high) if two_sided_p(middle, df) > 0.05 else (low, middle)
    return high


def holm(ps: Sequence[float]) -> list[float]:
    """Adjust p-values so that *any* false alarm among them stays as rare as one test's (Holm 1979)."""
    adjusted = [0.0] * len(ps)
    worst = 0.0
    for rank, index in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        worst = max(worst, min(1.0, ps[index] * (len(ps) - rank)))
        adjusted[index] = worst
    return adjusted


def false_discovery(ps: Sequence[float]) -> list[float]:
    """Adjust p-values so that a threshold bounds the share of false alarms among what is reported (Benjamini-Hochberg 1995)."""
    adjusted = [0.0] * len(ps)
    best = 1.0
    order = sorted(range(len(ps)), key=ps.__getitem__)
    for rank in range(len(ps), 0, -1):
        index = order[rank - 1]
        best = min(best, ps[index] * len(ps) / rank)
        adjusted[index] = best
    return adjusted


def _regularised_beta(a: float, b: float, x: float) -> float:
    if x <= 0.0 or x >= 1.0:
        return min(max(x, 0.0), 1.0)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    front = math.exp(log_front)
    if x < (a + 1) / (a + b + 2):
        return front * _continued_fraction(a, b, x) / a
    return 1 - front * _continued_fraction(b, a, 1 - x) / b


def _continued_fraction(a: float, b: float, x: float) -> float:
    c, d = 1.0, 1 / _away_from_zero(1 - (a + b) * x / (a + 1))
    result = d
    for m in range(1, 200):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        step = 1.0
        for term in (even, odd):
            d = 1 / _away_from_zero(1 + term * d)
            c = _away_from_zero(1 + term / c)
            step = d * c
            result *= step
        if abs(step - 1) < 1e-12:
            break
    return result


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
