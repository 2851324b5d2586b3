"""The official conformance suite against the product itself: every scenario that needs no fixture, with the bearer added."""

import pytest

from tests.conformance.suite import NODE, SUITE, product_passes

pytestmark = pytest.mark.skipif(
    not (NODE.exists() and SUITE.exists()),
    reason="the conformance suite is not installed: npm ci in tests/clients (make clients)",
)


@pytest.mark.requirement("conformance")
def test_the_product_passes_every_scenario_that_needs_no_fixture(server):
    assert product_passes(f"{server.url}/mcp", server.token)
