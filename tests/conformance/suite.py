"""`python -m tests.conformance.suite`: run the pinned official suite against the fixture, and fail on any failure or warning.

With `--url URL` it is run against a product server instead (its bearer in MCP_BEARER), with the scenarios that need no fixture.
The suite is pinned in tests/clients, together with the Node it needs (22 or newer): `make clients` installs both.
What each check said is left in `build/conformance`.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
BUILD = ROOT / "build" / "conformance"
MODULES = ROOT / "tests" / "clients" / "node_modules"
NODE = MODULES / ".bin" / "node"
SUITE = MODULES / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
NOT_DECLARED = re.compile(r"tasks-|sep-2640-skills-")  # extensions that neither the fixture nor the product declares
REQUIREMENTS = {"2025-11-25": 30, "2026-07-28": 37}  # scored server scenarios
ALL = 65
NOT_TESTABLE = "Not testable: server does not list the diagnostic tool"  # said by checks that need the fixture
NO_SESSIONS = "server-sse-multiple-streams-session"  # warns that the product hands out no session id, which is its design
PRODUCT: Mapping[str, Sequence[str]] = {
    "2025-11-25": (
        "server-initialize",
        "server-session-lifecycle",
        "ping",
        "logging-set-level",
        "tools-list",
        "resources-list",
        "prompts-list",
        "server-sse-multiple-streams",
        "dns-rebinding-protection",
    ),
    "2026-07-28": (
        "tools-list",
        "resources-list",
        "prompts-list",
        "caching",
        "sep-2164-resource-not-found",
        "server-sse-multiple-streams",
        "dns-rebinding-protection",
        "input-required-result-unsupported-methods",
        "http-header-validation",
        "server-stateless",
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.suite")
    parser.add_argument("--url", help="a product server; without it the fixture is started and tested")
    url = parser.parse_args().url
    if url:
        sys.exit(0 if product_passes(url, os.environ["MCP_BEARER"]) else 1)
    with fixture() as fixture_url:
        sys.exit(0 if fixture_passes(fixture_url) else 1)


@contextmanager
def fixture() -> Iterator[str]:
    """The fixture on a free port, as long as the block lasts."""
    command = [sys.executable, "-m", "tests.conformance", "--port", "0"]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        yield server.stdout.readline().strip()
    finally:
        server.terminate()
        server.wait(timeout=10)


def fixture_passes(url: str) -> bool:
    passed = True
    for revision, wanted in REQUIREMENTS.items():
        results = Results.of(["--requirements", revision], url, out=BUILD / revision)
        scored = _scored(revision)
        clean = [name for name in scored if results.is_clean(name)]
        print(f"{revision}: {len(clean)} of {len(scored)} scored scenarios pass, {results.summary()}")
        passed &= len(clean) == len(scored) == wanted and results.report()
    results = Results.of(["--suite", "all"], url, out=BUILD / "all")
    print(f"all suites: {results.summary()}")
    return passed & results.report() & (len(results) == ALL)


def product_passes(url: str, bearer: str) -> bool:
    passed = True
    for revision, scenarios in PRODUCT.items():

        def run(scenario: str, revision: str = revision) -> Results:
            out = BUILD / f"product-{revision}" / scenario
            return Results.of(["--scenario", scenario, "--spec-version", revision], url, out=out, bearer=bearer)

        with ThreadPoolExecutor(4) as pool:  # each is a process that mostly starts and waits
            clean = [results.report() for results in pool.map(run, scenarios)]
        print(f"{revision}: {sum(clean)} of {len(scenarios)} scenarios pass that need no fixture")
        passed &= all(clean)
    return passed


class Results:
    """The checks of one run, by scenario."""

    def __init__(self, checks: Mapping[str, Sequence[Mapping[str, str]]], log: str, *, of_product: bool) -> None:
        self._checks = checks
        self._of_product = of_product
        self._log = log

    @classmethod
    def of(cls, arguments: Sequence[str], url: str, *, out: Path, bearer: str = "") -> Results:
        """Run the suite with *arguments* against *url*, and read what it wrote to *out*."""
        shutil.rmtree(out, ignore_errors=True)
        log = _suite(["server", "--url", url, *arguments, "-o", str(out)], bearer)
        checks = {
            re.sub(r"^server-|-\d{4}-\d\d-\d\dT[\d-]+Z$", "", path.parent.name): json.loads(path.read_text())
            for path in sorted(out.glob("*/checks.json"))
        }
        return cls(checks, log, of_product=bool(bearer))

    def __len__(self) -> int:
        return len(self._checks)

    def bad(self, scenario: str) -> list[str]:
        """What failed or was warned of."""
        return [
            f"{check['status']} {check['id']}: {check.get('errorMessage', '')}"
            for check in self._checks[scenario]
            if check["status"] in {"FAILURE", "WARNING"} and not (self._of_product and _needs_fixture(check))
        ]

    def is_clean(self, scenario: str) -> bool:
        """Whether *scenario* really ran, without a failure and without a warning."""
        ran = any(check["status"] == "SUCCESS" for check in self._checks.get(scenario, ()))
        return ran and not self.bad(scenario)

    def summary(self) -> str:
        declared = [name for name in self._checks if not NOT_DECLARED.match(name)]
        bad = [name for name in declared if self.bad(name)]
        return f"{len(declared) - len(bad)} of {len(declared)} run without a failure or a warning"

    def report(self) -> bool:
        """Print what is wrong; True if nothing is."""
        bad = {name: self.bad(name) for name in self._checks if not NOT_DECLARED.match(name) and self.bad(name)}
        for name, reasons in bad.items():
            print(f"  {name}", *reasons, sep="\n    ")
        if not self._checks:
            print(self._log)
        return bool(self._checks) and not bad


def _needs_fixture(check: Mapping[str, str]) -> bool:
    return check["id"] == NO_SESSIONS or check.get("errorMessage", "").startswith(NOT_TESTABLE)


def _scored(revision: str) -> list[str]:
    """The server scenarios that count for *revision*."""
    listed = _suite(["list", "--requirements", revision])
    of_servers = listed.partition("Server scenarios")[2].partition("\n\n")[0]
    return re.findall(r"^  - (\S+)", of_servers, re.MULTILINE)


def _suite(arguments: Sequence[str], bearer: str = "") -> str:
    preload = ["--import", str(HERE / "bearer.mjs")] if bearer else []
    command = [str(NODE), *preload, str(SUITE), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "MCP_BEARER": bearer})
    return done.stdout + done.stderr


if __name__ == "__main__":
    main()
