"""What tokens are for: the URLs of this server that MCP clients call, and the audiences that stand for them (RFC 8707).

Two paths of one issuer. A token for the issuer itself, which clients that name no resource get, opens both.
"""

from __future__ import annotations

import re

from app.errors import AccessRefusedError
from app.variables import origin_of

PATHS = ("/mcp", "/sse")
_RESOURCE = re.compile(r"(?P<origin>https?://[^/?#@\s]+)(?P<path>/[a-z]+)?/?", re.IGNORECASE)


def audience_of(resource: str, issuer: str) -> str:
    """The audience that a `resource` parameter names, as its tokens bear it; AccessRefusedError if it is not one of ours."""
    found = _RESOURCE.fullmatch(resource)
    if found is None or found["path"] not in {None, *PATHS} or not _is_origin(found["origin"], issuer):
        raise AccessRefusedError(
            "invalid_target", f"This server issues tokens for {' and '.join(issuer + path for path in PATHS)}"
        )
    return issuer + (found["path"] or "")


def issuer_of(audience: str) -> str:
    """The issuer whose audience this is."""
    for path in PATHS:
        audience = audience.removesuffix(path)
    return audience


def opened_by(audience: str) -> frozenset[str]:
    """The resource URLs that a token for *audience* opens.

    The issuer is always among them: requests that belong to neither path, as the classic stream's /message, go by it.
    """
    issuer = issuer_of(audience)
    return frozenset({issuer, audience} if audience != issuer else {issuer, *(issuer + path for path in PATHS)})


def _is_origin(text: str, issuer: str) -> bool:
    try:
        return origin_of(text) == origin_of(issuer)
    except ValueError:
        return False
