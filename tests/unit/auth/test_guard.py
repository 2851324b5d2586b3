import pytest

from app.auth.origins import hostname
from app.services import Principal
from tests.unit.auth.house import BEARER, TOKEN, build

WRONG = {"Authorization": "Bearer " + "x" * 32}


@pytest.mark.parametrize("header", [f"Bearer {TOKEN}", f"bearer {TOKEN}", f"BEARER  {TOKEN} "])
def test_the_owner_s_bearer_comes_in_whatever_the_scheme_s_case(client, header):
    assert client.post("/mcp", headers={"Authorization": header}).json == {"caller": "owner"}


@pytest.mark.parametrize(
    "header",
    [
        "Bearer wrong",
        "Bearer",
        "Bearer ",
        f"Basic {TOKEN}",
        TOKEN,
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        "Bearer \xfc\xff",
        f"Token {TOKEN}",
    ],
)
def test_any_other_authorization_is_401_with_invalid_token(client, header):
    answer = client.post("/mcp", headers={"Authorization": header})

    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_without_a_token_the_challenge_names_the_metadata_and_no_error(client):
    answer = client.post("/mcp")

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == (
        'Bearer realm="oura-mcp", '
        'resource_metadata="http://localhost:3001/.well-known/oauth-protected-resource/mcp", scope="health:read"'
    )


def test_the_challenge_follows_the_path_and_the_public_url():
    client = build(public_url="https://oura.example.com").client("oura.example.com")

    answer = client.get("/sse")

    assert (
        'resource_metadata="https://oura.example.com/.well-known/oauth-protected-resource/sse"'
        in answer.headers["WWW-Authenticate"]
    )


@pytest.mark.parametrize(
    ("host", "scheme"), [("localhost:8443", "https"), ("LOCALHOST:8443", "https"), ("localhost:3001", "http")]
)
def test_a_public_url_on_this_computer_keeps_the_https_that_its_proxy_speaks(host, scheme):
    client = build(public_url="https://localhost:8443").client(host)

    challenge = client.get("/mcp").headers["WWW-Authenticate"]

    assert f'resource_metadata="{scheme}://{host.lower()}/.well-known/oauth-protected-resource/mcp"' in challenge


def test_with_the_front_door_off_the_challenge_names_no_metadata():
    client = build(oauth_server=False).client()

    assert client.post("/mcp").headers["WWW-Authenticate"] == 'Bearer realm="oura-mcp"'


def test_a_token_in_the_query_opens_nothing(client):
    assert client.post(f"/mcp?access_token={TOKEN}&token={TOKEN}").status_code == 401


def test_an_issued_token_reads_data_and_opens_no_owner_route(house, client):
    audiences = []

    def verify(token, resource):
        audiences.append(resource)
        return Principal(key="client:1", is_owner=False) if token == "issued" else None

    house.guard.verifiers.append(verify)

    assert client.post("/sse", headers={"Authorization": "Bearer issued"}).json == {"caller": "client:1"}
    assert audiences == ["http://localhost:3001/sse"]
    assert client.get("/owner", headers={"Authorization": "Bearer issued"}).status_code == 403
    assert client.post("/mcp", headers={"Authorization": "Bearer other"}).status_code == 401


def test_the_owner_s_bearer_opens_owner_routes_without_a_form(client):
    assert client.post("/owner", headers=BEARER).json == {"owner": True}
    assert client.get("/owner").status_code == 401


# -- hosts -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    ["localhost:3001", "localhost", "127.0.0.1:8000", "[::1]:3001", "oura.example.com", "oura.example.com:443",
     "OURA.example.com", "nas.local", "a.b.tail.example", "test.localhost"],
)  # fmt: skip
def test_our_own_hosts_are_answered(host):
    client = build(public_url="https://oura.example.com", allowed_hosts="nas.local,*.tail.example").client(host)

    assert client.post("/mcp", headers=BEARER).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "oura.example.com.evil.example", "tail.example", "xtail.example", "", "a b",
     "127.0.0.1@evil.example", "evil.example:80:80", "127.0.0.1.evil.example", "[::1].evil.example", "[1.2.3.4]", "[::1"],
)  # fmt: skip
def test_any_other_host_is_403_and_the_answer_names_the_variable(host):
    client = build(public_url="https://oura.example.com", allowed_hosts="nas.local,*.tail.example").client(host)

    answer = client.post("/mcp", headers=BEARER)

    assert answer.status_code == 403
    assert "host" in answer.json["message"]
    assert host not in {"evil.example", "tail.example"} or "ALLOWED_HOSTS" in answer.json["message"]


