"""Whatever is asked in whatever order, while Oura changes, fails and time passes: answers are what Oura said, and recently."""

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import responses
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import ConnectionNeededError, OuraUnavailableError
from app.oura.cache import DayCache
from app.oura.client import OuraClient
from app.oura.data import OuraData
from app.oura.days import Dates
from app.services import Deadline

TODAY = date(2026, 3, 20)
NOON = datetime(2026, 3, 20, 12, tzinfo=UTC).timestamp()
LIVES_S = {0: 300, 1: 300, **dict.fromkeys(range(2, 8), 3600)}


class Token:
    scopes = None

    def access_token(self, deadline: Deadline) -> str:
        return "token"

    def refused(self) -> ConnectionNeededError:
        return ConnectionNeededError("Connect again.", url=None)

    def rejected(self, token: str, deadline: Deadline) -> str:
        raise AssertionError


@dataclass
class Oura:
    """Nights by day, each with a version number, and everything they ever were."""

    clock: float = NOON
    is_down: bool = False
    page_size: int = 100
    nights: dict[date, dict[str, int]] = field(default_factory=dict)
    history: list[tuple[float, dict[date, dict[str, int]]]] = field(default_factory=list)

    def remember(self) -> None:
        self.history.append((self.clock, {day: dict(found) for day, found in self.nights.items()}))

    def answer(self, request):
        if self.is_down:
            return 503, {}, ""
        query = {name: values[0] for name, values in parse_qs(urlsplit(request.url).query).items()}
        start, end = (datetime.fromisoformat(query[name]) for name in ("start_date", "end_date"))
        rows = [row for row in self.documents() if start <= utc(row["bedtime_start"]) <= end]
        at = int(query.get("next_token", 0))
        more = str(at + self.page_size) if at + self.page_size < len(rows) else None
        return 200, {}, json.dumps({"data": rows[at : at + self.page_size], "next_token": more})

    def documents(self):
        """Each document begins on the evening before its day, somewhere between UTC-12 and UTC+14."""
        for day in sorted(self.nights):
            for name, version in self.nights[day].items():
                hours = sum(map(ord, name)) % 27 - 12
                begins = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=1 + hours)
                yield {"id": name, "day": day.isoformat(), "bedtime_start": begins.isoformat(), "efficiency": version}

    def could_have_said(self, day: date, found: dict[str, int]) -> bool:
        """Whether *found* was the truth about *day* at some time as recent as the day's age requires."""
        age = (TODAY - day).days
        oldest = self.clock - LIVES_S.get(age, 86_400)
        if age < 7 and not found:
            oldest = self.clock
        recent = [state for at, state in self.history if at > oldest]
        before = [state for at, state in self.history if at <= oldest]
        return any(state.get(day, {}) == found for state in [*before[-1:], *recent])


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


AGES = st.integers(min_value=0, max_value=12)
STEPS = st.lists(
    st.tuples(st.just("wait"), st.sampled_from([1, 200, 301, 4000]))
    | st.tuples(st.just("write"), AGES, st.sampled_from("abcxyz"), st.integers(min_value=0, max_value=3))
    | st.tuples(st.just("erase"), AGES)
    | st.tuples(st.just("down"), st.booleans())
    | st.tuples(st.just("page"), st.integers(min_value=1, max_value=5))
    | st.tuples(st.just("ask"), AGES, AGES, st.booleans()),
    max_size=14,
)


@settings(max_examples=150, deadline=None)
@given(steps=STEPS)
def test_every_answer_is_what_oura_said_recently(steps):
    oura = Oura()
    oura.remember()
    client = OuraClient("https://oura.test", Token(), clock=lambda: oura.clock, daily_limit=10**6, sleep=lambda _: None)
    data = OuraData(client, DayCache(), clock=lambda: oura.clock, user_timezone="UTC")
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.add_callback(responses.GET, re.compile(r"https://oura\.test/.*"), callback=oura.answer)
        for step in [*steps, ("ask", 12, 0, False)]:
            take(step, oura, data)


def take(step, oura: Oura, data: OuraData) -> None:
    match step:
        case ("wait", seconds):
            oura.clock += min(seconds, NOON + 11 * 3600 - oura.clock)  # never past midnight
        case ("write", age, name, version):
            oura.nights.setdefault(TODAY - timedelta(days=age), {})[f"{name}{age}"] = version
            oura.remember()
        case ("erase", age):
            oura.nights.pop(TODAY - timedelta(days=age), None)
            oura.remember()
        case ("down", is_down):
            oura.is_down = is_down
            oura.clock += 4  # a failure is remembered for three seconds
        case ("page", size):
            oura.page_size = size
        case ("ask", one, other, refresh):
            check(oura, data, max(one, other), min(one, other), refresh=refresh)


def check(oura: Oura, data: OuraData, oldest: int, youngest: int, *, refresh: bool) -> None:
    dates = Dates.between((TODAY - timedelta(days=oldest)).isoformat(), (TODAY - timedelta(days=youngest)).isoformat())
    try:
        answer = data.query(["sleep"], dates, deadline=Deadline(), refresh=refresh)
    except OuraUnavailableError:
        assert oura.is_down
        return
    fetched = answer["sleep"]
    assert len({row.id for row in fetched.rows}) == len(fetched.rows)
    assert [row.day for row in fetched.rows] == sorted(row.day for row in fetched.rows)
    assert {row.day for row in fetched.rows} <= fetched.known <= set(answer.days)
    if not oura.is_down:
        assert (fetched.known, fetched.stale, fetched.error) == (frozenset(answer.days), frozenset(), None)
    for day in fetched.known:
        found = {row.id: row.efficiency for row in fetched.rows if row.day == day}
        if day in fetched.stale:
            assert oura.is_down
            assert any(state.get(day, {}) == found for _, state in oura.history)
        else:
            assert oura.could_have_said(day, found)
