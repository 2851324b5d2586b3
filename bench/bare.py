"""What Flask alone would do: a view that returns the bytes of a file, under the same gunicorn configuration."""

import os
from pathlib import Path

from flask import Flask, Response

BODY = Path(os.environ["BENCH_BODY"]).read_bytes()
app = Flask(__name__)


@app.post("/mcp")
def same_bytes() -> Response:
    return Response(BODY, content_type="application/json")


@app.get("/healthz")
def healthz() -> Response:
    return Response(b'{"status":"ok"}', content_type="application/json")
