"""app/vault/original.py: the TypeScript original's tokens.json becomes our record once, and never comes back."""

import json
import logging
import time
from pathlib import Path

import pytest

from app.config import Settings
from app.errors import RecordUnreadableError
from app.seal import Sealer
from app.vault import Vault

KEY = "00112233445566778899aabbccddeeff" * 2
# written by the original's own code (Node's crypto) with KEY
ORIGINAL = {
    "access_token": "a295cf669c87d0597e03f356b96ac679:3d61179649ec69f1d3a0f5ebfccfd8cf:0d5a21cd46ed7f44090700123d6edb",
    "refresh_token": "4da042828c70c326a1a54d2cec6ddbb0:dee60796d5e300e41bd52ebac51289b7:afa3977e6b0a14bee6b69e5c1a1276a3",
    "expires_at": 1700000000000,
    "token_type": "Bearer",
    "scope": "daily",
}


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "tokens.json"


def boot(path: Path, keys: str = KEY) -> Vault:
    settings = Settings(auth_token="abcdefghijklmnopqrstuvwxyz0123456789", token_encryption_key=keys, token_file=path)
    return Vault.of(settings, Sealer(settings.encryption_keys, clock=time.time))


def test_the_originals_tokens_become_our_record_with_nothing_unauthenticated_believed(path):
    path.write_text(json.dumps(ORIGINAL))

    assert boot(path).read("oura-connection") == {
        "access_token": "original-access",
        "refresh_token": "original-refresh",
        "expires_at": None,
        "scopes": None,
        "provider": "https://api.ouraring.com",
    }


def test_a_copy_is_kept_for_the_owner_alone_and_the_log_says_to_stop_the_old_server(path, caplog):
    path.write_text(json.dumps(ORIGINAL))
    path.chmod(0o644)

    with caplog.at_level(logging.WARNING):
        boot(path)

    copy = path.with_name("tokens.json.original")
    assert json.loads(copy.read_text()) == ORIGINAL
    assert [oct(file.stat().st_mode & 0o777) for file in (path, copy)] == ["0o600", "0o600"]
    advice = [record.fields["advice"] for record in caplog.records if record.message == "original_tokens_imported"]
    assert len(advice) == 1
    assert "Stop the old server" in advice[0]
    assert "original-" not in caplog.text
    assert "original-access" not in str(advice)


def test_an_older_key_of_a_rotation_opens_them_too(path):
    path.write_text(json.dumps(ORIGINAL))

    assert boot(path, f"{'0f1e2d3c4b5a6978' * 4},{KEY}").read("oura-connection")["access_token"] == "original-access"


def test_they_do_not_come_back_once_a_record_of_ours_existed(path):
    path.write_text(json.dumps(ORIGINAL))
    boot(path).delete("oura-connection")

    assert boot(path).read("oura-connection") is None


@pytest.mark.parametrize(
    "spoilt",
    [
        {"access_token": "zz" + ORIGINAL["access_token"][2:]},
        {"access_token": ORIGINAL["refresh_token"].split(":")[0] + ":" + ORIGINAL["access_token"].split(":", 1)[1]},
        {"refresh_token": "no colons"},
        {"refresh_token": ORIGINAL["refresh_token"][:-2]},
        {"access_token": "00:" + ORIGINAL["access_token"].split(":", 1)[1]},
    ],
)
def test_a_file_that_does_not_open_is_left_alone_and_explained(path, spoilt):
    text = json.dumps({**ORIGINAL, **spoilt})
    path.write_text(text)

    vault = boot(path)

    with pytest.raises(RecordUnreadableError, match="another key"):
        vault.check()
    with pytest.raises(RecordUnreadableError):
        vault.write("oura-connection", {})
    assert path.read_text() == text
    assert not path.with_name("tokens.json.original").exists()


def test_the_wrong_key_leaves_it_alone_until_the_right_one_is_back(path):
    path.write_text(json.dumps(ORIGINAL))

    with pytest.raises(RecordUnreadableError):
        boot(path, "0f1e2d3c4b5a6978" * 4).check()
    assert boot(path).read("oura-connection")["refresh_token"] == "original-refresh"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"access_token": 1, "refresh_token": 2}', "not json"])
def test_a_file_of_something_else_is_not_taken_for_the_originals(path, text):
    path.write_text(text)

    with pytest.raises(RecordUnreadableError):
        boot(path).check()
    assert path.read_text() == text


def test_without_any_file_there_is_no_connection_and_no_copy(path):
    assert boot(path).read("oura-connection") is None
    assert not path.with_name("tokens.json.original").exists()
