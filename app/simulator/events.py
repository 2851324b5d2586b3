"""What a person does or notes: workouts, moments, tags old and new, rest mode; and who they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from app.simulator.dice import chance, clamp, dice, identity
from app.simulator.personas import age_on
from app.simulator.plan import DAY, Span, drinks, fever_of, unworn
from app.simulator.sync import Sync

if TYPE_CHECKING:
    from app.simulator.life import Life

_KCAL_A_MINUTE = {"easy": 4.1, "moderate": 8.3, "hard": 12.2}
_METRES_A_MINUTE = {"walking": 84.0, "cycling": 310.0, "running": 165.0, "swimming": 32.0}
_LEGACY_ONLY_UNTIL = date(2024, 3, 1)


@dataclass(frozen=True, slots=True)
class Note:
    """Something tagged: a code, `custom` with its name, or text alone."""

    start: int
    end: int | None
    code: str | None
    name: str | None
    comment: str | None


def workout_documents(life: Life, day: date, sync: Sync) -> Iterator[dict[str, Any]]:
    for exercise in life.plan(day).exercises:
        if exercise.span.end > sync.latest_opening:
            continue
        roll = dice(life.persona.key, "workout", exercise.span.start)
        minutes = exercise.span.seconds / 60
        speed = _METRES_A_MINUTE.get(exercise.activity)
        yield {
            "id": identity(life.persona.key, "workout", exercise.span.start),
            "activity": exercise.activity,
            "calories": round(minutes * _KCAL_A_MINUTE[exercise.intensity] * roll.uniform(0.85, 1.2), 3),
            "day": life.places.local(exercise.span.start).date().isoformat(),
            "distance": round(minutes * speed * roll.uniform(0.85, 1.15), 1) if speed else None,
            "end_datetime": life.places.stamp(exercise.span.end),
            "intensity": exercise.intensity,
            "label": "Parkrun" if exercise.activity == "running" and roll.random() < 0.1 else None,
            "source": exercise.source,
            "start_datetime": life.places.stamp(exercise.span.start),
        }


def session_documents(life: Life, day: date, sync: Sync) -> Iterator[dict[str, Any]]:
    for span in life.plan(day).moments:
        if span.end > sync.latest_opening:
            continue
        roll = dice(life.persona.key, "session", span.start)
        yield {
            "id": identity(life.persona.key, "session", span.start),
            "day": life.places.local(span.start).date().isoformat(),
            "end_datetime": life.places.stamp(span.end),
            "heart_rate": _moment(life, span, life.persona.lowest_hr + 9, 2.0, "session heart"),
            "heart_rate_variability": _moment(life, span, life.persona.hrv_ms, 8.0, "session hrv"),
            "mood": roll.choice((None, "same", "good", "good", "great", "worse", "bad")),
            "motion_count": _moment(life, span, 1.0, 1.0, "session motion"),
            "start_datetime": life.places.stamp(span.start),
            "type": roll.choice(("meditation", "breathing", "relaxation", "rest", "body_status")),
        }


def _moment(life: Life, span: Span, level: float, spread: float, name: str) -> dict[str, Any]:
    roll = dice(life.persona.key, name, span.start)
    values: list[float | None] = [float(round(max(level + spread * roll.gauss(0, 1), 0))) for _ in range(span.seconds // 5)]
    for index in (*range(roll.randrange(4)), *range(-1, -1 - roll.randrange(3), -1)):
        values[index] = None
    return {"interval": 5.0, "items": values, "timestamp": life.places.stamp_ms(span.start)}


def _notes(life: Life, day: date) -> list[Note]:
    """The day's notes in order, whatever was tagged while the ring lay unworn included."""
    key, plan = life.persona.key, life.plan(day)
    roll = dice(key, "notes", day)
    breakfast, evening = plan.wake + 2400 + roll.randrange(1800), plan.bed - 7200 + roll.randrange(5400)
    wishes = (
        (roll.random() < 0.3, Note(breakfast, None, "tag_generic_coffee", None, "")),
        (roll.random() < 0.06, Note(plan.wake + 9000, None, None, None, "Felt a little off after lunch")),
        (roll.random() < 0.05, Note(evening - 9000, evening - 9000 + 1500, "custom", "Cold plunge", None)),
        (roll.random() < 0.06, Note(evening - 7000, evening - 7000 + 2400, "tag_generic_sauna", None, "")),
        (drinks(life, day), Note(evening, None, "tag_generic_alcohol", None, "Two glasses" if roll.random() < 0.3 else "")),
        (roll.random() < 0.09, Note(evening + 600, None, "tag_sleep_latemeal", None, "")),
        (fever_of(life, day) > 0.5, Note(breakfast + 60, None, "tag_generic_sick", None, None)),
    )
    return sorted((note for wished, note in wishes if wished and day >= life.first_day), key=lambda note: note.start)


