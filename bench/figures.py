"""What was measured, against what was wanted. Knows nothing of how."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure and its limit. *values* are independent measurements of the same thing."""

    name: str
    values: Sequence[float]
    limit: float
    unit: str = ""
    at_least: bool = False

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def spread(self) -> float:
        """The distance between the first and the third quartile."""
        if len(self.values) < 2:
            return 0.0
        first, _, third = statistics.quantiles(self.values, n=4, method="inclusive")
        return third - first

    @property
    def missed_by(self) -> float:
        return self.limit - self.median if self.at_least else self.median - self.limit

    @property
    def verdict(self) -> str:
        if self.missed_by <= 0:
            return "ok"
        return "missed" if self.missed_by > self.spread else "within the spread"


def table(bars: Sequence[Bar]) -> str:
    head = ("", "median", "spread", "n", "bar", "")
    rows = [head]
    for bar in bars:
        sign = "≥" if bar.at_least else "≤"
        rows.append(
            (
                bar.name,
                _shown(bar.median, bar.unit),
                _shown(bar.spread, bar.unit),
                str(len(bar.values)),
                f"{sign} {_shown(bar.limit, bar.unit)}",
                bar.verdict,
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


def coloured(text: str, bars: Sequence[Bar], *, terminal: bool) -> str:
    """Missed bars in red, where the output is a terminal."""
    if not terminal:
        return text
    missed = {bar.name for bar in bars if bar.verdict == "missed"}
    lines = [f"\033[31m{line}\033[0m" if any(line.startswith(name) for name in missed) else line for line in text.splitlines()]
    return "\n".join(lines)


def _shown(value: float, unit: str) -> str:
    number = f"{value:.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.2f}"
    return f"{number} {unit}".strip()
