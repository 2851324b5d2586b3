"""`python -m tests.conformance --port 3113`: serve the fixture on loopback until it is stopped."""

from gevent import monkey

monkey.patch_all()  # before anything else is imported, as in gunicorn.conf.py

import argparse  # noqa: E402

from gevent.pywsgi import WSGIServer  # noqa: E402

from tests.conformance.server import create_fixture  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("--port", type=int, default=3113, help="0 for any free one")
    server = WSGIServer(("127.0.0.1", parser.parse_args().port), create_fixture(), log=None)
    server.start()
    print(f"http://localhost:{server.server_port}/mcp", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
