"""The simulator as a server of its own on a loopback port."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Any, Self

from flask import Flask
from gevent.pywsgi import WSGIServer

from app.simulator.consent import Client
from app.simulator.journal import Journal
from app.simulator.knobs import Knobs
from app.simulator.personas import Persona
from app.simulator.views import create_app
from app.simulator.world import World


def create_simulator(
    *,
    personas: Sequence[str | Persona] = ("adult",),
    clock: Callable[[], float] = time.time,
    client_id: str = "simulated-client",
    client_secret: str | None = None,
    secret: str | None = None,
    **knobs: Any,
) -> Flask:
    """A WSGI application that is an Oura of its own. Its parts are in `.extensions["simulator"]` (a World).

    *knobs* are those of `Knobs`. Without *secret* (or *client_secret*) one is made up, so that nothing over HTTP can guess it.
    """
    turned = Knobs()
    turned.turn(knobs)
    client = Client(client_id, client_secret or secrets.token_urlsafe(24))
    world = World(personas=personas, clock=clock, client=client, knobs=turned)
    app = create_app(world, secret or secrets.token_urlsafe(32))
    app.extensions["simulator"] = world
    return app


class SimulatorServer:
    """Serves a simulator on 127.0.0.1; *port* 0 takes a free one. Takes every argument of `create_simulator`."""

    def __init__(self, *, port: int = 0, secret: str | None = None, **options: Any) -> None:
        self.secret = secret or secrets.token_urlsafe(32)
        self.app = create_simulator(secret=self.secret, **options)
        self.world: World = self.app.extensions["simulator"]
        self._port = port
        self._server: WSGIServer | None = None

    def start(self) -> Self:
        self._server = WSGIServer(("127.0.0.1", self._port), self.app, log=None)
        self._server.start()
        return self

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop(timeout=0.2)
            self._server = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    @property
    def url(self) -> str:
        assert self._server is not None, "start it first"
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def knobs(self) -> Knobs:
        return self.world.knobs

    @property
    def journal(self) -> Journal:
        return self.world.journal

    def turn(self, **changes: Any) -> None:
        """Set knobs by name."""
        self.world.knobs.turn(changes)

    def grant(self, scopes: Iterable[str] | None = None, account: str | None = None) -> dict[str, Any]:
        """The token answer of a consent that no browser had to give; all scopes without *scopes*."""
        return self.world.grant(scopes, account)

    def revoke_all(self) -> None:
        """The person withdrew consent."""
        self.world.ledger.revoke_all()

    def expire_access_tokens(self) -> None:
        self.world.ledger.expire_access_tokens()

    def settings_env(self) -> dict[str, str]:
        """The environment that makes a server use this Oura. The redirect URI is the first one registered, if any."""
        env = {
            "OURA_API_BASE_URL": self.url,
            "OURA_AUTHORIZE_URL": f"{self.url}/oauth/authorize",
            "OURA_REVOKE_URL": f"{self.url}/oauth/revoke",
            "OURA_CLIENT_ID": self.world.ledger.client.client_id,
            "OURA_CLIENT_SECRET": self.world.ledger.client.client_secret,
        }
        if self.knobs.redirect_uris:
            env["OURA_REDIRECT_URI"] = self.knobs.redirect_uris[0]
        return env
