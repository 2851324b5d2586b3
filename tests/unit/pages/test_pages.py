import re
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from flask import Flask

from app.auth import Guard
from app.metrics import Metrics
from app.oauth.pending import Pending
from app.pages.views import STATIC, Pages, create_blueprint
from tests.unit.pages.conftest import TOKEN

PAGES = ["/", "/login", "/login?next=connect", "/status", "/oauth/result/connected", "/oauth/result/redirect", "/nowhere"]


class Outline(HTMLParser):
    """What a screen reader and a policy look at."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def all(self, *names: str) -> list[dict[str, str]]:
        return [attrs for tag, attrs in self.tags if tag in names]


@pytest.fixture(params=[False, True], ids=["stranger", "owner"])
def visitor(request, open_browser, ready):
    browser = open_browser(**ready)
    if request.param:
        browser.sign_in()
    return browser


@pytest.fixture(params=PAGES)
def page(request, visitor):
    answer = visitor.get(request.param, follow_redirects=True)
    assert answer.content_type == "text/html; charset=utf-8"
    return answer


def test_every_page_has_one_heading_a_title_a_language_and_a_main_part(page):
    outline = Outline(page.text)

    assert len(outline.all("h1")) == 1
    assert outline.all("html") == [{"lang": "en"}]
    assert len(outline.all("main")) == 1
    assert re.search(r"<title>[^<]{5,}</title>", page.text)
    levels = [int(tag[1]) for tag, _ in outline.tags if re.fullmatch(r"h[1-6]", tag)]
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))


def test_no_page_has_a_script_an_inline_style_or_anything_from_elsewhere(page):
    outline = Outline(page.text)

    assert not outline.all("script", "iframe", "object", "embed", "style", "base")
    assert not [attrs for _, attrs in outline.tags for name in attrs if name == "style" or name.startswith("on")]
    loaded = [attrs.get("src") or attrs.get("href", "") for attrs in outline.all("img", "link")]
    assert all(path.startswith("/assets/") for path in loaded)
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_every_field_has_its_label_and_every_picture_its_text(page):
    outline = Outline(page.text)
    labelled = {attrs["for"] for attrs in outline.all("label")}

    assert all(attrs["id"] in labelled for attrs in outline.all("input") if attrs.get("type") != "hidden")
    assert all("alt" in attrs for attrs in outline.all("img"))
    ids = [attrs["id"] for _, attrs in outline.tags if "id" in attrs]
    assert len(set(ids)) == len(ids)


def test_every_form_posts_here_and_carries_the_session_s_token(page):
    forms = re.findall(r"<form\b.*?</form>", page.text, re.DOTALL)
    assert len(forms) == len(Outline(page.text).all("form"))
    for form in forms:
        assert 'method="post"' in form
        assert re.search(r'action="/[a-z]', form)
        assert re.search(r'name="csrf" value="[\w-]{32}"', form)


def test_no_page_tells_a_secret(page):
    assert TOKEN not in page.text
    assert "client-secret" not in page.text
    assert "0123456789abcdef" not in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert (page.headers["X-Frame-Options"], page.headers["Cross-Origin-Opener-Policy"]) == ("DENY", "same-origin")


def test_files_are_cached_and_typed(open_browser):
    browser = open_browser()

    for name, kind in (("style.css", "text/css"), ("ring.svg", "image/svg+xml")):
        with browser.get(f"/assets/{name}") as answer:
            assert answer.mimetype == kind
            assert "max-age=86400" in answer.headers["Cache-Control"]
    assert browser.get("/assets/../views.py").status_code == 404


# -- front -------------------------------------------------------------------------------------------------------------


def test_without_an_application_at_oura_the_front_page_says_what_to_register_and_where(open_browser):
    text = open_browser(public_url="https://oura.example.com", allowed_hosts="localhost").get("/").text

    assert "https://oura.example.com/oauth/callback" in text
    assert "OURA_CLIENT_ID" in text
    assert "slash" in text


def test_with_one_it_offers_to_connect_the_ring(open_browser, ready):
    assert 'href="/login?next=connect"' in open_browser(**ready).get("/").text


def test_snippets_carry_the_public_address_and_the_placeholder(open_browser):
    text = open_browser(public_url="https://oura.example.com").get("/").text

    assert text.count("https://oura.example.com/mcp") > 15
    assert "YOUR_AUTH_TOKEN" in text


def test_with_the_front_door_off_clients_that_cannot_send_a_bearer_are_told_so(open_browser):
    assert "OAUTH_SERVER=off" in open_browser(oauth_server=False).get("/").text
    assert "OAUTH_SERVER=off" not in open_browser().get("/").text


def test_the_demo_says_on_every_page_that_its_data_is_invented(open_browser):
    browser = open_browser(demo=True)

    assert all("invented" in browser.get(path).text for path in ("/", "/login", "/oauth/result/connected"))
    assert "invented" not in open_browser().get("/").text


# -- signing in --------------------------------------------------------------------------------------------------------


def test_the_owner_signs_in_and_out(open_browser):
    browser = open_browser()

    assert browser.get("/status").location == "/login?next=status"
    assert browser.sign_in(then="status").location == "/status"
    assert browser.get("/status").status_code == 200
    assert browser.get("/login").location == "/status"
    assert browser.post("/logout", csrf=browser.csrf("/status")).location == "/"
    assert browser.get("/status").status_code == 302


def test_a_wrong_secret_is_told_beside_its_field_and_not_repeated(open_browser):
    answer = open_browser().sign_in("my guess")

    assert answer.status_code == 401
    assert 'role="alert"' in answer.text
    assert "my guess" not in answer.text


def test_after_five_wrong_ones_the_page_says_how_long_to_wait(open_browser):
    browser = open_browser()
    answers = [browser.sign_in("wrong") for _ in range(6)]

    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert "15 minutes" in answers[-1].text
    assert int(answers[-1].headers["Retry-After"]) > 0


@pytest.mark.parametrize("then", ["https://evil.example", "//evil.example", "/status", "javascript:alert(1)", "nonsense"])
def test_signing_in_leads_only_to_places_of_ours(open_browser, then):
    browser = open_browser()

    assert browser.sign_in(then=then).location == "/status"
    assert browser.get(f"/login?next={then}").location == "/status"


def test_a_form_whose_cookie_is_gone_says_what_to_do(open_browser):
    browser = open_browser()
    token = browser.csrf()
    browser.client.delete_cookie("oura_mcp")
    answer = browser.post("/login", csrf=token, password=TOKEN)

    assert answer.status_code == 403
    assert "try again" in answer.text


def test_the_page_asks_for_what_opens_it(open_browser):
    assert "AUTH_TOKEN" in open_browser().get("/login").text
    assert "OWNER_PASSWORD" in open_browser(owner_password="correct horse battery").get("/login").text


def test_status_recommends_a_password_of_the_owner_s_own_until_there_is_one(open_browser):
    without, with_one = open_browser(), open_browser(owner_password="correct horse battery")
    for browser in (without, with_one):
        browser.sign_in()

    assert "OWNER_PASSWORD" in without.get("/status").text
    assert "OWNER_PASSWORD" not in with_one.get("/status").text


def test_an_issued_token_opens_no_page(open_browser):
    answer = open_browser().client.get("/status", base_url="http://localhost:3001", headers={"Authorization": "Bearer issued"})

    assert answer.status_code == 401


# -- what goes wrong ---------------------------------------------------------------------------------------------------


def test_browsers_get_pages_and_scripts_get_json(open_browser):
    browser = open_browser()

    assert "There is nothing at this address" in browser.get("/nowhere").text
    assert browser.get("/nowhere", accept="*/*").json == {"error": "not_found"}
    assert browser.client.post("/", base_url="http://localhost:3001").status_code == 405
    assert browser.get("/oauth/status", accept="*/*").json["error"] == "unauthorized"
    assert browser.get("/oauth/status").location.startswith("/login")


def test_api_routes_answer_json_even_to_a_browser(open_browser):
    browser = open_browser()

    assert browser.get("/mcp").status_code == 401
    assert "json" in browser.get("/mcp").content_type
    assert "json" in browser.get("/metrics").content_type


def test_a_monitor_with_an_old_token_gets_the_public_health_however_often_it_asks(open_browser):
    client = open_browser().client
    headers = {"Authorization": "Bearer of-last-year"}

    assert {client.get("/health", base_url="http://localhost:3001", headers=headers).status_code for _ in range(30)} == {200}


def test_a_foreign_host_is_told_in_words(open_browser):
    answer = open_browser().client.get("/", base_url="http://evil.example", headers={"Accept": "text/html"})

    assert answer.status_code == 403
    assert "ALLOWED_HOSTS" in answer.text


# -- clients that signed in --------------------------------------------------------------------------------------------


@dataclass
class Granted:
    grant_id: str
    client_name: str
    redirect_host: str
    granted_at: float
    last_used_at: float | None


class FrontDoor:
    revoke_path = "/access/revoke"

    def grants(self):
        return [
            Granted("g1", "<b>Claude</b>", "claude.ai", 1_790_000_000, 1_790_003_600),
            Granted("g2", "Cursor", "localhost", 0, None),
        ]


def test_clients_that_signed_in_are_listed_with_their_last_use_and_a_button(open_browser, ready):
    settings = open_browser(**ready).app.extensions["services"].settings
    services = open_browser(**ready).app.extensions["services"]
    app = Flask("house")
    guard = Guard(settings, services.sealer, metrics=Metrics(), clock=services.clock)
    guard.install(app)
    pending = Pending(services.vault, services.connection, clock=services.clock)
    app.register_blueprint(create_blueprint(Pages(guard, services.connection, pending, access=FrontDoor())))
    app.add_url_rule("/oauth/disconnect", "oauth.disconnect", methods=["POST"])

    with app.test_request_context("/status", base_url="http://localhost:3001", headers={"Authorization": f"Bearer {TOKEN}"}):
        text = app.full_dispatch_request().get_data(as_text=True)

    assert "&lt;b&gt;Claude&lt;/b&gt;" in text
    assert "last used 21 September 2026" in text
    assert "not used yet" in text
    assert 'value="g2"' in text
    assert 'action="/access/revoke"' in text


# -- colours -----------------------------------------------------------------------------------------------------------


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "ground"),
    [("ink", "ground"), ("ink", "sheet"), ("ink", "code"), ("ink", "accent-wash"), ("soft", "ground"), ("soft", "sheet"),
     ("accent", "ground"), ("accent", "sheet"), ("accent-ink", "accent"), ("good", "ground"), ("good", "sheet"),
     ("bad", "ground"), ("bad", "sheet"), ("bad", "bad-wash"), ("wait", "ground"), ("wait", "sheet")],
)  # fmt: skip
def test_every_text_stands_out_from_its_ground(scheme, ink, ground):
    """WCAG 2.2 AA: 4.5 to 1."""
    style = Path(STATIC / "style.css").read_text()
    named = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", style.split(":root {")[1 + scheme].split("}")[0]))

    assert contrast(named[ink], named[ground]) >= 4.5
