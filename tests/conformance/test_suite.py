"""The official conformance suite, run against the fixture (`make conformance` does the same and prints it)."""

import pytest

from tests.conformance.suite import NODE, SUITE, fixture, fixture_passes

suite = pytest.mark.skipif(
    not (NODE.exists() and SUITE.exists()),
    reason="the conformance suite is not installed: npm ci in tests/clients (make clients)",
)


@suite
@pytest.mark.requirement("conformance")
def test_every_scenario_of_both_requirement_sets_and_of_all_suites_passes_without_a_warning():
    with fixture() as url:
        assert fixture_passes(url)
