"""Builds the application: every object is made and joined here, and nowhere else.

a request: guard (Host, Origin, caller, rate) → mcp (era, method) → tool → days of Oura data → one answer
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from datetime import date
from functools import partial

from flask import Flask

from app import health, logs, tools
from app.access import Access
from app.access.documents import Fetcher, Resolver
from app.access.views import CONTINUE, RESUME, FrontDoor
from app.access.views import create_blueprint as access_blueprint
from app.application import Application
from app.auth import Guard
from app.config import Settings
from app.mcp.engine import Engine
from app.mcp.views import create_blueprint as mcp_blueprint
from app.metrics import Metrics
from app.oauth.authorization import OuraAuthorization
from app.oauth.flow import Flow
from app.oauth.pending import Pending
from app.oauth.tokens import Connection
from app.oauth.views import Connecting
from app.oauth.views import create_blueprint as oauth_blueprint
from app.oura.cache import DayCache
from app.oura.client import OuraClient
from app.oura.data import OuraData
from app.pages.views import Pages
from app.pages.views import create_blueprint as pages_blueprint
from app.registry import Registry
from app.seal import Sealer
from app.services import Services
from app.tools.days import touched_resources
from app.vault import Vault

__version__ = "0.1.0"


def create_app(
    settings: Settings | None = None,
    *,
    clock: Callable[[], float] = time.time,
    resolver: Resolver | None = None,
    fetch_client_metadata: Fetcher | None = None,
) -> Flask:
    """Build the server of *settings* (default: the environment and `.env`).

    *resolver* and *fetch_client_metadata* stand in for the internet where a test's MCP clients publish documents.
    Raises ConfigError with every problem of the settings, StoreUnavailableError for a folder that cannot be written.
    """
    settings = settings or Settings.load()
    logs.configure(settings.log_level)
    app = Application(__name__, static_folder=None)
    app.url_map.strict_slashes = False  # /status/ is /status
    app.extensions["draining"] = lambda: False  # gunicorn.conf.py puts the worker's own in its place
    services = _services(settings, clock)
    guard = Guard(settings, services.sealer, metrics=services.metrics, clock=clock)
    guard.install(app)
    engine = _engine(app, services)
    app.register_blueprint(health.create_blueprint(services, owner=guard.owner, version_name=__version__))
    app.register_blueprint(mcp_blueprint(engine, guard))
    access = None
    if settings.oauth_server:
        access = Access(settings, services.vault, clock=clock, resolver=resolver, fetch=fetch_client_metadata)
        access.on_revoke.append(engine.close_streams)
        guard.verifiers.append(access.verify)
        app.register_blueprint(access_blueprint(FrontDoor(access, guard, services.connection, services.sealer)))
    _register_pages(app, services, guard, access)
    app.extensions["services"] = services
    return app


def _register_pages(app: Flask, services: Services, guard: Guard, access: Access | None) -> None:
    settings, connection = services.settings, services.connection
    pending = Pending(services.vault, connection, clock=services.clock)
    flow = Flow(settings, services.sealer, connection.authorization, connection, pending, clock=services.clock)
    app.register_blueprint(oauth_blueprint(Connecting(guard, flow, connection, pending, services.vault, {RESUME: CONTINUE})))
    app.register_blueprint(pages_blueprint(Pages(guard, connection, pending, access, {RESUME: CONTINUE})))


def _engine(app: Flask, services: Services) -> Engine:
    engine = Engine(
        Registry.collect("app.tools"),
        name="oura-mcp-server",
        title="Oura",
        version=__version__,
        services=services,
        instructions=tools.INSTRUCTIONS,
        max_streams=services.settings.max_streams,
        draining=lambda: app.extensions["draining"](),  # noqa: PLW0108 - gunicorn.conf.py replaces it later
    )
    services.connection.on_change.append(engine.close_streams)
    services.oura.on_change.append(partial(_announce, engine, services))
    return engine


def _announce(engine: Engine, services: Services, changed: Collection[date]) -> None:
    """Tell subscribers which days a fetch has changed; nothing asks Oura on their behalf."""
    for uri in touched_resources(changed, services.oura.today()):
        engine.resource_changed(uri)


def _services(settings: Settings, clock: Callable[[], float]) -> Services:
    metrics = Metrics()
    sealer = Sealer(settings.encryption_keys, clock=clock)
    vault = Vault.of(settings, sealer)
    authorization = OuraAuthorization(settings, clock=clock)
    connection = Connection(settings, vault, authorization, clock=clock)
    client = OuraClient(
        settings.oura_api_base_url, connection, metrics=metrics, clock=clock, daily_limit=settings.oura_daily_limit
    )
    oura = OuraData(
        client,
        DayCache(),
        clock=clock,
        user_timezone=settings.user_timezone,
        cache_ttl_s=settings.cache_ttl,
        metrics=metrics,
    )
    connection.on_change.append(oura.clear)
    return Services(settings, clock, metrics, sealer, vault, connection, oura)
