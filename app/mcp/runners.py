"""Greenlets that run one call after another.

For every new greenlet CPython (3.11 and later) maps a fresh stack of 16 kB and faults its pages in. That is a twentieth of a
usual call, so a few runners that have finished wait here for the next one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gevent
from gevent import get_hub

from app.errors import DeadlineError

if TYPE_CHECKING:
    from app.services import Deadline

MAX_IDLE = 16


class Runner:
    """Runs what it is given in a greenlet of its own."""

    __slots__ = ("_deadline", "_greenlet", "_idle", "_is_killed", "_job", "_timer")

    def __init__(self, idle: list[Runner]) -> None:
        self._idle = idle
        self._is_killed = False
        self._greenlet: Any = None
        self._job: Callable[[], None] | None = None
        self._timer: Any = None

    def start(self, job: Callable[[], None], deadline: Deadline) -> None:
        self._job, self._deadline = job, deadline
        loop = get_hub().loop
        if self._greenlet is None:
            self._greenlet = gevent.spawn_raw(self._work)
        else:
            loop.run_callback(self._greenlet.switch)
        loop.run_callback(self._limit)

    def kill(self) -> None:
        """End what is running, by GreenletExit, and the runner with it: nobody else's job may meet that exception."""
        self._is_killed = True
        gevent.kill(self._greenlet)

    def _limit(self) -> None:
        """Set the timer of a job that waits. Most have ended by now and need none."""
        if self._job is not None:
            self._timer = get_hub().loop.timer(self._deadline.hard_left_s())
            self._timer.start(self._greenlet.throw, DeadlineError())

    def _work(self) -> None:
        hub = get_hub()
        while self._job is not None:
            try:
                self._job()
            finally:
                self._job = None  # with all it holds of the call
                if self._timer is not None:
                    self._timer.close()
                    self._timer = None
            if self._is_killed or len(self._idle) >= MAX_IDLE:
                return
            self._idle.append(self)
            hub.switch()


class Runners:
    """Those of one engine."""

    def __init__(self) -> None:
        self._idle: list[Runner] = []

    def run(self, job: Callable[[], None], deadline: Deadline) -> Runner:
        """Run *job* soon; it must not raise. Past the hard deadline DeadlineError is raised where it waits."""
        runner = self._idle.pop() if self._idle else Runner(self._idle)
        runner.start(job, deadline)
        return runner
