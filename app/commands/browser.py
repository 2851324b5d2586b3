"""A person's browser without scripts, for the demo: keeps cookies, follows redirects, fills in the first form of a page."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import requests

TIMEOUT_S = 30


class BrowserError(Exception):
    """A page was not the one a person would expect."""


class Form(HTMLParser):
    """The first form of a page: where it goes, what it would send, and which field is the secret."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}
        self.lists: list[tuple[str, str]] = []
        self.secret = ""
        self._forms = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._forms += 1
            self.action = given.get("action") if self._forms == 1 else self.action
        elif tag == "input" and self._forms == 1 and given.get("name"):
            self._take(given)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._forms += 1

    def _take(self, given: dict[str, str]) -> None:
        kind = given.get("type", "text")
        if kind == "password":
            self.secret = given["name"]
        elif kind in {"checkbox", "radio"}:
            if "checked" in given:
                self.lists.append((given["name"], given.get("value", "on")))
        else:
            self.fields[given["name"]] = given.get("value", "")


class Browser:
    """Signs in at *url* and connects it to the Oura it is set up for."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False

    def connect(self, secret: str) -> requests.Response:
        """Sign in with *secret*, consent at Oura, come back; raises BrowserError if that ends anywhere else."""
        login = self.open("/login")
        self.submit(login, {Form(login.text).secret: secret})
        consent = self.open("/oauth/authorize")
        if consent.url.startswith(self._url):
            raise BrowserError(
                f"Connecting ended at {urlsplit(consent.url).path} (HTTP {consent.status_code}) before Oura was reached."
            )
        done = self.submit(consent, {"decision": "approve"})
        if not done.url.startswith(self._url) or not done.ok:
            raise BrowserError(f"Connecting ended at {urlsplit(done.url).path} (HTTP {done.status_code}).")
        return done

    def open(self, path: str) -> requests.Response:
        return self._session.get(urljoin(self._url, path), timeout=TIMEOUT_S)

    def submit(self, page: requests.Response, filled: dict[str, str], *, follow: bool = True) -> requests.Response:
        """Send the first form of *page* with *filled* in its fields."""
        form = Form(page.text)
        data = [*{**form.fields, **filled}.items(), *form.lists]
        target = urljoin(page.url, form.action or page.url)
        parts = urlsplit(page.url)
        headers = {"Origin": f"{parts.scheme}://{parts.netloc}"}
        return self._session.post(target, data=data, headers=headers, timeout=TIMEOUT_S, allow_redirects=follow)
