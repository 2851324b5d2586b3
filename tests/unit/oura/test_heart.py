"""Heart-rate rows into packed days."""

from datetime import UTC, date, datetime

import pytest

from app.oura.heart import OTHER, DayPacker, HeartSamples, Sources, joined, utc_day, utc_midnight
from tests.unit.oura.upstream import heart_row

DAY = date(2026, 3, 20)


def at(hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 3, 20, hour, minute, second, tzinfo=UTC)


def packed(*rows, day: date = DAY) -> HeartSamples:
    packer = DayPacker(Sources())
    for row in rows:
        packer.add(row)
    return packer.packed(day)


def test_samples_come_in_order_and_each_once():
    samples = packed(heart_row(at(9), 70), heart_row(at(8), 60, "rest"), heart_row(at(9), 70))
    assert list(samples) == [(int(at(8).timestamp()), 60, "rest"), (int(at(9).timestamp()), 70, "awake")]


def test_two_sources_at_the_same_second_are_two_samples():
    assert len(packed(heart_row(at(9), 70, "awake"), heart_row(at(9), 110, "workout"))) == 2


@pytest.mark.parametrize("bpm", [255, 0, -3, None, "70", True, 999])
def test_what_is_no_heart_rate_is_no_sample(bpm):
    assert len(packed(heart_row(at(9), bpm))) == 0


def test_rows_are_kept_by_utc_day():
    packer = DayPacker(Sources())
    packer.add({"timestamp": "2026-03-20T00:30:00+01:00", "bpm": 50, "source": "rest"})
    assert (len(packer.packed(date(2026, 3, 19))), len(packer.packed(DAY))) == (1, 0)


@pytest.mark.parametrize(
    "row",
    [
        {"timestamp": "2026-03-20T09:00:00"},
        {"timestamp": "2026-03-20T09:00:00.750Z"},
        {"timestamp": None, "timestamp_unix": 1_773_997_200_000},
        {"timestamp": "soon", "timestamp_unix": 1_773_997_200_000},
    ],
)
def test_a_time_is_read_in_every_form_oura_uses(row):
    assert [moment for moment, _, _ in packed({**row, "bpm": 60})] == [int(at(9).timestamp())]


@pytest.mark.parametrize(
    "row", [None, [], {}, {"timestamp": "x"}, {"timestamp": "0024-01-01T00:00:00Z"}, {"timestamp_unix": 1e300}]
)
def test_a_row_without_a_time_is_refused_alone(row):
    packer = DayPacker(Sources())
    assert packer.add(row) is False
    assert packer.add(heart_row(at(9)))
    assert len(packer.packed(DAY)) == 1


def test_sources_oura_adds_are_kept_by_name_and_bounded():
    sources = Sources()
    code = sources.code("nap")
    assert sources.names[code] == "nap"
    assert {sources.code(odd) for odd in (None, 7, "x" * 1000)} == {sources.code(OTHER)}
    for n in range(500):
        sources.code(f"new-{n}")
    assert len(sources.names) <= 64


def test_days_join_and_a_stretch_includes_its_start_and_not_its_end():
    sources = Sources()
    packer = DayPacker(sources)
    for hour in (8, 9, 10):
        packer.add(heart_row(at(hour), 60 + hour))
    whole = joined([packer.packed(date(2026, 3, 19)), packer.packed(DAY)], sources.names)
    part = whole.between(at(8).timestamp(), at(10).timestamp())
    assert [bpm for _, bpm, _ in part] == [68, 69]
    assert whole.nbytes == 3 * 6
    assert "68" not in repr(whole)


@pytest.mark.parametrize("day", [date(1970, 1, 1), date(2026, 3, 20), date(1969, 12, 31)])
def test_days_and_seconds_agree(day):
    assert utc_day(utc_midnight(day)) == day
    assert utc_day(utc_midnight(day) + 86_399.9) == day
