"""A time limit for a block of code, as `gevent.Timeout` is one, that costs nearly nothing where the block never waits."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any

from gevent import get_hub, getcurrent


class Timeout:
    """Raises *error* where the block waits, once *seconds* are over. The timer is set when it first waits; most never do."""

    __slots__ = ("_ends_at", "_error", "_first_wait", "_timer")

    def __init__(self, seconds: float, error: Exception) -> None:
        self._ends_at = time.monotonic() + seconds
        self._error = error
        self._timer: Any = None

    def __enter__(self) -> None:
        self._first_wait = get_hub().loop.run_callback(self._set_timer, getcurrent())

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._first_wait.stop()
        if self._timer is not None:
            self._timer.close()

    def _set_timer(self, greenlet: Any) -> None:
        self._timer = get_hub().loop.timer(max(0.0, self._ends_at - time.monotonic()))
        self._timer.start(greenlet.throw, self._error)
