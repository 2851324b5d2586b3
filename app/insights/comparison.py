"""Do one person's recent days differ from the same person's earlier ones?

Days are not independent draws, and this says so in the numbers: a bad night is often followed by another (serial correlation
widens the error of a mean), and weekends differ from weekdays (where they clearly do, each recent day is held against its
own kind). What remains is Student's t with the earlier days' spread, so that even one night can be judged, as an outlier.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from app.insights.averages import mean
from app.insights.significance import t_for_95, two_sided_p

MIN_BASELINE_DAYS = 14
MIN_RECENT_DAYS = 3
SERIAL_PRIOR = 0.3  # lag-1 correlation of daily scores measured over six years of one wearer: 0.22 and 0.32
SERIAL_PRIOR_PAIRS = 14  # how many pairs of days the prior is worth
SERIAL_CEILING = 0.8

ByDay = Mapping[date, float]


@dataclass(frozen=True, slots=True)
class Comparison:
    """*change* is recent minus baseline; *low* and *high* its 95 % interval. All None where there is not enough data."""

    recent: float | None
    n: int
    baseline: float | None
    baseline_n: int
    change: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    weekday_matched: bool = False

    @property
    def enough(self) -> bool:
        return self.p is not None


@dataclass(frozen=True, slots=True)
class _Usual:
    """What is normal for a person: a level for each kind of day, the spread around it, and how long a deviation lasts."""

    weekday: float
    weekend: float
    weekday_matched: bool
    spread: float
    serial: float
    n: int

    def expected(self, days: Iterable[date]) -> float:
        levels = [self.weekend if is_weekend(day) else self.weekday for day in days]
        return sum(levels) / len(levels)


def compare(recent: ByDay, earlier: ByDay, *, asked_days: int, resolution: float) -> Comparison:
    """Compare *recent* with *earlier* days of one measure.

    *asked_days* is the length of the recent period: of a period of one or two days all must be there, else at least three.
    *resolution* is a difference too small to see in this measure; it keeps a flat history from making everything significant.
    """
    level, n = mean(recent.values())
    before, baseline_n = mean(earlier.values())
    if level is None or n < min(MIN_RECENT_DAYS, asked_days) or baseline_n < MIN_BASELINE_DAYS:
        return Comparison(level, n, before, baseline_n)
    usual = _usual(earlier, resolution)
    baseline = usual.expected(recent)
    stretch, baseline_stretch = _stretch(n, usual.serial), _stretch(baseline_n, usual.serial)
    error = usual.spread * math.sqrt(stretch / n + baseline_stretch / baseline_n)
    df = max(3, int(baseline_n / baseline_stretch) - (2 if usual.weekday_matched else 1))
    change = level - baseline
    margin = t_for_95(df) * error
    return Comparison(
        level,
        n,
        baseline,
        baseline_n,
        change,
        change - margin,
        change + margin,
        two_sided_p(change / error, df),
        usual.weekday_matched,
    )


def is_weekend(day: date) -> bool:
    """Saturday or Sunday: of a night, the day one wakes up."""
    return day.weekday() >= 5


def _usual(earlier: ByDay, resolution: float) -> _Usual:
    overall, _ = mean(earlier.values())
    assert overall is not None
    weekdays = [value for day, value in earlier.items() if not is_weekend(day)]
    weekends = [value for day, value in earlier.items() if is_weekend(day)]
    matched = _clearly_apart(weekdays, weekends, resolution)
    weekday, weekend = (sum(weekdays) / len(weekdays), sum(weekends) / len(weekends)) if matched else (overall, overall)
    residuals = {day: value - (weekend if is_weekend(day) else weekday) for day, value in earlier.items()}
    squares = sum(value * value for value in residuals.values())
    serial = serial_correlation(residuals)
    independent = max(3.0, len(residuals) - _stretch(len(residuals), serial) * (2 if matched else 1))
    spread = math.sqrt(squares / independent)
    return _Usual(weekday, weekend, matched, max(spread, resolution), serial, len(residuals))


def _clearly_apart(weekdays: Sequence[float], weekends: Sequence[float], resolution: float) -> bool:
    """Whether weekends differ from weekdays beyond doubt (t over 2 with at least three days of each)."""
    if len(weekdays) < 3 or len(weekends) < 3:
        return False
    a, b = sum(weekdays) / len(weekdays), sum(weekends) / len(weekends)
    squares = sum((v - a) ** 2 for v in weekdays) + sum((v - b) ** 2 for v in weekends)
    spread = max(math.sqrt(squares / (len(weekdays) + len(weekends) - 2)), resolution)
    return abs(a - b) > 2 * spread * math.sqrt(1 / len(weekdays) + 1 / len(weekends))


def serial_correlation(residuals: ByDay) -> float:
    """Correlation of a day with the next, drawn towards what is usual for such data when there are few pairs of days.

    A short series underestimates it by about (1 + 4r) / n (Marriott and Pope 1954), which is put back.
    """
    squares = sum(value * value for value in residuals.values())
    if squares == 0:
        return SERIAL_PRIOR
    step = timedelta(days=1)
    products = [value * residuals[day + step] for day, value in residuals.items() if day + step in residuals]
    pairs = len(products)
    seen = sum(products) / squares * len(residuals) / max(pairs, 1)
    seen += (1 + 4 * max(seen, 0.0)) / len(residuals)
    shrunk = (seen * pairs + SERIAL_PRIOR * SERIAL_PRIOR_PAIRS) / (pairs + SERIAL_PRIOR_PAIRS)
    return min(max(shrunk, 0.0), SERIAL_CEILING)


def _stretch(n: int, serial: float) -> float:
    """By how much serial correlation multiplies the variance of a mean of *n* consecutive days (AR(1), exact)."""
    return 1 + 2 * sum((1 - lag / n) * serial**lag for lag in range(1, min(n, 40)))
