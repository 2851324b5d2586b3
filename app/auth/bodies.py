"""Reading forms: no more of a body than allowed, and no longer than it may take."""

from __future__ import annotations

from urllib.parse import parse_qsl

from flask import Request

from app.errors import BodyError
from app.timeout import Timeout

MAX_FORM_BYTES = 16_000
WITHIN_S = 10.0


def read_body(request: Request, *, limit: int) -> bytes:
    """The whole body; BodyError 413 beyond *limit* bytes, 408 if it does not arrive, 400 if it ends early.

    Read by hand, one byte beyond the limit: Flask's MAX_CONTENT_LENGTH silently cuts a body that comes in chunks.
    """
    announced = request.content_length
    if announced is not None and announced > limit:
        raise BodyError(f"The body is larger than {limit} bytes.", status=413)
    with Timeout(WITHIN_S, BodyError(f"The body did not arrive within {WITHIN_S:.0f} seconds.", status=408)):
        body: bytes = request.stream.read(limit + 1)
    if len(body) > limit:
        raise BodyError(f"The body is larger than {limit} bytes.", status=413)
    if announced is not None and len(body) < announced:
        raise BodyError("The body ended early.", status=400)
    return body


def read_form(request: Request) -> dict[str, str]:
    """The fields of a small form; of a field given twice, the last."""
    if request.mimetype != "application/x-www-form-urlencoded":
        return {}
    text = read_body(request, limit=MAX_FORM_BYTES).decode("utf-8", "replace")
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=50))
    except ValueError as exc:
        raise BodyError("The form has too many fields.", status=413) from exc
