"""Chance that repeats itself: every draw is named, and the same names always draw the same.

Seeds come from BLAKE2b, never from Python's `hash()`, which differs from process to process.
"""

from __future__ import annotations

import math
import random
import uuid
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from statistics import NormalDist
from typing import TypeVar

Item = TypeVar("Item")
_NORMAL = NormalDist()


def _digest(names: Sequence[object], size: int) -> bytes:
    return blake2b("\x1f".join(map(str, names)).encode(), digest_size=size).digest()


def dice(*names: object) -> random.Random:
    """A generator of its own for what *names* name."""
    return random.Random(int.from_bytes(_digest(names, 8), "big"))  # noqa: S311 - invented data, not a secret


def chance(*names: object) -> float:
    """One draw from [0, 1)."""
    return int.from_bytes(_digest(names, 6), "big") / (1 << 48)


@lru_cache(maxsize=16384)
def bell(*names: object) -> float:
    """One draw from the standard normal distribution."""
    return _NORMAL.inv_cdf(clamp(chance(*names), 1e-9, 1 - 1e-9))


def drift(*names: object, ordinal: int, span: int) -> float:
    """A standard normal that changes slowly: neighbours of *ordinal* share all but one of *span* draws."""
    return sum(bell(*names, ordinal - i) for i in range(span)) / math.sqrt(span)


def identity(*names: object) -> str:
    """A UUID (version 4 in form) that belongs to *names*."""
    return str(uuid.UUID(bytes=_digest(names, 16), version=4))


def clamp(value: float, low: float, high: float) -> float:
    return low if value < low else min(value, high)


def curve(value: float, points: Sequence[tuple[float, float]]) -> float:
    """Read *value* off the broken line through *points* (ascending in x), flat beyond its ends."""
    if value <= points[0][0]:
        return points[0][1]
    for (x0, y0), (x1, y1) in pairwise(points):
        if value <= x1:
            return y0 + (y1 - y0) * (value - x0) / (x1 - x0)
    return points[-1][1]


def rating(value: float) -> int:
    """A score or contributor as Oura gives it: a whole number from 1 to 100."""
    return round(clamp(value, 1, 100))
