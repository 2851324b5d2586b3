"""Missing days into runs, and what a run asks for."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import OuraUnavailableError
from app.oura.client import NoSuchRouteError
from app.oura.collections import COLLECTIONS
from app.oura.heart import Sources
from app.oura.runs import Run, fetch, runs_of
from app.services import Deadline
from tests.unit.oura.upstream import TODAY, day_back, score_document, sleep_document

DAYS = st.sets(st.integers(min_value=0, max_value=400).map(lambda n: TODAY - timedelta(days=n)), max_size=60)


@given(days=DAYS, name=st.sampled_from(["sleep", "heartrate"]))
def test_runs_cover_every_day_once_within_the_window_newest_first(days, name):
    runs = runs_of(COLLECTIONS[name], days)
    covered = [day for run in runs for day in run.days]
    assert days <= set(covered)
    assert len(covered) == len(set(covered))
    assert all(len(run.days) <= COLLECTIONS[name].window_days for run in runs)
    assert [run.first for run in runs] == sorted((run.first for run in runs), reverse=True)
    if name == "heartrate":
        assert set(covered) == days


def test_gaps_that_widening_would_close_anyway_are_one_run():
    run_days = [day_back(9), day_back(4)]
    assert [(run.first, run.last) for run in runs_of(COLLECTIONS["sleep"], run_days)] == [(day_back(9), day_back(4))]
    assert len(runs_of(COLLECTIONS["sleep"], [day_back(10), day_back(4)])) == 2


def fetched(client, name, first, last):
    return fetch(client, Run(COLLECTIONS[name], first, last), Sources(), deadline=Deadline(), check=lambda: None)


def test_documents_are_asked_two_days_wider_and_kept_by_their_own_day(client, upstream):
    upstream.rows["sleep"] = [sleep_document(day_back(n)) for n in range(9, -1, -1)]
    harvest = fetched(client, "sleep", day_back(4), day_back(2))
    assert upstream.asked("sleep") == [{"start_date": day_back(6).isoformat(), "end_date": TODAY.isoformat()}]
    assert {day: [row.id for row in rows] for day, rows in harvest.rows.items()} == {
        day_back(n): [f"sleep-{day_back(n)}"] for n in (4, 3, 2)
    }


def test_a_day_without_documents_is_there_and_empty(client, upstream):
    assert fetched(client, "daily_sleep", day_back(1), TODAY).rows == {day_back(1): (), TODAY: ()}


def test_documents_of_a_day_come_by_their_start_and_each_once_as_last_seen(client, upstream):
    nap = sleep_document(TODAY, id="nap", type="sleep", bedtime_start=f"{TODAY}T13:00:00+02:00")
    upstream.rows["sleep"] = [nap, sleep_document(TODAY, efficiency=1), sleep_document(TODAY, efficiency=2)]
    rows = fetched(client, "sleep", TODAY, TODAY).rows[TODAY]
    assert [(row.id, row.efficiency) for row in rows] == [(f"sleep-{TODAY}", 2), ("nap", None)]


def test_documents_without_id_are_kept_each_once(client, upstream):
    nameless = {**score_document(TODAY), "id": None}
    upstream.rows["daily_sleep"] = [nameless, nameless, {**nameless, "score": 81}]
    assert [row.score for row in fetched(client, "daily_sleep", TODAY, TODAY).rows[TODAY]] == [80, 81]


def test_a_document_that_cannot_be_read_is_counted_and_sinks_nothing(client, upstream):
    upstream.canned["daily_sleep"].append((200, {}, f'{{"data":[null,{{}},{{"day":"{TODAY}","score":77}}]}}'))
    harvest = fetched(client, "daily_sleep", TODAY, TODAY)
    assert harvest.unreadable == 2
    assert [row.score for row in harvest.rows[TODAY]] == [77]


def test_documents_of_which_none_can_be_read_are_not_days_without_data(client, upstream):
    upstream.canned["daily_sleep"].append((200, {}, '{"data":[{"id":"s","date_of_night":"2026-03-20","score":77}]}'))
    with pytest.raises(OuraUnavailableError, match="cannot be told"):
        fetched(client, "daily_sleep", TODAY, TODAY)


def test_a_deprecated_collection_that_oura_has_dropped_is_empty_and_any_other_is_an_error(client, upstream):
    for name in ("tag", "enhanced_tag"):
        upstream.canned[name].append((404, {}, '{"detail":"Not Found"}'))
    assert fetched(client, "tag", TODAY, TODAY).rows == {TODAY: ()}
    with pytest.raises(NoSuchRouteError):
        fetched(client, "enhanced_tag", TODAY, TODAY)


def test_activity_is_asked_for_without_its_minute_values(client, upstream):
    fetched(client, "daily_activity", TODAY, TODAY)
    fields = upstream.asked("daily_activity")[0]["fields"].split(",")
    assert "met" not in fields
    assert {"id", "day", "steps", "contributors"} <= set(fields)


def test_heart_rate_is_asked_for_by_utc_instants(client, upstream):
    fetched(client, "heartrate", date(2026, 3, 1), date(2026, 3, 2))
    assert upstream.asked("heartrate") == [{"start_datetime": "2026-03-01T00:00:00Z", "end_datetime": "2026-03-03T00:00:00Z"}]


def test_heart_rate_is_never_asked_for_more_than_30_days_at_once():
    assert COLLECTIONS["heartrate"].window_days <= 30
