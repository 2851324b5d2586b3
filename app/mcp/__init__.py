"""The Model Context Protocol over HTTP, every revision on one URL.

From the outside in: `views` (HTTP) → `exchange` and `standing` (one answer, one stream) → `eras` (the tables: who serves which
method in which revision) → `handlers` (what each method does) → `calls` and `channels` (one running function and what it can
say).
"""

from app.mcp.edge import Edge
from app.mcp.engine import Engine
from app.mcp.views import create_blueprint

__all__ = ["Edge", "Engine", "create_blueprint"]
