"""get_personal_info: the person, the rings, and what consent left out."""

from datetime import UTC, datetime

from app.errors import ScopeMissingError
from app.oura.answers import Profile
from app.oura.records import PersonalInfo, RingConfiguration
from app.oura.zones import Zone
from app.tools.coverage import TOO_SLOW
from tests.unit.tools.answers import ask
from tests.unit.tools.wearer import NOW, TZ, Wearer, record

PERSON = PersonalInfo(id="p", age=41, weight=72.5, height=1.78, biological_sex="female", email="a@example.org")
RINGS = (
    record(RingConfiguration, hardware_type="gen4", size=9, color="silver", set_up_at=datetime(2025, 2, 1, tzinfo=UTC)),
    record(RingConfiguration, hardware_type="gen3", size=9, set_up_at=datetime(1970, 1, 1, tzinfo=UTC)),
)


def test_it_is_told_in_the_wearers_time() -> None:
    profile = Profile(PERSON, None, RINGS, None, fetched_at=NOW, zone=Zone(TZ, "UTC+02:00", assumed=False))

    answer = ask("get_personal_info", Wearer(profile_answer=profile))

    assert answer["coverage"]["fetched_at"] == "2026-03-29T10:30:00+02:00"


def test_the_original_keys_and_the_rings_newest_first() -> None:
    answer = ask("get_personal_info", Wearer(profile_answer=Profile(PERSON, None, RINGS, None, fetched_at=NOW)))

    assert {key: answer[key] for key in ("age", "weight", "height", "biological_sex", "email")} == {
        "age": 41,
        "weight": 72.5,
        "height": 1.78,
        "biological_sex": "female",
        "email": "a@example.org",
    }
    assert [(ring["current"], ring["hardware_type"], ring["set_up_at"]) for ring in answer["rings"]] == [
        (True, "gen4", "2025-02-01T00:00:00+00:00"),
        (False, "gen3", None),
    ]
    assert answer["coverage"] == {"partial": False, "stale": False, "fetched_at": "2026-03-29T08:30:00+00:00", "notes": []}


def test_rings_that_consent_left_out_are_null_and_told() -> None:
    answer = ask("get_personal_info", Wearer(profile_answer=Profile(PERSON, None, None, ScopeMissingError("ring_configuration"))))

    assert answer["rings"] is None
    assert answer["coverage"]["partial"] is True
    assert any("'ring_configuration'" in note for note in answer["coverage"]["notes"])


def test_more_rings_than_an_answer_lists_are_told() -> None:
    answer = ask("get_personal_info", Wearer(profile_answer=Profile(PERSON, None, RINGS * 15, None)))

    assert len(answer["rings"]) == 20
    assert answer["coverage"]["notes"] == ["Only the newest 20 of 30 rings are listed."]


def test_what_was_not_fetched_in_time_is_told() -> None:
    answer = ask("get_personal_info", Wearer(profile_answer=Profile(None, None, None, None, partial=True)))

    assert (answer["age"], answer["rings"]) == (None, None)
    assert answer["coverage"]["notes"] == [f"profile: {TOO_SLOW}", f"rings: {TOO_SLOW}"]


def test_a_person_without_consent_for_personal_data_is_null_not_zero() -> None:
    nobody = PersonalInfo(id="p", age=None, weight=None, height=None, biological_sex=None, email=None)

    answer = ask("get_personal_info", Wearer(profile_answer=Profile(nobody, None, (), None)))

    assert answer["age"] is None
    notes = " ".join(answer["coverage"]["notes"])
    assert "'personal'" in notes
    assert "'email'" in notes
    assert "lists no ring" in notes


def test_one_value_that_is_there_shows_that_consent_was_given() -> None:
    for name, value in (("age", 41), ("weight", 72.5), ("height", 1.78)):
        person = record(PersonalInfo, email="a@example.org", **{name: value})

        answer = ask("get_personal_info", Wearer(profile_answer=Profile(person, None, RINGS, None)))

        assert answer["coverage"]["notes"] == []
