"""From days of measures to findings: what clearly changed against the person's own earlier weeks, and what is simply low.

A change becomes a finding only if it is both meaningful (measures.py) and unlikely to be chance after correcting for having
asked about every measure at once. Anything else is "stable", or "not enough data"; nothing is ever filled in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from app.insights.comparison import MIN_RECENT_DAYS, Comparison, compare
from app.insights.measures import HEADLINES, MEASURES, Category, Measure
from app.insights.significance import false_discovery, holm
from app.insights.trend import Trend

Verdict = Literal["improving", "declining", "higher", "lower", "stable", "not enough data"]
Certainty = Literal["high", "moderate", "low"]
Priority = Literal["high", "medium", "low"]
HIGH_CERTAINTY = 0.01  # chance that any of the measures is a false alarm
MODERATE_CERTAINTY = 0.1  # share of false alarms among the findings
_RANK = {"high": 0, "medium": 1, "low": 2}


@dataclass(frozen=True, slots=True)
class Judged:
    """One measure, compared and named. *certainty* is None where there is not enough data."""

    measure: Measure
    comparison: Comparison
    verdict: Verdict
    certainty: Certainty | None


@dataclass(frozen=True, slots=True)
class Finding:
    """What to tell the person. *certainty* is how sure the change is; None where the finding is a low average, not a change."""

    category: Category
    finding: str
    recommendation: str
    priority: Priority
    metric: str
    certainty: Certainty | None
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class Report:
    measures: list[Judged]
    findings: list[Finding]
    trends: dict[Category, Trend]


def report(series: Mapping[str, Mapping[date, float]], *, start: date, end: date) -> Report:
    """Compare the days *start* to *end* of every series with its days before *start*.

    Series are named as in MEASURES and hold a value for each day that has one; unknown names are a defect.
    """
    asked_days = (end - start).days + 1
    compared = {key: _split(key, values, start, end, asked_days) for key, values in series.items()}
    judged = _judge(compared)
    findings = [_change(item, asked_days) for item in judged if item.verdict not in {"stable", "not enough data"}]
    findings += [
        _low_average(level, compared[level.key], asked_days) for level in _LEVELS if _is_low(level, compared, asked_days)
    ]
    findings.sort(key=lambda finding: (_RANK[finding.priority], finding.certainty != "high"))
    verdicts = {item.measure.key: item.verdict for item in judged}
    trends = {category: _trend(verdicts.get(key, "not enough data")) for category, key in HEADLINES.items()}
    return Report(judged, findings, trends)


def _split(key: str, values: Mapping[date, float], start: date, end: date, asked_days: int) -> Comparison:
    recent = {day: value for day, value in values.items() if start <= day <= end}
    earlier = {day: value for day, value in values.items() if day < start}
    return compare(recent, earlier, asked_days=asked_days, resolution=MEASURES[key].meaningful / 4)


def _judge(compared: Mapping[str, Comparison]) -> list[Judged]:
    tested = [key for key, comparison in compared.items() if comparison.p is not None]
    ps = [comparison.p for comparison in compared.values() if comparison.p is not None]
    any_false = dict(zip(tested, holm(ps), strict=True))
    share_false = dict(zip(tested, false_discovery(ps), strict=True))
    judged = []
    for key, comparison in compared.items():
        measure = MEASURES[key]
        if not comparison.enough:
            judged.append(Judged(measure, comparison, "not enough data", None))
            continue
        certainty: Certainty = "low"
        if any_false[key] <= HIGH_CERTAINTY:
            certainty = "high"
        elif share_false[key] <= MODERATE_CERTAINTY:
            certainty = "moderate"
        judged.append(Judged(measure, comparison, _verdict(measure, comparison, certainty), certainty))
    return judged


def _verdict(measure: Measure, comparison: Comparison, certainty: Certainty) -> Verdict:
    assert comparison.change is not None
    if certainty == "low" or abs(comparison.change) < measure.meaningful:
        return "stable"
    rose = comparison.change > 0
    if measure.better == 0:
        return "higher" if rose else "lower"
    return "improving" if rose == (measure.better > 0) else "declining"


def _change(item: Judged, asked_days: int) -> Finding:
    measure, comparison = item.measure, item.comparison
    assert comparison.recent is not None
    assert comparison.baseline is not None
    recent, usual = measure.show(comparison.recent), measure.show(comparison.baseline)
    matched = ", weekdays and weekends matched" if comparison.weekday_matched else ""
    return Finding(
        category=measure.category,
        finding=f"{measure.label}: {recent} over the last {_days(asked_days)} (n={comparison.n}), usually {usual} "
        f"(n={comparison.baseline_n}{matched}).",
        recommendation=measure.worse if _is_for_worse(item) else measure.improved,
        priority=_priority(item),
        metric=measure.key,
        certainty=item.certainty,
        comparison=comparison,
    )


def _is_for_worse(item: Judged) -> bool:
    return item.verdict in {"declining", "higher"}


def _priority(item: Judged) -> Priority:
    if item.verdict == "declining":
        return "high" if item.certainty == "high" else "medium"
    return "low" if item.verdict == "improving" else "medium"


def _days(days: int) -> str:
    return "day" if days == 1 else f"{days} days"


def _trend(verdict: Verdict) -> Trend:
    match verdict:
        case "improving" | "declining" | "not enough data":
            return verdict
        case _:
            return "stable"


@dataclass(frozen=True, slots=True)
class _Level:
    """An average below *floor* is worth a word whatever is usual for the person."""

    key: str
    floor: float
    priority: Priority
    says: str
    advice: str


_LEVELS = (
    _Level(
        "sleep_score",
        70,
        "high",
        "below 70, where Oura's 'good' begins",
        "Aim for 7-9 hours and regular times; look at which contributor is lowest.",
    ),
    _Level(
        "total_sleep_duration",
        7 * 3600,
        "medium",
        "below the 7 hours generally advised for adults",
        "Go to bed earlier by the missing time, in steps of 15 minutes.",
    ),
    _Level(
        "readiness_score",
        70,
        "high",
        "below 70, where Oura's 'good' begins",
        "Favour rest and easy movement until it recovers.",
    ),
    _Level(
        "steps",
        7000,
        "medium",
        "below 7,000, where most of the benefit of walking is reached",
        "Add a walk of ten to twenty minutes a day.",
    ),
)


def _is_low(level: _Level, compared: Mapping[str, Comparison], asked_days: int) -> bool:
    comparison = compared.get(level.key)
    if comparison is None or comparison.recent is None or comparison.n < min(MIN_RECENT_DAYS, asked_days):
        return False
    return comparison.recent < level.floor


def _low_average(level: _Level, comparison: Comparison, asked_days: int) -> Finding:
    assert comparison.recent is not None
    measure = MEASURES[level.key]
    average = measure.show(comparison.recent)
    return Finding(
        category=measure.category,
        finding=f"{measure.label}: {average} on average over the last {_days(asked_days)} (n={comparison.n}), {level.says}.",
        recommendation=level.advice,
        priority=level.priority,
        metric=level.key,
        certainty=None,
        comparison=comparison,
    )
