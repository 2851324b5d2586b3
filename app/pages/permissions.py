"""What each of Oura's permissions opens here, in a person's words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Held = Literal["granted", "missing", "unknown"]


@dataclass(frozen=True, slots=True)
class Permission:
    """One scope; *without_it* is what its absence costs."""

    scope: str
    opens: str
    without_it: str


PERMISSIONS = (
    Permission(
        "daily", "Sleep, readiness and activity", "no sleep, readiness, activity or insights: nearly everything is missing"
    ),
    Permission("heartrate", "Heart rate through the day", "no heart rate, and none inside workouts"),
    Permission("workout", "Workouts", "no workouts"),
    Permission("tag", "Tags and notes", "no tags"),
    Permission("personal", "Age, height, weight, biological sex", "a profile without these"),
    Permission("email", "Your e-mail address", "a profile without it"),
    Permission("ring_configuration", "Which ring you wear", "a profile without your ring"),
    Permission("session", "Breathing and meditation sessions", "nothing today; tools to come may use it"),
    Permission("spo2", "Blood oxygen at night", "nothing today; tools to come may use it"),
    Permission("stress", "Stress and resilience", "nothing today; tools to come may use it"),
    Permission("heart_health", "Cardiovascular age and VO₂ max", "nothing today; tools to come may use it"),
)


def with_state(granted: frozenset[str] | None) -> list[tuple[Permission, Held]]:
    """Each permission, and whether Oura granted it; unknown where Oura did not say."""
    return [(one, "unknown" if granted is None else "granted" if one.scope in granted else "missing") for one in PERMISSIONS]
