"""Client ID Metadata Documents: a client_id that is a URL, fetched without letting anybody choose where this server connects.

Owns the rules of the fetch (draft-ietf-oauth-client-id-metadata-document §6, MCP authorization): https, public addresses only,
the connection made to the very address that was checked, no redirects, 5 kB, a few seconds. Does not know what a client may do.
"""

from __future__ import annotations

import re
import socket
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address
from typing import Any
from urllib.parse import urlsplit

import gevent
import urllib3
from gevent.lock import BoundedSemaphore

from app.access.clients import Client, checked_metadata
from app.errors import AccessRefusedError
from app.mcp.wire import DecodeError, decode

MAX_BYTES = 5 * 1024
WITHIN_S, CONNECT_S = 5.0, 2.0
MAX_ADDRESSES = 3
MAX_LOOKUPS = 3  # at once: the system's resolver has ten threads, which the way to Oura needs too
MAX_CACHED = 100
USUAL_TTL_S, LONGEST_TTL_S = 300.0, 86_400.0

_IETF = IPv4Network("192.0.0.0/24")
_UNICAST, _NAT64 = IPv6Network("2000::/3"), IPv6Network("64:ff9b::/96")
_HOST = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer: header names in lower case, the body's first MAX_BYTES + 1 bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Resolver = Callable[[str], Sequence[str]]  # the addresses of a host name
Fetcher = Callable[[str, str], Fetched]  # a URL, and the address to connect to


class ClientDocuments:
    """Fetches and remembers what clients say of themselves. *resolver* and *fetch* let tests stand in for the internet."""

    def __init__(
        self, *, clock: Callable[[], float] = time.time, resolver: Resolver | None = None, fetch: Fetcher | None = None
    ) -> None:
        self._clock = clock
        self._resolver = resolver or resolve
        self._fetch = fetch or fetch_from
        self._held: OrderedDict[str, tuple[float, Client]] = OrderedDict()
        self._lookups = BoundedSemaphore(MAX_LOOKUPS)

    def client(self, url: str) -> Client:
        """The client that the document at *url* describes; AccessRefusedError, which is not remembered, where there is none."""
        until, client = self._held.get(url, (0.0, None))
        if client is not None and self._clock() < until:
            return client
        host = checked_url(url)
        fetched = self._fetched(url, host)
        client = described(url, fetched)
        self._held[url] = (self._clock() + _ttl_s(fetched.headers), client)
        while len(self._held) > MAX_CACHED:
            self._held.popitem(last=False)
        return client

    def _fetched(self, url: str, host: str) -> Fetched:
        slow = AccessRefusedError("invalid_client", f"{host} took too long to say which application this is. Try again.")
        with gevent.Timeout(WITHIN_S, slow):
            addresses = self._addresses(host)
            if not addresses or not all(is_public(address) for address in addresses):
                raise AccessRefusedError("invalid_client", f"The application's host {host} is not on the public internet.")
            return self._first_answer(url, host, addresses[:MAX_ADDRESSES])

    def _addresses(self, host: str) -> Sequence[str]:
        """Of *host*. A name whose servers keep silent holds a thread for longer than anybody waits here, and its turn with it."""
        self._lookups.acquire()
        found: Sequence[str] | OSError = gevent.spawn(self._looked_up, host).get()
        if isinstance(found, OSError):
            raise AccessRefusedError("invalid_client", f"The application's host {host} cannot be found.") from found
        return found

    def _looked_up(self, host: str) -> Sequence[str] | OSError:
        try:
            return list(self._resolver(host))
        except OSError as exc:
            return exc
        finally:
            self._lookups.release()

    def _first_answer(self, url: str, host: str, addresses: Sequence[str]) -> Fetched:
        """Of whichever address answers first, tried in turn: not every host reaches IPv6."""
        failure: Exception | None = None
        for address in addresses:
            try:
                return self._fetch(url, address)
            except (OSError, urllib3.exceptions.HTTPError) as exc:
                failure = exc
        raise AccessRefusedError("invalid_client", f"{host} could not be asked which application this is.") from failure


