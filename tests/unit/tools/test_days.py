"""The resources: today, the week, one day; dates to complete; and which URIs a changed day touches."""

import pytest

from app.registry import Resource
from app.tools.days import recent_days, touched_resources
from tests.unit.tools.answers import REGISTRY, text_of
from tests.unit.tools.wearer import TODAY, Wearer, asking, days_ago, nap, week, workout


def read(uri: str, wearer: Wearer) -> dict[str, object]:
    resource: Resource
    for resource in REGISTRY.resources.values():
        variables = resource.match(uri)
        if variables is not None:
            answer = resource.function(asking(wearer), **variables)
            assert len(text_of(answer)) < 60_000
            return answer
    raise AssertionError(uri)


def test_today_has_every_part() -> None:
    answer = read("oura://today", Wearer(week(workout=[workout(TODAY, "08:00"), workout(days_ago(1))])))

    assert answer["date"] == "2026-03-29"
    assert answer["sleep"]["total_sleep_duration"] == 25_920
    assert answer["sleep"]["average_hrv"] is not None
    assert answer["readiness"]["score"] == 78
    assert answer["activity"]["steps"] == 9_000
    assert [exercise["start_datetime"][:10] for exercise in answer["workouts"]] == ["2026-03-29"]
    assert "average_heart_rate" not in answer["workouts"][0]


def test_parts_that_are_not_there_are_null_and_explained() -> None:
    rows = week()
    rows["sleep"] = rows["daily_sleep"] = rows["daily_readiness"] = []

    answer = read("oura://today", Wearer(rows))

    assert (answer["sleep"], answer["readiness"]) == (None, None)
    assert answer["activity"] is not None
    assert any(note.startswith("sleep of 2026-03-29: not synced yet") for note in answer["coverage"]["notes"])


def test_a_day_of_which_only_events_may_be_read_has_data() -> None:
    rows = week()
    rows["sleep"] = rows["daily_sleep"] = rows["daily_readiness"] = rows["daily_activity"] = []
    rows["workout"] = [workout(days_ago(0))]

    answer = read("oura://today", Wearer(rows))

    assert answer["workouts"]
    assert answer["coverage"]["days_with_data"] == 1


def test_one_day_is_that_day() -> None:
    rows = week()
    rows["sleep"] = [*rows["sleep"], nap(days_ago(2))]

    answer = read("oura://day/2026-03-27", Wearer(rows))

    assert answer["date"] == "2026-03-27"
    assert answer["sleep"]["naps"] == [1_500]


@pytest.mark.parametrize("day", ["2026-13-45", "yesterday", "2027-01-01", "1970-01-01"])
def test_a_day_that_cannot_be_is_no_resource(day: str) -> None:
    with pytest.raises(LookupError):
        read(f"oura://day/{day}", Wearer(week()))


def test_the_week_has_averages_and_a_line_a_day() -> None:
    rows = week()
    rows["daily_readiness"] = rows["daily_readiness"][:-1]

    answer = read("oura://week", Wearer(rows))

    assert answer["sleep"]["average_duration"] == 25_920
    assert [line["date"] for line in answer["days"]] == [days_ago(back).isoformat() for back in range(6, -1, -1)]
    assert (answer["days"][0]["readiness_score"], answer["days"][-1]["readiness_score"]) == (78, None)
    assert len(text_of(answer)) < 4_000


def test_dates_complete_newest_first_without_asking_oura() -> None:
    wearer = Wearer()

    assert recent_days(asking(wearer), "")[:2] == ["2026-03-29", "2026-03-28"]
    assert recent_days(asking(wearer), "2026-02-2")[0] == "2026-02-28"
    assert recent_days(asking(wearer), "tomorrow") == []
    assert wearer.asked == []


def test_a_changed_day_touches_its_own_resource_and_the_ones_that_show_it() -> None:
    assert touched_resources({TODAY}, TODAY) == ["oura://day/2026-03-29", "oura://today", "oura://week"]
    assert touched_resources({days_ago(6)}, TODAY) == ["oura://day/2026-03-23", "oura://week"]
    assert touched_resources({days_ago(7)}, TODAY) == ["oura://day/2026-03-22"]
    assert touched_resources(frozenset(), TODAY) == []
