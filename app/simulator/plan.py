"""When things happen in a persona's days: nights, naps, workouts, moments, hours without the ring. Spans of epoch seconds only.

Each is a pure function of the persona and the day, so that no clock can change it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import TYPE_CHECKING

from app.simulator.dice import bell, chance, clamp, dice, drift

if TYPE_CHECKING:
    from app.simulator.life import Life

DAY = timedelta(days=1)
HOUR = 3600
SLOT = 300
DAY_S = 86_400
_ILL_TEMPERATURE = (0.55, 1.15, 0.7, 0.3)
_ILL_ROUND = 90  # days; at most one illness in each


@dataclass(frozen=True, slots=True)
class Span:
    start: int
    end: int

    @property
    def seconds(self) -> int:
        return self.end - self.start

    def touches(self, other: Span, margin: int = 0) -> bool:
        return self.start < other.end + margin and other.start < self.end + margin


@dataclass(frozen=True, slots=True)
class Condition:
    """How a day finds its persona. *quality* and *stress* are standard normals; *fever* is in °C."""

    quality: float
    stress: float
    fever: float
    drank: bool


@dataclass(frozen=True, slots=True)
class Rest:
    """A time in bed. *counted* naps raise the day's scores; `sleep` that is not counted is a scrap."""

    span: Span
    kind: str
    counted: bool = False


@dataclass(frozen=True, slots=True)
class Exercise:
    span: Span
    activity: str
    intensity: str
    source: str


@dataclass(frozen=True, slots=True)
class Plan:
    """One waking day, from *wake* to *bed*."""

    day: date
    condition: Condition
    wake: int
    bed: int
    rests: tuple[Rest, ...]
    exercises: tuple[Exercise, ...]
    moments: tuple[Span, ...]
    charging: Span | None
    off: tuple[Span, ...]


def condition_of(life: Life, day: date) -> Condition:
    """The hidden state of *day*; `drank` is about the evening before."""
    key, ordinal = life.persona.key, day.toordinal()
    fever = fever_of(life, day)
    drank = drinks(life, day - DAY)
    quality = 0.74 * drift(key, "quality", ordinal=ordinal, span=7) + 0.67 * bell(key, "night", ordinal)
    stress = 0.7 * drift(key, "stress", ordinal=ordinal, span=5) + 0.7 * bell(key, "stressed", ordinal)
    return Condition(quality - 0.9 * drank - 1.1 * fever, stress + 0.5 * drank + fever, fever, drank)


def fever_of(life: Life, day: date) -> float:
    number, offset = divmod(day.toordinal(), _ILL_ROUND)
    roll = dice(life.persona.key, "ill", number)
    start = 10 + roll.randrange(70)
    falls_ill = roll.random() < 0.55
    return _ILL_TEMPERATURE[offset - start] if falls_ill and start <= offset < start + len(_ILL_TEMPERATURE) else 0.0


def drinks(life: Life, day: date) -> bool:
    """Whether there was alcohol in the evening of *day*."""
    share = life.persona.drink_share * (3 if day.weekday() in {4, 5} else 0.6)
    return chance(life.persona.key, "drinks", day) < share


def in_bed(life: Life, day: date) -> Span:
    """The time in bed that ends on *day*, whether the ring was worn or not."""
    persona, condition = life.persona, life.condition(day)
    roll = dice(persona.key, "bed", day)
    weekend = day.weekday() >= 5
    bed_h = persona.bedtime_h + clamp(0.5 * roll.gauss(0, 1) + (0.9 if weekend else 0) - 0.2 * condition.quality, -1.4, 2.6)
    hours = persona.in_bed_h + 0.5 * roll.gauss(0, 1) + 0.45 * condition.quality + (0.4 if weekend else 0)
    start = life.places.instant(day, bed_h) + roll.randrange(60)
    return Span(start, start + int(clamp(hours, 4.6, 10.6) * HOUR))


def unworn(life: Life, day: date) -> bool:
    """Whether the ring lies in a drawer all day; such days come in ones, twos and threes."""
    if day < life.first_day:
        return True
    share = life.persona.unworn_share
    return any(chance(life.persona.key, "unworn", day - i * DAY) < share / 2 * (0.45**i) for i in range(3))


def missed(life: Life, day: date) -> bool:
    """Whether the night that ends on *day* was not recorded."""
    if day <= life.first_day:
        return True
    return unworn(life, day) or unworn(life, day - DAY) or chance(life.persona.key, "missed", day) < life.persona.missed_share


def nights_of(life: Life, day: date) -> tuple[Span, ...]:
    """The long sleeps that end on *day*: none, one, or, of a broken night, two."""
    if missed(life, day):
        return ()
    span = life.in_bed(day)
    roll = dice(life.persona.key, "split", day)
    if span.seconds < 7.6 * HOUR or roll.random() >= life.persona.split_share:
        return (span,)
    first = Span(span.start, span.start + round((3.1 + 0.4 * roll.random()) * HOUR))
    return first, Span(first.end + 2100 + roll.randrange(900), span.end)


