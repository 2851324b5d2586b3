"""Which MCP clients there are: three ways of becoming known, one kind of object.

Owns registrations (sealed records) and what makes client metadata acceptable. Does not know the endpoints, grants, or how a
document is fetched. A client here has the methods that Authlib asks of one.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from hmac import compare_digest
from typing import TYPE_CHECKING, Any, Literal, Protocol

from app.access import redirects
from app.errors import AccessRefusedError, ConfigError, RecordUnreadableError

if TYPE_CHECKING:
    from app.vault import Vault

CLIENTS = "mcp-client"
MAX_REGISTERED = 200  # beyond this the oldest that nobody consented to goes
MAX_REDIRECTS = 10
LOCK_S = 10.0
SECRET_METHODS = ("client_secret_basic", "client_secret_post")
AUTH_METHODS = ["none", *SECRET_METHODS]
GRANT_TYPES = ("authorization_code", "refresh_token")


@dataclass(frozen=True, slots=True)
class Client:
    """One MCP client. *secret_hash* is None for one that keeps no secret."""

    client_id: str
    name: str
    redirect_uris: tuple[str, ...]
    kind: Literal["document", "registered", "configured"]
    secret_hash: str | None = None
    grant_types: tuple[str, ...] = GRANT_TYPES
    issued_at: float = 0.0
    method: str = "none"  # as it registered

    def redirect_for(self, asked: str | None) -> str | None:
        """The redirect URI to use, or None if *asked* is not one of this client's (or missing where there are several)."""
        if asked is None:
            return self.redirect_uris[0] if len(self.redirect_uris) == 1 else None
        return asked if any(redirects.matches(uri, asked) for uri in self.redirect_uris) else None

    def registration(self, secret: str | None) -> dict[str, Any]:
        """What RFC 7591 §3.2.1 answers; the only time that *secret* is seen."""
        answer = {
            "client_id": self.client_id,
            "client_id_issued_at": int(self.issued_at),
            "client_name": self.name,
            "redirect_uris": list(self.redirect_uris),
            "grant_types": list(self.grant_types),
            "response_types": ["code"],
            "token_endpoint_auth_method": self.method,
        }
        return {**answer, "client_secret": secret, "client_secret_expires_at": 0} if secret is not None else answer

    # -- what Authlib asks ---------------------------------------------------------------------------------------------

    def check_client_secret(self, secret: str) -> bool:
        return self.secret_hash is not None and compare_digest(self.secret_hash, hashed(secret))

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        # Both ways of sending the secret are as good; clients mix them up.
        return method in SECRET_METHODS if self.secret_hash is not None else method == "none"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.grant_types

    def get_allowed_scope(self, scope: str) -> str:
        return scope


class Documents(Protocol):
    """Clients that are known by a document at their client_id."""

    def client(self, url: str) -> Client: ...


