"""The simulator as a server on a loopback port: what only a socket can show."""

import json
import os
import signal
import stat
import subprocess
import sys

import gevent
import pytest
import requests

from app.simulator import SimulatorServer


@pytest.fixture
def server():
    with SimulatorServer(redirect_uris=["http://localhost:3001/oauth/callback"]) as running:
        yield running


def ask(server, name, **query):
    with requests.Session() as session:
        session.trust_env = False
        headers = {"Authorization": f"Bearer {server.grant()['access_token']}"}
        return session.get(f"{server.url}/v2/usercollection/{name}", params=query, headers=headers, timeout=10)


def test_its_environment_points_at_itself(server):
    env = server.settings_env()
    assert server.url.startswith("http://127.0.0.1:")
    assert all(env[name].startswith(server.url) for name in ("OURA_API_BASE_URL", "OURA_AUTHORIZE_URL", "OURA_REVOKE_URL"))
    assert env["OURA_REDIRECT_URI"] == "http://localhost:3001/oauth/callback"
    assert len(env["OURA_CLIENT_SECRET"]) > 20


def test_headers_are_those_of_oura(server):
    answer = ask(server, "personal_info")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-cache"
    assert len(answer.headers["x-trace-id"]) == 32


def test_a_dropped_connection_ends_in_the_middle(server):
    server.turn(faults=[{"kind": "dropped"}])
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        ask(server, "daily_sleep")


def test_a_dripping_answer_is_whole_in_the_end(server):
    server.turn(faults=[{"kind": "drip", "delay_s": 0.0001}])
    assert "data" in ask(server, "daily_sleep").json()


def test_latency_is_shared_by_requests_at_once_and_the_peak_is_noted(server):
    server.turn(latency_s=0.1)
    calls = [gevent.spawn(ask, server, name) for name in ("sleep", "daily_sleep", "workout", "tag")]
    gevent.joinall(calls, timeout=10, raise_error=True)
    assert server.journal.peak == 4
    assert server.journal.in_flight == 0


def test_the_command_tells_its_url_and_keeps_secrets_in_a_private_file(tmp_path):
    secrets = tmp_path / "secrets.json"
    command = [sys.executable, "-m", "app.simulator", "--persona", "napper", "--secret-file", str(secrets)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            assert stat.S_IMODE(secrets.stat().st_mode) == 0o600
            held = json.loads(secrets.read_text())
            assert held["secret"] not in json.dumps(told)
            answer = requests.post(f"{told['url']}/_sim/grant", headers={"X-Sim-Secret": held["secret"]}, json={}, timeout=10)
            assert answer.json()["access_token"]
        finally:
            process.terminate()


def test_invented_days_are_the_same_in_every_process():
    program = (
        "from datetime import date; from hashlib import sha256; from app.simulator.catalogue import *\n"
        "from app.simulator.life import Life; from app.simulator.personas import ADULT\n"
        "rows = [row.text for name in COLLECTIONS for row in Archive(Life(ADULT)).between(name, 1.7e9, 1.701e9, Sync(1.8e9))]\n"
        "print(len(rows), sha256(''.join(rows).encode()).hexdigest())"
    )
    told = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert told[0] == told[1]
    assert int(told[0].split()[0]) > 50


def test_the_command_ends_quietly_when_interrupted():
    with subprocess.Popen(
        [sys.executable, "-m", "app.simulator"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 0
    assert errors == ""
