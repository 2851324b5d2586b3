"""The OAuth 2.1 front door: MCP clients become known, the owner lets them in, tokens are issued, checked and ended.

Knows who may come in to read; does not know Oura, tools, or what is read. `views` alone knows Flask.
"""

from app.access.door import Access

__all__ = ["Access"]
