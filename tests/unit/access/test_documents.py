"""app/access/documents.py: whatever a client_id says, this server connects to public addresses only, and to those it checked."""

import gevent
import pytest
from gevent.event import Event

from app.access.documents import MAX_LOOKUPS, ClientDocuments, checked_url, is_public
from app.errors import AccessRefusedError
from tests.unit.access.door import PUBLIC, REDIRECT, Clock, Internet

pytestmark = pytest.mark.requirement("oauth-ssrf")

URL = "https://client.example/oauth/client.json"
DOCUMENT = {"client_id": URL, "client_name": "Documented", "redirect_uris": [REDIRECT]}


@pytest.fixture
def internet() -> Internet:
    return Internet()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def documents(internet, clock) -> ClientDocuments:
    return ClientDocuments(clock=clock, resolver=internet.resolve, fetch=internet.fetch)


def test_a_document_makes_a_client(documents, internet):
    internet.publish(URL, DOCUMENT)

    client = documents.client(URL)

    assert (client.client_id, client.name, client.redirect_uris, client.kind) == (URL, "Documented", (REDIRECT,), "document")
    assert client.check_endpoint_auth_method("none", "token")
    assert internet.connected == [(URL, PUBLIC)]


# -- where it may connect ------------------------------------------------------------------------------------------------

FORBIDDEN = [
    "127.0.0.1",
    "127.8.9.1",
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "192.0.0.8",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.1.1.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2001:0:7f00:1::80ff:fffe",
    "2001:db8::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "localhost",
    "2130706433",
    "0x7f000001",
    "",
]


@pytest.mark.parametrize("address", FORBIDDEN)
def test_an_address_that_is_not_public_is_never_connected_to(documents, internet, address):
    internet.publish(URL, DOCUMENT)
    internet.addresses["client.example"] = [address]

    with pytest.raises(AccessRefusedError, match="not on the public internet"):
        documents.client(URL)
    assert internet.connected == []


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::808:808"])
def test_a_public_address_is(address):
    assert is_public(address)


def test_one_private_address_among_public_ones_refuses_them_all(documents, internet):
    internet.publish(URL, DOCUMENT)
    internet.addresses["client.example"] = [PUBLIC, "127.0.0.1"]

    with pytest.raises(AccessRefusedError):
        documents.client(URL)
    assert internet.connected == []


def test_a_name_that_changes_its_address_after_the_check_changes_nothing(documents, internet):
    internet.publish(URL, DOCUMENT)
    answers = iter([[PUBLIC], ["127.0.0.1"], ["127.0.0.1"]])
    rebinding = ClientDocuments(resolver=lambda _: next(answers), fetch=internet.fetch)

    rebinding.client(URL)

    assert internet.connected == [(URL, PUBLIC)]
    assert next(answers) == ["127.0.0.1"], "the name was looked up once"


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/client.json",
        "https://2130706433/client.json",
        "https://0x7f000001/client.json",
        "https://0177.0.0.1/client.json",
        "https://127.1/client.json",
        "https://[::1]/client.json",
        "https://[::ffff:127.0.0.1]/client.json",
        "https://localhost/client.json",
        "https://intranet/client.json",
        "https://client.example./client.json",
        "https://user@client.example/client.json",
        "https://user:pass@client.example/client.json",
        "https://client.example:8443/client.json",
        "https://client.example:22/client.json",
        "https://client.example:x/client.json",
        "https://client.example",
        "https://client.example/",
        "https://client.example/a/../client.json",
        "https://client.example/%2e%2e/client.json",
        "https://client.example/./client.json",
        "https://client.example/client.json#x",
        "https://client.example/client json",
        "https://client.example\\@127.0.0.1/client.json",
        "https://client.example\r\nHost: x/client.json",
        "https://clíent.example/client.json",
        "http://client.example/client.json",
        "HTTPS://client.example/client.json",
        "file:///etc/passwd",
        "https://client.example/" + "a" * 600,
        "https://" + "a" * 64 + ".example/client.json",
        "",
    ],
)
def test_a_url_that_is_no_plain_https_address_of_a_document_is_refused_unresolved(documents, internet, url):
    with pytest.raises(AccessRefusedError):
        documents.client(url)
    with pytest.raises(AccessRefusedError):
        checked_url(url)
    assert internet.connected == []


@pytest.mark.parametrize(
    "url", [URL, "https://client.example:443/c", "https://a-b.client.example/x?y=1", "https://xn--clent-3sa.example/c"]
)
def test_a_plain_one_is_not(url):
    assert checked_url(url).endswith("example")


def test_a_name_that_does_not_resolve_and_a_host_that_does_not_answer_are_told(documents, internet):
    with pytest.raises(AccessRefusedError, match="cannot be found"):
        documents.client(URL)
    internet.addresses["client.example"] = [PUBLIC]
    with pytest.raises(AccessRefusedError, match="could not be asked"):
        documents.client(URL)
    internet.addresses["client.example"] = []
    with pytest.raises(AccessRefusedError):
        documents.client(URL)


def test_where_the_first_address_does_not_answer_the_next_is_tried_but_not_for_ever(internet):
    internet.publish(URL, DOCUMENT)
    tried = []

    def fetch(url, address):
        tried.append(address)
        if len(tried) < 3:
            raise TimeoutError
        return internet.fetch(url, address)

    addresses = ["2606:2800:220:1::1", "2606:2800:220:1::2", PUBLIC, "93.184.216.35"]
    assert ClientDocuments(resolver=lambda _: addresses, fetch=fetch).client(URL).name == "Documented"
    assert tried == addresses[:3]


