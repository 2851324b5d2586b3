"""Is one person's series of days rising or falling? A straight line, held against its own scatter, never two end points."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from app.insights.comparison import serial_correlation
from app.insights.significance import two_sided_p

Trend = Literal["improving", "declining", "stable", "not enough data"]
MIN_DAYS = 4
CHANCE = 0.1


@dataclass(frozen=True, slots=True)
class Line:
    """A least-squares line: its rise over the whole series, and how often chance alone makes one as steep."""

    rise: float
    p: float
    n: int


def line(values: Mapping[date, float], *, resolution: float) -> Line | None:
    """Fit a line through *values*; None with fewer than four days."""
    n = len(values)
    if n < MIN_DAYS:
        return None
    days = {day: float(day.toordinal()) for day in values}
    middle, level = sum(days.values()) / n, sum(values.values()) / n
    across = sum((x - middle) ** 2 for x in days.values())
    slope = sum((x - middle) * (values[day] - level) for day, x in days.items()) / across
    residuals = {day: values[day] - level - slope * (x - middle) for day, x in days.items()}
    spread = max(math.sqrt(sum(r * r for r in residuals.values()) / (n - 2)), resolution)
    serial = serial_correlation(residuals)
    error = spread * math.sqrt((1 + serial) / (1 - serial) / across)
    return Line(slope * (max(days.values()) - min(days.values())), two_sided_p(slope / error, n - 2), n)


def trend(values: Mapping[date, float], *, meaningful: float) -> Trend:
    """Name the trend of a measure where more is better; *meaningful* is the smallest rise worth a word."""
    fitted = line(values, resolution=meaningful / 10)
    if fitted is None:
        return "not enough data"
    if fitted.p > CHANCE or abs(fitted.rise) < meaningful:
        return "stable"
    return "improving" if fitted.rise > 0 else "declining"
