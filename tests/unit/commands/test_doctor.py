import json
import time
from email.utils import formatdate

import pytest
import requests
import responses
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.commands.doctor import NGROK, examine, main
from app.seal import Sealer
from app.vault import FileStore, Vault

pytestmark = pytest.mark.requirement("doctor")
GOOD = {
    "AUTH_TOKEN": "f3a91b7c5d2e8046" * 3,
    "TOKEN_ENCRYPTION_KEY": "0123456789abcdef" * 4,
    "OURA_CLIENT_ID": "id",
    "OURA_CLIENT_SECRET": "client-secret",
    "OURA_REDIRECT_URI": "https://ring.example/oauth/callback",
}
TOKEN_URLS = ("https://api.ouraring.com/oauth/token", "https://moi.ouraring.com/oauth/v2/ext/oauth-token")
HEALTHY = {"status": "ok"}


@pytest.fixture
def world():
    """Every address the doctor may ask, all well; tests replace what is to be wrong."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        date = {"Date": formatdate(time.time(), usegmt=True)}
        mocked.add("POST", TOKEN_URLS[0], json={"error": "invalid_client"}, status=401)
        mocked.add("POST", TOKEN_URLS[1], json={"error": "invalid_grant"}, status=400)
        mocked.add("GET", "https://cloud.ouraring.com/oauth/authorize", status=302, headers={"Location": "/login"})
        mocked.add("GET", "https://api.ouraring.com", status=404, headers=date)
        mocked.add("GET", "https://cloud.ouraring.com", status=200, headers=date)
        mocked.add("GET", "https://ring.example/healthz", json=HEALTHY)
        mocked.add("GET", "https://ring.example/mcp", status=401)
        mocked.add("GET", "http://127.0.0.1:3001/healthz", json=HEALTHY)
        mocked.add("GET", "http://127.0.0.1:3001/oauth/status", json={"connected": True})
        mocked.add("GET", NGROK, body=requests.ConnectionError())
        yield mocked


@pytest.fixture
def to_mend(tmp_path):
    def run(**env):
        findings = examine(tmp_path / ".env", {**GOOD, "TOKEN_FILE": str(tmp_path / "tokens.json"), **env})
        assert GOOD["AUTH_TOKEN"] not in repr(findings)
        assert GOOD["OURA_CLIENT_SECRET"] not in repr(findings)
        return [finding.text for finding in findings if finding.state == "mend"]

    return run


def test_where_all_is_well_nothing_is_to_mend(world, to_mend):
    assert to_mend() == []


def test_every_problem_of_the_settings_is_told(tmp_path, monkeypatch, capsys):
    for name in GOOD:
        monkeypatch.delenv(name, raising=False)
    assert main(tmp_path / ".env") == 1
    told = capsys.readouterr().out
    assert "`make setup` writes one" in told
    assert "AUTH_TOKEN" in told
    assert "2 to mend." in told


def test_without_a_network_each_thing_is_named_and_it_ends(to_mend):
    with responses.RequestsMock() as mocked:
        del mocked
        told = to_mend()
    assert [line.split()[0] for line in told] == [
        "Oura's",
        "https://api.ouraring.com",
        "https://cloud.ouraring.com",
        "https://ring.example",
    ]


def test_a_client_that_oura_does_not_know(world, to_mend):
    world.replace("POST", TOKEN_URLS[1], json={"error": "invalid_client"}, status=401)
    (told,) = to_mend()
    assert told.startswith("Oura does not know OURA_CLIENT_ID with OURA_CLIENT_SECRET")


def test_a_redirect_uri_that_is_not_registered(world, to_mend):
    world.replace("GET", "https://cloud.ouraring.com/oauth/authorize", status=400)
    (told,) = to_mend()
    assert told.startswith("Oura refuses the redirect URI https://ring.example/oauth/callback")


def test_oura_not_configured(world, to_mend):
    (told,) = to_mend(OURA_CLIENT_SECRET="")
    assert told.startswith("OURA_CLIENT_SECRET: not set.")


@pytest.mark.parametrize(("offset_s", "way"), [(-300, "ahead"), (300, "behind")])
def test_a_clock_that_is_wrong(world, to_mend, offset_s, way):
    date = formatdate(time.time() + offset_s, usegmt=True)
    world.replace("GET", "https://api.ouraring.com", headers={"Date": date})
    (told,) = to_mend()
    assert way in told


def test_a_server_that_was_not_started_again_after_a_change(world, to_mend):
    world.replace("GET", "http://127.0.0.1:3001/oauth/status", status=401)
    (told,) = to_mend()
    assert told.endswith("restart it.")
    sent = next(call.request.headers for call in world.calls if call.request.url.endswith("/oauth/status"))
    assert sent["Authorization"] == f"Bearer {GOOD['AUTH_TOKEN']}"


def test_browsers_that_are_led_to_another_port_than_the_server_s(world, to_mend):
    (told,) = to_mend(OURA_REDIRECT_URI="http://localhost:3002/oauth/callback")
    assert "leads browsers to http://localhost:3002, and the server listens on port 3001" in told


@pytest.mark.parametrize(("mode", "count"), [(0o600, 0), (0o640, 0), (0o644, 1), (0o660, 1)])
def test_an_env_file_that_others_can_read(world, to_mend, tmp_path, mode, count):
    (tmp_path / ".env").touch()
    (tmp_path / ".env").chmod(mode)
    assert sum("chmod 600" in told for told in to_mend()) == count


def test_a_tunnel_with_another_address(world, to_mend):
    tunnels = {"tunnels": [{"public_url": "https://new.example", "config": {"addr": "http://localhost:3001"}}]}
    world.replace("GET", NGROK, json=tunnels)
    (told,) = to_mend()
    assert "Register https://new.example/oauth/callback" in told


def test_a_tunnel_to_another_port(world, to_mend):
    tunnels = {"tunnels": [{"public_url": "https://ring.example", "config": {"addr": "http://localhost:8000"}}]}
    world.replace("GET", NGROK, json=tunnels)
    (told,) = to_mend()
    assert "listens on port 3001" in told


def test_a_public_address_that_leads_elsewhere(world, to_mend):
    world.replace("GET", "https://ring.example/healthz", status=404)
    (told,) = to_mend()
    assert "not with this server" in told


def test_a_host_that_the_server_refuses(world, to_mend):
    world.replace("GET", "https://ring.example/mcp", status=403)
    (told,) = to_mend()
    assert "ALLOWED_HOSTS" in told


def test_a_port_that_something_else_has(world, to_mend):
    world.replace("GET", "http://127.0.0.1:3001/healthz", body="hello")
    assert any("Something else answers on port 3001" in line for line in to_mend())


def test_a_folder_that_does_not_exist(world, to_mend, tmp_path):
    (told,) = to_mend(TOKEN_FILE=str(tmp_path / "absent" / "tokens.json"))
    assert told.startswith("Store: ")


def test_rotation_tells_when_the_old_key_can_go(world, tmp_path):
    old, new = GOOD["TOKEN_ENCRYPTION_KEY"], "fedcba9876543210" * 4
    env = {**GOOD, "TOKEN_ENCRYPTION_KEY": f"{new},{old}", "TOKEN_FILE": str(tmp_path / "tokens.json")}
    store = FileStore(tmp_path / "tokens.json")
    Vault(store, Sealer([bytes.fromhex(old)], clock=time.time)).write("oura-connection", {"access_token": "x"})
    assert any("1 of the records still need an earlier key" in finding.text for finding in examine(tmp_path / ".env", env))
    Vault(store, Sealer([bytes.fromhex(key) for key in (new, old)], clock=time.time)).write(
        "oura-connection", {"access_token": "x"}
    )
    assert any("the others can go" in finding.text for finding in examine(tmp_path / ".env", env))


def sealed_as_the_original_did(text):
    sealed = AESGCM(bytes.fromhex(GOOD["TOKEN_ENCRYPTION_KEY"])).encrypt(iv := b"i" * 16, text.encode(), None)
    return ":".join(part.hex() for part in (iv, sealed[-16:], sealed[:-16]))


def test_the_original_s_token_file_is_left_alone(world, to_mend, tmp_path):
    held = json.dumps(dict.fromkeys(("access_token", "refresh_token"), sealed_as_the_original_did("token")))
    (tmp_path / "tokens.json").write_text(held)
    assert to_mend() == []
    assert (tmp_path / "tokens.json").read_text() == held


@pytest.mark.parametrize("damaged", ["", "{}", "[]", '{"access_tok'])
def test_a_damaged_token_file_is_not_taken_for_the_original_s(world, to_mend, tmp_path, damaged):
    (tmp_path / "tokens.json").write_text(damaged)
    (told,) = to_mend()
    assert told.startswith("Store: The token file is damaged")


def test_a_check_that_fails_is_not_taken_for_a_network_that_fails(world, to_mend):
    world.replace("GET", NGROK, json={"tunnels": [{}]})
    (told,) = to_mend()
    assert "This check itself failed (KeyError)" in told


def test_a_public_address_without_encryption(world, to_mend):
    world.add("GET", "http://ring.example/healthz", json=HEALTHY)
    world.add("GET", "http://ring.example/mcp", status=401)
    (told,) = to_mend(OURA_REDIRECT_URI="http://ring.example/oauth/callback")
    assert told.startswith("http://ring.example is not encrypted")
