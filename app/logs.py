"""Logs: one JSON line per event, with nothing in it that must stay secret.

Knows no other part. Tokens and health values are kept out where events are written; the filter here is the second net, for what
libraries say and for tracebacks.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from typing import Any, TextIO

TALKATIVE = ("requests_oauthlib", "oauthlib", "authlib", "urllib3", "filelock")  # at DEBUG the first four print tokens and URLs
HIDDEN = "[hidden]"
# A run of name characters is looked at from its beginning only, and ASCII alone is in one: tried from each of its words, an
# address of 4 kB that anybody may send would hold the process for half a second.
_SECRETS = re.compile(
    r"""(?aix)
    (?: (?P<keep>
          \b(?:bearer|basic)\s+
        | ["']?(?<![\w-])[\w-]*(?:token|secret|password|verifier|api_?key|authorization|cookie)["']?\s*[=:]\s*["']?
        | [?&](?:code|state)=
        | ://[^\s/:@]*:(?=[^\s/@]+@)
        )
        (?!\[hidden\]) (?:(?:bearer|basic)\s+)? [^\s"'&,;@}\\]+
    )
    | (?<![\w-])(?=[A-Z_-]*[0-9])[A-Z0-9_-]{32,}(?:\.[A-Z0-9_-]{16,})*
    """
)


def redacted(text: str) -> str:
    """*text* without what looks like a credential: bearers, `token=…`, passwords in URLs, long random strings."""
    return _SECRETS.sub(lambda found: f"{found['keep'] or ''}{HIDDEN}", text)


def event(logger: logging.Logger, name: str, *, level: int = logging.INFO, exc_info: Any = None, **fields: Any) -> None:
    """Log one event. *fields* are facts such as counts, codes and `request_id`; never a token, an argument or a health value."""
    if logger.isEnabledFor(level):
        logger.log(level, name, exc_info=exc_info, extra={"fields": fields})


class JsonLines(logging.Formatter):
    """One JSON object a line: ts, level, logger, event, then the event's own fields."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "ts": f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": redacted(record.getMessage()),
        }
        for name, value in getattr(record, "fields", {}).items():
            line.setdefault(name, redacted(value) if isinstance(value, str) and name != "request_id" else value)
        if record.exc_info:
            line["traceback"] = redacted(self.formatException(record.exc_info))
        return json.dumps(line, default=_unprintable)


def _unprintable(value: object) -> str:
    return redacted(str(value))


def configure(level: str, stream: TextIO | None = None) -> None:
    """Send every logger's lines to *stream* (stderr) as JSON; called once per process, and again by tests."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
