"""What happens to people and data when processes start, stop, race and die."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import gevent
import pytest
from gevent.pool import Pool

from tests.e2e.harness import GUNICORN, Server, Simulator
from tests.e2e.wire import eventually, strictly

MANY = 60
HOLD_STREAMS = f"""
import socket, sys, time
host, port, head = "127.0.0.1", int(sys.argv[1]), sys.stdin.buffer.read()
held = []
for _ in range({MANY}):
    raw = socket.create_connection((host, port))
    raw.sendall(head)
    assert b" 200 " in raw.recv(4096)
    held.append(raw)
print("holding", flush=True)
time.sleep(600)
"""


pytestmark = pytest.mark.usefixtures("abandoned")


@pytest.fixture(scope="module")
def abandoned(tmp_path_factory):
    """A server whose every stream was held by a process that is killed now: the heartbeat takes half a minute to find out."""
    with Server(tmp_path_factory.mktemp("abandoned"), MAX_STREAMS=str(MANY + 2)) as server:
        caller = server.caller()
        idle = caller.stream()
        command = [sys.executable, "-c", HOLD_STREAMS, str(server.port)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
            holder.stdin.write(server.head("GET", "/sse", Accept="text/event-stream"))
            holder.stdin.close()
            assert holder.stdout.readline() == b"holding\n"
            with caller.stream() as last:
                assert last.call("ping")["result"] == {}
                assert server.metric("oura_mcp_open_streams") == MANY + 2
                with caller.request("GET", "/sse", headers={"Accept": "text/event-stream"}, stream=True) as refused:
                    assert refused.status_code in {429, 503}
            holder.kill()
        yield server, last.endpoint, idle


def calls_at_once(callers, tool, **arguments):
    """The answers of one call each, all under way at the same time."""
    pool = Pool(len(callers))
    return pool.map(lambda caller: caller.tool(tool, **arguments), callers)


# -- stopping ----------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("sigterm")
def test_sigterm_ends_every_stream_whole_loses_no_answer_and_exits_0(start, simulator):
    server = start(Server, simulator)
    assert server.connect().ok
    caller = server.caller()
    streams = [caller.stream() for _ in range(4)]
    assert streams[1].call("ping")["result"] == {}
    call = {"jsonrpc": "2.0", "id": 900, "method": "tools/call", "params": {"name": "get_sleep_summary", "arguments": {}}}
    with simulator.turned(latency_s=1.5):
        posted = gevent.spawn(server.caller().tool, "get_activity_summary")
        assert streams[0].send(call).status_code == 202
        eventually(lambda: simulator.seen()["in_flight"] > 1, what="both calls waiting for Oura")
        assert server.stop(signal.SIGTERM) == 0
    assert posted.get(timeout=30)["data"]
    answers = [strictly(event.data) for event in streams[0].rest()]
    assert [answer["id"] for answer in answers] == [900]
    assert not answers[0]["result"].get("isError")
    for stream in streams[1:]:
        assert stream.rest() == []
        assert stream.raw.endswith(b"\n\n")
    assert not server.healthy()
    assert "Traceback" not in server.logs()


@pytest.mark.requirement("sigterm")
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_server_stops_at_once_with_0(start, sent):
    server = start(Server)
    assert server.stop(sent) == 0
    assert "Traceback" not in server.logs()


@pytest.mark.requirement("sigterm")
def test_ctrl_c_which_reaches_every_process_ends_it_without_a_traceback(start):
    for _ in range(3):
        server = start(Server)
        os.killpg(server.child.pid, signal.SIGINT)
        assert server.child.wait(30) == 0
        assert "Traceback" not in server.logs()


@pytest.mark.requirement("settings")
def test_a_port_in_use_is_told_at_once_and_in_words(start):
    other = start(Server)
    second = Server(other.folder.parent / "second", PORT=str(other.port))
    second.spawn(GUNICORN, second.env)
    assert second.child.wait(30) == 1
    assert f"The server cannot start. Port {other.port} is in use." in second.logs()
    assert "Errno" not in second.logs()


# -- refreshing --------------------------------------------------------------------------------------------------------


@pytest.fixture
def two_servers(start, simulator, tmp_path):
    """Two processes, one set of secrets, one file of records; connected through the first."""
    first = start(Server, simulator, TOKEN_FILE=str(tmp_path / "shared.json"))
    shared = {name: first.env[name] for name in ("AUTH_TOKEN", "TOKEN_ENCRYPTION_KEY", "TOKEN_FILE", "OURA_REDIRECT_URI")}
    return first, start(Server, simulator, **shared)


def refreshes(simulator):
    asked = [request for request in simulator.seen()["requests"] if request["target"] == "token"]
    return [request["status"] for request in asked if request["query"]["grant_type"] == "refresh_token"]


@pytest.mark.requirement("sigterm")
def test_a_refresh_that_nobody_waits_for_any_more_is_not_lost_with_the_process(start, simulator):
    server = start(Server, simulator)
    assert server.connect().ok
    simulator.expire_access_tokens()
    with simulator.turned(latency_s=5):  # the refusal after 5 s, the renewal after 10; a caller waits for 7
        assert server.caller().tool("get_activity_summary")["coverage"]["partial"]
        assert server.stop(signal.SIGTERM) == 0
    server.start()
    assert server.caller().tool("get_activity_summary")["data"]


@pytest.mark.requirement("refresh-once")
def test_a_rejected_token_is_refreshed_once_by_two_processes_that_all_answer(two_servers, simulator):
    assert two_servers[0].connect().ok
    simulator.expire_access_tokens()
    simulator.forget_requests()
    callers = [server.caller() for server in two_servers for _ in range(5)]
    with simulator.turned(latency_s=0.3):
        answers = calls_at_once(callers, "get_sleep_summary")
    assert all(answer["data"] for answer in answers)
    assert refreshes(simulator) == [200]


@pytest.mark.requirement("refresh-once")
def test_a_token_that_is_due_is_refreshed_once_by_two_processes_that_all_answer(two_servers, simulator):
    with simulator.turned(access_token_ttl_s=2):
        assert two_servers[0].connect().ok
    due = time.time() + 2
    eventually(lambda: time.time() > due)
    assert two_servers[1].get("/health").json()["oauth_connected"] is True, "a refresh will help"
    simulator.forget_requests()
    callers = [server.caller() for server in two_servers for _ in range(5)]
    with simulator.turned(latency_s=0.3):
        answers = calls_at_once(callers, "get_readiness_score")
    assert all(answer["data"] for answer in answers)
    assert refreshes(simulator) == [200]


@pytest.mark.requirement("refresh-once")
def test_consent_withdrawn_at_oura_is_told_with_the_page_to_open(start):
    simulator = start(Simulator)  # its own: nobody else's consent is withdrawn
    server = start(Server, simulator)
    assert server.connect().ok
    simulator.revoke_all()
    words = server.caller(revision="2024-11-05").refusal("get_sleep_summary")
    assert f"{server.url}/oauth/authorize" in words
    assert server.connect().ok
    assert server.caller().tool("get_sleep_summary")["data"]


# -- connecting, disconnecting, restarting -----------------------------------------------------------------------------


@pytest.mark.requirement("restart")
def test_a_restart_keeps_the_connection_and_asks_nobody_anything(start, simulator):
    server = start(Server, simulator)
    assert server.connect().ok
    answer = server.caller().tool("get_sleep_summary")
    assert server.stop() == 0
    simulator.forget_requests()
    server.start()
    assert server.get("/oauth/status").json()["connected"] is True
    assert server.caller().tool("get_sleep_summary")["data"] == answer["data"]
    assert "token" not in simulator.seen()["counts"]


@pytest.mark.requirement("records-sealed")
def test_what_is_stored_is_private_and_sealed(start, simulator):
    server = start(Server, simulator)
    assert server.connect().ok
    server.caller().tool("get_sleep_summary")
    files = [path for path in server.folder.rglob("*") if path.is_file() and path != server.output]
    assert Path(server.env["TOKEN_FILE"]) in files
    for path in files:
        assert path.stat().st_mode & 0o077 == 0 or path.stat().st_size == 0, path
        content = path.read_bytes()
        assert b"access_token" not in content
        assert b"adult@example.com" not in content


@pytest.mark.requirement("disconnect")
def test_disconnecting_revokes_forgets_everything_and_closes_open_streams(start, simulator):
    server = start(Server, simulator)
    assert server.connect().ok
    caller = server.caller(revision="2024-11-05")
    assert caller.tool("get_sleep_summary")["data"]
    simulator.forget_requests()
    with caller.stream() as stream:
        response = caller.request("POST", "/oauth/disconnect", json={})
        assert response.ok, response.text
        assert stream.rest() == []
    assert simulator.seen()["counts"]["revoke"] >= 1
    assert server.get("/oauth/status").json()["connected"] is False
    assert server.get("/health").json()["oauth_connected"] is False
    words = caller.refusal("get_sleep_summary")
    assert f"{server.url}/oauth/authorize" in words
    assert "connected" in words
    assert not any(target.startswith(("sleep", "daily")) for target in simulator.seen()["counts"])


@pytest.mark.requirement("boot-refusals")
def test_a_start_that_cannot_succeed_names_every_problem_and_no_value(tmp_path):
    bad = Server(tmp_path / "bad", AUTH_TOKEN="short", TOKEN_ENCRYPTION_KEY="not-hex-not-hex", PORT="-5")
    bad.spawn(GUNICORN, bad.env)
    assert bad.child.wait(30) != 0
    words = bad.logs()
    assert all(name in words for name in ("AUTH_TOKEN", "TOKEN_ENCRYPTION_KEY", "PORT"))
    assert "short" not in words.replace("too short", "")
    assert "not-hex-not-hex" not in words
    assert "Traceback" not in words


@pytest.mark.requirement("boot-refusals")
def test_a_folder_that_cannot_be_written_is_a_clear_refusal_to_start(tmp_path):
    """A file where the folder should be: unlike permissions, that stops root too."""
    (tmp_path / "folder").touch()
    bad = Server(tmp_path / "bad", TOKEN_FILE=str(tmp_path / "folder" / "tokens.json"))
    bad.spawn(GUNICORN, bad.env)
    assert bad.child.wait(30) != 0
    assert "Traceback" not in bad.logs()
    assert "TOKEN_FILE" in bad.logs() or "tokens.json" in bad.logs()


@pytest.mark.requirement("log-lines")
def test_every_line_the_server_writes_is_one_json_object(server):
    server.caller().result("ping")
    lines = eventually(lambda: [line for line in server.logs().splitlines() if '"http"' in line])
    for line in server.logs().splitlines():
        assert isinstance(json.loads(line), dict), line
    request = json.loads(lines[-1])
    assert request["request_id"]
    assert "?" not in request["path"]


@pytest.mark.requirement("client-leaves")
@pytest.mark.requirement("stream-limit")
def test_streams_are_capped_and_those_of_killed_clients_are_swept_away_and_make_room(abandoned):
    """Last in this module, since it waits for what was abandoned at its beginning."""
    server, endpoint, idle = abandoned
    caller = server.caller()
    eventually(lambda: server.metric("oura_mcp_open_streams") == 1, within_s=60, what="no stream of the dead")
    assert idle.open
    assert idle.call("ping")["result"] == {}
    assert caller.post({"jsonrpc": "2.0", "id": 1, "method": "ping"}, path=endpoint).status_code == 404
    assert caller.stream().call("ping")["result"] == {}


@pytest.mark.requirement("heartbeat")
def test_an_idle_stream_hears_a_heartbeat(abandoned):
    _, _, idle = abandoned
    eventually(lambda: idle.comments, within_s=25, what="a heartbeat comment")
    assert idle.open
