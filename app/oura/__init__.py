"""Oura's collections: what they are, how they are asked for, parsed and held.

Knows nothing of who asks, of MCP, or of where its access token comes from (it is handed a source).
"""
