from gevent import monkey  # isort: skip

monkey.patch_all()  # before anything that opens sockets: with preload and without this, outbound TLS recurses for ever

import errno
import gc
import logging
import os
import resource
import signal
import socket
import sys
from contextlib import suppress

import gevent
from gunicorn.glogging import Logger

from app.config import Settings
from app.errors import ConfigError
from app.logs import configure, event

try:
    _settings = Settings.load()
except ConfigError as exc:
    sys.exit(
        "\n".join(
            ["The server cannot start. Mend this in .env or in the environment:", *(f"  - {each}" for each in exc.problems)]
        )
    )

configure(_settings.log_level)
_access = logging.getLogger("gunicorn.access")


class JsonLogger(Logger):
    """gunicorn's own words and one line a request as the application's JSON lines; paths only, since queries carry codes."""

    def setup(self, cfg):
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = self.access_log.propagate = True

    def access(self, resp, req, environ, request_time):
        event(
            _access,
            "http",
            method=req.method,
            path=req.path,
            status=int(resp.status.split()[0]),  # status_code is missing where gunicorn itself refused the request
            ms=round(request_time.total_seconds() * 1000, 1),
            bytes=resp.sent,
            request_id=environ.get("request_id", ""),
        )


bind = f"[{_settings.bind}]:{_settings.port}" if ":" in _settings.bind else f"{_settings.bind}:{_settings.port}"
worker_class = "gevent"
workers = 1  # classic SSE sessions and the cache live in one process; hosts that set WEB_CONCURRENCY do not know that
worker_connections = 6000
preload_app = True
control_socket_disable = True
logger_class = JsonLogger
loglevel = _settings.log_level.lower()
graceful_timeout = 27  # a call may take 20 s, a refresh a little longer; hosts kill after 30
forwarded_allow_ips = (
    ""  # behind ngrok every peer is loopback, so nobody's X-Forwarded-Proto, SCRIPT_NAME or PATH_INFO is believed
)


CANNOT_LISTEN = {
    errno.EADDRINUSE: (
        "Port {port} is in use. Stop the program that has it, or set another PORT, and OURA_REDIRECT_URI if it names the port."
    ),
    errno.EACCES: "Port {port} is for administrators only. Set PORT to one from 1024 on.",
    errno.EADDRNOTAVAIL: "BIND is no address of this machine. 127.0.0.1 is this machine alone, 0.0.0.0 all of its networks.",
}


def on_starting(server):
    if server.cfg.workers != workers:
        event(logging.getLogger("app"), "one_worker_is_meant", level=logging.WARNING, workers=server.cfg.workers)
    _check_address()
    _raise_file_limit()


def _check_address():
    """Say in plain words why nobody can listen there; gunicorn would try for five seconds and then name an error number."""
    if "GUNICORN_FD" in os.environ or "LISTEN_FDS" in os.environ:
        return  # the socket is inherited
    with socket.socket(socket.AF_INET6 if ":" in _settings.bind else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_settings.bind, _settings.port))
            probe.listen(1)
        except OSError as exc:
            if sentence := CANNOT_LISTEN.get(exc.errno):
                sys.exit(f"The server cannot start. {sentence.format(port=_settings.port)}")


def _raise_file_limit():
    """Allow as many open files as connections, as far as this machine lets us."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 8192 if hard == resource.RLIM_INFINITY else min(8192, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def pre_fork(_server, _worker):
    """Leave what the start made out of every later collection: pauses get shorter, and the worker shares those pages."""
    gc.collect()
    gc.freeze()


def when_ready(_server):
    event(logging.getLogger("app"), "server.ready", url=_settings.public_url, port=_settings.port)
    if sys.stderr.isatty():
        secret = "OWNER_PASSWORD" if _settings.owner_password else "AUTH_TOKEN"
        sys.stderr.write(f"\nOpen {_settings.redirect_origin}/ and sign in with {secret} from .env. Ctrl-C stops.\n\n")


def post_worker_init(worker):
    """Let streams see that the worker was told to stop, so that they end themselves in about a second."""
    worker.app.callable.extensions["draining"] = lambda: not worker.alive


def worker_exit(_server, worker):
    """Let a refresh end whose token is spent already; and end quietly.

    Ctrl-C reaches the worker twice, from the terminal and from the master; the second would print a traceback.
    """
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    with suppress(SystemExit):
        gevent.sleep(0)  # gunicorn's handler spawns its exit: one that waits has its turn here
    if worker.app.callable is not None:
        worker.app.callable.extensions["services"].connection.settle(timeout_s=graceful_timeout - 2)


def post_request(worker, _req, environ, _resp):
    """Let the others have a turn: a busy keep-alive connection never waits for its socket, and would not yield by itself."""
    gevent.sleep(0)
    if not worker.alive:
        _hang_up(environ)


def _hang_up(environ):
    """While stopping, do not wait for a further request on this connection."""
    try:
        environ["gunicorn.socket"].shutdown(socket.SHUT_RD)
    except (KeyError, OSError):
        return
