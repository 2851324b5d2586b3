"""The days and spans a person asks for: raw arguments in, checked days of the wearer out.

Every problem is reported at once, in words that say what would be right. Knows nothing of Oura's own date rules.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Dates:
    """Inclusive days of the wearer, as they were asked for."""

    start: object = None
    end: object = None
    days: object = None
    baseline_days: int = 0

    @classmethod
    def between(cls, start: str | None = None, end: str | None = None) -> Dates:
        """Take raw `start_date` and `end_date`; *end* defaults to today, *start* to six days before *end*."""
        return cls(start=start, end=end)

    @classmethod
    def last(cls, days: int) -> Dates:
        """Take the *days* days that end today."""
        return cls(days=days)

    def before(self, days: int) -> Dates:
        """Add *days* earlier days, a baseline: they are fetched too, `Answer.first` is where they start."""
        return replace(self, baseline_days=days)


@dataclass(frozen=True, slots=True)
class Span:
    """Raw `start_datetime` and `end_datetime` of get_heart_rate.

    Neither: the last 24 hours. A bare date is that whole day of the wearer; without an offset a time is the wearer's.
    A start alone runs until now (a bare date alone: that day), an end alone takes the 24 hours before it (a bare date: that day).
    """

    start: str | None = None
    end: str | None = None
