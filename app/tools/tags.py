"""get_tags: what the person noted in the app, from Oura's present and its deprecated collection, each tag once."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime

from typing_extensions import TypedDict

from app.context import Context
from app.oura.answers import Answer
from app.oura.days import Dates
from app.oura.records import EnhancedTag, Tag
from app.registry import tool
from app.tools.arguments import EndDate, Refresh, StartDate
from app.tools.coverage import Period, Told, cover, leave_out, period, told
from app.tools.thinning import newest_that_fit, short_text

COLLECTIONS = ("enhanced_tag", "tag")
SAME_MOMENT_S = 60
MAX_NAMES = 20
MAX_COUNTED = 20


class OriginalEntry(TypedDict):
    date: str
    day: str
    text: str | None
    timestamp: str | None
    tags: list[str]


class TagEntry(OriginalEntry, total=False):
    end_time: str | None


class TagCounts(TypedDict, total=False):
    total_tags: int
    by_tag: dict[str, int]


class Tags(Told):
    period: Period
    summary: TagCounts
    data: Sequence[TagEntry]


@tool(title="Tags")
def get_tags(ctx: Context, *, start_date: StartDate = None, end_date: EndDate = None, refresh: Refresh = False) -> Tags:
    """What the wearer noted in the Oura app (alcohol, late meal, stress, travel, own notes), with times and counts.
    Useful to explain unusual nights.
    """
    answer = ctx.services.oura.query(
        COLLECTIONS, Dates.between(start_date, end_date), deadline=ctx.deadline, refresh=refresh, progress=ctx.progress
    )
    entries = tag_entries(answer)
    rows, cut = newest_that_fit(entries, lambda entry: date.fromisoformat(entry["day"]))
    is_known = all(answer[name].known.issuperset(answer.days) for name in COLLECTIONS)
    notes = ["No tags were noted in these days."] if is_known and not entries else []
    coverage = cover(answer, COLLECTIONS, {date.fromisoformat(entry["day"]) for entry in entries}, every_day=False, notes=notes)
    if cut is not None:
        leave_out(coverage, cut, answer, f"Only the newest {len(rows)} of {len(entries)} tags fit.")
    counts = Counter(name for entry in entries for name in entry["tags"])
    return {
        "period": period(answer),
        "summary": {"total_tags": len(entries), "by_tag": dict(counts.most_common(MAX_COUNTED))},
        **told(ctx, coverage),
        "data": rows,
    }


def tag_entries(answer: Answer) -> list[TagEntry]:
    """Merge both collections, oldest first; a legacy tag that the newer collection holds too is not repeated."""
    enhanced: dict[str, EnhancedTag] = {row.id or str(index): row for index, row in enumerate(answer["enhanced_tag"].rows)}
    entries = [_entry(row.start_day, row.start_time, row.comment, _names(row), row.end_time) for row in enhanced.values()]
    seen: set[str] = set()
    for row in answer["tag"].rows:
        if row.id is not None and (row.id in enhanced or row.id in seen):
            continue
        seen.add(row.id or "")
        left = _not_yet_told(row, [other for other in enhanced.values() if _same_moment(row, other)])
        if left is not None:
            entries.append(_entry(row.day, row.timestamp, row.text, left, None))
    return sorted(entries, key=lambda entry: (entry["day"], _instant(entry["timestamp"])))


def _entry(day: date, at: datetime | None, text: str | None, names: Sequence[str], end: datetime | None) -> TagEntry:
    return {
        "date": day.isoformat(),
        "day": day.isoformat(),
        "text": short_text(text),
        "timestamp": at.isoformat() if at is not None else None,
        "end_time": end.isoformat() if end is not None else None,
        "tags": [short_text(name) or "" for name in names[:MAX_NAMES]],
    }


def _names(row: EnhancedTag) -> list[str]:
    """The tag's own name; a custom tag's is what the person called it, text alone has none."""
    name = row.custom_name or row.tag_type_code
    return [name] if name else []


def _same_moment(old: Tag, new: EnhancedTag) -> bool:
    if old.timestamp is None or new.start_time is None:
        return old.day == new.start_day
    return abs((old.timestamp - new.start_time).total_seconds()) < SAME_MOMENT_S


def _not_yet_told(old: Tag, told_already: Sequence[EnhancedTag]) -> list[str] | None:
    """The names of *old* that no tag of the same moment holds; None if nothing of it is new."""
    names = {word.casefold() for row in told_already for word in (row.tag_type_code, row.custom_name, row.comment) if word}
    left = [name for name in old.tags if name.casefold() not in names]
    text_is_new = bool(old.text) and (old.text or "").casefold() not in names
    return left if left or text_is_new else None


def _instant(timestamp: str | None) -> float:
    return datetime.fromisoformat(timestamp).timestamp() if timestamp is not None else 0.0
