from app.metrics import Metrics


def test_counted_things_show_up_as_prometheus_text():
    metrics = Metrics()
    metrics.mcp_call("tools/call", "ok")
    metrics.tool_call("get_tags", "ok", 0.3)
    metrics.oura_request("sleep", 200)
    metrics.cache("hit", 7)
    metrics.stream_opened("classic")
    metrics.stream_opened("classic")
    metrics.stream_closed("classic")
    metrics.auth_failure("bearer")
    metrics.rate_limited()
    text = metrics.render().decode()
    assert 'oura_mcp_calls_total{method="tools/call",outcome="ok"} 1.0' in text
    assert 'oura_mcp_tool_seconds_bucket{le="0.4",tool="get_tags"} 1.0' in text
    assert 'oura_mcp_oura_requests_total{collection="sleep",status="200"} 1.0' in text
    assert 'oura_mcp_cache_days_total{result="hit"} 7.0' in text
    assert 'oura_mcp_open_streams{kind="classic"} 1.0' in text
    assert 'oura_mcp_auth_failures_total{kind="bearer"} 1.0' in text
    assert "oura_mcp_rate_limited_total 1.0" in text


def test_methods_nobody_defined_make_one_series_however_many_there_are():
    metrics = Metrics()
    for i in range(50):
        metrics.mcp_call(f"made/up{i}", "error")
    text = metrics.render().decode()
    assert 'oura_mcp_calls_total{method="other",outcome="error"} 50.0' in text
    assert "made/up" not in text


def test_two_applications_in_one_process_count_apart():
    one, other = Metrics(), Metrics()
    one.rate_limited()
    assert "oura_mcp_rate_limited_total 0.0" in other.render().decode()