def checked_url(url: str) -> str:
    """The host of *url*; AccessRefusedError if it cannot be a client_id. Numbers in place of a name are refused with it."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    plain = re.fullmatch(r"https://[!$&'()*+,\-./0-9:;=?@A-Z_a-z~%]{1,500}", url)
    segments = parts.path.lower().replace("%2e", ".").split("/")
    if (
        plain is None
        or not _HOST.fullmatch(parts.netloc.removesuffix(":443"))
        or port not in {None, 443}
        or parts.path in {"", "/"}
        or "." in segments
        or ".." in segments
    ):
        raise AccessRefusedError("invalid_client", "The application's client_id is not the https address of a document.")
    return (parts.hostname or "").lower()


def is_public(text: str) -> bool:
    """Whether *text* is an address of the public internet, and none of the forms that stand for another address."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast and not address.is_reserved and address not in _IETF
    if address in _NAT64:  # how hosts without IPv4 reach IPv4
        return is_public(str(IPv4Address(int(address) & 0xFFFFFFFF)))
    return address.is_global and address in _UNICAST and address.sixtofour is None and address.teredo is None


def resolve(host: str) -> list[str]:
    """Every address of *host*, in the system's order; OSError if there is none."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)]


def fetch_from(url: str, address: str, *, port: int = 443, ca_certs: str | None = None) -> Fetched:
    """GET *url* from *address*, whatever its name resolves to by now; the certificate must still be the name's.

    *port* and *ca_certs* are for tests: a client_id has no other port.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    pool = urllib3.HTTPSConnectionPool(
        address,
        port,
        server_hostname=host,
        assert_hostname=host,
        cert_reqs="CERT_REQUIRED",
        ca_certs=ca_certs,
        timeout=urllib3.Timeout(connect=CONNECT_S, read=WITHIN_S),
        retries=False,
        maxsize=1,
    )
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    headers = {"Host": host, "Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "oura-mcp"}
    try:
        answer = pool.request("GET", target, headers=headers, redirect=False, preload_content=False)
        body = answer.read(MAX_BYTES + 1, decode_content=False)
        return Fetched(answer.status, {name.lower(): value for name, value in answer.headers.items()}, body)
    finally:
        pool.close()


def described(url: str, fetched: Fetched) -> Client:
    """The client of a fetched document; AccessRefusedError says what is wrong with it."""
    host = urlsplit(url).hostname
    kind = fetched.headers.get("content-type", "").partition(";")[0].strip().lower()
    if fetched.status != 200:
        raise AccessRefusedError("invalid_client", f"{host} answered {fetched.status} when asked which application this is.")
    if len(fetched.body) > MAX_BYTES or not re.fullmatch(r"application/(?:[a-z0-9.-]+\+)?json", kind):
        raise AccessRefusedError("invalid_client", f"What {host} says of the application is not a small JSON document.")
    try:
        document: Any = decode(fetched.body)
    except DecodeError as exc:
        raise AccessRefusedError("invalid_client", f"What {host} says of the application is not a small JSON document.") from exc
    if not isinstance(document, dict) or document.get("client_id") != url:
        raise AccessRefusedError("invalid_client", f"The document at {host} is that of another application.")
    if any(name in document for name in ("client_secret", "client_secret_expires_at")) or not _may_be_public(document):
        raise AccessRefusedError(
            "invalid_client", f"The application of {host} wants to prove itself in a way that this server does not offer."
        )
    checked = checked_metadata({**document, "token_endpoint_auth_method": "none"})
    return Client(url, checked["name"] or host or url, checked["redirect_uris"], "document", grant_types=checked["grant_types"])


def _may_be_public(document: dict[str, Any]) -> bool:
    """Whether the client does without authentication. ChatGPT prefers `private_key_jwt` and lists `none` beside it."""
    choices = document.get("token_endpoint_auth_methods_supported")
    listed = isinstance(choices, list) and "none" in choices
    return listed or document.get("token_endpoint_auth_method") in (None, "none")


def _ttl_s(headers: Mapping[str, str]) -> float:
    """How long a document may be kept, by its Cache-Control and Age; five minutes where it does not say, a day at most."""
    control = headers.get("cache-control", "").lower()
    if re.search(r"\bno-(?:store|cache)\b", control):
        return 0.0
    age = re.search(r"\bmax-age\s*=\s*\"?(\d{1,9})", control)
    if age is None:
        return USUAL_TTL_S
    spent = headers.get("age", "")
    return min(LONGEST_TTL_S, max(0.0, float(age[1]) - (float(spent) if re.fullmatch(r"\d{1,9}", spent) else 0.0)))
