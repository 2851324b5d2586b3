"""The fixture that the official MCP conformance suite is run against: its `test_*` definitions on the product's own engine."""
