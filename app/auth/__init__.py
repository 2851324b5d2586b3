"""Who is calling, and from where: bearer, browser session, Origin, Host, rates. Does not know what a caller may ask."""

from app.auth.guard import Guard

__all__ = ["Guard"]