class Clients:
    """Finds clients by id, and registers new ones."""

    def __init__(
        self,
        vault: Vault,
        documents: Documents,
        configured: Mapping[str, Client],
        *,
        consented: Callable[[], frozenset[str]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._vault = vault
        self._documents = documents
        self._configured = configured
        self._consented = consented
        self._clock = clock

    def find(self, client_id: str) -> Client:
        """The client, its document fetched if it has one; AccessRefusedError with the reason otherwise."""
        if client_id.startswith("https://") and client_id not in self._configured:
            return self._documents.client(client_id)
        client = self.held(client_id)
        if client is None:
            raise AccessRefusedError(
                "invalid_client",
                "This server does not know the application that sent you here. Remove the server from the application and add "
                "it again, so that the application registers anew.",
            )
        return client

    def held(self, client_id: str) -> Client | None:
        """As `find`, for the token endpoint: what a document said was checked when its client got the code; None if unknown."""
        if client_id in self._configured:
            return self._configured[client_id]
        if client_id.startswith("https://"):
            return Client(client_id, "", (), "document")
        try:
            record = self._vault.read(CLIENTS, client_id) if re.fullmatch(r"[0-9A-Za-z_-]{1,64}", client_id) else None
        except RecordUnreadableError:  # sealed with a key that is gone: the client registers anew
            return None
        if record is None:
            return None
        return Client(**{**record, "redirect_uris": tuple(record["redirect_uris"]), "grant_types": tuple(record["grant_types"])})

    def register(self, metadata: Any) -> tuple[Client, str | None]:
        """Register by RFC 7591; the client and its secret, if it is to have one. AccessRefusedError says what is wrong."""
        checked = checked_metadata(metadata)
        secret = secrets.token_urlsafe(32) if checked["method"] in SECRET_METHODS else None
        now = self._clock()
        client = Client(
            # The time in front: the oldest sort first, without opening a record.
            client_id=f"{int(now):010x}-{secrets.token_urlsafe(16)}",
            name=checked["name"] or redirects.label(checked["redirect_uris"][0]),
            redirect_uris=checked["redirect_uris"],
            kind="registered",
            secret_hash=hashed(secret) if secret else None,
            grant_types=checked["grant_types"],
            issued_at=now,
            method=checked["method"],
        )
        with self._vault.lock(CLIENTS, timeout_s=LOCK_S):
            self._make_room()
            self._vault.write(CLIENTS, asdict(client), client.client_id)
        return client, secret

    def _make_room(self) -> None:
        held = self._vault.owners(CLIENTS)
        if len(held) < MAX_REGISTERED:
            return
        consented = self._consented()
        unused = [client_id for client_id in held if client_id not in consented]
        if not unused:
            raise AccessRefusedError("temporarily_unavailable", "Too many applications are connected; revoke some.")
        for client_id in unused[: len(held) - MAX_REGISTERED + 1]:
            try:
                self._vault.delete(CLIENTS, client_id)
            except RecordUnreadableError:
                self._vault.set_aside(CLIENTS, client_id)


def hashed(secret: str) -> str:
    """SHA-256 of a random secret of ours: with 256 bits in it, neither salt nor key would add anything."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def checked_metadata(metadata: Any) -> dict[str, Any]:
    """Name, redirect URIs, method and grant types of RFC 7591 client metadata; AccessRefusedError for what cannot be had."""
    if not isinstance(metadata, dict):
        raise AccessRefusedError("invalid_client_metadata", "The body must be a JSON object.")
    uris = metadata.get("redirect_uris")
    if not isinstance(uris, list) or not 1 <= len(uris) <= MAX_REDIRECTS or not all(isinstance(uri, str) for uri in uris):
        raise AccessRefusedError("invalid_redirect_uri", f"redirect_uris must be a list of 1 to {MAX_REDIRECTS} URIs.")
    method = metadata.get("token_endpoint_auth_method")
    if method is None:  # RFC 7591 would have it basic; an application on the person's computer keeps no secret
        method = "none" if not any(uri.startswith("https:") for uri in uris) else "client_secret_basic"
    if method != "none" and method not in SECRET_METHODS:
        raise AccessRefusedError(
            "invalid_client_metadata", "token_endpoint_auth_method must be none, client_secret_post or client_secret_basic."
        )
    for uri in uris:
        if problem := redirects.problem(uri, public=method == "none"):
            raise AccessRefusedError("invalid_redirect_uri", f"A redirect URI {problem}.")
    return {
        "name": readable_name(metadata.get("client_name")),
        "redirect_uris": tuple(dict.fromkeys(uris)),
        "method": method,
        "grant_types": _grant_types(metadata),
    }


def _grant_types(metadata: dict[str, Any]) -> tuple[str, ...]:
    """Those we have of those asked for; all of ours where the client does not say, since hardly any client does without."""
    asked, responses = metadata.get("grant_types"), metadata.get("response_types")
    if asked is None:
        asked = list(GRANT_TYPES)
    if not isinstance(asked, list) or "authorization_code" not in asked:
        raise AccessRefusedError("invalid_client_metadata", "grant_types must include authorization_code.")
    if responses is not None and (not isinstance(responses, list) or "code" not in responses):
        raise AccessRefusedError("invalid_client_metadata", "response_types must include code.")
    return tuple(kind for kind in GRANT_TYPES if kind in asked)


def readable_name(name: Any) -> str:
    """What a client calls itself, on one short line, without characters that would hide or turn around what follows."""
    if not isinstance(name, str):
        return ""
    plain = "".join(" " if character.isspace() else character for character in name if _shows(character))
    return re.sub(r" +", " ", plain).strip()[:80]


def _shows(character: str) -> bool:
    return character.isspace() or unicodedata.category(character)[0] != "C"


def configured(text: str) -> dict[str, Client]:
    """The clients of OAUTH_CLIENTS: `id|secret|redirect URI|…`, several separated by `;`. ConfigError shows no secret."""
    found: dict[str, Client] = {}
    for entry in filter(None, (part.strip() for part in text.split(";"))):
        client_id, *rest = (part.strip() for part in entry.split("|"))
        secret, uris = (rest[0], rest[1:]) if rest else ("", [])
        problems = [uri for uri in uris if redirects.problem(uri, public=not secret)]
        if not re.fullmatch(r"[\x21-\x7e]{1,128}", client_id) or not uris or problems or client_id in found:
            raise ConfigError(
                ["OAUTH_CLIENTS: must read id|secret|redirect URI, with an https or localhost URI; several are separated by ';'"]
            )
        found[client_id] = Client(client_id, client_id, tuple(uris), "configured", hashed(secret) if secret else None)
    return found
