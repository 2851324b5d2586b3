"""Run by test_vault.py as a process of its own: greenlets that count up one record under the vault's lock.

Arguments: where the records are (a path or a postgres:// URL), greenlets, rounds each. Prints how often a neighbour greenlet ran.
"""

# ruff: noqa: E402 - the patch comes first, as in gunicorn.conf.py
from gevent import monkey

monkey.patch_all()

import sys
import time
from pathlib import Path

import gevent

from app.seal import Sealer
from app.vault import FileStore, Vault


def main(where: str, greenlets: int, rounds: int) -> None:
    if where.startswith("postgres"):
        from app.vault.postgres import PostgresStore

        store = PostgresStore(where)
    else:
        store = FileStore(Path(where))
    vault = Vault(store, Sealer([b"k" * 32], clock=time.time))
    beats = 0

    def beat() -> None:
        nonlocal beats
        while True:
            beats += 1
            gevent.sleep(0.005)

    def count() -> None:
        for _ in range(rounds):
            with vault.lock("counter", timeout_s=60):
                held = vault.read("counter") or {"n": 0}
                gevent.sleep(0.01)  # what asking Oura would be: without the lock another counter reads the same number now
                vault.write("counter", {"n": held["n"] + 1})

    gevent.spawn(beat)
    gevent.joinall([gevent.spawn(count) for _ in range(greenlets)], raise_error=True)
    print(beats)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
