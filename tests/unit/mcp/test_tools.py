"""What a tool gives and how it fails, in each revision."""

import json

import pytest

from app.mcp.content import tool_result
from app.mcp.eras import V2025_11_25
from app.registry import ToolResult
from tests.revisions import HANDSHAKE, MODERN, REVISIONS

PNG = {"type": "image", "data": "AA==", "mimeType": "image/png"}


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_structured_answer_is_the_text_and_the_structure_alike(serve, revision):
    result = serve().speaking(revision).call("echo", {"text": 'é "quoted" \\ \u2028 😀'}).result

    assert json.loads(result["content"][0]["text"]) == result["structuredContent"] == {"text": 'é "quoted" \\ \u2028 😀'}
    assert "isError" not in result


@pytest.mark.parametrize(
    ("revision", "kinds"),
    [
        ("2024-11-05", ["text", "image", "text", "resource", "text"]),
        ("2025-03-26", ["text", "image", "audio", "resource", "text"]),
        ("2025-06-18", ["text", "image", "audio", "resource", "resource_link"]),
        ("2025-11-25", ["text", "image", "audio", "resource", "resource_link"]),
        (MODERN, ["text", "image", "audio", "resource", "resource_link"]),
    ],
)
def test_content_that_a_revision_does_not_know_becomes_words(serve, revision, kinds):
    content = serve().speaking(revision).call("mixed").result["content"]

    assert [block["type"] for block in content] == kinds
    assert content[1] == PNG
    if kinds[4] == "text":
        assert content[4]["text"] == "A link: unit://linked"


def test_a_prompt_s_sound_becomes_words_where_sound_is_unknown(serve):
    def kind(revision):
        return serve().speaking(revision).request("prompts/get", {"name": "listen_to"}).result["messages"][0]["content"]["type"]

    assert [kind("2024-11-05"), kind("2025-03-26")] == ["text", "audio"]


@pytest.mark.requirement("errors")
@pytest.mark.parametrize("revision", REVISIONS)
def test_a_failure_is_a_result_in_words(serve, revision):
    answer = serve().speaking(revision).call("fails")

    assert answer.status == 200
    result = answer.result
    assert (result["isError"], result["content"]) == (True, [{"type": "text", "text": "Ask for fewer days."}])


@pytest.mark.parametrize("revision", REVISIONS)
def test_bad_arguments_are_told_all_at_once_in_the_result(serve, revision):
    result = serve().speaking(revision).call("echo", {"text": 5, "txet": "x"}).result

    assert result["isError"] is True
    assert "text" in result["content"][0]["text"]
    assert "txet" in result["content"][0]["text"]


def test_a_failure_with_structure_keeps_it_out_of_structured_content():
    result = json.loads(tool_result(ToolResult(structured={"half": True}, is_error=True), V2025_11_25))

    assert result == {"content": [{"type": "text", "text": '{"half":true}'}], "isError": True}


def test_content_and_structure_go_side_by_side():
    result = json.loads(tool_result(ToolResult(content=[PNG], structured={"a": 1}), V2025_11_25))

    assert result == {"content": [PNG], "structuredContent": {"a": 1}}


def test_an_empty_answer_is_an_empty_list():
    assert json.loads(tool_result(ToolResult(), V2025_11_25)) == {"content": []}


@pytest.mark.requirement("errors")
@pytest.mark.parametrize("revision", REVISIONS)
def test_a_defect_is_minus_32603_and_tells_nothing_but_is_logged_with_its_traceback(serve, caplog, revision):
    answer = serve().speaking(revision).call("breaks")

    assert (answer.status, answer.error) == (200, {"code": -32603, "message": "Internal error"})
    assert "a secret of the inside" in caplog.text


def test_missing_and_null_arguments_are_none(serve):
    client = serve()

    assert client.call("echo").result["structuredContent"] == {"text": "hello"}
    assert client.call("echo", params={"arguments": None}).result["structuredContent"] == {"text": "hello"}


def test_unknown_arguments_are_named_in_the_answer(serve):
    result = serve().call("echo", {"colour": "red"}).result

    assert result["structuredContent"]["coverage"]["ignored_arguments"] == ["colour"]


def test_the_name_of_an_unknown_tool_is_cut_in_the_answer(serve):
    answer = serve().call("x" * 90_000)

    assert len(answer.error["message"]) < 100


