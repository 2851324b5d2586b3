"""app/vault/postgres.py: what is particular to a database: it can be away, come back, and know no table yet."""

import json
import subprocess
import sys
import time
from pathlib import Path

import gevent
import pytest

from app.config import Settings
from app.errors import StoreUnavailableError
from app.seal import Sealer
from app.vault import Vault

ROOT = Path(__file__).parents[2]
KEY = "00112233445566778899aabbccddeeff" * 2
# written by the TypeScript original's own code (Node's crypto) with KEY
ORIGINAL = {
    "access_token": "a295cf669c87d0597e03f356b96ac679:3d61179649ec69f1d3a0f5ebfccfd8cf:0d5a21cd46ed7f44090700123d6edb",
    "refresh_token": "4da042828c70c326a1a54d2cec6ddbb0:dee60796d5e300e41bd52ebac51289b7:afa3977e6b0a14bee6b69e5c1a1276a3",
}


@pytest.fixture
def boot(postgres_url, tmp_path):
    """Builds the vault as the application does at its start."""
    import psycopg

    with psycopg.connect(postgres_url) as connection:
        connection.execute("DROP TABLE IF EXISTS oura_mcp_records")
    opened = []

    def vault(url: str = postgres_url) -> Vault:
        settings = Settings(
            auth_token="abcdefghijklmnopqrstuvwxyz0123456789",
            token_encryption_key=KEY,
            token_file=tmp_path / "tokens.json",
            database_url=url,
        )
        opened.append(Vault.of(settings, Sealer(settings.encryption_keys, clock=time.time)))
        return opened[-1]

    yield vault
    for one in opened:
        one._store.close()


def drop_connections(url: str) -> None:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'oura-mcp'")


def test_processes_that_start_at_once_on_an_empty_database_all_find_their_table(boot, postgres_url):
    import psycopg

    for _ in range(5):
        with psycopg.connect(postgres_url) as connection:
            connection.execute("DROP TABLE IF EXISTS oura_mcp_records")
        vaults = [boot() for _ in range(8)]
        for each in vaults:
            each._store.close()  # the original is looked for at boot; below each opens its connection anew, all at once

        gevent.joinall([gevent.spawn(each.write, "p", {"n": n}, f"o{n}") for n, each in enumerate(vaults)], raise_error=True)

        assert boot().owners("p") == [f"o{n}" for n in range(8)]


def test_a_connection_that_the_server_closed_is_replaced_at_the_next_use(boot, postgres_url):
    vault = boot()
    vault.write("p", {"n": 1})

    drop_connections(postgres_url)

    assert vault.read("p") == {"n": 1}


def test_a_lock_whose_connection_broke_is_free_again(boot, postgres_url):
    vault = boot()
    with vault.lock("p", timeout_s=5):
        drop_connections(postgres_url)
        with boot().lock("p", timeout_s=5):
            pass
    with vault.lock("p", timeout_s=5):
        vault.write("p", {"n": 1})


def test_a_database_that_is_away_does_not_stop_the_boot_and_is_told_in_plain_words(boot, tmp_path):
    (tmp_path / "tokens.json").write_text(json.dumps(ORIGINAL))
    vault = boot("postgres://vault:hunter2@127.0.0.1:1/postgres")

    with pytest.raises(StoreUnavailableError, match="DATABASE_URL") as told:
        vault.check()
    assert "hunter2" not in f"{told.value}{told.value.__cause__}"


def test_an_address_that_cannot_be_read_stops_the_boot_without_showing_its_password(boot):
    with pytest.raises(StoreUnavailableError, match="DATABASE_URL") as told:
        boot("postgres://vault:hunter2@127.0.0.1:port/postgres?sslmode=require&nonsense=1")
    assert "hunter2" not in f"{told.value}{told.value.__cause__}"
    assert told.value.__suppress_context__


def test_sslmode_is_respected(boot, postgres_url):
    vault = boot(f"{postgres_url}?sslmode=require")  # the tests' server has no certificate

    with pytest.raises(StoreUnavailableError):
        vault.check()


def test_the_originals_file_is_imported_where_the_table_never_held_a_record(boot, tmp_path):
    (tmp_path / "tokens.json").write_text(json.dumps(ORIGINAL))

    assert boot().read("oura-connection")["access_token"] == "original-access"
    assert json.loads((tmp_path / "tokens.json").read_text()) == ORIGINAL
    boot().delete("oura-connection")
    assert boot().read("oura-connection") is None


def test_ten_greenlets_and_two_vaults_may_be_first_at_once(boot):
    vaults = [boot(), boot()]

    gevent.joinall([gevent.spawn(vaults[n % 2].write, "p", {"n": n}, str(n)) for n in range(10)], raise_error=True)

    assert len(boot().owners("p")) == 10


def test_a_process_that_forked_opens_its_own_connection(boot, postgres_url):
    # gunicorn with preload builds the application before it forks
    script = f"""
from gevent import monkey; monkey.patch_all()
import os, time
from app.seal import Sealer
from app.vault import Vault
from app.vault.postgres import PostgresStore
vault = Vault(PostgresStore({postgres_url!r}), Sealer([b"k" * 32], clock=time.time))
vault.write("p", {{"n": 0}})
pid = os.fork()
if pid == 0:
    vault.write("p", {{"n": 1}})
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
assert vault.read("p") == {{"n": 1}}
vault._store.close()
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT, timeout=60)


def test_psycopg_is_only_loaded_where_a_database_is_set():
    script = "import sys, app.vault; assert not [name for name in sys.modules if name.startswith('psycopg')]"
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT, timeout=60)


def test_a_write_that_failed_is_told_and_the_next_one_finds_its_table_made_anew(boot, postgres_url):
    import psycopg

    vault = boot()
    vault.write("p", {"n": 1})
    with psycopg.connect(postgres_url) as connection:
        connection.execute("DROP TABLE oura_mcp_records")

    with pytest.raises(StoreUnavailableError, match="cannot be used"):
        vault.write("p", {"n": 2})
    vault.write("p", {"n": 3})
    assert vault.read("p") == {"n": 3}


def test_a_user_who_may_not_write_and_a_database_that_is_read_only_are_told_apart(boot, postgres_url):
    import psycopg

    boot().write("p", {"n": 1})
    with psycopg.connect(postgres_url) as connection:
        connection.execute("DROP ROLE IF EXISTS guest")
        connection.execute("CREATE ROLE guest LOGIN")

    with pytest.raises(StoreUnavailableError, match="may not create or change"):
        boot(postgres_url.replace("vault@", "guest@")).write("p", {"n": 2})
    with pytest.raises(StoreUnavailableError, match="read-only"):
        boot(f"{postgres_url}?options=-c%20default_transaction_read_only%3Don").write("p", {"n": 2})
    assert boot().read("p") == {"n": 1}