# -- what it may say -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [201, 204, 301, 302, 307, 308, 404, 500])
def test_anything_but_200_is_refused_and_no_redirect_is_followed(documents, internet, status):
    internet.publish(URL, DOCUMENT, status=status, location="https://127.0.0.1/")

    with pytest.raises(AccessRefusedError, match=str(status)):
        documents.client(URL)
    assert len(internet.connected) == 1


@pytest.mark.parametrize(
    "document",
    [
        {**DOCUMENT, "client_id": "https://client.example/oauth/other.json"},
        {**DOCUMENT, "client_id": URL + "/"},
        {name: value for name, value in DOCUMENT.items() if name != "client_id"},
        {**DOCUMENT, "client_secret": "x"},
        {**DOCUMENT, "token_endpoint_auth_method": "client_secret_post"},
        {**DOCUMENT, "token_endpoint_auth_method": "private_key_jwt"},
        {**DOCUMENT, "token_endpoint_auth_method": ["none"]},
        {
            **DOCUMENT,
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_method": "private_key_jwt",
        },
        {**DOCUMENT, "redirect_uris": []},
        {**DOCUMENT, "redirect_uris": ["http://evil.example/"]},
        {**DOCUMENT, "redirect_uris": ["javascript:alert(1)"]},
        {**DOCUMENT, "grant_types": ["implicit"]},
        [DOCUMENT],
        "text",
        b"",
        b"<html>",
        b'{"client_id": 1e400}',
        b" " * 6000,
    ],
)
def test_a_document_that_is_not_this_clients_own_and_plain_is_refused(documents, internet, document):
    internet.publish(URL, document)

    with pytest.raises(AccessRefusedError):
        documents.client(URL)


@pytest.mark.parametrize("kind", ["text/html", "text/plain", "", "application/jsonp", "application/json5"])
def test_a_document_of_another_type_is_refused(documents, internet, kind):
    internet.publish(URL, DOCUMENT, **{"content-type": kind})

    with pytest.raises(AccessRefusedError):
        documents.client(URL)


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON", "application/cimd+json"])
def test_json_by_any_of_its_names_is_read(documents, internet, kind):
    internet.publish(URL, DOCUMENT, **{"content-type": kind})

    assert documents.client(URL).name == "Documented"


@pytest.mark.parametrize(
    "document", [{**DOCUMENT, "client_name": " "}, {n: v for n, v in DOCUMENT.items() if n != "client_name"}]
)
def test_a_client_without_a_name_goes_by_its_host(documents, internet, document):
    internet.publish(URL, document)

    assert documents.client(URL).name in {"client.example", "app.example"}


# -- how long it is kept -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "kept_s"),
    [
        ({}, 300),
        ({"cache-control": "max-age=60"}, 60),
        ({"cache-control": "public, max-age=600", "age": "500"}, 100),
        ({"cache-control": "max-age=999999999"}, 86_400),
        ({"cache-control": "max-age=soon"}, 300),
        ({"cache-control": 'MAX-AGE="60"'}, 60),
    ],
)
def test_a_document_is_kept_as_long_as_its_headers_say(documents, internet, clock, headers, kept_s):
    internet.publish(URL, DOCUMENT, **headers)
    documents.client(URL)
    clock.now += kept_s - 1
    documents.client(URL)
    assert len(internet.connected) == 1

    clock.now += 1
    documents.client(URL)
    assert len(internet.connected) == 2


@pytest.mark.parametrize("control", ["no-store", "no-cache", "max-age=0", "private, no-store, max-age=60"])
def test_a_document_that_says_so_is_not_kept(documents, internet, control):
    internet.publish(URL, DOCUMENT, **{"cache-control": control})
    documents.client(URL)
    documents.client(URL)

    assert len(internet.connected) == 2


def test_a_failure_is_not_kept_and_a_kept_document_is_not_kept_beyond_its_time(documents, internet, clock):
    internet.publish(URL, DOCUMENT, status=500)
    with pytest.raises(AccessRefusedError):
        documents.client(URL)
    internet.publish(URL, DOCUMENT)
    assert documents.client(URL).name == "Documented"

    clock.now += 301
    internet.publish(URL, DOCUMENT, status=500)
    with pytest.raises(AccessRefusedError):
        documents.client(URL)


def test_however_many_documents_there_are_few_are_kept(documents, internet):
    urls = [f"https://c{number}.example/c" for number in range(150)]
    for url in urls:
        documents.client(internet.publish(url, {**DOCUMENT, "client_id": url}))
    internet.connected.clear()

    for url in reversed(urls[50:]):
        documents.client(url)
    assert internet.connected == []
    documents.client(urls[0])
    assert len(internet.connected) == 1


def test_names_whose_servers_keep_silent_take_few_of_the_resolvers_threads(internet):
    asked, answer = [], Event()

    def silent(host):
        asked.append(host)
        answer.wait()
        return internet.resolve(host)

    documents = ClientDocuments(resolver=silent, fetch=internet.fetch)
    waiting = [gevent.spawn(documents.client, f"https://c{number}.example/c") for number in range(10)]
    gevent.idle()
    gevent.killall(waiting)  # as time does; the lookups go on
    late = gevent.spawn(documents.client, internet.publish(URL, DOCUMENT))
    gevent.idle()
    assert len(asked) == MAX_LOOKUPS

    answer.set()
    assert late.get(timeout=10).name == "Documented"
