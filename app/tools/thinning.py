"""Keeping answers small: long series of days become weeks, long lists keep their newest entries. Summaries never thin."""

import json
from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from app.insights.averages import mean, rounded

MAX_DAILY_ROWS = 92
MAX_LIST_BYTES = 44_000  # of 60,000 for a whole answer
MAX_TEXT_CHARS = 500
Row = TypeVar("Row")

WEEKLY_NOTE = (
    f"More than {MAX_DAILY_ROWS} days: each row of data averages seven days from its date (`days` = how many have data). "
    f"Ask for at most {MAX_DAILY_ROWS} days with start_date and end_date to get every day."
)


def by_week(rows: Sequence[dict[str, Any]], start: date) -> list[dict[str, Any]]:
    """Average rows of days into rows of seven days counted from *start*; only numbers survive, nulls are skipped."""
    weeks: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        weeks.setdefault((date.fromisoformat(row["date"]) - start).days // 7, []).append(row)
    others = {key for row in rows for key, value in row.items() if isinstance(value, str | list | datetime)}
    return [_week(start + timedelta(days=7 * number), members, others) for number, members in weeks.items()]


def _week(first: date, members: Sequence[dict[str, Any]], others: Collection[str]) -> dict[str, Any]:
    averages = {key: rounded(mean([member[key] for member in members])[0], 2) for key in members[0] if key not in others}
    return {"date": first.isoformat(), "days": len(members), **averages}


def newest_that_fit(rows: Sequence[Row], day_of: Callable[[Row], date]) -> tuple[Sequence[Row], date | None]:
    """Return the newest *rows* (ascending) that fit into an answer, and the newest day that was left out, if any was.

    Days are kept whole, so that asking on with that day as `end_date` loses nothing; a single day larger than an answer
    is the exception, it keeps its newest rows.
    """
    room = MAX_LIST_BYTES
    kept = len(rows)
    while kept and (room := room - len(json.dumps(rows[kept - 1])) - 1) >= 0:
        kept -= 1
    if not kept:
        return rows, None
    cut_day = day_of(rows[kept - 1])
    whole = next((index for index in range(kept, len(rows)) if day_of(rows[index]) != cut_day), None)
    if whole is None:
        return rows[kept:], cut_day - timedelta(days=1)
    return rows[whole:], cut_day


def short_text(text: str | None) -> str | None:
    """Cut what a person typed to a length an answer can hold; nothing typed is null."""
    if not text:
        return None
    return text if len(text) <= MAX_TEXT_CHARS else text[: MAX_TEXT_CHARS - 1] + "…"
