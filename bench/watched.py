"""The application with a stop-watch on every slice of a greenlet: how long does one keep all others waiting?

GET /bench/slices gives the longest slice since it was last asked, on the wall and in CPU time, and forgets it.
"""

from __future__ import annotations

import time
from typing import Any

import gevent
import greenlet
from flask import Response, jsonify

from wsgi import app

_longest = {"wall_ms": 0.0, "cpu_ms": 0.0}
_since = {"wall": 0.0, "cpu": 0.0}


def _switched(_event: str, given: Any) -> None:
    origin, _target = given
    now, cpu = time.perf_counter(), time.thread_time()
    if _since["wall"] and not isinstance(origin, gevent.hub.Hub):
        _longest["wall_ms"] = max(_longest["wall_ms"], (now - _since["wall"]) * 1000)
        _longest["cpu_ms"] = max(_longest["cpu_ms"], (cpu - _since["cpu"]) * 1000)
    _since["wall"], _since["cpu"] = now, cpu


@app.get("/bench/slices")
def slices() -> Response:
    told = dict(_longest)
    greenlet.settrace(_switched)  # from the first time on, in the worker
    _longest.update(wall_ms=0.0, cpu_ms=0.0)
    return jsonify(told)
