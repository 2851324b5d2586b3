"""app/vault: one suite for both stores. What a vault promises does not depend on where it keeps its records."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import gevent
import pytest

from app.errors import RecordUnreadableError, StoreUnavailableError
from app.seal import Sealer
from app.vault import FileStore, Vault

ROOT = Path(__file__).parents[2]
OLD, NEW = b"o" * 32, b"n" * 32


@pytest.fixture(params=["file", "postgres"])
def where(request, tmp_path) -> str:
    """A path or a URL of a store that is empty."""
    if request.param == "file":
        return str(tmp_path / "tokens.json")
    url = request.getfixturevalue("postgres_url")
    import psycopg

    with psycopg.connect(url) as connection:
        connection.execute("DROP TABLE IF EXISTS oura_mcp_records")
    return url


@pytest.fixture
def open_store(where):
    """Opens the store as another process would; closed after the test."""
    opened = []

    def store():
        if not where.startswith("postgres"):
            return FileStore(Path(where))
        from app.vault.postgres import PostgresStore

        opened.append(PostgresStore(where))
        return opened[-1]

    yield store
    for one in opened:
        one.close()


@pytest.fixture
def vault_with(open_store) -> Callable[..., Vault]:
    """A vault as a fresh process would open it, with these keys."""
    return lambda *keys: Vault(open_store(), Sealer(keys or (OLD,), clock=time.time))


def test_a_record_outlives_the_process_that_wrote_it(vault_with):
    vault_with().write("oura-connection", {"access_token": "a", "scope": None, "expires_at": 1.5})

    assert vault_with().read("oura-connection") == {"access_token": "a", "scope": None, "expires_at": 1.5}


def test_what_was_never_written_reads_as_none(vault_with):
    vault = vault_with()

    assert vault.read("oura-connection") is None
    assert vault.owners("mcp-grant") == []
    vault.delete("oura-connection")


def test_a_later_write_replaces_and_a_delete_forgets(vault_with):
    vault = vault_with()
    vault.write("p", {"n": 1})
    vault.write("p", {"n": 2})
    assert vault.read("p") == {"n": 2}

    vault.delete("p")
    assert vault_with().read("p") is None
    assert vault_with().owners("p") == []


def test_owners_and_purposes_are_kept_apart(vault_with):
    vault = vault_with()
    vault.write("mcp-client", {"n": 1}, owner="https://b.example/client.json")
    vault.write("mcp-client", {"n": 2}, owner="a ' \" \\ %s ü")
    vault.write("mcp-grant", {"n": 3}, owner="g")

    assert vault.owners("mcp-client") == ["a ' \" \\ %s ü", "https://b.example/client.json"]
    assert vault.read("mcp-client", "a ' \" \\ %s ü") == {"n": 2}
    assert vault.read("mcp-grant", "a ' \" \\ %s ü") is None


def test_no_value_is_stored_in_the_clear(vault_with, open_store):
    vault_with().write("oura-connection", {"access_token": "plainly-visible"})

    assert "plainly-visible" not in str(open_store().get("oura-connection", "owner"))


def test_an_envelope_copied_to_another_record_does_not_open_there(vault_with, open_store):
    vault_with().write("mcp-grant", {"n": 1}, owner="one")
    store = open_store()
    store.put("mcp-grant", "two", store.get("mcp-grant", "one"))

    with pytest.raises(RecordUnreadableError):
        vault_with().read("mcp-grant", "two")


def test_after_rotation_old_records_open_and_what_is_written_next_needs_the_new_key_only(vault_with):
    vault_with(OLD).write("p", {"n": 1})
    assert vault_with(NEW, OLD).read("p") == {"n": 1}

    vault_with(NEW, OLD).write("p", {"n": 2})
    assert vault_with(NEW).read("p") == {"n": 2}


def test_a_record_of_a_lost_key_is_explained_and_neither_overwritten_nor_deleted(vault_with):
    vault_with(OLD).write("oura-connection", {"n": 1})
    stranger = vault_with(NEW)

    for attempt in (
        lambda: stranger.read("oura-connection"),
        lambda: stranger.write("oura-connection", {"n": 2}),
        lambda: stranger.delete("oura-connection"),
        stranger.check,
    ):
        with pytest.raises(RecordUnreadableError, match="TOKEN_ENCRYPTION_KEY"):
            attempt()
    assert vault_with(OLD).read("oura-connection") == {"n": 1}


def test_an_unreadable_record_set_aside_is_kept_and_makes_room(vault_with, open_store):
    vault_with(OLD).write("oura-connection", {"n": 1})
    envelope = open_store().get("oura-connection", "owner")
    stranger = vault_with(NEW)

    name = stranger.set_aside("oura-connection")
    stranger.check()
    assert stranger.read("oura-connection") is None
    stranger.write("oura-connection", {"n": 2})

    assert stranger.read("oura-connection") == {"n": 2}
    assert stranger.owners("oura-connection") == ["owner"]
    assert open_store().get("oura-connection set aside", name) == envelope


def test_check_passes_on_an_empty_store_and_on_one_that_opens(vault_with):
    vault_with().check()
    vault_with().write("oura-connection", {"n": 1})
    vault_with().check()


def test_only_the_first_record_of_a_store_can_begin_it(vault_with, open_store):
    store = open_store()
    assert store.begin("p", "owner", "first")
    assert not store.begin("p", "owner", "second")
    store.remove("p", "owner")
    assert not open_store().begin("p", "owner", "third")


def test_a_store_that_was_only_written_to_cannot_be_begun_either(vault_with, open_store):
    vault_with().write("p", {"n": 1})
    vault_with().delete("p")

    assert not open_store().begin("p", "owner", "late")


def test_what_is_written_under_the_lock_is_visible_to_others_before_it_is_released(vault_with):
    with vault_with().lock("p", timeout_s=5) as _:
        holder = vault_with()
        holder.write("p", {"n": 1})
        assert vault_with().read("p") == {"n": 1}


def test_one_vault_reads_and_writes_while_it_holds_its_own_lock(vault_with):
    vault = vault_with()
    with vault.lock("p", timeout_s=5):
        vault.write("p", {"n": 1})
        assert vault.read("p") == {"n": 1}
    with vault.lock("p", timeout_s=5):
        pass


@pytest.mark.parametrize("same_vault", [True, False])
def test_a_lock_that_does_not_come_free_in_time_is_told(vault_with, same_vault):
    vault = vault_with()
    other = vault if same_vault else vault_with()
    with vault.lock("p", timeout_s=5):
        with pytest.raises(StoreUnavailableError, match="Try again"), other.lock("p", timeout_s=0.2):
            pytest.fail("two hold one lock")
        with other.lock("another", timeout_s=5):
            pass
    with other.lock("p", timeout_s=5):
        pass


def test_a_failure_under_the_lock_frees_it(vault_with):
    vault = vault_with()
    with pytest.raises(ZeroDivisionError), vault.lock("p", timeout_s=5):
        raise ZeroDivisionError
    with vault_with().lock("p", timeout_s=5):
        pass


def test_a_greenlet_killed_while_it_waits_or_holds_leaves_the_lock_free(vault_with):
    vault, other = vault_with(), vault_with()

    def hold() -> None:
        with vault.lock("p", timeout_s=30):
            gevent.sleep(30)

    def wait() -> None:
        with other.lock("p", timeout_s=30):
            pytest.fail("nobody freed it yet")

    holder = gevent.spawn(hold)
    gevent.sleep(0.3)
    waiter = gevent.spawn(wait)
    gevent.sleep(0.3)
    gevent.killall([waiter, holder])

    for vault_after in (vault, other):
        with vault_after.lock("p", timeout_s=5):
            vault_after.write("p", {"n": 1})
    assert vault.read("p") == {"n": 1}


def test_waiting_for_the_lock_lets_neighbour_greenlets_run(vault_with):
    turns = 0

    def watch() -> None:
        nonlocal turns
        while True:
            gevent.sleep(0.01)
            turns += 1

    vault, other = vault_with(), vault_with()
    with vault.lock("p", timeout_s=5):
        watcher = gevent.spawn(watch)
        with pytest.raises(StoreUnavailableError), other.lock("p", timeout_s=2):
            pytest.fail("two hold one lock")
        watcher.kill()
    assert turns > 10, "a wait in C lets nobody else run"


def test_greenlets_of_two_processes_never_hold_the_lock_together(where, open_store):
    greenlets, rounds = 4, 5
    command = [sys.executable, str(Path(__file__).with_name("vault_counter.py")), where, str(greenlets), str(rounds)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    counters = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    beats = [int(counter.communicate(timeout=120)[0]) for counter in counters]

    assert Vault(open_store(), Sealer([b"k" * 32], clock=time.time)).read("counter") == {"n": 2 * greenlets * rounds}
    assert all(counter.returncode == 0 for counter in counters)
    assert min(beats) > 20, "nobody else in the process ran meanwhile"


def test_many_greenlets_write_different_records_and_none_is_lost(vault_with):
    vaults = [vault_with(), vault_with()]

    jobs = [gevent.spawn(vaults[n % 2].write, "mcp-grant", {"n": n}, f"g{n:02}") for n in range(20)]
    gevent.joinall(jobs, raise_error=True)

    assert [vault_with().read("mcp-grant", owner)["n"] for owner in vault_with().owners("mcp-grant")] == list(range(20))
