"""The front door as the rest of the application sees it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.access import redirects
from app.access.authorization import OFFLINE, SCOPE, AuthorizationRequest
from app.access.clients import AUTH_METHODS, GRANT_TYPES, Clients, configured
from app.access.documents import ClientDocuments, Fetcher, Resolver
from app.access.grants import Grants
from app.access.server import TokenServer
from app.access.verifier import Verifier
from app.services import Principal

if TYPE_CHECKING:
    from app.config import Settings
    from app.vault import Vault


@dataclass(frozen=True, slots=True)
class IssuedGrant:
    """What the owner may know of a client that they let in."""

    grant_id: str
    client_name: str
    redirect_host: str
    granted_at: float
    last_used_at: float


class Access:
    """Joins the parts. Each of *on_revoke* is called with the key of a principal whose access ended before its time."""

    revoke_path = "/access/revoke"

    def __init__(
        self,
        settings: Settings,
        vault: Vault,
        *,
        clock: Callable[[], float] = time.time,
        resolver: Resolver | None = None,
        fetch: Fetcher | None = None,
    ) -> None:
        self.on_revoke: list[Callable[[str], None]] = []
        self._grants = Grants(vault, owner_secret=settings.owner_secret, on_revoke=self._revoked, clock=clock)
        self._verifier = Verifier(self._grants, clock=clock)
        self.clients = Clients(
            vault,
            ClientDocuments(clock=clock, resolver=resolver, fetch=fetch),
            configured(settings.oauth_clients.get_secret_value()),
            consented=self._grants.client_ids,
            clock=clock,
        )
        self.server = TokenServer(self._grants, self.clients.held)

    def verify(self, token: str, resource_url: str) -> Principal | None:
        """Who holds the access token *token*, if it is good for *resource_url* now."""
        return self._verifier.verify(token, resource_url)

    def grant(self, request: AuthorizationRequest) -> str:
        """Let the client in; where the browser goes with its code. Raises VaultError."""
        return request.granted(self._grants.begin(request))

    def grants(self) -> list[IssuedGrant]:
        """The clients that are let in, the latest used first. Raises StoreUnavailableError."""
        return [
            IssuedGrant(grant.id, grant.client_name, redirects.label(grant.redirect_uri), grant.created_at, grant.used_at)
            for grant in self._grants.all()
        ]

    def revoke(self, grant_id: str) -> bool:
        """End a grant, its tokens and its open streams; False if there is none. Raises StoreUnavailableError."""
        return self._grants.revoke(grant_id)

    def _revoked(self, key: str) -> None:
        self._verifier.forget(key)
        for listener in self.on_revoke:
            listener(key)


def server_metadata(issuer: str) -> dict[str, Any]:
    """RFC 8414, with RFC 9207 and Client ID Metadata Documents."""
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "registration_endpoint": f"{issuer}/register",
        "revocation_endpoint": f"{issuer}/revoke",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANT_TYPES),
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": AUTH_METHODS,
        "revocation_endpoint_auth_methods_supported": AUTH_METHODS,
        "scopes_supported": [SCOPE, OFFLINE],
        "authorization_response_iss_parameter_supported": True,
        "client_id_metadata_document_supported": True,
    }


def resource_metadata(issuer: str, path: str) -> dict[str, Any]:
    """RFC 9728. `offline_access` is between client and authorization server and not listed."""
    return {
        "resource": issuer + path,
        "authorization_servers": [issuer],
        "scopes_supported": [SCOPE],
        "bearer_methods_supported": ["header"],
        "resource_name": "Oura MCP server",
    }
