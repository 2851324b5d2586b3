"""The server with two things of a test's in it: an internet where clients publish documents, and a clock that can be put forward.

`DOCUMENTS` is a JSON file of URL → document, `AHEAD` a file with the seconds the clock is ahead. All else is the real thing.
"""

import json
import os
import time
from pathlib import Path

from app import create_app
from app.access.documents import Fetched

DOCUMENTS, AHEAD = Path(os.environ["DOCUMENTS"]), Path(os.environ["AHEAD"])


def clock() -> float:
    return time.time() + float(AHEAD.read_text())


def fetch(url: str, address: str) -> Fetched:
    document = json.loads(DOCUMENTS.read_text())[url]
    return Fetched(200, {"content-type": "application/json"}, json.dumps(document).encode())


app = create_app(clock=clock, resolver=lambda _: ["93.184.216.34"], fetch_client_metadata=fetch)
