"""The real processes the end-to-end tests talk to: the simulator, and our server under the real gunicorn configuration.

Everything is thrown away afterwards: secrets are fresh, files live in a temporary folder, ports are free loopback ones.
Knows nothing of what is tested.
"""

import os
import re
import secrets
import signal
import socket
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Self
from urllib.parse import urljoin

import requests

from app.config import Settings
from tests.e2e.wire import Caller, ModernCaller, eventually

ROOT = Path(__file__).resolve().parent.parent.parent
BOOT_S = 30.0
STOP_S = 30.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """A child process whose output goes to a file; it never outlives the test that started it."""

    name = "process"

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.output = folder / f"{self.name}.log"
        self.child: subprocess.Popen[bytes] | None = None

    def spawn(self, command: list[str], env: dict[str, str]) -> None:
        inherited = {name: os.environ[name] for name in ("PATH", "LANG", "TZDIR") if name in os.environ}
        with self.output.open("ab") as output:
            self.child = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**inherited, "HOME": str(self.folder), "PYTHONUNBUFFERED": "1", **env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def logs(self) -> str:
        return self.output.read_text(errors="replace") if self.output.exists() else ""

    @property
    def running(self) -> bool:
        return self.child is not None and self.child.poll() is None

    def expect(self, predicate: Any, what: str) -> Any:
        """Wait for *predicate*, but not for a process that has ended."""

        def ready() -> Any:
            assert self.running, f"{self.name} ended while waiting for {what}:\n{self.logs()}"
            return predicate()

        try:
            return eventually(ready, within_s=BOOT_S, what=what)
        except AssertionError as exc:
            raise AssertionError(f"{exc}\n{self.logs()}") from None

    def stop(self, sent: int = signal.SIGTERM) -> int:
        """Send *sent* and return the exit status; what is left of the process group is killed."""
        assert self.child is not None
        if self.running:
            self.child.send_signal(sent)
        try:
            return self.child.wait(STOP_S)
        finally:
            try:
                os.killpg(self.child.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.child.wait(STOP_S)

    def __enter__(self) -> Self:
        return self.start()

    def start(self) -> Self:
        raise NotImplementedError

    def __exit__(self, *_: object) -> None:
        if self.child is not None:
            self.stop()


class Simulator(Process):
    """An Oura of our own as a process, and its knobs."""

    name = "simulator"
