"""What an answer covers, and why what it lacks is not there: the same words from every tool."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Annotated, NotRequired

from pydantic import WithJsonSchema
from typing_extensions import TypedDict

from app.context import Context
from app.oura.answers import Answer, Fetched
from app.oura.zones import Zone

NOT_SYNCED = "not synced yet: open the Oura app so that the ring syncs, then ask again with refresh=true"
NO_DATA = "no data: ring not worn, or not synced"
NOT_WORN = "not worn: Oura counted no time on the finger"
TOO_SLOW = "not fetched in time: ask again, what was fetched is kept"
MAX_NAMED_DAYS = 31

# These have comments instead of docstrings because a docstring would be published in nine output schemas.
# The registry adds `ignored_arguments` to a coverage. `total=False` where a key is always there all the same: in rows the keys of
# the original server are `required`, everything else does without, for the bytes (docs/contract.md lists every key).


class Missing(TypedDict, total=False):
    why: str
    days: list[str]  # each day; of more than 31, runs as "first..last"


class Coverage(TypedDict, total=False):
    days_asked: int
    days_with_data: int
    missing: Annotated[list[Missing], WithJsonSchema({"type": "array", "items": {"type": "object"}})]
    partial: bool
    continue_with: dict[str, str]  # the arguments that get what a partial answer left out
    stale: bool
    fetched_at: str | None
    timezone: str
    timezone_assumed: bool
    notes: list[str]


class Period(TypedDict, total=False):
    start_date: str
    end_date: str


# The part every answer has; `synthetic` only where a simulator stands in for Oura.
class Told(TypedDict):
    coverage: Coverage
    synthetic: NotRequired[bool]


def told(ctx: Context, coverage: Coverage) -> Told:
    """Wrap *coverage* for an answer, marked where the data is invented."""
    return {"coverage": coverage, "synthetic": True} if ctx.services.settings.demo else {"coverage": coverage}


def period(answer: Answer) -> Period:
    return {"start_date": answer.start.isoformat(), "end_date": answer.end.isoformat()}


def cover(
    answer: Answer,
    collections: Sequence[str],
    with_data: Collection[date],
    *,
    every_day: bool = True,
    why: Mapping[date, str] = MappingProxyType({}),
    notes: Iterable[str] = (),
) -> Coverage:
    """Say which of the asked days *collections* have, which not, and why.

    *every_day*: a day without data is missing (a night); otherwise it only had no event (a workout). *why* holds the reasons
    that the caller knows.
    """
    fetched = [(name, answer[name]) for name in collections]
    reasons: dict[str, list[date]] = {}
    for day in answer.days:
        if day in with_data:
            continue
        reason = why.get(day) or _why(day, answer.today, fetched, every_day=every_day)
        if reason is not None:
            reasons.setdefault(reason, []).append(day)
    asked_at = [part.fetched_at for _, part in fetched if part.fetched_at is not None]
    coverage: Coverage = {
        "days_asked": (answer.end - answer.start).days + 1,
        "days_with_data": len(with_data),
        "missing": [{"why": reason, "days": named(days)} for reason, days in reasons.items()],
        "partial": any(part.partial for _, part in fetched),
        "stale": any(part.stale for _, part in fetched),
        "fetched_at": moment(min(asked_at, default=None), answer.zone),
        "timezone": answer.zone.name,
        "timezone_assumed": answer.zone.assumed,
        "notes": [*answer.notes, *_troubles(answer, fetched, reasons), *notes],
    }
    if coverage["partial"]:
        resume(coverage, [part for _, part in fetched], answer)
    return coverage


def named(days: Sequence[date]) -> list[str]:
    """Name *days* (ascending): each, or where there are many, unbroken runs as "first..last"; never more than 31 entries."""
    if len(days) <= MAX_NAMED_DAYS:
        return [day.isoformat() for day in days]
    runs: list[list[date]] = []
    for day in days:
        if runs and day - runs[-1][-1] == timedelta(days=1):
            runs[-1][1:] = [day]
        else:
            runs.append([day])
    names = ["..".join(day.isoformat() for day in run) for run in runs]
    left = len(names) - MAX_NAMED_DAYS
    return names if left <= 0 else [f"{left + 1} earlier gaps", *names[left + 1 :]]


def moment(at: float | None, zone: Zone) -> str | None:
    """Write epoch seconds as the wearer's time."""
    return None if at is None else datetime.fromtimestamp(int(at), zone.tz).isoformat()


def resume(coverage: Coverage, parts: Iterable[Fetched[object]], answer: Answer) -> None:
    """Name the arguments that continue a fetch which the soft deadline cut."""
    firsts = [part.resume_from for part in parts if part.resume_from is not None]
    lasts = [part.resume_to for part in parts if part.resume_to is not None]
    start = max(min(firsts, default=answer.start), answer.start)
    end = min(max(lasts, default=answer.end), answer.end)
    coverage["continue_with"] = {"start_date": start.isoformat(), "end_date": max(start, end).isoformat()}


def leave_out(coverage: Coverage, cut: date, answer: Answer, note: str) -> None:
    """Say that rows of *cut* and before did not fit, and what to ask for to get them."""
    earlier = coverage.get("continue_with", {})
    coverage["partial"] = True
    coverage["continue_with"] = {
        "start_date": answer.start.isoformat(),
        "end_date": max(cut, answer.start).isoformat() if not earlier else max(cut.isoformat(), earlier["end_date"]),
    }
    coverage["notes"].append(f"{note} For the others ask again with the dates in continue_with.")


def _why(day: date, today: date, fetched: Sequence[tuple[str, Fetched[object]]], *, every_day: bool) -> str | None:
    for _, part in fetched:
        if day not in part.known:
            reason = _unknown(part)
            if reason is not None:
                return reason
    if not every_day:
        return None
    return NOT_SYNCED if day >= today else NO_DATA


def _unknown(part: Fetched[object]) -> str | None:
    if part.error is not None:
        return str(part.error)
    return TOO_SLOW if part.partial else None


def _troubles(
    answer: Answer, fetched: Sequence[tuple[str, Fetched[object]]], reasons: Mapping[str, Collection[date]]
) -> list[str]:
    """What went wrong with a collection, where the missing days do not say all of it."""
    found = []
    for name, part in fetched:
        if part.stale:
            why = f" ({part.error})" if part.error is not None else ""
            found.append(f"{name}: Oura could not be asked again{why}; days from an earlier fetch are shown.")
        elif part.error is not None or part.partial:
            why = _unknown(part) or ""
            if not part.known.union(reasons.get(why, ())).issuperset(answer.days):
                found.append(f"{name}: {why}")
    return found
