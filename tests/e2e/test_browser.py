"""Signing in, connecting and disconnecting in a real browser, on host names as people use them."""

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.e2e.chromium import Tunnel, chromium, needs_chromium, pictures
from tests.e2e.harness import Server

pytestmark = [needs_chromium, pytest.mark.requirement("browser")]


@pytest.fixture(scope="module")
def started_browser():
    with chromium() as started:
        yield started


@pytest.fixture
def browser(started_browser):
    started_browser.forget()
    return started_browser


@pytest.fixture
def tunnel(tmp_path, request):
    opened = Tunnel(tmp_path, "ring.tunnel.example", interstitial=request.param)
    yield opened
    opened.stop()


def sign_in(browser, secret):
    browser.find("#password").send_keys(secret)
    browser.press("Sign in")


def connect(browser, server, *, untick=()):
    """From the front page to the ring's being connected."""
    browser.press("Connect your ring")
    sign_in(browser, server.token)
    browser.press("Continue to Oura")
    assert browser.current_url.startswith(server.simulator.url)
    for scope in untick:
        browser.find(f"input[name=scope][value={scope}]").click()
    browser.press("Accept")


def test_a_person_connects_on_localhost_although_they_typed_127_0_0_1(start, simulator, browser):
    server = start(Server, simulator)
    browser.get(server.url.replace("localhost", "127.0.0.1") + "/")

    connect(browser, server)

    assert browser.current_url == f"{server.url}/oauth/result/connected"
    assert browser.heading() == "Your ring is connected"
    assert server.caller().tool("get_sleep_summary")["data"]
    assert browser.violations() == []


@pytest.mark.parametrize("tunnel", [True, False], indirect=True, ids=["behind ngrok's interstitial", "as on Heroku"])
def test_a_person_connects_on_a_public_https_name(start, simulator, browser, tunnel):
    server = start(Server, simulator, OURA_REDIRECT_URI=f"{tunnel.url}/oauth/callback")
    tunnel.target = server.port
    browser.get(tunnel.url + "/")
    if browser.title == "Tunnel":
        browser.press("Visit Site")

    connect(browser, server)

    assert browser.current_url == f"{tunnel.url}/oauth/result/connected"
    cookies = {cookie["name"]: cookie for cookie in browser.get_cookies()}
    session = cookies["__Host-oura_mcp"]
    assert (session["secure"], session["httpOnly"], session["sameSite"], session["path"]) == (True, True, "Lax", "/")
    assert "__Host-oura_state" not in cookies
    assert server.get("/oauth/status").json()["connected"] is True
    assert browser.violations() == []


@pytest.mark.parametrize("tunnel", [False], indirect=True, ids=["https"])
def test_on_any_other_address_signing_in_moves_to_where_oura_sends_people_back(start, simulator, browser, tunnel):
    server = start(Server, simulator, OURA_REDIRECT_URI=f"{tunnel.url}/oauth/callback")
    tunnel.target = server.port
    browser.get(f"{server.url}/oauth/authorize")

    assert browser.current_url == f"{tunnel.url}/login?next=connect"


def test_denial_says_so_and_the_next_try_works(start, simulator, browser):
    server = start(Server, simulator)
    browser.get(f"{server.url}/oauth/authorize")
    sign_in(browser, server.token)
    browser.press("Continue to Oura")
    browser.press("Deny")
    assert browser.heading() == "You did not allow access"

    browser.press("Connect again")
    browser.press("Continue to Oura")
    browser.press("Accept")
    assert browser.heading() == "Your ring is connected"

    browser.back()
    browser.back()
    browser.press("Continue to Oura")
    browser.press("Accept")
    assert browser.heading() == "Your ring is connected"


def test_the_callback_s_address_does_not_stay_in_the_address_bar_and_a_reload_does_no_harm(start, simulator, browser):
    server = start(Server, simulator)
    browser.get(f"{server.url}/")
    connect(browser, server)

    browser.refresh()

    assert "code=" not in browser.current_url
    assert browser.heading() == "Your ring is connected"
    assert server.get("/oauth/status").json()["connected"] is True


