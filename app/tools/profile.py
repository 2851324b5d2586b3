"""get_personal_info: who wears the ring, and which rings."""

from datetime import datetime
from typing import NotRequired

from typing_extensions import TypedDict

from app.context import Context
from app.oura.answers import Profile
from app.oura.records import RingConfiguration
from app.registry import tool
from app.tools.arguments import Refresh
from app.tools.coverage import TOO_SLOW, moment
from app.tools.thinning import short_text

MAX_RINGS = 20
_NEVER_SET = 1971  # Oura writes 1970-01-01 where it does not know


class Ring(TypedDict, total=False):
    current: bool
    hardware_type: str | None
    design: str | None
    color: str | None
    size: int | None
    firmware_version: str | None
    set_up_at: str | None


class ProfileCoverage(TypedDict, total=False):
    partial: bool
    stale: bool
    fetched_at: str | None
    notes: list[str]


class PersonalInfo(TypedDict):
    age: int | None
    weight: float | None
    height: float | None
    biological_sex: str | None
    email: str | None
    rings: list[Ring] | None
    units: str
    coverage: ProfileCoverage
    synthetic: NotRequired[bool]


@tool(title="Profile and rings")
def get_personal_info(ctx: Context, *, refresh: Refresh = False) -> PersonalInfo:
    """The wearer's age, weight, height, sex and e-mail as entered in Oura, and the rings set up, newest first.
    Not needed before other tools.
    """
    profile = ctx.services.oura.profile(deadline=ctx.deadline, refresh=refresh)
    person = profile.person
    answer: PersonalInfo = {
        "age": person.age if person is not None else None,
        "weight": person.weight if person is not None else None,
        "height": person.height if person is not None else None,
        "biological_sex": short_text(person.biological_sex) if person is not None else None,
        "email": short_text(person.email) if person is not None else None,
        "rings": None if profile.rings is None else _rings(profile.rings),
        "units": "age years; weight kg; height m; size US ring size",
        "coverage": _coverage(profile),
    }
    if ctx.services.settings.demo:
        answer["synthetic"] = True
    return answer


def _rings(rings: tuple[RingConfiguration, ...]) -> list[Ring]:
    return [
        {
            "current": index == 0,
            "hardware_type": short_text(ring.hardware_type),
            "design": short_text(ring.design),
            "color": short_text(ring.color),
            "size": ring.size,
            "firmware_version": short_text(ring.firmware_version),
            "set_up_at": _set_up(ring.set_up_at),
        }
        for index, ring in enumerate(rings[:MAX_RINGS])
    ]


def _set_up(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None and moment.year >= _NEVER_SET else None


def _coverage(profile: Profile) -> ProfileCoverage:
    person = profile.person
    notes = []
    for what, part, error in (("profile", person, profile.person_error), ("rings", profile.rings, profile.rings_error)):
        if error is not None or part is None:
            notes.append(f"{what}: {error or TOO_SLOW}")
    if person is not None and person.age is None and person.weight is None and person.height is None:
        notes.append("Age, weight and height are null: not entered in Oura, or the scope 'personal' was not granted.")
    if person is not None and person.email is None:
        notes.append("email is null: Oura gave none, or the scope 'email' was not granted.")
    if profile.rings is not None and len(profile.rings) > MAX_RINGS:
        notes.append(f"Only the newest {MAX_RINGS} of {len(profile.rings)} rings are listed.")
    if profile.rings == ():
        notes.append("Oura lists no ring.")
    is_partial = profile.partial or profile.person is None or profile.rings is None
    return {"partial": is_partial, "stale": profile.stale, "fetched_at": moment(profile.fetched_at, profile.zone), "notes": notes}
