"""What a client sees of the nine tools before it calls one: names, words, schemas, sizes."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from app.errors import ArgumentError
from app.oura.answers import Profile
from app.tools import INSTRUCTIONS
from tests.unit.tools.answers import REGISTRY, ask
from tests.unit.tools.wearer import Wearer, week

NAMES = [
    "get_activity_summary",
    "get_health_insights",
    "get_heart_rate",
    "get_personal_info",
    "get_readiness_score",
    "get_sleep_detailed",
    "get_sleep_summary",
    "get_tags",
    "get_workouts",
]
ORIGINAL_ARGUMENTS = {
    "get_activity_summary": {"start_date", "end_date"},
    "get_health_insights": {"days"},
    "get_heart_rate": {"start_datetime", "end_datetime"},
    "get_personal_info": set(),
    "get_readiness_score": {"start_date", "end_date"},
    "get_sleep_detailed": {"start_date", "end_date"},
    "get_sleep_summary": {"start_date", "end_date", "include_hrv"},
    "get_tags": {"start_date", "end_date"},
    "get_workouts": {"start_date", "end_date"},
}


def compact(value: Any) -> int:
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=True))


def listed(name: str) -> dict[str, Any]:
    tool = REGISTRY.tools[name]
    return {
        "name": tool.name,
        "title": tool.title,
        "description": tool.description,
        "inputSchema": tool.input_schema,
        "outputSchema": tool.output_schema,
        "annotations": tool.annotations,
    }


def keys_of(schema: Any) -> set[str]:
    """Every key word used anywhere in *schema*, property names aside."""
    if isinstance(schema, list):
        return set().union(*map(keys_of, schema), set())
    if not isinstance(schema, dict):
        return set()
    inside = {"properties": list(schema["properties"].values())} if "properties" in schema else {}
    return set(schema) | set().union(*(keys_of(value) for value in {**schema, **inside}.values()), set())


def test_the_nine_tools_are_there_with_the_originals_arguments() -> None:
    assert set(NAMES) <= REGISTRY.tools.keys()
    for name, arguments in ORIGINAL_ARGUMENTS.items():
        assert arguments | {"refresh"} <= set(REGISTRY.tools[name].input_schema["properties"])


@pytest.mark.parametrize("name", NAMES)
def test_no_argument_is_required_and_input_schemas_are_plain(name: str) -> None:
    schema = REGISTRY.tools[name].input_schema

    Draft202012Validator.check_schema(schema)
    assert "required" not in schema
    assert keys_of(schema).isdisjoint({"anyOf", "oneOf", "allOf", "$ref", "$defs"})
    for described in schema["properties"].values():
        assert described["description"]
        assert isinstance(described["type"], str)


@pytest.mark.parametrize("name", NAMES)
def test_output_schemas_are_plain_objects(name: str) -> None:
    schema = REGISTRY.tools[name].output_schema

    Draft202012Validator.check_schema(schema)
    assert schema["type"] == "object"
    assert keys_of(schema).isdisjoint({"anyOf", "$ref", "$defs"})
    assert "coverage" in schema["properties"]


@pytest.mark.parametrize("name", NAMES)
def test_every_tool_has_a_title_a_description_and_read_only_hints(name: str) -> None:
    tool = REGISTRY.tools[name]

    assert tool.title
    assert 60 < len(tool.description) < 400
    assert tool.annotations["readOnlyHint"] is True
    assert tool.annotations["destructiveHint"] is False


@pytest.mark.requirement("tool-list-small")
def test_what_a_model_reads_stays_under_9_kb_and_the_whole_list_under_24() -> None:
    tools = [listed(name) for name in NAMES]
    read = [{key: tool[key] for key in ("name", "description", "inputSchema")} for tool in tools]

    assert compact(read) < 9_000
    assert compact({"jsonrpc": "2.0", "id": 1, "result": {"tools": tools}}) < 24_000


def test_instructions_name_every_tool_and_stay_short() -> None:
    assert len(INSTRUCTIONS.encode()) < 2_500
    assert all(name in INSTRUCTIONS for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_oura_is_asked_anew_only_by_who_says_so(name: str) -> None:
    def first_question(**arguments: object) -> bool:
        wearer = Wearer(week(), profile_answer=Profile(None, None, (), None))
        ask(name, wearer, **arguments)
        asked = wearer.asked[0][1]
        return asked[1] if isinstance(asked, tuple) else asked

    assert first_question() is False
    assert first_question(refresh=True) is True


def test_unknown_arguments_are_ignored_and_named_in_a_sentence_too() -> None:
    coverage = ask("get_sleep_summary", Wearer(week()), zodiac="leo")["coverage"]

    assert coverage["ignored_arguments"] == ["zodiac"]
    assert "This tool has no argument zodiac: it was ignored." in coverage["notes"]


@pytest.mark.parametrize("name", ["date", "DATE", "start", "end-of-week"])
def test_an_argument_that_shares_a_word_with_a_known_one_is_not_ignored(name: str) -> None:
    with pytest.raises(ArgumentError, match=r"did you mean '(start|end)_date'"):
        ask("get_sleep_summary", Wearer(week()), **{name: "2026-03-20"})


def test_a_near_miss_is_an_error_that_names_the_argument() -> None:
    with pytest.raises(ArgumentError, match="did you mean 'start_date'"):
        ask("get_sleep_summary", Wearer(week()), startDate="2026-03-01")


def test_null_is_as_good_as_absent() -> None:
    nothing = dict.fromkeys(("start_date", "end_date", "include_hrv", "refresh"))

    assert ask("get_sleep_summary", Wearer(week()), **nothing) == ask("get_sleep_summary", Wearer(week()))


@pytest.mark.requirement("arguments")
def test_all_bad_arguments_are_reported_at_once() -> None:
    with pytest.raises(ArgumentError) as caught:
        ask("get_sleep_summary", Wearer(week()), start_date=["x"], include_hrv="perhaps", refresh=3)

    assert len(caught.value.problems) == 3


@pytest.mark.parametrize("days", [0, 91, 1.5, "many"])
def test_days_out_of_range_are_refused(days: object) -> None:
    with pytest.raises(ArgumentError, match="days"):
        ask("get_health_insights", Wearer(), days=days)
