import pytest

from app.commands.night import told

NIGHT = {
    "date": "2026-11-22",
    "score": 84,
    "total_sleep_duration": 28380,
    "time_in_bed": 32040,
    "deep_sleep_duration": 4500,
    "rem_sleep_duration": 6840,
    "light_sleep_duration": 17040,
    "efficiency": 89,
    "bedtime_start": "2026-11-22T00:09:00+02:00",
    "bedtime_end": "2026-11-22T09:03:00+02:00",
    "lowest_heart_rate": 57,
    "average_heart_rate": 63.125,
    "average_hrv": 31,
    "breath_average": 14.875,
}


def test_the_newest_night_is_told_in_hours_and_words():
    text = told({"data": [{**NIGHT, "date": "2026-11-21", "score": 1}, NIGHT], "synthetic": True})
    assert text.splitlines()[0] == "The night that ended on Sunday, 22 November 2026 (invented data)"
    for part in ("84 of 100", "7 h 53 min of 8 h 54 min in bed", "00:09 to 09:03", "57 bpm lowest, 63.1 bpm average", "31 ms"):
        assert part in text


@pytest.mark.parametrize(
    ("deep", "rem", "light", "lines"),
    [
        (5730, 5010, 17130, ("7 h 44 min of", "deep 1 h 36 min · rem 1 h 24 min · light 4 h 44 min")),
        (4500, 6840, 17040, ("7 h 53 min of", "deep 1 h 15 min · rem 1 h 54 min · light 4 h 44 min")),
        (4500, None, 17040, ("5 h 59 min of", "deep 1 h 15 min · rem unknown · light 4 h 44 min")),
    ],
)
def test_the_stages_add_up_to_the_time_asleep(deep, rem, light, lines):
    asleep = deep + (rem or 0) + light
    stages = {"deep_sleep_duration": deep, "rem_sleep_duration": rem, "light_sleep_duration": light}
    text = told({"data": [{**NIGHT, "total_sleep_duration": asleep, **stages}]})
    for line in lines:
        assert line in text


def test_stages_that_do_not_add_up_at_all_are_told_as_they_are():
    assert "light 4 h 44 min" in told({"data": [{**NIGHT, "total_sleep_duration": 3600}]})


def test_what_is_missing_is_called_unknown_and_never_zero():
    text = told({"data": [{**dict.fromkeys(NIGHT), "date": "2026-11-22", "total_sleep_duration": 3600}]})
    assert "unknown" in text
    assert "0 bpm" not in text
    assert "invented" not in text


def test_an_answer_without_a_night_says_so():
    assert told({"data": [{**NIGHT, "total_sleep_duration": None}]}) == "There is no night in the answer."
