"""`make bench`: every bar, as the median of at least ten measurements; comparisons as interleaved pairs. Exit 1 if one is missed.

ROUNDS=3 makes a quick run; the figures are then worth less. Runs under `python -m gevent.monkey`, to ask several things at once.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import requests
from gevent.pool import Pool

from app.commands.browser import Browser
from app.commands.demo import Children
from bench.figures import Bar, coloured, table
from bench.servers import TOKEN, Load, Oura, Server, free_port, hammer, memory_kb

ROUNDS = int(os.environ.get("ROUNDS") or 10)
CONNECTIONS, REQUESTS, STREAMS, TOGETHER = 16, 800, 1000, 50


def _days_ago(days: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() - days * 86400))


SEVEN_NIGHTS = {"start_date": _days_ago(8), "end_date": _days_ago(2)}  # none that may still come, whatever the time of day
WEEK: dict[str, Any] = {"id": 1, "method": "tools/call", "params": {"name": "get_sleep_summary", "arguments": SEVEN_NIGHTS}}
STATELESS: dict[str, Any] = {
    **WEEK,
    "params": {
        **WEEK["params"],
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    },
}
STATELESS_HEADERS = ("MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: get_sleep_summary")


HEAVY: list[tuple[str, dict[str, Any]]] = [
    ("get_health_insights", {"days": 90}),
    ("get_sleep_summary", {"start_date": _days_ago(360)}),
    ("get_sleep_detailed", {"start_date": _days_ago(60), "include_samples": True}),
    ("get_heart_rate", {"start_datetime": _days_ago(29), "resolution": "raw"}),
    ("get_workouts", {"start_date": _days_ago(90)}),
    ("get_activity_summary", {"start_date": _days_ago(360)}),
]


class Bench:
    """The processes, and one method for each thing that is measured."""

    def __init__(self, children: Children, folder: Path) -> None:
        port = free_port()
        self.oura = Oura(children, folder, f"http://localhost:{port}/oauth/callback")
        self.env = {
            **self.oura.env,
            "OURA_REDIRECT_URI": f"http://localhost:{port}/oauth/callback",
            "TOKEN_FILE": str(folder / "tokens.json"),
        }
        self.server = Server(children, "server", "wsgi:app", port, self.env)
        self.watched = Server(children, "watched", "bench.watched:app", port, self.env)
        self.body = folder / "body.json"
        self.bare = Server(children, "bare", "bench.bare:app", free_port(), {"BENCH_BODY": str(self.body)})
        self.server.start()
        Browser(self.server.url).connect(TOKEN)
        for tool, arguments in HEAVY:  # the simulator invents a year once
            self.server.call(tool, arguments)
        self.server.stop()

    @contextmanager
    def running(self, *servers: Server) -> Iterator[None]:
        with ExitStack() as stack:
            for server in servers:
                server.start()
                stack.callback(server.stop)
            yield

    def throughput(self) -> list[Bar]:
        """Held days, computed each time, against Flask that returns the same bytes."""
        with self.running(self.server):
            answer = self.server.call("get_sleep_summary", SEVEN_NIGHTS)
            self.body.write_bytes(answer.content)
            issued = self.server.issued_token()
            load = {"connections": CONNECTIONS, "requests": REQUESTS}
            ours, flask, tails, tokens, stateless = [], [], [], [], []
            with self.running(self.bare):
                for _ in range(ROUNDS):
                    ran = hammer(port=self.server.port, request=self.server.request(WEEK), **load)
                    ours.append(ran["per_s"])
                    tails.append(ran["p99_ms"] / ran["median_ms"])
                    flask.append(hammer(port=self.bare.port, request=self.bare.request(WEEK), **load)["per_s"])
                    ran = hammer(port=self.server.port, request=self.server.request(WEEK, token=issued), **load)
                    tokens.append(ran["per_s"] / ours[-1])
                    ran = hammer(port=self.server.port, request=self.server.request(STATELESS, *STATELESS_HEADERS), **load)
                    stateless.append(ran["per_s"] / ours[-1])
            print(f"  held week: {statistics.median(ours):.0f} answers a second; Flask alone: {statistics.median(flask):.0f}")
            memory = memory_kb(self.server.pids())
        bars = [
            Bar("held week against Flask alone", [a / b for a, b in zip(ours, flask, strict=True)], 0.5, at_least=True),
            Bar("99th percentile over median, 16 connections", tails, 4.0),
            Bar("issued token against AUTH_TOKEN", tokens, 0.9, at_least=True),
            Bar("2026-07-28 against a handshake revision", stateless, 0.9, at_least=True),
        ]
        return bars if memory is None else [*bars, Bar("memory of master and worker", [memory / 1024], 80.0, "MB")]

    def starts(self) -> list[Bar]:
        """A start, a cold answer, and many who ask the same at once, each time with an empty cache."""
        self.oura.turn(latency_s=0.1)
        started, cold, fetches = [], [], []
        for _ in range(ROUNDS):
            started.append(self.server.start())
            began = time.perf_counter()
            self.server.call("get_health_insights", {}).raise_for_status()
            cold.append((time.perf_counter() - began) * 1000)
            self.server.stop()
            self.oura.forget()
            with self.running(self.server):
                answers = Pool(TOGETHER).map(lambda _: self.server.call("get_sleep_summary", {}), range(TOGETHER))
                if len({answer.content for answer in answers}) != 1:
                    raise RuntimeError("the same question had different answers")
            asked = self.oura.asked()
            fetches.append(max(count for name, count in asked.items() if name not in {"token", "authorize"}))
        self.oura.turn(latency_s=0.0)
        return [
            Bar("start until healthy", started, 2.0, "s"),
            Bar("cold insights, Oura 100 ms away", cold, 400.0, "ms"),
            Bar("fetches of a collection for 50 equal cold calls", fetches, 1.0),
        ]

    def slices(self) -> list[Bar]:
        """The longest time for which anything keeps all others waiting, over cold and held calls of every size."""
        wall, cpu = [], []
        for _ in range(ROUNDS):
            with self.running(self.watched):
                url = f"http://127.0.0.1:{self.watched.port}/bench/slices"
                requests.get(url, timeout=10)
                for _ in range(2):
                    Pool(len(HEAVY)).map(lambda asked: self.watched.call(*asked), HEAVY)
                told = requests.get(url, timeout=10).json()
            wall.append(told["wall_ms"])
            cpu.append(told["cpu_ms"])
        return [Bar("longest slice", wall, 20.0, "ms"), Bar("longest slice, CPU time", cpu, 20.0, "ms")]

    def streams(self) -> list[Bar]:
        """A thousand idle streams: what each holds, and whether probes still get through."""
        each, probes = [], []
        for _ in range(min(ROUNDS, 3)):
            with self.running(self.server):
                self.server.call("get_sleep_summary", {})
                before = memory_kb(self.server.pids())
                load = Load(port=self.server.port, request=self.server.head("GET", "/sse", TOKEN), streams=STREAMS)
                load.told()
                after = memory_kb(self.server.pids())
                for _ in range(ROUNDS):
                    began = time.perf_counter()
                    requests.get(f"http://127.0.0.1:{self.server.port}/healthz", timeout=10).raise_for_status()
                    probes.append((time.perf_counter() - began) * 1000)
                load.end()
            if before is not None and after is not None:
                each.append((after - before) / STREAMS)
        bars = [Bar(f"/healthz beside {STREAMS} idle streams", probes, 50.0, "ms")]
        return [Bar(f"memory of each of {STREAMS} idle streams", each, 40.0, "kB"), *bars] if each else bars

    def sizes(self) -> list[Bar]:
        """What a model has to read."""
        with self.running(self.server):
            week, month = [
                len(self.server.call("get_sleep_summary", arguments).json()["result"]["content"][0]["text"].encode()) / 1000
                for arguments in (SEVEN_NIGHTS, {"start_date": _days_ago(31), "end_date": _days_ago(2)})
            ]
        return [Bar("a week of sleep", [week], 4.0, "kB"), Bar("a month of sleep", [month], 14.0, "kB")]


def main() -> int:
    bars: list[Bar] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="oura-bench-")))
        children = Children(folder)
        stack.callback(children.stop)
        print(f"{ROUNDS} rounds; this takes a few minutes", flush=True)
        bench = Bench(children, folder)
        for measure in (bench.throughput, bench.starts, bench.slices, bench.streams, bench.sizes):
            print(f"{measure.__name__} ...", flush=True)
            bars += measure()
    print("\n" + coloured(table(bars), bars, terminal=sys.stdout.isatty()))
    return 1 if any(bar.verdict == "missed" for bar in bars) else 0


if __name__ == "__main__":
    sys.exit(main())
