"""The wearer's zone: what it is, and how it is known.

Offsets of records are kept as they are; this one decides only what "today" is and what a local time without offset means.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo


@dataclass(frozen=True, slots=True)
class Zone:
    """*assumed* is True when nothing told where the wearer is and UTC stands in."""

    tz: tzinfo
    name: str  # "Europe/Paris" or "UTC+02:00"
    assumed: bool

    def today(self, now: float) -> date:
        """Return the wearer's day at *now* (epoch seconds)."""
        return datetime.fromtimestamp(now, self.tz).date()


ASSUMED_UTC = Zone(UTC, "UTC", assumed=True)
