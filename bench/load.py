"""A load generator in a process of its own: keep-alive connections that send the same request again and again.

`python -m gevent.monkey --module bench.load` reads one JSON object from standard input and prints one.
"""

from __future__ import annotations

import json
import resource
import socket
import sys
import time

import gevent
from gevent.pool import Pool


class Connection:
    """One keep-alive connection, read just far enough to know where an answer ends."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._held = b""

    def ask(self, request: bytes) -> tuple[int, int]:
        """(status, length of the body)."""
        self._socket.sendall(request)
        while (end := self._held.find(b"\r\n\r\n")) < 0:
            self._more()
        head = self._held[:end].lower()
        status = int(head[9:12])
        at = head.find(b"content-length:")
        length = int(head[at + 15 : head.find(b"\r", at) if b"\r" in head[at:] else None])
        while len(self._held) < end + 4 + length:
            self._more()
        self._held = self._held[end + 4 + length :]
        return status, length

    def open(self, request: bytes) -> None:
        """Send *request* and read the first bytes of a stream that stays open."""
        self._socket.sendall(request)
        self._more()

    def _more(self) -> None:
        chunk = self._socket.recv(262144)
        if not chunk:
            raise ConnectionError("the server closed the connection")
        self._held += chunk


def hammer(port: int, request: bytes, *, connections: int, requests: int) -> dict[str, object]:
    """*requests* in all, over *connections* at once; the time of each in milliseconds."""
    left = requests
    took: list[float] = []
    wrong = 0

    def caller() -> None:
        nonlocal left, wrong
        connection = Connection(port)
        while left > 0:
            left -= 1
            began = time.perf_counter()
            status, _ = connection.ask(request)
            took.append((time.perf_counter() - began) * 1000)
            wrong += status != 200

    began = time.perf_counter()
    gevent.joinall([gevent.spawn(caller) for _ in range(connections)], raise_error=True)
    elapsed = time.perf_counter() - began
    took.sort()
    return {
        "per_s": len(took) / elapsed,
        "median_ms": took[len(took) // 2],
        "p99_ms": took[int(len(took) * 0.99)],
        "wrong": wrong,
    }


def hold(port: int, request: bytes, *, streams: int) -> None:
    """Open *streams*, say so, and hold them until standard input closes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 8192)), hard))
    held = [Connection(port) for _ in range(streams)]
    Pool(50).map(lambda connection: connection.open(request), held)
    print(json.dumps({"held": len(held)}), flush=True)
    sys.stdin.read()


def main() -> None:
    spec = json.loads(sys.stdin.readline())
    request = spec.pop("request").encode("latin-1")
    if "streams" in spec:
        hold(request=request, **spec)
    else:
        print(json.dumps(hammer(request=request, **spec)))


if __name__ == "__main__":
    main()
