"""Averages that skip what was not measured and say how many values they are made of."""

from collections.abc import Iterable


def mean(values: Iterable[float | None]) -> tuple[float | None, int]:
    """Return the mean of the values that exist and how many those are; (None, 0) of nothing."""
    there = [value for value in values if value is not None]
    n = len(there)
    return (sum(there) / n if n else None), n


def rounded(value: float | None, digits: int = 1) -> float | None:
    """Round for an answer; null stays null, and a whole number loses its `.0`."""
    if value is None:
        return None
    short = round(value, digits)
    whole = int(short)
    return whole if whole == short else short


def total(values: Iterable[float | None]) -> float | None:
    """Sum the values that exist; None, not 0, if none does."""
    there = [value for value in values if value is not None]
    return sum(there) if there else None