@pytest.mark.parametrize("origin", ["http://[", "http://[x]", "http://[1:2]:3001", "//", "http://", "localhost:3001", "x"])
def test_an_origin_that_is_none_is_403_on_a_form_too(client, origin):
    for path in ("/mcp", "/form"):
        assert client.post(path, data={"a": "b"}, headers={"Origin": origin}).status_code == 403


@pytest.mark.parametrize("header", ["[1:2]", "[1.2.3.4]", "[::1]:999999", "[]", "[::1", "a:b", "a b", "é"])
def test_a_host_header_that_names_no_host_is_read_as_none(header):
    assert hostname(header) is None


def test_probes_may_name_any_host(house):
    assert house.client("10.1.2.3:3001").get("/healthz").status_code == 200


def test_x_forwarded_host_is_never_read(house):
    client = house.client()

    assert client.post("/mcp", headers={**BEARER, "X-Forwarded-Host": "evil.example"}).status_code == 200
    assert house.client("evil.example").post("/mcp", headers={**BEARER, "X-Forwarded-Host": "localhost"}).status_code == 403
    assert "localhost:3001" in client.post("/mcp", headers={"X-Forwarded-Host": "evil.example"}).headers["WWW-Authenticate"]


# -- origins and CORS --------------------------------------------------------------------------------------------------

LISTED = ["http://localhost:6274", "http://127.0.0.1", "http://[::1]:80", "https://oura.example.com", "https://app.example.com"]
FOREIGN = [
    "https://evil.example",
    "null",
    "http://localhost.evil.example",
    "https://oura.example.com.evil.example",
    "https://oura.example.com:8443",
    "http://oura.example.com",
    "http://127.0.0.1@evil.example",
    "https://app.example.com, https://evil.example",
    "https://app.example.com\thttps://evil.example",
    "",
    "file://",
]


@pytest.fixture
def public():
    return build(public_url="https://oura.example.com", cors_origin="https://app.example.com").client("oura.example.com")


@pytest.mark.parametrize("origin", LISTED)
def test_a_listed_origin_may_call_and_read_and_carries_no_credentials(public, origin):
    answer = public.post("/mcp", headers={**BEARER, "Origin": origin})

    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert {"Mcp-Session-Id", "WWW-Authenticate"} <= set(answer.headers["Access-Control-Expose-Headers"].split(", "))
    assert "Origin" in answer.headers["Vary"]


@pytest.mark.parametrize("origin", FOREIGN)
def test_an_unlisted_origin_is_403_and_hears_nothing_of_cors(public, origin):
    for answer in (
        public.post("/mcp", headers={**BEARER, "Origin": origin}),
        public.options("/mcp", headers={"Origin": origin, "Access-Control-Request-Method": "POST"}),
    ):
        assert answer.status_code == 403
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_without_an_origin_nothing_is_said_of_cors(public):
    assert "Access-Control-Allow-Origin" not in public.post("/mcp", headers=BEARER).headers


@pytest.mark.parametrize("origin", ["https://anything.example", "http://localhost:1", "chrome-extension://abcdef"])
def test_a_star_admits_any_origin_by_name(origin):
    answer = build(cors_origin="*").client().post("/mcp", headers={**BEARER, "Origin": origin})

    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_not_even_a_star_admits_null():
    assert build(cors_origin="*").client().post("/mcp", headers={**BEARER, "Origin": "null"}).status_code == 403


def test_a_preflight_needs_no_token_and_allows_what_mcp_clients_send(public):
    wanted = "authorization,content-type,mcp-protocol-version,mcp-session-id,mcp-method,mcp-name,last-event-id"
    for path in ("/mcp", "/sse"):
        answer = public.options(
            path,
            headers={
                "Origin": "https://app.example.com",
                "Access-Control-Request-Method": "DELETE",
                "Access-Control-Request-Headers": wanted,
            },
        )

        assert answer.status_code == 204
        assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example.com"
        assert "DELETE" in answer.headers["Access-Control-Allow-Methods"]
        allowed = {name.strip().lower() for name in answer.headers["Access-Control-Allow-Headers"].split(",")}
        assert set(wanted.split(",")) <= allowed


def test_a_401_can_be_read_by_a_browser_client(public):
    answer = public.post("/mcp", headers={"Origin": "https://app.example.com"})

    assert answer.status_code == 401
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example.com"


# -- headers -----------------------------------------------------------------------------------------------------------


def test_every_answer_is_private_and_unframed(client):
    for answer in (client.post("/mcp", headers=BEARER), client.post("/mcp"), client.get("/nowhere")):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert "Strict-Transport-Security" not in answer.headers


def test_hsts_is_sent_where_the_public_address_is_https_and_never_asks_for_preloading():
    client = build(public_url="https://oura.example.com").client("oura.example.com")

    assert client.post("/mcp", headers=BEARER).headers["Strict-Transport-Security"] == "max-age=15552000"
