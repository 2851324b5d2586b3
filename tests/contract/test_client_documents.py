"""app/access/documents.py on the wire: TLS on loopback, where the name's certificate counts and the address is ours to give."""

import datetime as dt
import ipaddress
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import gevent
import pytest
import urllib3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from gevent.pywsgi import WSGIServer

from app.access.documents import MAX_BYTES, ClientDocuments, Fetched, fetch_from
from app.errors import AccessRefusedError

pytestmark = pytest.mark.requirement("oauth-ssrf")

NAME = "client.example"
URL = f"https://{NAME}/oauth/client.json?v=1"


@dataclass
class Host:
    """An https server of *name* on 127.0.0.1, and what it was asked."""

    port: int
    ca: str
    asked: list[dict[str, str]] = field(default_factory=list)
    answer: tuple[str, list[tuple[str, str]], list[bytes]] = ("200 OK", [("Content-Type", "application/json")], [b"{}"])
    drip_s: float = 0.0

    def fetch(self, url: str = URL, address: str = "127.0.0.1") -> Fetched:
        return fetch_from(url, address, port=self.port, ca_certs=self.ca)

    def serve(self, environ, start_response):
        wanted = ("HTTP_HOST", "PATH_INFO", "QUERY_STRING", "HTTP_AUTHORIZATION", "HTTP_COOKIE", "HTTP_ACCEPT_ENCODING")
        self.asked.append({name: environ.get(name, "") for name in wanted})
        status, headers, chunks = self.answer
        start_response(status, headers)
        for chunk in chunks:
            gevent.sleep(self.drip_s)
            yield chunk


def certificate(folder: Path, name: str) -> tuple[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return str(paths[0]), str(paths[1])


@pytest.fixture
def host(tmp_path) -> Iterator[Host]:
    cert, key = certificate(tmp_path, NAME)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    found = Host(0, cert)
    server = WSGIServer(("127.0.0.1", 0), found.serve, ssl_context=context, log=None, error_log=None)
    server.start()
    found.port = server.server_port
    yield found
    server.stop()


def test_it_connects_to_the_address_it_is_given_and_asks_for_the_name(host):
    fetched = host.fetch()

    assert (fetched.status, fetched.body, fetched.headers["content-type"]) == (200, b"{}", "application/json")
    assert host.asked == [
        {
            "HTTP_HOST": NAME,
            "PATH_INFO": "/oauth/client.json",
            "QUERY_STRING": "v=1",
            "HTTP_AUTHORIZATION": "",
            "HTTP_COOKIE": "",
            "HTTP_ACCEPT_ENCODING": "identity",
        }
    ]


def test_a_certificate_of_another_name_is_refused(host):
    with pytest.raises(urllib3.exceptions.SSLError):
        host.fetch("https://other.example/oauth/client.json")
    assert host.asked == []


def test_a_certificate_nobody_vouches_for_is_refused(host):
    with pytest.raises(urllib3.exceptions.SSLError):
        fetch_from(URL, "127.0.0.1", port=host.port)
    assert host.asked == []


def test_a_redirect_is_not_followed(host):
    host.answer = ("302 Found", [("Location", "https://127.0.0.1/admin")], [b""])

    assert host.fetch().status == 302
    assert len(host.asked) == 1


def test_no_more_is_read_than_is_allowed_and_nothing_is_unpacked(host):
    host.answer = ("200 OK", [("Content-Type", "application/json"), ("Content-Encoding", "gzip")], [b"x" * 1000] * 1000)

    assert host.fetch().body == b"x" * (MAX_BYTES + 1)


def test_a_host_that_drips_is_given_up(host):
    host.answer = ("200 OK", [("Content-Type", "application/json")], [b" "] * 1000)
    host.drip_s = 0.05
    documents = ClientDocuments(resolver=lambda _: ["93.184.216.34"], fetch=lambda url, _: host.fetch(url))

    with pytest.raises(AccessRefusedError, match="took too long"), gevent.Timeout(15):
        documents.client(URL)


def test_a_proxy_of_the_environment_is_not_used(host, monkeypatch):
    for name in ("https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    assert host.fetch().status == 200


def test_an_ipv6_address_is_connected_to_as_well(host):
    with pytest.raises((urllib3.exceptions.HTTPError, OSError)):
        host.fetch(address=str(ipaddress.ip_address("::1")))  # nothing listens there: it is tried, not misread
    assert host.asked == []
