"""app/access/redirects.py: redirect tricks find no way in, and real clients' redirect URIs all pass."""

import pytest

from app.access import redirects

pytestmark = pytest.mark.requirement("oauth-clients")

REAL = [
    "https://claude.ai/api/mcp/auth_callback",
    "https://claude.com/api/mcp/auth_callback",
    "https://chatgpt.com/connector_platform_oauth_redirect",
    "https://chatgpt.com/connector/oauth/abc_DEF-123",
    "https://vscode.dev/redirect",
    "https://my.home-assistant.io/redirect/oauth",
    "http://127.0.0.1:33418",
    "http://127.0.0.1:33418/",
    "http://localhost:6274/oauth/callback/debug",
    "http://[::1]:5000/cb",
    "http://localhost/callback",
    "cursor://anysphere.cursor-mcp/oauth/callback",
    "com.example.app:/oauth",
    "https://host.example/cb?tenant=1&x=%20y",
]


@pytest.mark.parametrize("uri", REAL)
def test_the_redirect_uris_of_real_clients_can_be_registered(uri):
    assert redirects.problem(uri, public=True) is None


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/callback",
        "https://",
        "https:///cb",
        "https:/host.example/cb",
        "https:host.example",
        "https://claude.ai/cb#fragment",
        "https://claude.ai@evil.example/cb",
        "https://claude.ai:pass@evil.example/cb",
        "https://claude.ai\\@evil.example/cb",
        "https://claude.ai /cb",
        "https://evil.example;script-src/cb",
        "https://evil.example,x/cb",
        "https://evil.example'/cb",
        "https://*.example/cb",
        "https://host.example:99999/cb",
        "https://host.example:port/cb",
        "https://[::1/cb",
        "https://hóst.example/cb",
        "https://host.example/\r\nX: 1",
        "https://host.example/" + "a" * 512,
        "http://claude.ai/cb",
        "http://127.0.0.1.evil.example/cb",
        "http://localhost.evil.example/cb",
        "http://2130706433/cb",
        "http://0x7f.1/cb",
        "http://169.254.169.254/latest",
        "http://user@localhost/cb",
        "javascript:alert(1)",
        "javascript://localhost/%0aalert(1)",
        "data:text/html,x",
        "data:/x",
        "vbscript:/x",
        "file:///etc/passwd",
        "blob:https://host.example/x",
        "intent://host#Intent;scheme=x;end",
        "ms-msdt:/id",
        "search-ms:/x",
        "view-source:/x",
        "cursor:opaque",
        "cursor://user@host/cb",
        "CURSOR",
    ],
)
def test_a_trick_cannot_be_registered(uri):
    assert redirects.problem(uri, public=True) is not None


def test_a_private_scheme_is_for_clients_without_a_secret():
    assert redirects.problem("cursor://x/cb", public=False) is not None


@pytest.mark.parametrize("uri", REAL)
def test_every_uri_matches_itself(uri):
    assert redirects.matches(uri, uri)


@pytest.mark.parametrize(
    "asked",
    [
        "https://claude.ai/api/mcp/auth_callback/",
        "https://claude.ai/api/mcp/auth_callback/more",
        "https://claude.ai/api/mcp/auth_callbac",
        "https://claude.ai/api/mcp/auth_callback?x=1",
        "https://claude.ai/api/mcp/auth_callback#x",
        "https://claude.ai/api/mcp/../mcp/auth_callback",
        "https://claude.ai/api/mcp/%61uth_callback",
        "https://claude.ai:443/api/mcp/auth_callback",
        "https://claude.ai:8443/api/mcp/auth_callback",
        "https://CLAUDE.ai/api/mcp/auth_callback",
        "https://claude.ai.evil.example/api/mcp/auth_callback",
        "https://evil.example/https://claude.ai/api/mcp/auth_callback",
        "https://x@claude.ai/api/mcp/auth_callback",
        "http://claude.ai/api/mcp/auth_callback",
        "//claude.ai/api/mcp/auth_callback",
    ],
)
def test_a_web_redirect_matches_character_for_character_only(asked):
    assert not redirects.matches("https://claude.ai/api/mcp/auth_callback", asked)


def test_on_this_computer_any_port_matches():
    assert redirects.matches("http://127.0.0.1/callback", "http://127.0.0.1:51234/callback")
    assert redirects.matches("http://localhost:3000/callback", "http://localhost:4000/callback")
    assert redirects.matches("http://[::1]:1/callback", "http://[::1]:2/callback")


@pytest.mark.parametrize(
    "asked",
    [
        "http://127.0.0.1:51234/other",
        "http://127.0.0.1:51234/callback/",
        "http://127.0.0.1:51234/callback?x=1",
        "http://127.0.0.1:51234/callback#x",
        "http://localhost:51234/callback",
        "http://127.0.0.2:51234/callback",
        "https://127.0.0.1:51234/callback",
        "http://x@127.0.0.1:51234/callback",
        "http://127.0.0.1:99999/callback",
        "http://127.0.0.1:1:2/callback",
        "http://127.0.0.1:80@evil.example/callback",
    ],
)
def test_on_this_computer_nothing_but_the_port_may_differ(asked):
    assert not redirects.matches("http://127.0.0.1/callback", asked)


def test_a_private_scheme_matches_character_for_character_only():
    assert not redirects.matches("cursor://a/cb", "cursor://a:1/cb")
    assert not redirects.matches("cursor://a/cb", "cursor://b/cb")


@pytest.mark.parametrize(
    ("uri", "label", "target"),
    [
        ("https://claude.ai/api/mcp/auth_callback", "claude.ai", "https://claude.ai"),
        ("https://claude.ai:8443/cb", "claude.ai:8443", "https://claude.ai:8443"),
        ("http://127.0.0.1:33418/", "127.0.0.1:33418", "http://127.0.0.1:33418"),
        ("http://[::1]:5000/cb", "[::1]:5000", "http:"),
        ("cursor://anysphere.cursor-mcp/oauth/callback", "cursor:", "cursor:"),
    ],
)
def test_where_the_answer_goes_is_told_to_the_person_and_to_the_browser(uri, label, target):
    assert redirects.label(uri) == label
    assert redirects.form_target(uri) == target


def test_an_answer_keeps_the_query_that_was_registered_and_escapes_what_it_adds():
    assert redirects.answer("https://a.example/cb", {"code": "c", "state": None, "iss": "https://h"}) == (
        "https://a.example/cb?code=c&iss=https%3A%2F%2Fh"
    )
    assert (
        redirects.answer("https://a.example/cb?t=1", {"state": "a&code=evil"}) == "https://a.example/cb?t=1&state=a%26code%3Devil"
    )
