"""`python -m app.simulator`: serve the simulator until interrupted. Prints one JSON line: its URL, and where its secrets are."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from pathlib import Path

import gevent
from gevent.event import Event

from app.simulator import SimulatorServer
from app.simulator.personas import PERSONAS


def main() -> None:
    options = _options()
    server = SimulatorServer(
        port=options.port,
        personas=options.persona or ["adult"],
        redirect_uris=options.redirect_uri,
        auto_approve=options.auto_approve,
        token_endpoint=options.token_endpoint,
        latency_s=options.latency_ms / 1000,
    ).start()
    secrets = {"secret": server.secret, "env": server.settings_env()}
    told: dict[str, object] = {"url": server.url}
    if options.secret_file:
        with os.fdopen(os.open(options.secret_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            os.fchmod(file.fileno(), 0o600)
            json.dump({**told, **secrets}, file)
        told["secret_file"] = str(options.secret_file)
    else:
        told |= secrets
    over = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        gevent.signal_handler(number, over.set)
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
    over.wait()
    server.stop()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m app.simulator", description="An Oura of our own, with invented data.")
    parser.add_argument("--port", type=int, default=0, help="loopback port; 0 takes a free one")
    parser.add_argument("--persona", action="append", choices=sorted(PERSONAS), help="account to hold; may be repeated")
    parser.add_argument("--redirect-uri", action="append", default=[], help="registered redirect URI; may be repeated")
    parser.add_argument("--auto-approve", action="store_true", help="consent without showing the page")
    parser.add_argument("--token-endpoint", choices=("api", "moi"), default="api", help="which token URL owns the client")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="added to every answer of the API and the token endpoints")
    parser.add_argument("--secret-file", type=Path, help="write the secrets here (0600) instead of to standard output")
    return parser.parse_args()


if __name__ == "__main__":
    main()
