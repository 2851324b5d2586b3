"""One persona's life: joins the generators and remembers, within bounds, what they made."""

from __future__ import annotations

from datetime import date
from functools import lru_cache, partial

from app.simulator.heart import battery_rows, heart_rows
from app.simulator.personas import Persona
from app.simulator.places import Places
from app.simulator.plan import condition_of, in_bed, plan_of
from app.simulator.sleep import sleeps_of
from app.simulator.timeline import mets_of, slots_of

_DAYS = 1000  # what a year's request needs at once, with room; about 5 kB a day


class Life:
    """Everything that is true about a persona whatever the time now is. *persona* must be settled."""

    def __init__(self, persona: Persona) -> None:
        assert persona.first_day is not None
        self.persona = persona
        self.first_day: date = persona.first_day
        self.places = Places(persona)
        self.condition = lru_cache(_DAYS)(partial(condition_of, self))
        self.in_bed = lru_cache(_DAYS)(partial(in_bed, self))
        self.plan = lru_cache(_DAYS)(partial(plan_of, self))
        self.sleeps = lru_cache(_DAYS)(partial(sleeps_of, self))
        self.slots = lru_cache(_DAYS)(partial(slots_of, self))
        self.mets = lru_cache(_DAYS)(partial(mets_of, self))
        self.heart = lru_cache(120)(partial(heart_rows, self))
        self.battery = lru_cache(60)(partial(battery_rows, self))
