"""`make demo` as a person runs it: it answers, serves until interrupted, and leaves nothing behind."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.e2e.harness import ROOT, free_port
from tests.e2e.wire import eventually

pytestmark = pytest.mark.requirement("demo")
LIMIT_S = 60


@pytest.fixture
def demo(tmp_path):
    """Start the demo on a port, with a temporary folder of the test's own."""
    started = []

    def start(port, *options):
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "TMPDIR": str(tmp_path),
            "PORT": str(port),
            "PYTHONUNBUFFERED": "1",
            "HTTP_PROXY": "http://127.0.0.1:9",  # nothing listens there: this machine is not asked through a proxy
        }
        command = [sys.executable, "-m", "app.commands.demo", *options]
        with (tmp_path / "said").open("wb") as said:
            started.append(
                subprocess.Popen(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT)
            )
        return started[-1]

    start.said = (tmp_path / "said").read_text
    yield start
    for process in started:
        process.terminate()
        process.wait(LIMIT_S)


def left_behind(folder: Path) -> list[Path]:
    return list(folder.glob("oura-demo-*"))


def test_once_answers_with_last_night_and_ends(demo, tmp_path):
    port = free_port()
    assert demo(port, "--once").wait(LIMIT_S) == 0, demo.said()
    assert "The night that ended on" in demo.said()
    assert "(invented data)" in demo.said()
    assert "bpm lowest" in demo.said()
    assert "claude mcp add" in demo.said()
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_it_serves_until_it_is_stopped_and_takes_its_children_along(demo, tmp_path, how):
    port = free_port()
    process = demo(port)
    eventually(lambda: "claude mcp add" in demo.said(), within_s=LIMIT_S, what=f"the invitation: {demo.said()}")
    token = re.search(r"Bearer token +(\w+)", demo.said())[1]
    url = f"http://localhost:{port}"
    assert (
        requests.get(f"{url}/oauth/status", headers={"Authorization": f"Bearer {token}"}, timeout=10).json()["connected"] is True
    )
    process.send_signal(how)
    assert process.wait(LIMIT_S) == (-9 if how is signal.SIGKILL else 0)
    eventually(lambda: not answers(url), within_s=LIMIT_S, what="the server to end")
    eventually(lambda: left_behind(tmp_path) == [], within_s=LIMIT_S, what="the folder to be removed")


def test_a_busy_port_is_told_with_the_way_out(demo):
    process = demo(port := free_port())
    eventually(lambda: "claude mcp add" in demo.said(), within_s=LIMIT_S, what="the invitation")
    assert demo(port).wait(LIMIT_S) == 1
    assert f"Port {port} is in use" in demo.said()
    assert process.poll() is None


def test_a_port_that_is_busy_on_the_other_address_of_localhost_is_told_too(demo):
    with socket.socket(socket.AF_INET6) as other:
        try:
            other.bind(("::1", 0))
        except OSError:
            pytest.skip("no IPv6 here")
        other.listen()
        port = other.getsockname()[1]
        assert demo(port, "--once").wait(LIMIT_S) == 1
    assert f"Port {port} is in use" in demo.said()


def test_of_two_that_start_at_once_on_one_port_one_answers_and_one_names_the_port(demo, tmp_path):
    port = free_port()
    pair = [demo(port, "--once"), demo(port, "--once")]
    assert sorted(process.wait(LIMIT_S) for process in pair) in ([0, 1], [0, 0]), "the first may have ended before"
    assert "before Oura was reached" not in demo.said()


def answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/healthz", timeout=5).ok
    except requests.ConnectionError:
        return False
