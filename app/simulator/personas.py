"""Who wears the rings. Values vary around the aggregates of published recordings; nobody's data is copied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta


@dataclass(frozen=True, slots=True)
class Ring:
    """One ring that was set up; *days_before* moves it back from the day the persona's recordings begin."""

    hardware_type: str
    color: str
    design: str
    size: int
    firmware_version: str
    set_up: date | None = None


@dataclass(frozen=True, slots=True)
class Persona:
    """One account at our Oura. Shares are chances a day; hours are hours from midnight, negative before it."""

    key: str
    email: str
    born: date
    sex: str
    height_m: float
    weight_kg: float
    home: str
    rings: tuple[Ring, ...]
    first_day: date | None = None
    days_owned: int | None = None
    journeys: tuple[str, ...] = ()
    bedtime_h: float = -0.6
    in_bed_h: float = 8.2
    lowest_hr: float = 56.0
    hrv_ms: float = 42.0
    breath: float = 15.0
    activity: float = 1.0
    basal_kcal: int = 1650
    vascular_offset: float = -2.0
    nap_share: float = 0.06
    scrap_share: float = 0.25
    deleted_share: float = 0.0
    rest_share: float = 0.02
    split_share: float = 0.0
    missed_share: float = 0.02
    unworn_share: float = 0.0
    workout_share: float = 0.45
    drink_share: float = 0.08
    rest_mode: bool = False
    cycle_days: int = 0

    @property
    def generation(self) -> int:
        """1 to 5: what the worn ring can measure."""
        return {"gen1": 1, "gen2": 2, "gen2m": 2, "gen3": 3, "gen4": 4, "or5": 5}[self.rings[-1].hardware_type]

    @property
    def sees_daytime(self) -> bool:
        """From Gen3 on: heart rate by day, SpO2, stress and what is made of them."""
        return self.generation >= 3

    def settled(self, today: date) -> Persona:
        """This persona with its first day fixed, so that a clock that moves on never moves the past."""
        if self.first_day is not None:
            return self
        return replace(self, first_day=today - timedelta(days=self.days_owned or 365))


ADULT = Persona(
    key="adult",
    email="adult@example.com",
    born=date(1984, 5, 17),
    sex="male",
    height_m=1.81,
    weight_kg=78.5,
    home="Europe/Berlin",
    first_day=date(2023, 3, 6),
    rings=(
        Ring("gen3", "stealth_black", "horizon", 10, "2.9.33", date(2023, 3, 6)),
        Ring("gen4", "brushed_silver", "horizon", 10, "2.4.11", date(2024, 12, 14)),
    ),
)
NAPPER = Persona(
    key="napper",
    email="napper@example.com",
    born=date(1991, 11, 2),
    sex="female",
    height_m=1.67,
    weight_kg=61.0,
    home="America/Denver",
    first_day=date(2023, 9, 1),
    rings=(Ring("gen3", "rose", "heritage", 7, "2.9.33", date(2023, 9, 1)),),
    bedtime_h=0.4,
    in_bed_h=7.4,
    lowest_hr=59.0,
    hrv_ms=48.0,
    basal_kcal=1380,
    nap_share=0.28,
    scrap_share=0.7,
    deleted_share=0.12,
    rest_share=0.15,
    split_share=0.04,
    rest_mode=True,
    cycle_days=28,
)
TRAVELLER = Persona(
    key="traveller",
    email="traveller@example.com",
    born=date(1978, 1, 30),
    sex="female",
    height_m=1.72,
    weight_kg=66.0,
    home="Europe/London",
    journeys=("America/New_York", "Asia/Tokyo", "Asia/Kolkata", "America/Los_Angeles"),
    first_day=date(2022, 6, 1),
    rings=(
        Ring("gen2", "silver", "balance", 8, "1.46.0", date(2021, 2, 11)),
        Ring("gen3", "silver", "heritage", 8, "2.9.30", date(2022, 6, 1)),
        Ring("gen4", "titanium", "ceramic", 8, "2.4.11", date(2025, 2, 20)),
    ),
    bedtime_h=-1.2,
    in_bed_h=7.6,
    basal_kcal=1420,
    nap_share=0.12,
    drink_share=0.2,
)
CLASSIC = Persona(
    key="classic",
    email="classic@example.com",
    born=date(1969, 8, 8),
    sex="male",
    height_m=1.76,
    weight_kg=84.0,
    home="America/Los_Angeles",
    first_day=date(2020, 1, 15),
    rings=(Ring("gen2", "glossy_black", "heritage", 11, "1.46.0", date(2020, 1, 15)),),
    lowest_hr=52.0,
    hrv_ms=28.0,
    bedtime_h=-1.5,
    in_bed_h=7.9,
    basal_kcal=1720,
)
NEWCOMER = Persona(
    key="newcomer",
    email="newcomer@example.com",
    born=date(2001, 3, 12),
    sex="male",
    height_m=1.79,
    weight_kg=71.0,
    home="Asia/Kolkata",
    days_owned=16,
    rings=(Ring("or5", "deep_rose", "balance", 9, "3.0.4"),),
    lowest_hr=50.0,
    hrv_ms=71.0,
    bedtime_h=0.3,
    in_bed_h=7.8,
    activity=1.25,
    basal_kcal=1690,
)
PATCHY = Persona(
    key="patchy",
    email="patchy@example.com",
    born=date(1988, 12, 24),
    sex="female",
    height_m=1.63,
    weight_kg=58.5,
    home="Pacific/Auckland",
    first_day=date(2024, 2, 1),
    rings=(Ring("gen3", "matt_gold", "heritage", 6, "2.9.33", date(2024, 2, 1)),),
    lowest_hr=61.0,
    hrv_ms=36.0,
    bedtime_h=-0.2,
    in_bed_h=7.7,
    basal_kcal=1340,
    missed_share=0.12,
    unworn_share=0.07,
    workout_share=0.3,
)

PERSONAS: Mapping[str, Persona] = {p.key: p for p in (ADULT, NAPPER, TRAVELLER, CLASSIC, NEWCOMER, PATCHY)}


def age_on(born: date, day: date | datetime) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
