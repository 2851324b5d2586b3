"""What is counted, in Prometheus terms: a closed list, kept apart for each application.

Knows no other part. Labels take values from short lists only, so that no client can make series without end. Counting is a
plain addition, since a worker has one thread and an addition never yields; prometheus_client, whose counters take a lock each,
only writes the text.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS_S = (0.005, 0.02, 0.1, 0.4, 1.0, 2.5, 7.0, 20.0)
_METHODS = frozenset(
    {
        "initialize",
        "ping",
        "server/discover",
        "tools/list",
        "tools/call",
        "resources/list",
        "resources/templates/list",
        "resources/read",
        "resources/subscribe",
        "resources/unsubscribe",
        "subscriptions/listen",
        "prompts/list",
        "prompts/get",
        "completion/complete",
        "logging/setLevel",
    }
)
Counts = defaultdict[tuple[str, ...], int]


class Metrics:
    """The counters of one application."""

    def __init__(self) -> None:
        self._mcp, self._tools, self._oura, self._cache, self._streams, self._auth, self._limited = (
            Counts(int) for _ in range(7)
        )
        self._seconds: defaultdict[str, list[int]] = defaultdict(lambda: [0] * (len(BUCKETS_S) + 1))
        self._seconds_sum: defaultdict[str, float] = defaultdict(float)
        self._limited[()] = 0
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def mcp_call(self, method: str, outcome: str) -> None:
        """Count a JSON-RPC request; a method nobody defined is counted as `other`."""
        self._mcp[method if method in _METHODS else "other", outcome] += 1

    def tool_call(self, tool: str, outcome: str, seconds: float) -> None:
        """Count a call of *tool*, which must be the name of one that exists."""
        self._tools[tool, outcome] += 1
        self._seconds[tool][bisect_left(BUCKETS_S, seconds)] += 1
        self._seconds_sum[tool] += seconds

    def oura_request(self, collection: str, status: int | str) -> None:
        """Count one attempt; *status* is Oura's HTTP status, or a word where none came."""
        self._oura[collection, str(status)] += 1

    def cache(self, result: str, n: int = 1) -> None:
        """Count *n* days looked up: `hit`, `miss` or `stale`."""
        self._cache[(result,)] += n

    def stream_opened(self, kind: str) -> None:
        self._streams[(kind,)] += 1

    def stream_closed(self, kind: str) -> None:
        self._streams[(kind,)] -= 1

    def auth_failure(self, kind: str) -> None:
        self._auth[(kind,)] += 1

    def rate_limited(self) -> None:
        self._limited[()] += 1

    def render(self) -> bytes:
        """Everything as Prometheus text."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """What prometheus_client asks a collector for."""
        yield _counter("oura_mcp_calls", "JSON-RPC requests", ("method", "outcome"), self._mcp)
        yield _counter("oura_mcp_tool_calls", "Tool calls", ("tool", "outcome"), self._tools)
        yield self._histogram()
        yield _counter("oura_mcp_oura_requests", "Attempts at Oura's API", ("collection", "status"), self._oura)
        yield _counter("oura_mcp_cache_days", "Days looked up in the cache", ("result",), self._cache)
        streams = GaugeMetricFamily("oura_mcp_open_streams", "Event streams open now", labels=["kind"])
        for labels, count in self._streams.items():
            streams.add_metric(labels, count)
        yield streams
        yield _counter("oura_mcp_auth_failures", "Callers turned away", ("kind",), self._auth)
        yield _counter("oura_mcp_rate_limited", "Requests over the rate limit", (), self._limited)

    def _histogram(self) -> HistogramMetricFamily:
        family = HistogramMetricFamily("oura_mcp_tool_seconds", "Time of a tool call", labels=["tool"])
        for tool, counts in self._seconds.items():
            below = [sum(counts[: i + 1]) for i in range(len(counts))]
            limits = [*map(str, BUCKETS_S), "+Inf"]
            family.add_metric([tool], list(zip(limits, below, strict=True)), self._seconds_sum[tool])
        return family


def _counter(name: str, about: str, names: tuple[str, ...], counts: Mapping[tuple[str, ...], int]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, about, labels=names)
    for labels, count in counts.items():
        family.add_metric(labels, count)
    return family
