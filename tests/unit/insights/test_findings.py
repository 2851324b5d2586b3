"""Findings: what clearly changed, what is low, and when there is nothing to say."""

import random
from datetime import date, timedelta

import pytest

from app.insights.findings import Report, report
from app.insights.measures import MEASURES, clock_time, duration

END = date(2026, 3, 29)
START = END - timedelta(days=6)


def series(recent: float, earlier: float, *, wobble: float, earlier_days: int = 28) -> dict[date, float]:
    """A level before and a level within the recent week, with the same wobble on both."""
    pattern = (-1.0, 0.4, 1.0, -0.4, 0.0)
    found = {}
    for back in range(7 + earlier_days):
        day = END - timedelta(days=back)
        found[day] = (recent if day >= START else earlier) + wobble * pattern[back % 5]
    return found


def week(**named: dict[date, float]) -> Report:
    return report(named, start=START, end=END)


def test_a_clear_fall_of_hrv_is_a_finding_with_its_numbers() -> None:
    found = week(average_hrv=series(30, 50, wobble=5))

    (finding,) = found.findings
    assert finding.category == "readiness"
    assert finding.metric == "average_hrv"
    assert (finding.priority, finding.certainty) == ("high", "high")
    assert finding.finding == "Night HRV (RMSSD): 30 ms over the last 7 days (n=7), usually 50 ms (n=28)."
    assert found.measures[0].verdict == "declining"


def test_a_fall_is_good_where_less_is_better() -> None:
    found = week(lowest_heart_rate=series(50, 58, wobble=1.5), average_hrv=series(50, 50, wobble=5))

    assert [item.verdict for item in found.measures] == ["improving", "stable"]
    assert [(finding.metric, finding.priority) for finding in found.findings] == [("lowest_heart_rate", "low")]


def test_a_rise_of_temperature_is_higher_not_worse() -> None:
    found = week(temperature_deviation=series(0.6, 0.0, wobble=0.15))

    assert found.measures[0].verdict == "higher"
    assert "+0.59 °C" in found.findings[0].finding


def test_a_significant_but_tiny_change_is_stable() -> None:
    found = week(average_hrv=series(52, 50, wobble=0.1))

    assert found.measures[0].verdict == "stable"
    assert found.findings == []


def test_without_earlier_weeks_there_is_not_enough_data_and_no_change_is_claimed() -> None:
    found = week(average_hrv=series(30, 50, wobble=5, earlier_days=5), sleep_score=series(85, 85, wobble=2, earlier_days=0))

    assert [(item.verdict, item.certainty) for item in found.measures] == [("not enough data", None)] * 2
    assert found.findings == []
    assert found.trends == {"sleep": "not enough data", "activity": "not enough data", "readiness": "not enough data"}


def test_trends_are_those_of_the_three_scores() -> None:
    found = week(
        sleep_score=series(85, 72, wobble=3),
        activity_score=series(60, 80, wobble=3),
        readiness_score=series(80, 80, wobble=3),
    )

    assert found.trends == {"sleep": "improving", "activity": "declining", "readiness": "stable"}


def test_a_low_average_is_told_even_without_a_history() -> None:
    found = week(sleep_score=series(61, 0, wobble=2, earlier_days=0), steps=series(4000, 0, wobble=300, earlier_days=0))

    assert [(f.metric, f.priority, f.certainty) for f in found.findings] == [
        ("sleep_score", "high", None),
        ("steps", "medium", None),
    ]
    assert found.findings[0].finding.startswith("Sleep score: 61 on average over the last 7 days (n=7), below 70")


def test_two_low_nights_of_a_week_are_too_few_for_an_average() -> None:
    found = week(sleep_score={END: 50.0, START: 52.0})

    assert found.findings == []


def test_the_most_important_finding_comes_first() -> None:
    found = week(average_hrv=series(70, 50, wobble=5), readiness_score=series(55, 80, wobble=3))

    assert [finding.priority for finding in found.findings] == ["high", "high", "low"]


def test_unchanged_years_rarely_raise_an_alarm() -> None:
    """Days that hang together (lag-1 0.3), a weekend habit, missing nights: about one call in ten may err, not one in two."""
    rng = random.Random(7)
    alarms = 0
    for _ in range(100):
        levels = {key: rng.gauss(0, 1) for key in MEASURES}
        found: dict[str, dict[date, float]] = {key: {} for key in MEASURES}
        for back in range(34, -1, -1):
            day = END - timedelta(days=back)
            for key, measure in MEASURES.items():
                levels[key] = 0.3 * levels[key] + rng.gauss(0, 0.954)
                if rng.random() > 0.04:
                    weekend = 0.8 if day.weekday() >= 5 else 0.0
                    found[key][day] = 30_000 + 3 * measure.meaningful * (levels[key] + weekend)
        alarms += bool(report(found, start=START, end=END).findings)
    assert alarms <= 20


@pytest.mark.parametrize(("seconds", "text"), [(25_500, "7 h 05 min"), (1_260, "21 min"), (0, "0 min"), (-5_400, "-1 h 30 min")])
def test_durations_read_as_people_say_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(("minutes", "text"), [(-20, "23:40"), (0, "00:00"), (65.4, "01:05"), (-0.4, "00:00")])
def test_bedtimes_read_as_a_clock(minutes: float, text: str) -> None:
    assert clock_time(minutes) == text