def enhanced_tag_documents(life: Life, day: date, sync: Sync) -> Iterator[dict[str, Any]]:
    if day < _LEGACY_ONLY_UNTIL:
        return
    for note in _notes(life, day):
        if note.start > sync.now:
            continue
        ended = note.end is not None and note.end <= sync.now
        yield {
            "id": identity(life.persona.key, "enhanced_tag", note.start),
            "tag_type_code": note.code,
            "start_time": life.places.stamp(note.start),
            "end_time": life.places.stamp(note.end) if ended and note.end else None,
            "start_day": life.places.local(note.start).date().isoformat(),
            "end_day": life.places.local(note.end).date().isoformat() if ended and note.end else None,
            "comment": note.comment,
            "custom_name": note.name,
        }


def tag_documents(life: Life, day: date, sync: Sync) -> Iterator[dict[str, Any]]:
    """The deprecated view: everything of the early years, and later what has no duration and no name of its own."""
    for note in _notes(life, day):
        if note.start > sync.now or (day >= _LEGACY_ONLY_UNTIL and (note.end is not None or note.code == "custom")):
            continue
        yield {
            "id": identity(life.persona.key, "tag", note.start),
            "day": life.places.local(note.start).date().isoformat(),
            "text": note.comment or note.name,
            "timestamp": life.places.stamp(note.start),
            "tags": [note.code] if note.code and note.code != "custom" else [],
        }


def rest_mode_documents(life: Life, day: date, sync: Sync) -> Iterator[dict[str, Any]]:
    """One period for each illness of a persona that uses rest mode: from its first day, ten in the morning, for five days."""
    start = life.places.instant(day, 10)
    begins = fever_of(life, day) > 0 and fever_of(life, day - DAY) == 0
    if not (life.persona.rest_mode and begins) or start > sync.now or unworn(life, day):
        return
    last = day + timedelta(days=4)
    end = life.places.instant(last, 9)
    ended = end <= sync.now
    checks = [life.places.instant(day + n * DAY, 18) for n in range(4)]
    yield {
        "id": identity(life.persona.key, "rest_mode_period", start),
        "end_day": last.isoformat() if ended else None,
        "end_time": life.places.stamp(end) if ended else None,
        "episodes": [
            {"tags": ["tag_generic_sick"], "timestamp": life.places.stamp(check)} for check in checks if check <= sync.now
        ],
        "start_day": day.isoformat(),
        "start_time": life.places.stamp(start),
    }


def personal_info(life: Life, now: float, scopes: frozenset[str] | set[str]) -> dict[str, Any]:
    """The account; what the granted *scopes* do not open is null, `id` never is."""
    persona = life.persona
    personal = "personal" in scopes
    return {
        "id": identity(persona.key, "account"),
        "age": age_on(persona.born, datetime.fromtimestamp(now, UTC)) if personal else None,
        "weight": persona.weight_kg if personal else None,
        "height": persona.height_m if personal else None,
        "biological_sex": persona.sex if personal else None,
        "email": persona.email if "email" in scopes else None,
    }


def ring_documents(life: Life, _day: date, _sync: Sync) -> Iterator[dict[str, Any]]:
    """Every ring ever set up, oldest first."""
    for number, ring in enumerate(life.persona.rings):
        set_up = datetime.combine(ring.set_up or life.first_day, datetime.min.time(), UTC)
        minutes = round(clamp(540 + 600 * chance(life.persona.key, "ring", number), 0, 1439))
        yield {
            "id": identity(life.persona.key, "ring_configuration", number),
            "color": ring.color,
            "design": ring.design,
            "firmware_version": ring.firmware_version,
            "hardware_type": ring.hardware_type,
            "set_up_at": (set_up + timedelta(minutes=minutes)).isoformat(),
            "size": ring.size,
        }