def test_another_account_is_asked_about_in_the_browser(start, two_accounts, browser):
    server = start(Server, two_accounts)
    browser.get(f"{server.url}/")
    connect(browser, server)
    browser.get(f"{server.url}/status")
    browser.press("Connect again")
    browser.press("Continue to Oura")
    browser.find("input[name=account][value=traveller]").click()
    browser.press("Accept")
    assert browser.heading() == "This is a different Oura account"

    browser.press("Replace it")

    assert browser.heading() == "The other account is connected now"
    assert browser.violations() == []


@pytest.fixture
def two_accounts(tmp_path):
    from tests.e2e.harness import Simulator

    with Simulator(tmp_path / "accounts", personas=("adult", "traveller")) as started:
        yield started


def test_the_status_page_says_what_is_missing_and_disconnecting_forgets_everything(start, simulator, browser):
    server = start(Server, simulator)
    browser.get(f"{server.url}/")
    connect(browser, server, untick=["heartrate", "tag"])
    browser.get(f"{server.url}/status")
    assert "2 of the permissions" in browser.text()
    assert "no tags" in browser.text()

    browser.press("Disconnect the ring")

    assert browser.heading() == "Your ring is disconnected"
    assert server.get("/oauth/status").json()["connected"] is False
    assert browser.violations() == []


def test_signing_out_closes_the_pages(start, simulator, browser):
    server = start(Server, simulator)
    browser.get(f"{server.url}/status")
    sign_in(browser, server.token)
    assert browser.heading() == "Status"

    browser.press("Sign out")
    browser.get(f"{server.url}/status")

    assert browser.heading() == "Sign in"


def test_the_keyboard_alone_is_enough(start, simulator, browser):
    server = start(Server, simulator)
    browser.get(f"{server.url}/login")
    browser.switch_to.active_element.send_keys(server.token + Keys.ENTER)  # the field has the focus
    browser.find_element(By.XPATH, "//h1[text()='Status']")
    browser.get(f"{server.url}/")

    keys = browser.switch_to.active_element
    keys.send_keys(Keys.TAB)
    assert browser.switch_to.active_element.text == "Skip to the content"
    for _ in range(40):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        if browser.switch_to.active_element.tag_name == "summary":
            break
    browser.switch_to.active_element.send_keys(Keys.ENTER)

    assert browser.find("#poke").get_attribute("open") is not None
    outline = browser.execute_script("return getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


# The most by which the page is wider than its window, with each of its folds open in turn.
WIDEST = """const root = document.documentElement;
const over = [root.scrollWidth - root.clientWidth];
for (const fold of document.querySelectorAll("details")) {
  fold.open = true;
  over.push(root.scrollWidth - root.clientWidth);
}
return Math.max(...over);"""
SMALLEST = """const heights = [...document.querySelectorAll("button, .button, summary, nav a")].map((one) => one.offsetHeight);
return Math.min(...heights.filter((height) => height > 0));"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_a_small_phone_in_light_and_dark(server, browser, scheme):
    browser.scheme(scheme)
    browser.phone(320)
    browser.get(f"{server.url}/status")
    sign_in(browser, server.token)
    for path in ("/", "/status", "/login?next=connect", "/oauth/result/redirect"):
        browser.get(server.url + path)
        wide = browser.execute_script(WIDEST)
        assert wide <= 0, f"{path} is {wide} px too wide"
        ground = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, ground[4:-1].split(","))) < 384) is (scheme == "dark")
        assert browser.execute_script(SMALLEST) >= 44, f"{path} has a button too small for a finger"


def test_a_picture_of_the_status_page_can_be_taken(server, browser, tmp_path):
    browser.get(f"{server.url}/status")
    sign_in(browser, server.token)
    path = (pictures() or tmp_path) / "status.png"

    browser.picture(path)

    assert path.read_bytes().startswith(b"\x89PNG")
    assert path.stat().st_size > 20_000
