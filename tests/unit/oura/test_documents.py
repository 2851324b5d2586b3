"""Documents into records: odd values become None, and no odd value sinks its neighbours."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.oura.collections import COLLECTIONS
from app.oura.documents import UnreadableError, newest_first
from app.oura.records import RingConfiguration
from tests.unit.oura.upstream import sleep_document

DAY = date(2026, 3, 20)
DAYED = [name for name, collection in COLLECTIONS.items() if collection.dates == "days"]


def sleep(**changes):
    return COLLECTIONS["sleep"].read(sleep_document(DAY, **changes))


def test_a_sleep_period_keeps_ouras_names_and_the_wearers_offset():
    period = sleep(deep_sleep_duration=5400, efficiency=88, average_breath=14.625, new_field={"of": "tomorrow"})
    assert (period.day, period.total_sleep_duration, period.deep_sleep_duration, period.efficiency) == (DAY, 25_200, 5400, 88)
    assert period.average_breath == 14.625
    assert period.bedtime_end == datetime(2026, 3, 20, 7, tzinfo=timezone(timedelta(hours=2)))
    assert period.bedtime_end.utcoffset() == timedelta(hours=2)
    assert period.rem_sleep_duration is None


@pytest.mark.parametrize("value", [255, 0, None, "52", True, {}])
def test_what_is_no_heart_rate_is_none(value):
    period = sleep(lowest_heart_rate=value, average_heart_rate=value)
    assert (period.lowest_heart_rate, period.average_heart_rate) == (None, None)


def test_a_series_is_packed_with_null_for_what_is_no_value():
    series = sleep(heart_rate={"interval": 300, "items": [60.125, None, 255, "x", 62.5], "timestamp": None}).heart_rate
    assert series.items() == [60.125, None, None, None, 62.5]
    assert (series.mean(), series.min(), series.max(), len(series)) == (61.3125, 60.125, 62.5, 5)
    assert (series.interval_s, series.start) == (300.0, None)
    assert "60" not in repr(series)


def test_an_empty_series_has_no_mean():
    series = sleep(hrv={"interval": 300, "items": [None, None], "timestamp": "2026-03-19T23:00:00.000+02:00"}).hrv
    assert (series.mean(), series.min(), series.max()) == (None, None, None)
    assert series.start == datetime(2026, 3, 19, 21, tzinfo=UTC)


@pytest.mark.parametrize("sample", [None, [], {"items": [1]}, {"interval": 0, "items": [1]}, {"interval": 300, "items": None}])
def test_a_series_nobody_can_place_in_time_is_none(sample):
    assert sleep(heart_rate=sample).heart_rate is None


def test_a_running_night_has_no_end_yet():
    assert sleep(bedtime_end=None, total_sleep_duration=None).bedtime_end is None


def test_unknown_members_and_whole_floats_pass():
    period = sleep(type="lucid_dream", sleep_analysis_reason="by_moonlight", time_in_bed=28800.0)
    assert (period.type, period.sleep_analysis_reason, period.time_in_bed) == ("lucid_dream", "by_moonlight", 28_800)


def test_a_time_without_offset_cannot_be_placed_and_is_none():
    assert sleep(bedtime_start="2026-03-19T23:00:00").bedtime_start is None


@pytest.mark.parametrize(
    ("name", "document", "day"),
    [
        ("sleep", {"bedtime_end": "2026-03-20T07:00:00+02:00"}, date(2026, 3, 20)),
        ("sleep", {"bedtime_end": "2026-03-20T18:30:00+02:00", "day": "2026-99-99"}, date(2026, 3, 21)),
        ("workout", {"start_datetime": "2026-03-20T23:30:00-07:00"}, date(2026, 3, 20)),
        ("enhanced_tag", {"start_time": "2026-03-20T00:10:00+02:00"}, date(2026, 3, 20)),
        ("daily_activity", {"timestamp": "2026-03-20T04:00:00+14:00"}, date(2026, 3, 20)),
    ],
)
def test_a_lost_day_is_told_by_ouras_own_rule(name, document, day):
    assert COLLECTIONS[name].read(document).day == day


@pytest.mark.parametrize("document", [None, [], "sleep", 7, {}, {"day": None}, {"bedtime_end": "9999-12-31T23:00:00+00:00"}])
def test_a_document_without_any_day_is_refused(document):
    with pytest.raises(UnreadableError):
        COLLECTIONS["sleep"].read(document)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize("name", DAYED)
@given(values=st.data())
def test_no_json_value_in_any_field_sinks_a_document(name, values):
    collection = COLLECTIONS[name]
    fields = [field for field in collection.read.names if field not in {"day", "start_day"}]
    document = {field: values.draw(JSON) for field in values.draw(st.lists(st.sampled_from(fields), unique=True))}
    day_field = "start_day" if name == "enhanced_tag" else "day"
    assert collection.read({**document, day_field: "2026-03-20"}).day == DAY


def test_rings_come_newest_first_whatever_ouras_order_and_dates():
    def ring(name: str, year: int | None) -> RingConfiguration:
        moment = datetime(year, 1, 1, tzinfo=UTC) if year else None
        return RingConfiguration(name, None, None, None, None, moment, None)

    rings = [ring("epoch", 1970), ring("old", 2021), ring("undated", None), ring("new", 2025), ring("twin", 2025)]
    assert [found.id for found in newest_first(rings)] == ["twin", "new", "old", "epoch", "undated"]
