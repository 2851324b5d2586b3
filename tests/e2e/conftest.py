"""One simulator and one connected server for the whole run; further servers for tests that need their own.

What a server or simulator of a failed test wrote to its log is printed with the failure.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.harness import Process, Server, Simulator


@pytest.fixture(scope="session")
def simulator(tmp_path_factory) -> Iterator[Simulator]:
    with Simulator(tmp_path_factory.mktemp("simulator")) as started:
        yield started


@pytest.fixture(scope="session")
def server(tmp_path_factory, simulator) -> Iterator[Server]:
    """Connected to the shared simulator. Tests must leave it connected, and the simulator's knobs as they were."""
    with Server(tmp_path_factory.mktemp("server"), simulator) as started:
        assert started.connect().ok
        yield started


@pytest.fixture
def start(tmp_path) -> Iterator[Callable[..., Process]]:
    """Start processes of a test's own; all are stopped after it: `start(Server, simulator, MAX_STREAMS="3")`."""
    with ExitStack() as stack:
        started: list[Process] = []

        def begin(kind: type[Process], *given: object, **env: object) -> Process:
            folder: Path = tmp_path / f"{kind.name}{len(started)}"
            started.append(kind(folder, *given, **env))
            return stack.enter_context(started[-1])

        yield begin


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    report = yield
    if report.failed:
        found = getattr(item, "funcargs", {}).values()
        for process in [value for value in found if isinstance(value, Process)]:
            report.sections.append((f"the last lines of {process.name}", "\n".join(process.logs().splitlines()[-60:])))
    return report
