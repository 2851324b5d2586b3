"""What is counted, in Prometheus terms: a closed list, in a registry of its own.

Knows no other part. Labels take values from short lists only, so that no client can make series without end.
"""

from __future__ import annotations

from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_METHODS = frozenset(
    {
        "initialize",
        "ping",
        "server/discover",
        "subscriptions/listen",
        "tools/list",
        "tools/call",
        "resources/list",
        "resources/templates/list",
        "resources/read",
        "resources/subscribe",
        "resources/unsubscribe",
        "prompts/list",
        "prompts/get",
        "completion/complete",
        "logging/setLevel",
    }
)
_TOOL_SECONDS = (0.005, 0.02, 0.1, 0.4, 1.0, 2.5, 7.0, 20.0)


class Metrics:
    """The counters of one application."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        mcp = Counter("oura_mcp_calls", "JSON-RPC requests", ["method", "outcome"], registry=registry)
        tools = Counter("oura_mcp_tool_calls", "Tool calls", ["tool", "outcome"], registry=registry)
        seconds = Histogram(
            "oura_mcp_tool_seconds", "Time of a tool call", ["tool"], registry=registry, buckets=_TOOL_SECONDS
        )
        # Looking up a labelled series costs more than counting in it; the label values are few, so each is looked up once.
        self._mcp, self._tools, self._seconds = cache(mcp.labels), cache(tools.labels), cache(seconds.labels)
        self._oura = Counter("oura_mcp_oura_requests", "Attempts at Oura's API", ["collection", "status"], registry=registry)
        self._cache = Counter("oura_mcp_cache_days", "Days looked up in the cache", ["result"], registry=registry)
        self._streams = Gauge("oura_mcp_open_streams", "Event streams open now", ["kind"], registry=registry)
        self._auth = Counter("oura_mcp_auth_failures", "Callers turned away", ["kind"], registry=registry)
        self._limited = Counter("oura_mcp_rate_limited", "Requests over the rate limit", registry=registry)

    def mcp_call(self, method: str, outcome: str) -> None:
        """Count a JSON-RPC request; a method nobody defined is counted as `other`."""
        self._mcp(method if method in _METHODS else "other", outcome).inc()

    def tool_call(self, tool: str, outcome: str, seconds: float) -> None:
        """Count a call of *tool*, which must be the name of one that exists."""
        self._tools(tool, outcome).inc()
        self._seconds(tool).observe(seconds)

    def oura_request(self, collection: str, status: int | str) -> None:
        """Count one attempt; *status* is Oura's HTTP status, or a word where none came."""
        self._oura.labels(collection, str(status)).inc()

    def cache(self, result: str, n: int = 1) -> None:
        """Count *n* days looked up: `hit`, `miss` or `stale`."""
        self._cache.labels(result).inc(n)

    def stream_opened(self, kind: str) -> None:
        self._streams.labels(kind).inc()

    def stream_closed(self, kind: str) -> None:
        self._streams.labels(kind).dec()

    def auth_failure(self, kind: str) -> None:
        self._auth.labels(kind).inc()

    def rate_limited(self) -> None:
        self._limited.inc()

    def render(self) -> bytes:
        """Everything as Prometheus text."""
        return generate_latest(self.registry)
