"""The browser's session: a sealed cookie, and the token that its forms must carry."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from hmac import compare_digest
from typing import TYPE_CHECKING

from flask import Request, Response

from app.auth.once import Once

if TYPE_CHECKING:
    from app.config import Settings
    from app.seal import Sealer

LIFE_S = 12 * 3600
_PURPOSE = "browser-session"


@dataclass(slots=True)
class Session:
    """One browser's session, signed in or not; a stranger's exists so that the sign-in form can carry a token."""

    name: str
    csrf: str
    signed_in: bool = False
    is_new: bool = False
    changed: bool = False
    ended: bool = False

    def form_token(self) -> str:
        """The token to put into a form; asking for it makes sure that the cookie is there when the form comes back."""
        self.changed = self.changed or self.is_new
        return self.csrf

    def matches(self, token: str) -> bool:
        return compare_digest(self.csrf.encode(), token.encode("utf-8", "replace"))


class Sessions:
    """Opens and sets the cookie. Its key comes from the encryption key and the owner's secret: changing either signs all out."""

    def __init__(self, settings: Settings, sealer: Sealer, *, clock: Callable[[], float]) -> None:
        self._sealer = sealer.derived(b"browser-session:" + settings.owner_secret)
        self._secure = settings.redirect_origin.startswith("https://")
        self._cookie = "__Host-oura_mcp" if self._secure else "oura_mcp"
        self._signed_out = Once(ttl_s=LIFE_S, clock=clock)

    def of(self, request: Request) -> Session:
        """The session of *request*; a new one if its cookie is absent, too old, or not ours."""
        held = self._sealer.open(_PURPOSE, request.cookies.get(self._cookie, ""))
        if held is None or held["name"] in self._signed_out:
            return Session(secrets.token_urlsafe(16), secrets.token_urlsafe(24), is_new=True)
        return Session(held["name"], held["csrf"], held["signed_in"])

    def sign_in(self, session: Session) -> None:
        """Make it the owner's, under a new name: what an earlier cookie was planted for does not become theirs."""
        session.name, session.csrf = secrets.token_urlsafe(16), secrets.token_urlsafe(24)
        session.signed_in = session.changed = True

    def sign_out(self, session: Session) -> None:
        if session.signed_in:  # strangers' sessions would push the owner's out of what is remembered
            self._signed_out.use(session.name)
        session.signed_in, session.ended = False, True

    def save(self, session: Session, response: Response) -> None:
        """Set or clear the cookie, if anything changed."""
        if session.ended:
            response.delete_cookie(self._cookie, path="/", secure=self._secure, httponly=True, samesite="Lax")
        elif session.changed:
            value = {"name": session.name, "csrf": session.csrf, "signed_in": session.signed_in}
            response.set_cookie(
                self._cookie,
                self._sealer.seal(_PURPOSE, value, ttl_s=LIFE_S),
                max_age=LIFE_S,
                path="/",
                secure=self._secure,
                httponly=True,
                samesite="Lax",  # Strict would not be sent on the way back from Oura
            )
