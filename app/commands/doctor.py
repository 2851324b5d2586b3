"""`make doctor`: look at settings, store, clock, Oura and the public address, and say in plain words what to mend.

Changes nothing, sends no secret anywhere but the client's to Oura's token endpoint, and ends within seconds without a network.
Exit status 1 if something must be mended. Runs under `python -m gevent.monkey`, so that one limit can hold for all of it.
"""

from __future__ import annotations

import stat
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import gevent
import requests

from app.access.clients import CLIENTS
from app.access.grants import GRANTS
from app.config import ROOT, Settings
from app.errors import ConfigError, GrantRefusedError, OuraUnavailableError, RecordUnreadableError, VaultError
from app.oauth.authorization import OuraAuthorization
from app.seal import Sealer
from app.variables import CALLBACK_PATH, is_loopback, origin_of
from app.vault import Store, Vault, store_of
from app.vault.original import CONNECTION, is_original

TIMEOUT_S = 5.0
LIMIT_S = 20.0
SKEW_S = 60.0
NGROK = "http://127.0.0.1:4040/api/tunnels"
OURA = ("oura_client_id", "oura_client_secret", "oura_redirect_uri")
PORTALS = "developer.ouraring.com (or cloud.ouraring.com/oauth/applications)"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look found; `mend` is for the person to act on, `note` is worth knowing."""

    state: Literal["ok", "mend", "note"]
    text: str


Check = Callable[[Settings], Iterator[Finding]]


def main(env_file: Path = ROOT / ".env") -> int:
    findings = examine(env_file)
    for finding in findings:
        print(f"{finding.state:<5} {finding.text}", flush=True)
    to_mend = sum(finding.state == "mend" for finding in findings)
    print(f"\n{to_mend} to mend." if to_mend else "\nNothing to mend.")
    return 1 if to_mend else 0


def examine(env_file: Path, env: Mapping[str, str] | None = None) -> list[Finding]:
    """Everything found. All that needs the network is asked at the same time and under one limit."""
    try:
        settings = Settings.load(env, env_file)
    except ConfigError as exc:
        hint = [] if env_file.exists() else [Finding("note", "There is no .env here: `make setup` writes one.")]
        return [*hint, *(Finding("mend", problem) for problem in exc.problems)]
    looks = [gevent.spawn(_list, check, settings) for check in CHECKS]
    gevent.joinall(looks, timeout=LIMIT_S)
    found = [Finding("ok", "Settings: the server can start with them."), *_file_mode(env_file)]
    for check, look in zip(CHECKS, looks, strict=True):
        found += look.value if look.successful() else [_unfinished(check, look)]
    gevent.killall(looks, block=False)
    return found


def _unfinished(check: Check, look: gevent.Greenlet[..., list[Finding]]) -> Finding:
    if look.exception is not None:
        return Finding("mend", f"{check.__doc__} This check itself failed ({type(look.exception).__name__}). Please report it.")
    return Finding("mend", f"{check.__doc__} Nothing answered within {LIMIT_S:.0f} s: does the network work?")


def _list(check: Check, settings: Settings) -> list[Finding]:
    return list(check(settings))


def _file_mode(env_file: Path) -> Iterator[Finding]:
    if env_file.exists() and stat.S_IMODE(env_file.stat().st_mode) & 0o027:  # its group may read it: a service's own
        yield Finding("mend", "Others on this machine can read .env, which holds secrets: chmod 600 .env")


# -- this machine ------------------------------------------------------------------------------------------------------


def store(settings: Settings) -> Iterator[Finding]:
    """The sealed records: usable, and opened by the key?"""
    try:
        held = store_of(settings)
        held.prepare()
        connected = Vault(held, Sealer(settings.encryption_keys, clock=time.time)).read(CONNECTION) is not None
        old = _sealed_with_older_keys(settings, held)
    except VaultError as exc:
        if _is_original(settings):
            yield Finding("note", f"{settings.token_file.name} is the original server's: the first `make run` takes it over.")
        else:
            yield Finding("mend", f"Store: {exc}")
        return
    yield Finding("ok", "Store: usable, and TOKEN_ENCRYPTION_KEY opens it.")
    if len(settings.encryption_keys) > 1:
        keep = f"{old} of the records still need an earlier key of TOKEN_ENCRYPTION_KEY: keep it for now."
        yield Finding(
            "note", keep if old else "Every record is sealed with the first key of TOKEN_ENCRYPTION_KEY: the others can go."
        )
    if not connected:
        yield Finding("note", f"No ring is connected yet: start the server and open {settings.redirect_origin}/ in a browser.")


def _sealed_with_older_keys(settings: Settings, held: Store) -> int:
    newest = Vault(held, Sealer(settings.encryption_keys[:1], clock=time.time))
    count = 0
    for purpose in (CONNECTION, CLIENTS, GRANTS):
        for owner in held.owners(purpose):
            try:
                newest.read(purpose, owner)
            except RecordUnreadableError:
                count += 1
    return count


def _is_original(settings: Settings) -> bool:
    return settings.database_url is None and is_original(settings.token_file, settings.encryption_keys)


def server(settings: Settings) -> Iterator[Finding]:
    """Is it running here, and does it get through to its own public address?"""
    here = f"http://{'localhost' if settings.bind in {'0.0.0.0', '::'} else settings.bind}:{settings.port}"  # noqa: S104
    running = _asked(f"{here}/healthz")
    if running is None:
        yield Finding("note", f"The server is not running on port {settings.port}: `make run` starts it.")
    elif _is_healthy(running):
        yield Finding("ok", f"Server: running on port {settings.port}.")
        yield from _token(f"{here}/oauth/status", settings)
    else:
        yield Finding("mend", f"Something else answers on port {settings.port}. Stop it, or set PORT to a free one.")
    yield from _public(settings, is_running=running is not None and _is_healthy(running))


def _token(url: str, settings: Settings) -> Iterator[Finding]:
    """Settings are read at the start, so that a change without a restart locks out whoever has the new token."""
    answer = _asked(url, Authorization=f"Bearer {settings.auth_token.get_secret_value()}")
    if answer is not None and answer.status_code == 401:
        yield Finding("mend", "The running server does not take the AUTH_TOKEN of these settings: restart it.")


def _public(settings: Settings, *, is_running: bool) -> Iterator[Finding]:
    url = settings.public_url
    if settings.public_url != settings.redirect_origin:
        yield Finding("note", f"Clients use {url}; sign-in and connecting run on {settings.redirect_origin}.")
    home = urlsplit(settings.redirect_origin)
    if home.scheme == "http" and is_loopback(home.hostname) and (home.port or 80) != settings.port:
        yield Finding(
            "mend",
            f"OURA_REDIRECT_URI leads browsers to {settings.redirect_origin}, and the server listens on port {settings.port}: "
            "make them agree, and register the address at Oura.",
        )
    if is_loopback(urlsplit(url).hostname):
        yield Finding("note", f"{url} can be reached from this machine alone. Poke, Claude and ChatGPT need a public address.")
        return
    if url.startswith("http://"):
        yield Finding("mend", f"{url} is not encrypted: whoever is on the way can read tokens and health data. Use https.")
    seen = _asked(f"{url}/healthz")
    if seen is None:
        yield Finding(
            "mend", f"{url} cannot be reached. Is the tunnel running, and is PUBLIC_URL (or OURA_REDIRECT_URI) its address?"
        )
    elif _is_healthy(seen):
        yield Finding("ok", f"{url} reaches a server of this kind.")
        yield from _host(url)
    elif is_running:
        yield Finding(
            "mend",
            f"{url} answers with HTTP {seen.status_code}, not with this server. Does the tunnel lead to port {settings.port}?",
        )
    else:
        yield Finding("note", f"{url} answers with HTTP {seen.status_code}; start the server and ask again.")


def _host(url: str) -> Iterator[Finding]:
    """/healthz answers any Host; /mcp only those that are allowed, and then asks for a token."""
    answer = _asked(f"{url}/mcp")
    if answer is not None and answer.status_code == 403:
        yield Finding("mend", f"The server refuses {url}: set PUBLIC_URL or ALLOWED_HOSTS to that host and restart it.")


def tunnel(settings: Settings) -> Iterator[Finding]:
    """ngrok, where it runs on this machine, against what `.env` says."""
    answer = _asked(NGROK)
    if answer is None or not answer.ok:
        return
    tunnels = [(origin_of(each["public_url"]), each["config"]["addr"]) for each in answer.json().get("tunnels", [])]
    for address, target in tunnels:
        if address in {settings.public_url, settings.redirect_origin}:
            if str(urlsplit(target).port or target) != str(settings.port):
                yield Finding("mend", f"ngrok leads {address} to {target}, and the server listens on port {settings.port}.")
            else:
                yield Finding("ok", f"ngrok leads {address} to this server.")
            return
    if tunnels:
        address = tunnels[0][0]
        yield Finding(
            "mend",
            f"ngrok's address is {address}, and .env says {settings.redirect_origin}. Register {address}{CALLBACK_PATH} at "
            f"{PORTALS}, put it into OURA_REDIRECT_URI, restart, and give clients the new address. "
            "A static domain (free) spares you this.",
        )


# -- Oura --------------------------------------------------------------------------------------------------------------


def application(settings: Settings) -> Iterator[Finding]:
    """Does Oura know our client id, secret and redirect URI?"""
    if not settings.oura_configured:
        missing = [name.upper() for name in OURA if not getattr(settings, name)]
        yield Finding("mend", f"{', '.join(missing)}: not set. Make an application at {PORTALS}, then run `make setup`.")
        return
    authorization = OuraAuthorization(settings, clock=time.time)
    try:
        if not settings.oura_token_url:
            endpoint = authorization.owning_endpoint()
            yield Finding("ok", f"Oura knows this client id and secret (at {urlsplit(endpoint).hostname}).")
    except GrantRefusedError:
        yield Finding("mend", f"Oura does not know OURA_CLIENT_ID with OURA_CLIENT_SECRET: compare both with {PORTALS}.")
        return
    except OuraUnavailableError:
        yield Finding("mend", "Oura's token endpoints cannot be reached from here, so the client id and secret are not checked.")
        return
    consent = _asked(authorization.consent("doctor").url)
    if consent is not None and (consent.status_code in {400, 401, 403, 404} or "error" in consent.headers.get("Location", "")):
        yield Finding(
            "mend", f"Oura refuses the redirect URI {settings.oura_redirect_uri}: register exactly this one at {PORTALS}."
        )
    elif consent is not None:
        yield Finding("ok", f"Oura's consent page does not object to the redirect URI {settings.oura_redirect_uri}.")


def reach(settings: Settings) -> Iterator[Finding]:
    """Can Oura's addresses be reached, and is our clock theirs?"""
    urls = [settings.oura_api_base_url, settings.oura_authorize_url, settings.oura_revoke_url]
    for address in dict.fromkeys(origin_of(url) for url in urls):
        sent_at = time.time()
        answer = _asked(address)
        if answer is None:
            yield Finding("mend", f"{address} cannot be reached from here: check the network, DNS and any firewall.")
            continue
        yield Finding("ok", f"{address} can be reached.")
        yield from _clock(answer, sent_at)


def _clock(answer: requests.Response, sent_at: float) -> Iterator[Finding]:
    try:
        theirs = parsedate_to_datetime(answer.headers.get("Date", "")).timestamp()
    except ValueError:
        return
    ahead = (sent_at + time.time()) / 2 - theirs
    if abs(ahead) > SKEW_S:
        way = "ahead" if ahead > 0 else "behind"
        yield Finding("mend", f"This machine's clock is {abs(ahead):.0f} s {way}: let it be set from the network (NTP).")


# -- asking ------------------------------------------------------------------------------------------------------------


def _asked(url: str, **headers: str) -> requests.Response | None:
    """What *url* answers, redirects not followed; None if nothing does."""
    with requests.Session() as session:
        session.trust_env = False  # as the server does
        session.headers.update({"ngrok-skip-browser-warning": "1", **headers})
        try:
            return session.get(url, timeout=TIMEOUT_S, allow_redirects=False)
        except requests.RequestException:
            return None


def _is_healthy(answer: requests.Response) -> bool:
    try:
        return answer.ok and answer.json() == {"status": "ok"}
    except ValueError:
        return False


CHECKS: tuple[Check, ...] = (store, application, reach, server, tunnel)

if __name__ == "__main__":
    sys.exit(main())
