"""The process under test is patched as gunicorn's gevent worker is, before anything else is imported."""

from gevent import monkey

monkey.patch_all()

import os
from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """`REQUIRE_ALL=1` (what CI runs) makes every skip a failure: nothing is silently left out where all is installed."""
    return _required((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _required((yield))


def _required(report):
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("REQUIRE_ALL") == "1":
        report.outcome = "failed"
        report.longrepr = (
            f"skipped although REQUIRE_ALL=1: {report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr}"
        )
    return report
