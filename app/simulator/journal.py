"""The request log that tests read: what was asked, how often, and how many at once. Never a token."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_KEPT = 5000


@dataclass(slots=True)
class Journal:
    """Counts since the last reset; of single requests the newest 5,000."""

    counts: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    requests: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=_KEPT))
    in_flight: int = 0
    peak: int = 0

    def began(self, target: str) -> None:
        self.counts[target] += 1
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)

    def ended(self, target: str, status: int, query: Mapping[str, str]) -> None:
        self.in_flight -= 1
        self.statuses[f"{target} {status}"] += 1
        self.requests.append({"target": target, "status": status, "query": dict(query)})

    def reset(self) -> None:
        self.counts.clear()
        self.statuses.clear()
        self.requests.clear()
        self.peak = self.in_flight

    def seen(self) -> dict[str, Any]:
        return {
            "counts": dict(self.counts),
            "statuses": dict(self.statuses),
            "peak": self.peak,
            "in_flight": self.in_flight,
            "requests": list(self.requests),
        }
