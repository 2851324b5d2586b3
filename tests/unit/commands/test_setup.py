import builtins
import getpass
import stat
import sys

import pytest

from app.commands import setup
from app.config import ROOT, Settings

pytestmark = pytest.mark.requirement("setup")
ANSWERS = {"OURA_CLIENT_ID": "my id", "OURA_CLIENT_SECRET": "it's $ecret\\", "OURA_REDIRECT_URI": ""}


@pytest.fixture
def env_file(tmp_path):
    return tmp_path / ".env"


@pytest.fixture
def terminal(monkeypatch):
    """A person who types; answers are given by the variable the prompt names, one after another."""

    def person(**answers):
        given = {name: list(value) if isinstance(value, list) else [value] for name, value in answers.items()}

        def read(prompt):
            return given[prompt.split()[0].rstrip(":")].pop(0)

        monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
        monkeypatch.setattr(builtins, "input", read)
        monkeypatch.setattr(getpass, "getpass", read)

    return person


def test_without_a_terminal_it_writes_secrets_and_asks_nothing(env_file, monkeypatch):
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False)
    told = setup.set_up(env_file)
    settings = Settings.load({}, env_file)
    assert stat.S_IMODE(env_file.stat().st_mode) == 0o600
    assert not settings.oura_configured
    assert "Still to fill in: OURA_CLIENT_ID, OURA_CLIENT_SECRET, OURA_REDIRECT_URI" in told
    assert settings.auth_token.get_secret_value() not in told


def test_what_a_person_tells_is_what_the_server_reads(env_file, terminal):
    terminal(**ANSWERS)
    setup.set_up(env_file)
    settings = Settings.load({}, env_file)
    assert settings.oura_client_id == "my id"
    assert settings.oura_client_secret.get_secret_value() == "it's $ecret\\"
    assert settings.oura_redirect_uri == "http://localhost:3001/oauth/callback"


def test_it_asks_again_until_the_redirect_uri_can_work(env_file, terminal, capsys):
    terminal(
        **{
            **ANSWERS,
            "OURA_REDIRECT_URI": ["ring.example", "http://ring.example/oauth/callback", "https://ring.example/oauth/callback"],
        }
    )
    told = setup.set_up(env_file)
    assert Settings.load({}, env_file).oura_redirect_uri == "https://ring.example/oauth/callback"
    said = capsys.readouterr().out
    assert "must be the public address" in said
    assert "plain http for localhost only" in said
    assert "https://ring.example/oauth/callback" in told


def test_a_second_run_changes_nothing(env_file, terminal):
    terminal(**ANSWERS)
    setup.set_up(env_file)
    before = env_file.read_bytes()
    setup.set_up(env_file)
    assert env_file.read_bytes() == before


def test_what_the_file_holds_stays_and_only_gaps_are_filled(env_file, monkeypatch):
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False)
    env_file.write_text("# mine\nAUTH_TOKEN=keep-me\nPORT=4000\nTOKEN_ENCRYPTION_KEY=\nNODE_ENV=production\n")
    setup.set_up(env_file)
    lines = env_file.read_text().splitlines()
    assert lines[:3] == ["# mine", "AUTH_TOKEN=keep-me", "PORT=4000"]
    assert lines[4] == "NODE_ENV=production"
    assert len(lines[3]) == len("TOKEN_ENCRYPTION_KEY=") + 64


def test_a_copy_of_env_example_becomes_one_the_server_starts_with(env_file, monkeypatch):
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False)
    env_file.write_text((ROOT / ".env.example").read_text())
    setup.set_up(env_file)
    Settings.load({}, env_file)


def test_stopping_in_the_middle_writes_nothing(env_file, terminal, capsys):
    terminal(OURA_CLIENT_ID=[])

    def stop(_prompt):
        raise KeyboardInterrupt

    builtins.input = stop
    assert setup.main(env_file) == 1
    assert not env_file.exists()


def test_a_folder_that_cannot_be_written_is_told_in_words(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False)
    (tmp_path / "file").write_text("")
    assert setup.main(tmp_path / "file" / ".env") == 1
    assert "cannot be read or written" in capsys.readouterr().err


def test_the_example_s_text_is_asked_for_again(env_file, terminal, capsys):
    copied = "https://YOUR-DOMAIN.ngrok-free.app/oauth/callback"
    terminal(**{**ANSWERS, "OURA_CLIENT_ID": ["your-client-id", "id"], "OURA_REDIRECT_URI": [copied, ""]})
    setup.set_up(env_file)
    settings = Settings.load({}, env_file)
    assert (settings.oura_client_id, settings.oura_redirect_uri) == ("id", "http://localhost:3001/oauth/callback")
    assert capsys.readouterr().out.count("That is the example's text.") == 2


def test_a_file_that_is_no_utf_8_is_left_alone_and_told_in_words(env_file, monkeypatch, capsys):
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False)
    env_file.write_text("AUTH_TOKEN=x", encoding="utf-16")
    before = env_file.read_bytes()
    assert setup.main(env_file) == 1
    assert "UTF-8" in capsys.readouterr().err
    assert env_file.read_bytes() == before
