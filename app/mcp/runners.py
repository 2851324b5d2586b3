"""Greenlets that run one call after another.

For every new greenlet CPython (3.11 and later) maps a fresh stack of 16 kB and faults its pages in. That is a twentieth of a
usual call, so a few runners that have finished wait here for the next one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
from gevent import get_hub

MAX_IDLE = 16


class Runner:
    """Runs what it is given in a greenlet of its own."""

    __slots__ = ("_greenlet", "_idle", "_is_killed", "_job")

    def __init__(self, idle: list[Runner]) -> None:
        self._idle = idle
        self._is_killed = False
        self._greenlet: Any = None

    def start(self, job: Callable[[], None]) -> None:
        self._job = job
        if self._greenlet is None:
            self._greenlet = gevent.spawn_raw(self._work)
        else:
            get_hub().loop.run_callback(self._greenlet.switch)

    def kill(self) -> None:
        """End what is running, by GreenletExit, and the runner with it: nobody else's job may meet that exception."""
        self._is_killed = True
        gevent.kill(self._greenlet)

    def _work(self) -> None:
        hub = get_hub()
        while True:
            self._job()
            del self._job  # with all it holds of the call
            if self._is_killed or len(self._idle) >= MAX_IDLE:
                return
            self._idle.append(self)
            hub.switch()


class Runners:
    """Those of one engine."""

    def __init__(self) -> None:
        self._idle: list[Runner] = []

    def run(self, job: Callable[[], None]) -> Runner:
        """Run *job* soon; it must not raise."""
        runner = self._idle.pop() if self._idle else Runner(self._idle)
        runner.start(job)
        return runner