def plan_of(life: Life, day: date) -> Plan:
    wake, bed = life.in_bed(day).end, life.in_bed(day + DAY).start
    roll = dice(life.persona.key, "plan", day)
    off = _off(life, day, wake, bed, roll)
    taken = [Span(wake - DAY_S, wake), Span(bed, bed + DAY_S), *off]
    quiet = unworn(life, day) or life.places.travels(day)
    charging = None if unworn(life, day) else _charging(taken, wake, roll)
    if charging:
        off = (*off, charging)
    rests = () if quiet else tuple(_rests(life, day, Span(wake, bed), taken, roll))
    exercises = () if quiet else tuple(_exercises(life, day, Span(wake, bed), taken, roll))
    moments = () if quiet else tuple(_moments(taken, bed, roll))
    return Plan(day, life.condition(day), wake, bed, rests, exercises, moments, charging, off)


def _free(span: Span, taken: list[Span], margin: int = 900) -> bool:
    """Claim *span* if nothing else is within *margin* of it."""
    if any(span.touches(other, margin) for other in taken):
        return False
    taken.append(span)
    return True


def _off(life: Life, day: date, wake: int, bed: int, roll: Random) -> tuple[Span, ...]:
    """Times without the ring: days in the drawer, nights that were missed, an hour at the workbench."""
    spans = []
    if unworn(life, day):
        spans.append(Span(wake, bed))
    elif life.persona.unworn_share and roll.random() < 0.3:
        start = wake + 5 * HOUR + roll.randrange(3 * HOUR)
        spans.append(Span(start, min(start + 2400 + roll.randrange(5 * HOUR), bed)))
    if missed(life, day + DAY):
        spans.append(Span(bed, life.in_bed(day + DAY).end))
    return tuple(spans)


def _charging(taken: list[Span], wake: int, roll: Random) -> Span | None:
    if roll.random() > 0.85:
        return None
    start = wake + 1800 + roll.randrange(1800)
    span = Span(start, start + 1500 + roll.randrange(2400))
    return span if _free(span, taken) else None


def _rests(life: Life, day: date, awake: Span, taken: list[Span], roll: Random) -> Iterable[Rest]:
    """Naps and what the algorithm took for naps; each candidate rolls, whether or not it finds room."""
    persona = life.persona
    counted_roll, rest_roll, deleted_roll, scrap_roll = (roll.random() for _ in range(4))
    afternoon = max(life.places.instant(day, 13) + roll.randrange(5 * HOUR), awake.start + 6 * HOUR)
    nap = Span(afternoon, afternoon + 1200 + roll.randrange(75 * 60))
    lie_down = life.places.instant(day, 16) + roll.randrange(HOUR)
    rest = Span(lie_down, lie_down + 1500 + roll.randrange(HOUR))
    sofa = awake.end - 3 * HOUR + roll.randrange(HOUR)
    evening = Span(sofa, sofa + 900 + roll.randrange(4000))
    if counted_roll < persona.nap_share and _free(nap, taken):
        late = life.places.local(nap.end).hour >= 18
        yield Rest(nap, "late_nap" if late else "sleep", counted=True)
    if rest_roll < persona.rest_share and _free(rest, taken):
        yield Rest(rest, "rest")
    if deleted_roll < persona.deleted_share and _free(evening, taken):
        yield Rest(Span(evening.start, evening.end + 600), "deleted")
    elif scrap_roll < persona.scrap_share and _free(evening, taken):
        yield Rest(evening, "sleep")


_SPORTS = (
    ("walking", "easy"),
    ("walking", "easy"),
    ("cycling", "moderate"),
    ("running", "moderate"),
    ("running", "hard"),
    ("strengthTraining", "moderate"),
    ("yoga", "easy"),
    ("houseWork", "easy"),
    ("swimming", "moderate"),
)
_SOURCES = ("confirmed", "confirmed", "confirmed", "autodetected", "manual", "workout_heart_rate")


def _exercises(life: Life, day: date, awake: Span, taken: list[Span], roll: Random) -> Iterable[Exercise]:
    share = life.persona.workout_share * (0.3 if life.condition(day).fever else 1.0)
    for start in (awake.start + 150 * 60 + roll.randrange(HOUR), awake.end - 15_600 + roll.randrange(1800)):
        activity, intensity = roll.choice(_SPORTS)
        source = roll.choice(_SOURCES)
        minutes = round(clamp(roll.lognormvariate(3.3, 0.6), 10, 75))
        begin = start - start % 60
        span = Span(begin, begin + minutes * 60)
        if roll.random() < share and _free(span, taken):
            yield Exercise(span, activity, intensity, source)


def _moments(taken: list[Span], bed: int, roll: Random) -> Iterable[Span]:
    start = bed - 4200 + roll.randrange(1200)
    span = Span(start, start + roll.choice((180, 300, 600, 900)))
    if roll.random() < 0.16 and _free(span, taken, 120):
        yield span
