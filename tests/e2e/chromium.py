"""Headless Chromium, and a tunnel like those that stand in front of home servers. Knows nothing of what is tested."""

import os
import shutil
import socket
import ssl
import tempfile
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import gevent
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from gevent.server import StreamServer
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
needs_chromium = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs Chromium and chromedriver")
OPTIONS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--no-first-run",
    "--no-default-browser-check",
    "--ignore-certificate-errors",  # the tunnel's certificate is its own
    "--hide-scrollbars",
    "--window-size=1100,900",
]


class Browser(Chrome):
    """A person's browser; *hosts* under .example are this machine, and nothing else of the internet is."""

    def __init__(self) -> None:
        options = ChromeOptions()
        options.binary_location = CHROMIUM or ""
        self.profile = tempfile.mkdtemp(prefix="chromium-")
        rules = "MAP *.example 127.0.0.1, MAP localhost 127.0.0.1, EXCLUDE 127.0.0.1, MAP * ~NOTFOUND"
        for option in [*OPTIONS, f"--user-data-dir={self.profile}", f"--host-resolver-rules={rules}"]:
            options.add_argument(option)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        super().__init__(options=options, service=Service(DRIVER))
        self.implicitly_wait(10)

    def forget(self) -> None:
        """Be a new browser: no cookies, no page, the usual size and colours."""
        self.get("about:blank")
        self.execute_cdp_cmd("Network.clearBrowserCookies", {})
        self.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        self.scheme("light")
        self.get_log("browser")

    def find(self, css: str) -> WebElement:
        return self.find_element(By.CSS_SELECTOR, css)

    def press(self, text: str) -> None:
        """Click the button or link that reads *text*, and wait for the page it leads to."""
        here = self.find("html")
        wanted = f"//*[self::main or self::footer]//*[self::a or self::button][normalize-space()='{text}']"
        self.find_element(By.XPATH, wanted).click()
        with gevent.Timeout(20, AssertionError(f"'{text}' led nowhere")):
            while _is_here(here):
                gevent.sleep(0.02)

    def heading(self) -> str:
        return self.find("h1").text

    def text(self) -> str:
        return self.find("body").text

    def violations(self) -> list[str]:
        """What the console says of our content security policy."""
        return [entry["message"] for entry in self.get_log("browser") if "Content Security Policy" in entry["message"]]

    def scheme(self, name: str) -> None:
        self.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": name}]})

    def phone(self, width: int = 390) -> None:
        size = {"width": width, "height": 844, "deviceScaleFactor": 2, "mobile": True}
        self.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def picture(self, path: Path) -> None:
        """The whole page as PNG."""
        width, height = self.execute_script("const root = document.documentElement; return [root.clientWidth, root.scrollHeight]")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        taken: dict[str, Any] = self.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
        path.write_bytes(b64decode(taken["data"]))

    def quit(self) -> None:
        super().quit()
        shutil.rmtree(self.profile, ignore_errors=True)


def _is_here(page: WebElement) -> bool:
    try:
        return page.is_enabled()
    except Exception:  # noqa: BLE001 - selenium says "stale" in more than one way
        return False


@contextmanager
def chromium() -> Iterator[Browser]:
    browser = Browser()
    try:
        yield browser
    finally:
        browser.quit()


INTERSTITIAL = b"""<!doctype html><title>Tunnel</title><main><h1>You are about to visit a tunnel</h1>
<form method="post" action="/__visit"><button>Visit Site</button></form></main>"""
VISITED = b"\r\n".join(
    [
        b"HTTP/1.1 303 See Other",
        b"Set-Cookie: visited=yes; Path=/; Secure",
        b"Location: /",
        b"Content-Length: 0",
        b"Connection: close",
        b"\r\n",
    ]
)


class Tunnel:
    """Ends TLS on a host name of its own and forwards to a port, as ngrok does; *interstitial* shows browsers a page first."""

    def __init__(self, folder: Path, host: str, *, interstitial: bool) -> None:
        self.host = host
        self.target = 0
        self._interstitial = interstitial
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(_certificate(folder, host))
        self._server = StreamServer(("127.0.0.1", 0), self._serve, ssl_context=context)
        self._server.start()
        self.url = f"https://{host}:{self._server.server_port}"

    def stop(self) -> None:
        self._server.stop(timeout=0.2)

    def _serve(self, browser: socket.socket, address: tuple[str, int]) -> None:
        with suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                part = browser.recv(65_536)
                if not part:
                    return
                head += part
            first, _, rest = head.partition(b"\r\n")
            if self._interstitial and b"visited=yes" not in head:
                self._ask(browser, first)
                return
            added = b"\r\nX-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n"
            rest = rest.replace(b"Connection: keep-alive\r\n", b"", 1)
            with socket.create_connection(("127.0.0.1", self.target), timeout=30) as server:
                server.sendall(first + added + rest)
                gevent.joinall([gevent.spawn(_pump, browser, server), answer := gevent.spawn(_pump, server, browser)], count=1)
                answer.join(30)
        browser.close()

    def _ask(self, browser: socket.socket, first: bytes) -> None:
        path = first.split(b" ")[1]
        if path == b"/__visit":
            browser.sendall(VISITED)
        else:
            browser.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
                % len(INTERSTITIAL)
            )
            browser.sendall(INTERSTITIAL)
        browser.close()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while part := source.recv(65_536):
            sink.sendall(part)


def _certificate(folder: Path, host: str) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{host}.pem"
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


def pictures() -> Path | None:
    """Where a person wants pictures of the pages to be kept, if they do: PICTURES=docs."""
    return Path(os.environ["PICTURES"]) if os.environ.get("PICTURES") else None
