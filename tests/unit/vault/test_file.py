"""app/vault/file.py: what is particular to a file: modes, full disks, folders that cannot be written, leftovers."""

import os
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.errors import RecordUnreadableError, StoreUnavailableError
from app.seal import Sealer
from app.vault import FileStore, Vault

PAIR = {"access_token": "a1", "refresh_token": "r1"}


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "tokens.json"


@pytest.fixture
def vault(path) -> Vault:
    return Vault(FileStore(path), Sealer([b"k" * 32], clock=time.time))


@contextmanager
def full_disk(room: int) -> Iterator[None]:
    """No file may grow beyond *room* bytes: what a full disk is to a writer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may write anywhere; what this tests is about everyone else."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_the_file_and_all_beside_it_are_for_the_owner_alone(vault, path):
    before = os.umask(0)
    try:
        with vault.lock("oura-connection", timeout_s=1):
            vault.write("oura-connection", PAIR)
    finally:
        os.umask(before)

    assert {file.name: oct(file.stat().st_mode & 0o777) for file in path.parent.iterdir()} == {
        "tokens.json": "0o600",
        "tokens.json.write.lock": "0o600",
        "tokens.json.oura-connection.lock": "0o600",
    }


def test_a_full_disk_is_told_before_anything_is_to_be_saved(path):
    with full_disk(100), pytest.raises(StoreUnavailableError, match=r"TOKEN_FILE.*cannot be written"):
        FileStore(path).prepare()

    assert [file.name for file in path.parent.glob("*.new")] == []


@pytest.mark.parametrize("room", [0, 40])
def test_a_full_disk_while_tokens_are_saved_keeps_the_old_pair(vault, path, room):
    vault.write("oura-connection", PAIR)

    with full_disk(room), pytest.raises(StoreUnavailableError, match=r"TOKEN_FILE.*cannot be written") as told:
        vault.write("oura-connection", {"access_token": "a2", "refresh_token": "r2"})

    assert str(path.parent) not in str(told.value)
    assert vault.read("oura-connection") == PAIR
    assert [file.name for file in path.parent.glob("*.new")] == []
    vault.write("oura-connection", {"access_token": "a2", "refresh_token": "r2"})
    assert vault.read("oura-connection")["access_token"] == "a2"


def test_a_read_only_folder_is_told_at_boot(path):
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o555)
        try:
            with as_nobody(), pytest.raises(StoreUnavailableError, match=r"write access to the folder, or set TOKEN_FILE"):
                FileStore(Path(folder) / "tokens.json").prepare()
        finally:
            Path(folder).chmod(0o755)


def test_a_folder_that_became_read_only_is_told_although_the_lock_files_exist(path):
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o777)
        with as_nobody():
            FileStore(Path(folder) / "tokens.json").prepare()
        Path(folder).chmod(0o555)
        try:
            with as_nobody(), pytest.raises(StoreUnavailableError, match="cannot be written"):
                FileStore(Path(folder) / "tokens.json").prepare()
        finally:
            Path(folder).chmod(0o755)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: path.with_name("nowhere") / "tokens.json", "folder does not exist"),
        (lambda path: path.mkdir() or path, "it is a folder"),
        (lambda path: path.write_text("") or path / "tokens.json", "not a folder"),
    ],
)
def test_an_impossible_place_is_told_at_boot_without_its_path(path, make, says):
    with pytest.raises(StoreUnavailableError, match=says) as told:
        FileStore(make(path)).prepare()

    assert str(path.parent) not in str(told.value)


@pytest.mark.parametrize(
    "text",
    [
        '{"format": "oura-mcp-vault/1", "rec',
        '{"format": "oura-mcp-vault/2", "records": {}}',
        '{"format": "oura-mcp-vault/1", "records": []}',
        "[]",
    ],
)
def test_a_damaged_or_foreign_file_is_explained_left_as_it_is_and_can_be_set_aside(vault, path, text):
    path.write_text(text)

    for attempt in (lambda: vault.read("p"), lambda: vault.write("p", {}), lambda: vault.owners("p"), vault.check):
        with pytest.raises(RecordUnreadableError, match="Nothing was changed"):
            attempt()
    assert path.read_text() == text

    name = vault.set_aside("oura-connection")
    assert path.with_name(name).read_text() == text
    vault.write("oura-connection", PAIR)
    assert vault.read("oura-connection") == PAIR


def test_a_damaged_file_is_given_up_for_the_connections_sake_only(vault, path):
    path.write_text("damaged")

    with pytest.raises(RecordUnreadableError):
        vault.set_aside("oura-pending")

    assert path.read_text() == "damaged"


def test_a_damaged_file_does_not_stop_the_boot(path):
    path.write_bytes(b"\xff\xfe")

    FileStore(path).prepare()


def test_what_a_crash_left_half_written_is_never_read_and_is_written_over(vault, path):
    vault.write("p", PAIR)
    left = path.with_name("tokens.json.new")
    left.write_text("half")
    left.chmod(0o644)

    assert vault.read("p") == PAIR
    vault.write("p", {"n": 2})
    assert vault.read("p") == {"n": 2}
    assert path.stat().st_mode & 0o777 == 0o600
    assert not left.exists()


def test_a_link_stays_a_link(tmp_path, path):
    real = tmp_path / "volume"
    real.mkdir()
    path.symlink_to(real / "records.json")
    store = FileStore(path)
    store.put("p", "owner", "envelope")

    assert path.is_symlink()
    assert FileStore(real / "records.json").get("p", "owner") == "envelope"


def test_a_stranger_that_plants_a_link_where_the_new_file_goes_gains_nothing(vault, path, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    path.with_name("tokens.json.new").symlink_to(victim)

    with pytest.raises(StoreUnavailableError):
        vault.write("p", PAIR)
    assert victim.read_text() == "untouched"
