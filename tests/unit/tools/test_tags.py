"""get_tags: both of Oura's collections, each tag once."""

from datetime import timedelta

from app.errors import ScopeMissingError
from app.oura.records import EnhancedTag, Tag
from app.tools.coverage import TOO_SLOW
from tests.unit.tools.answers import ask
from tests.unit.tools.wearer import TODAY, Wearer, at, days_ago, record


def enhanced(clock: str = "20:00", **values: object) -> EnhancedTag:
    ordinary = {
        "id": "new",
        "start_day": days_ago(1),
        "start_time": at(days_ago(1), clock),
        "tag_type_code": "tag_generic_alcohol",
    }
    return record(EnhancedTag, **(ordinary | values))


def legacy(clock: str = "20:00", **values: object) -> Tag:
    ordinary = {
        "id": "old",
        "day": days_ago(1),
        "timestamp": at(days_ago(1), clock),
        "text": None,
        "tags": ("tag_generic_alcohol",),
    }
    return record(Tag, **(ordinary | values))


def entries(new: list[EnhancedTag], old: list[Tag]) -> list[dict[str, object]]:
    return ask("get_tags", Wearer({"enhanced_tag": new, "tag": old}))["data"]


def test_an_entry_has_its_day_its_time_and_what_was_noted() -> None:
    tag = enhanced(comment="two glasses", end_time=at(days_ago(1), "22:00"), end_day=days_ago(1))

    assert entries([tag], []) == [
        {
            "date": "2026-03-28",
            "day": "2026-03-28",
            "text": "two glasses",
            "timestamp": "2026-03-28T20:00:00+02:00",
            "end_time": "2026-03-28T22:00:00+02:00",
            "tags": ["tag_generic_alcohol"],
        }
    ]


def test_a_custom_tag_has_the_name_the_person_gave_it() -> None:
    (entry,) = entries([enhanced(tag_type_code="custom", custom_name="sauna", comment="")], [])

    assert (entry["tags"], entry["text"]) == (["sauna"], None)


def test_a_text_without_a_type_is_only_text() -> None:
    (entry,) = entries([enhanced(tag_type_code=None, comment="slept badly")], [])

    assert (entry["tags"], entry["text"]) == ([], "slept badly")


def test_the_same_tag_in_both_collections_is_told_once() -> None:
    assert len(entries([enhanced()], [legacy()])) == 1
    assert len(entries([enhanced(id="same")], [legacy(id="same", tags=("other",))])) == 1
    assert len(entries([enhanced(comment="late")], [legacy(text="Late", tags=())])) == 1


def test_a_tag_without_a_time_is_the_same_as_one_of_its_day() -> None:
    other_day = {"day": days_ago(2), "timestamp": None}

    assert len(entries([enhanced()], [legacy(timestamp=None)])) == 1
    assert len(entries([enhanced(start_time=None)], [legacy()])) == 1
    assert len(entries([enhanced()], [legacy(**other_day)])) == 2


def test_several_new_tags_of_one_moment_cover_one_old_one_with_several_names() -> None:
    new = [enhanced(id="a"), enhanced(id="b", tag_type_code="tag_sleep_latemeal")]

    assert len(entries(new, [legacy(tags=("tag_generic_alcohol", "tag_sleep_latemeal"))])) == 2


def test_what_only_the_old_collection_holds_is_kept() -> None:
    found = entries([enhanced()], [legacy(tags=("tag_generic_alcohol", "tag_generic_stress"))])

    assert [entry["tags"] for entry in found] == [["tag_generic_alcohol"], ["tag_generic_stress"]]


def test_an_old_tag_that_says_nothing_is_not_told() -> None:
    assert entries([], [legacy(tags=(), text="")]) == []


def test_the_same_tag_at_another_time_is_another_tag() -> None:
    found = entries([enhanced()], [legacy("22:30")])

    assert [entry["timestamp"][11:16] for entry in found] == ["20:00", "22:30"]


def test_a_refused_old_collection_does_not_hide_the_new_one() -> None:
    wearer = Wearer({"enhanced_tag": [enhanced()]}, errors={"tag": ScopeMissingError("tag")})

    answer = ask("get_tags", wearer)

    assert len(answer["data"]) == 1
    assert any(gap["why"].count("'tag'") for gap in answer["coverage"]["missing"])


def test_counts_cover_every_tag() -> None:
    new = [enhanced(id=str(n), start_time=at(days_ago(1), "08:00") + timedelta(minutes=5 * n)) for n in range(3)]

    assert ask("get_tags", Wearer({"enhanced_tag": new}))["summary"] == {
        "total_tags": 3,
        "by_tag": {"tag_generic_alcohol": 3},
    }


def test_no_tags_is_not_missing_data() -> None:
    coverage = ask("get_tags", Wearer())["coverage"]

    assert (coverage["missing"], coverage["notes"]) == ([], ["No tags were noted in these days."])


def test_tags_that_were_not_fetched_in_time_are_not_said_to_be_none() -> None:
    coverage = ask("get_tags", Wearer(unknown={"enhanced_tag": [TODAY]}, partial=True))["coverage"]

    assert coverage["missing"] == [{"why": TOO_SLOW, "days": [TODAY.isoformat()]}]
    assert coverage["notes"] == []


def test_a_diary_in_the_comments_stays_within_the_size() -> None:
    new = [
        enhanced(id=str(back), start_day=days_ago(back), start_time=at(days_ago(back), "20:00"), comment="x" * 100_000)
        for back in range(364, -1, -1)
    ]

    answer = ask("get_tags", Wearer({"enhanced_tag": new}), start_date=days_ago(364).isoformat())

    assert answer["summary"]["total_tags"] == 365
    assert answer["data"][-1]["day"] == TODAY.isoformat()
    assert len(answer["data"][0]["text"]) == 500
    assert answer["coverage"]["continue_with"]["end_date"] < answer["data"][0]["day"]
    assert any(note.startswith("Only the newest") and "continue_with" in note for note in answer["coverage"]["notes"])
