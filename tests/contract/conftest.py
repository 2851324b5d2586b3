"""A PostgreSQL server of the tests' own: Debian's binaries, a throw-away cluster, loopback only."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


def _missing(reason: str) -> None:
    if os.environ.get("REQUIRE_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def _binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    on_path = shutil.which("initdb")
    if found:
        return found[-1].parent
    return Path(on_path).parent if on_path else None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """URL of an empty database, in the `postgres://` spelling that Heroku uses."""
    binaries = _binaries()
    if binaries is None:
        _missing("PostgreSQL's binaries are not installed (Debian: apt install postgresql)")
    assert binaries is not None
    user = "postgres" if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
    if user and user not in {entry.pw_name for entry in pwd.getpwall()}:
        _missing("PostgreSQL cannot run as root and there is no user 'postgres'")
    folder = Path(tempfile.mkdtemp(prefix="vault-pg-", dir="/tmp"))
    if user:
        shutil.chown(folder, user)
    port = _free_port()

    def run(program: str, *arguments: str, check: bool = True) -> None:
        command = [binaries / program, "-D", folder / "data", *arguments]
        subprocess.run(command, check=check, stdout=subprocess.DEVNULL, cwd="/", user=user)

    options = f"-h 127.0.0.1 -p {port} -k '' -F"
    try:
        run("initdb", "-N", "-U", "vault", "-A", "trust", "--locale=C")
        run("pg_ctl", "-w", "-s", "-l", str(folder / "log"), "-o", options, "start")
        yield f"postgres://vault@127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", "-w", "-s", "-m", "immediate", "stop", check=False)
        shutil.rmtree(folder, ignore_errors=True)
