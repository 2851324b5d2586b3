"""Oura at the HTTP edge: rows by collection, filtered by Oura's own date rule, with every request written down."""

import json
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import gevent
from gevent.event import Event

from app.errors import ConnectionNeededError
from app.services import Deadline

BASE_URL = "https://api.oura.test"
ANCHORS = {
    "sleep": "bedtime_start",
    "daily_activity": "timestamp",
    "workout": "start_datetime",
    "enhanced_tag": "start_time",
    "tag": "timestamp",
    "heartrate": "timestamp",
}
NOON = datetime(2026, 3, 20, 12, 0, tzinfo=UTC).timestamp()
TODAY = date(2026, 3, 20)


def day_back(days: int) -> date:
    return TODAY - timedelta(days=days)


def sleep_document(day: date, *, offset: str = "+02:00", **changes: Any) -> dict[str, Any]:
    start = f"{(day - timedelta(days=1)).isoformat()}T23:00:00{offset}"
    return {
        "id": f"sleep-{day}",
        "day": day.isoformat(),
        "type": "long_sleep",
        "bedtime_start": start,
        "bedtime_end": f"{day.isoformat()}T07:00:00{offset}",
        "time_in_bed": 28_800,
        "total_sleep_duration": 25_200,
        "average_hrv": 40,
        "lowest_heart_rate": 50,
        "heart_rate": {"interval": 300, "items": [60.0, None, 62.5], "timestamp": start},
        **changes,
    }


def score_document(day: date, *, score: int | None = 80) -> dict[str, Any]:
    return {
        "id": f"score-{day}",
        "day": day.isoformat(),
        "timestamp": f"{day}T00:00:00+02:00",
        "score": score,
        "contributors": {"timing": 70},
    }


def activity_document(day: date, *, offset: str = "+02:00", steps: int = 8000) -> dict[str, Any]:
    return {"id": f"activity-{day}", "day": day.isoformat(), "timestamp": f"{day}T04:00:00{offset}", "steps": steps}


def heart_row(moment: datetime, bpm: int | None = 60, source: str = "awake") -> dict[str, Any]:
    return {"timestamp": moment.astimezone(UTC).isoformat(), "bpm": bpm, "source": source}


class Upstream:
    """What stands behind BASE_URL. *canned* answers of a collection come first, each a (status, headers, body)."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Any]] = defaultdict(list)
        self.single: dict[str, dict[str, Any]] = {"personal_info": {"id": "me", "age": 40}}
        self.canned: dict[str, deque[Any]] = defaultdict(deque)
        self.refusals: dict[str, tuple[int, dict[str, str], str]] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.tokens: list[str] = []
        self.page_size = 10_000
        self.gate = Event()
        self.gate.set()
        self.at_once = 0
        self.most_at_once = 0

    def asked(self, collection: str) -> list[dict[str, str]]:
        return [query for name, query in self.requests if name == collection]

    def hold(self, *, until: int, calls: Sequence[Callable[[], Any]]) -> list[gevent.Greenlet]:
        """Start *calls* and come back when *until* requests wait for `gate.set()`."""
        self.gate.clear()
        started = [gevent.spawn(call) for call in calls]
        with gevent.Timeout(10):
            while self.at_once < until:
                gevent.sleep(0)
        return started

    def answer(self, request: Any) -> tuple[int, dict[str, str], str]:
        parts = urlsplit(request.url)
        name = parts.path.rpartition("/")[2]
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        self.requests.append((name, query))
        self.tokens.append(request.headers["Authorization"])
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.gate.wait()
        self.at_once -= 1
        if self.canned[name]:
            canned = self.canned[name].popleft()
            if isinstance(canned, Exception):
                raise canned
            return canned
        if name in self.refusals:
            return self.refusals[name]
        if name in self.single:
            return 200, {}, json.dumps(self.single[name])
        return 200, {}, json.dumps(self.page(name, query))

    def page(self, name: str, query: dict[str, str]) -> dict[str, Any]:
        rows = [row for row in self.rows[name] if self.is_in_range(name, row, query)]
        at = int(query.get("next_token", "page-0").removeprefix("page-"))
        left = len(rows) > at + self.page_size
        return {"data": rows[at : at + self.page_size], "next_token": f"page-{at + self.page_size}" if left else None}

    def is_in_range(self, name: str, row: Any, query: dict[str, str]) -> bool:
        bounds = [query.get(f"{end}_date", query.get(f"{end}_datetime")) for end in ("start", "end")]
        if bounds == [None, None] or not isinstance(row, dict):
            return True
        anchor = row.get(ANCHORS.get(name, "day")) or row.get("day")
        return instant(bounds[0]) <= instant(anchor) <= instant(bounds[1])


def instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Clock:
    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Source:
    """Hands out numbered access tokens; *dead* refuses as a connection does that a person must mend."""

    scopes = None

    def __init__(self) -> None:
        self.number = 1
        self.rejected_tokens: list[str] = []
        self.dead = False

    def access_token(self, deadline: Deadline) -> str:
        if self.dead:
            raise ConnectionNeededError("Connect at https://me.test/oauth/authorize", url="https://me.test/oauth/authorize")
        return f"token-{self.number}"

    def refused(self) -> ConnectionNeededError:
        return ConnectionNeededError("Connect again.", url="https://server.test/oauth/authorize")

    def rejected(self, token: str, deadline: Deadline) -> str:
        self.rejected_tokens.append(token)
        self.number += 1
        return self.access_token(deadline)
