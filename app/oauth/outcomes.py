"""How connecting can end, each with its own page: what happened, and the next step."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """A page's name in its address; none of them says anything secret, so anyone may open it."""

    CONNECTED = "connected"
    ANOTHER_ACCOUNT = "another-account"
    REPLACED = "replaced"
    KEPT = "kept"
    TOO_LATE = "too-late"
    DISCONNECTED = "disconnected"
    DISCONNECTED_HERE = "disconnected-here"
    DENIED = "denied"
    EXPIRED = "expired"
    CREDENTIALS = "credentials"
    REDIRECT = "redirect"
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"
    NOT_SAVED = "not-saved"
    UNREADABLE = "unreadable"
    UNCONFIGURED = "unconfigured"


@dataclass(frozen=True, slots=True)
class Page:
    """The words of one outcome. *step* is a link's label and its path."""

    title: str
    text: tuple[str, ...]
    step: tuple[str, str]
    good: bool = False
    shows_redirect_uri: bool = False
    oura_link: bool = False


_AGAIN = ("Connect again", "/login?next=connect")
_STATUS = ("Go to the status page", "/status")

PAGES: dict[Outcome, Page] = {
    Outcome.CONNECTED: Page(
        "Your ring is connected",
        (
            "From now on your assistant can ask this server about your nights and days.",
            "Access is renewed by itself; you need not come back here.",
        ),
        ("Connect an assistant", "/#clients"),
        good=True,
    ),
    Outcome.REPLACED: Page(
        "The other account is connected now",
        ("The earlier account's access was ended, and everything that was held of it in memory is gone.",),
        _STATUS,
        good=True,
    ),
    Outcome.KEPT: Page(
        "Nothing was changed",
        ("The account that was connected before stays connected. Access to the other one was given back to Oura.",),
        _STATUS,
        good=True,
    ),
    Outcome.TOO_LATE: Page(
        "That account waited too long",
        ("A different account waits ten minutes for your answer. It was given back to Oura; nothing else has changed.",),
        _AGAIN,
    ),
    Outcome.DISCONNECTED: Page(
        "Your ring is disconnected",
        ("Oura has ended this server's access. The tokens and all data held in memory are gone from this server.",),
        ("Go to the front page", "/"),
        good=True,
    ),
    Outcome.DISCONNECTED_HERE: Page(
        "Disconnected here, not yet at Oura",
        (
            "The tokens and all data held in memory are gone from this server, so it can no longer read anything.",
            "Oura did not confirm that it ended the access. To be sure, remove the application in your Oura account.",
        ),
        ("Go to the front page", "/"),
        oura_link=True,
    ),
    Outcome.DENIED: Page(
        "You did not allow access",
        ("Oura asked, and the answer was no. Nothing was connected and nothing was changed.",),
        _AGAIN,
    ),
    Outcome.EXPIRED: Page(
        "This attempt is over",
        (
            "Connecting must be finished within ten minutes, in the browser where it began, and each attempt works once.",
            "If you only reloaded the page, your ring may be connected already: the status page tells.",
        ),
        _AGAIN,
    ),
    Outcome.CREDENTIALS: Page(
        "Oura does not accept this server's client ID and secret",
        (
            (
                "Compare `OURA_CLIENT_ID` and `OURA_CLIENT_SECRET` with your application at Oura, letter by letter, "
                "then restart the server."
            ),
            "If the secret was renewed at Oura, the old one stopped working at that moment.",
        ),
        _AGAIN,
    ),
    Outcome.REDIRECT: Page(
        "The redirect address does not match",
        (
            (
                "Oura sends people back only to an address that is registered with the application, letter by letter. "
                "Register exactly the one below, or change `OURA_REDIRECT_URI` to the registered one and restart the server."
            ),
            "Oura's newer portal may insist on a slash at the end; then both places need it.",
        ),
        _AGAIN,
        shows_redirect_uri=True,
    ),
    Outcome.REFUSED: Page(
        "Oura did not complete the connection",
        ("It ended the attempt without giving access. Nothing was changed. Trying once more usually helps.",),
        _AGAIN,
    ),
    Outcome.UNAVAILABLE: Page(
        "Oura cannot be reached at the moment",
        ("Its sign-in service did not answer, or not in a way that can be understood. Nothing was changed.",),
        _AGAIN,
    ),
    Outcome.NOT_SAVED: Page(
        "The connection could not be saved",
        (
            (
                "Oura gave access, but this server could not store it: the disk may be full, its folder read-only, "
                "or the database away. What was connected before is unchanged."
            ),
            "`/readyz` and `make doctor` tell what is wrong.",
        ),
        _AGAIN,
    ),
    Outcome.UNREADABLE: Page(
        "The stored connection cannot be opened",
        (
            "What is stored does not open with the present `TOKEN_ENCRYPTION_KEY`, or is damaged. It was not touched.",
            (
                "If you still have the earlier key, add it behind the present one, separated by a comma, and restart the server. "
                "Otherwise the status page lets you set the old record aside and connect anew."
            ),
        ),
        _STATUS,
    ),
    Outcome.UNCONFIGURED: Page(
        "This server has no application at Oura yet",
        ("The front page says what to register and which settings to fill in.",),
        ("Go to the front page", "/"),
    ),
}