@pytest.mark.parametrize("revision", HANDSHAKE)
def test_calls_are_counted_by_tool_and_outcome(serve, revision):
    client = serve().speaking(revision)
    for name in ("echo", "fails", "breaks", "reports_error", "no_such"):
        client.call(name).messages()
    counted = client.engine.services.metrics.render().decode()

    for line in (
        'oura_mcp_tool_calls_total{outcome="ok",tool="echo"} 1.0',
        'oura_mcp_tool_calls_total{outcome="ToolError",tool="fails"} 1.0',
        'oura_mcp_tool_calls_total{outcome="defect",tool="breaks"} 1.0',
        'oura_mcp_tool_calls_total{outcome="failed",tool="reports_error"} 1.0',
        'oura_mcp_calls_total{method="tools/call",outcome="ok"} 3.0',
        'oura_mcp_calls_total{method="tools/call",outcome="defect"} 1.0',
        'oura_mcp_calls_total{method="tools/call",outcome="-32602"} 1.0',
    ):
        assert line in counted
    assert "no_such" not in counted


def test_the_lists_say_what_the_registry_holds(serve):
    client = serve().speaking("2025-11-25")
    tools = {tool["name"]: tool for tool in client.request("tools/list").result["tools"]}

    assert list(tools) == sorted(tools)
    assert tools["echo"]["title"] == tools["echo"]["annotations"]["title"] == "Echo"
    assert tools["echo"]["annotations"]["readOnlyHint"] is True
    assert tools["echo"]["inputSchema"] == {"type": "object", "properties": {"text": {"type": "string", "default": "hello"}}}
    assert tools["typed"]["outputSchema"]["properties"] == {"score": {"type": ["integer", "null"]}}
    assert "outputSchema" not in tools["echo"]
    assert [one["uri"] for one in client.request("resources/list").result["resources"]] == ["unit://text", "unit://bytes"]
    templates = client.request("resources/templates/list").result["resourceTemplates"]
    assert [one["uriTemplate"] for one in templates] == ["unit://day/{date}"]
    prompts = {one["name"]: one for one in client.request("prompts/list").result["prompts"]}
    assert [(one["name"], one["required"]) for one in prompts["greet"]["arguments"]] == [("name", True), ("tone", False)]


@pytest.mark.parametrize("revision", REVISIONS)
def test_resources_are_read_as_text_bytes_and_json(serve, revision):
    client = serve().speaking(revision)

    def read(uri):
        return client.request("resources/read", {"uri": uri}).result["contents"][0]

    assert read("unit://text") == {"uri": "unit://text", "mimeType": "text/plain", "text": "some text"}
    assert read("unit://bytes")["blob"] == "AAE="
    assert json.loads(read("unit://day/2026-11-22")["text"]) == {"date": "2026-11-22"}


@pytest.mark.parametrize(("revision", "code", "status"), [*((one, -32002, 200) for one in HANDSHAKE), (MODERN, -32602, 400)])
@pytest.mark.parametrize("uri", ["unit://day/never", "unit://day/a/b", "unit://day/", "file:///etc/passwd"])
def test_a_resource_that_is_not_there_is_an_error_with_its_uri(serve, revision, code, status, uri):
    client = serve().speaking(revision)
    answer = client.request("resources/read", {"uri": uri})

    assert (answer.status, answer.error["code"], answer.error["data"]) == (status, code, {"uri": uri})


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_prompt_is_filled_in_and_asks_for_what_it_needs(serve, revision):
    client = serve().speaking(revision)

    made = client.request("prompts/get", {"name": "greet", "arguments": {"name": "Ada", "unknown": "x"}}).result
    assert made["messages"] == [{"role": "user", "content": {"type": "text", "text": "Greet Ada, kind."}}]
    for arguments in ({}, {"name": 5}):
        assert client.request("prompts/get", {"name": "greet", "arguments": arguments}).error["code"] == -32602


@pytest.mark.parametrize("revision", REVISIONS)
def test_completion_suggests_at_most_a_hundred_values_and_says_how_many_there_are(serve, revision):
    client = serve().speaking(revision)

    def complete(value, name="date"):
        ref = {"type": "ref/resource", "uri": "unit://day/{date}"}
        params = {"ref": ref, "argument": {"name": name, "value": value}, "context": {"arguments": {"x": "y"}}}
        return client.request("completion/complete", params).result["completion"]

    many = complete("2026-")
    assert (len(many["values"]), many["total"], many["hasMore"]) == (100, 200, True)
    assert complete("2026-00") == {"values": [f"2026-00{n}" for n in range(10)], "total": 10, "hasMore": False}
    assert complete("2026-", name="no_such_variable") == {"values": [], "total": 0, "hasMore": False}


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"ref": {"type": "ref/prompt"}, "argument": {"name": "a", "value": ""}},
        {"ref": {"type": "ref/other", "name": "greet"}, "argument": {"name": "a", "value": ""}},
        {"ref": {"type": "ref/prompt", "name": "greet"}, "argument": {"name": "a"}},
        {"ref": "greet", "argument": {"name": "a", "value": ""}},
        {"ref": {"type": "ref/resource", "uri": "unit://no"}, "argument": {"name": "a", "value": ""}},
    ],
)
def test_completion_of_nothing_is_an_error(serve, params):
    assert serve().request("completion/complete", params).error["code"] == -32602
