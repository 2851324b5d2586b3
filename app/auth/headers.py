"""Headers that every answer carries, and the content security policy of pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.config import Settings

HSTS_S = 180 * 86_400
PAGE_HEADERS = (("X-Frame-Options", "DENY"), ("Cross-Origin-Opener-Policy", "same-origin"))  # what only documents need


def security_headers(settings: Settings) -> list[tuple[str, str]]:
    """For every answer that does not set them itself. HSTS only where the public address is https, and never preloaded."""
    headers = [
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        ("Content-Security-Policy", content_security_policy()),
    ]
    if settings.public_url.startswith("https://"):
        headers.append(("Strict-Transport-Security", f"max-age={HSTS_S}"))
    return headers


def content_security_policy(*, form_action: Sequence[str] = ()) -> str:
    """No scripts, one style sheet of ours, no frames. *form_action* lists further origins where a form's redirects may end."""
    targets = " ".join(["'self'", *form_action])
    return f"default-src 'none'; style-src 'self'; img-src 'self'; form-action {targets}; base-uri 'none'; frame-ancestors 'none'"
