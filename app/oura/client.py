"""Asks Oura's API: one pooled session, retries under the call's own deadline, a daily budget, and errors told apart.

Knows paths and parameters, not what the documents mean; a source hands it access tokens.
"""

from __future__ import annotations

import logging
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Final, Protocol

import gevent
import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from app import logs
from app.errors import (
    BudgetError,
    ConnectionNeededError,
    MembershipError,
    OuraError,
    OuraUnavailableError,
    RateLimitedError,
    ScopeMissingError,
)
from app.oura import wire
from app.oura.collections import Collection
from app.services import Deadline

if TYPE_CHECKING:
    from app.metrics import Metrics

CONNECT_TIMEOUT_S: Final = 3.05
READ_TIMEOUT_S: Final = 12.0  # a slow answer may still fill the cache, a hung one leaves time for a second attempt
ATTEMPTS: Final = 4
BACKOFF_S: Final = 0.3
MAX_BACKOFF_S: Final = 3.0
MAX_OBEYED_S: Final = 900.0
MAX_BODY_BYTES: Final = 32 << 20
MAX_PAGES: Final = 500
DAY_S: Final = 86_400
POOL_SIZE: Final = 18

SLOW: Final = "Oura did not answer in time. Ask again in a minute: what was already fetched is kept."
UNREACHABLE: Final = "Oura cannot be reached right now. The ring and the connection are not at fault; ask again in a few minutes."
DOWN: Final = (
    "Oura has a problem on its side right now. The ring and the connection are not at fault; ask again in a few minutes."
)
GARBLED: Final = "Oura answered with something that is not data (perhaps maintenance). Ask again in a few minutes."
LAPSED: Final = (
    "Oura refuses to hand out data for this account (HTTP 403). Most often the Oura membership has lapsed: "
    "check it in the Oura app, then ask again."
)
OLD_APP: Final = "The Oura app on the phone is too old to share this kind of data. Update the app, sync, then ask again."
OURS: Final = "This is a fault of this server or a change at Oura, not of the ring; a newer version of the server may help."

_MISSING_SCOPE: Final = re.compile(
    r"not authorized access (?:extapi:)?([A-Za-z0-9_]{1,40}) scope|(?:missing|insufficient)[\w ]{0,24}scope", re.IGNORECASE
)
_RENAMED_SCOPES: Final = {"spo2Daily": "spo2"}
_TRANSIENT: Final = frozenset({408, 425, 500, 502, 503, 504, 520, 521, 522, 523, 524})

_logger = logging.getLogger(__name__)


class TokenSource(Protocol):
    """Where access tokens come from. Both calls raise ConnectionNeededError when a person must connect (again)."""

    def access_token(self, deadline: Deadline) -> str: ...

    def rejected(self, token: str, deadline: Deadline) -> str:
        """Oura said 401 to *token*: return a new one."""
        ...

    def refused(self) -> ConnectionNeededError:
        """Oura said 401 to the new one too: what the caller is told to do."""
        ...


class PagesRepeatError(OuraUnavailableError):
    """Oura's pages lead in a circle or never end: what came so far is real, but nobody knows what is missing."""


class NoSuchRouteError(OuraUnavailableError):
    """404: lists without rows are 200, so Oura has no such collection (any more)."""


class _Timeout(Exception):  # an Exception, unlike gevent.Timeout itself, so that every handler on the way sees it
    """One attempt took longer than it may."""


class _TokenRejectedError(Exception):
    """401 for another reason than a missing scope."""


class _FaultError(Exception):
    """An attempt that may be repeated; *error* is what a reader gets if it may not."""

    def __init__(self, error: OuraError, *, wait_s: float | None = None) -> None:
        self.error = error
        self.wait_s = wait_s
        super().__init__(str(error))


@dataclass(frozen=True, slots=True)
class _Request:
    collection: Collection
    params: Mapping[str, str]
    decode: Callable[[str], wire.Page]


class OuraClient:
    """One per application. *sleep* is replaced in tests."""

    def __init__(
        self,
        base_url: str,
        source: TokenSource,
        *,
        metrics: Metrics | None = None,
        clock: Callable[[], float] = time.time,
        daily_limit: int = 5000,
        sleep: Callable[[float], object] = gevent.sleep,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._source = source
        self._metrics = metrics
        self._clock = clock
        self._daily_limit = daily_limit
        self._sleep = sleep
        self._session = _session()
        self._budget_day = 0
        self._spent = 0
        self._limited_until = 0.0  # time.monotonic

    @property
    def spent(self) -> int:
        """Attempts made in this UTC day."""
        return self._spent if self._budget_day == int(self._clock() // DAY_S) else 0

    @property
    def daily_limit(self) -> int:
        return self._daily_limit

    def pages(self, collection: Collection, params: Mapping[str, str], *, deadline: Deadline) -> Iterator[wire.Page]:
        """Yield every page of *collection* for *params*.

        Raises OuraError (one kind for each thing that can be wrong), ConnectionNeededError, and PagesRepeatError after the last
        page that was new.
        """
        request = _Request(collection, params, wire.bare_document if collection.is_bare else wire.page)
        seen: set[str] = set()
        while True:
            page = self._ask(request, deadline)
            yield page
            token = page.next_token
            if token is None:
                return
            if token in seen or len(seen) >= MAX_PAGES:
                logs.event(_logger, "oura.pages_repeat", level=logging.WARNING, collection=collection.name, pages=len(seen) + 1)
                raise PagesRepeatError("Oura's pages lead in a circle, so some of this may be missing. Ask for a shorter range.")
            seen.add(token)
            request = _Request(collection, {**params, "next_token": token}, request.decode)

    def _ask(self, request: _Request, deadline: Deadline) -> wire.Page:
        """Return one page; an access token that Oura rejects is renewed once."""
        token = self._source.access_token(deadline)
        try:
            return self._persist(request, token, deadline)
        except _TokenRejectedError:
            token = self._source.rejected(token, deadline)
        try:
            return self._persist(request, token, deadline)
        except _TokenRejectedError as exc:
            raise self._source.refused() from exc

    def _persist(self, request: _Request, token: str, deadline: Deadline) -> wire.Page:
        """Repeat what may be repeated, with full jitter, as long as the deadline allows."""
        for attempt in range(1, ATTEMPTS + 1):
            self._obey_limit(deadline)
            try:
                return self._attempt(request, token, deadline)
            except _FaultError as fault:
                backoff_s = min(MAX_BACKOFF_S, BACKOFF_S * 2 ** (attempt - 1))
                wait_s = random.uniform(0, backoff_s) if fault.wait_s is None else fault.wait_s  # noqa: S311 - spreads load
                if attempt == ATTEMPTS or wait_s >= _patience_s(deadline):
                    raise fault.error from fault
                self._sleep(wait_s)
        raise AssertionError("unreachable")

    def _obey_limit(self, deadline: Deadline) -> None:
        """Wait as long as Oura's last 429 asked for, whichever call it hit."""
        left_s = self._limited_until - time.monotonic()
        if left_s <= 0:
            return
        if left_s >= _patience_s(deadline):
            raise _rate_limited(left_s)
        self._sleep(left_s)

    def _attempt(self, request: _Request, token: str, deadline: Deadline) -> wire.Page:
        left_s = deadline.hard_left_s()
        if left_s <= 0:
            raise OuraUnavailableError(SLOW)
        self._spend()
        name = request.collection.name
        try:
            with gevent.Timeout(left_s, _Timeout):  # a sender that dribbles resets the read time-out for ever
                response, body = self._exchange(request, token, left_s)
        except (_Timeout, requests.Timeout) as exc:
            self._count(name, "timeout")
            raise _FaultError(OuraUnavailableError(SLOW)) from exc
        except requests.ConnectionError as exc:
            self._count(name, "unreachable")
            slow = "timed out" in str(exc)  # requests' word for a read time-out in the middle of a body
            raise _FaultError(OuraUnavailableError(SLOW if slow else UNREACHABLE)) from exc
        except requests.RequestException as exc:
            self._count(name, "broken")
            raise _FaultError(OuraUnavailableError(GARBLED)) from exc
        self._count(name, response.status_code)
        if response.status_code != 200:
            raise self._refusal(response, body, request.collection)
        try:
            return request.decode(body.decode("utf-8-sig"))
        except (ValueError, RecursionError) as exc:
            raise _FaultError(OuraUnavailableError(GARBLED)) from exc

    def _exchange(self, request: _Request, token: str, left_s: float) -> tuple[requests.Response, bytes]:
        with self._session.get(
            self._base_url + request.collection.path,
            params=request.params,
            headers={"Authorization": f"Bearer {token}"},
            timeout=(min(CONNECT_TIMEOUT_S, left_s), min(READ_TIMEOUT_S, left_s)),
            allow_redirects=False,
            stream=True,
        ) as response:
            body = bytearray()
            for chunk in response.iter_content(1 << 16):
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    raise requests.exceptions.ContentDecodingError("larger than any page")
            return response, bytes(body)

    def _refusal(self, response: requests.Response, body: bytes, collection: Collection) -> Exception:
        """Return what to raise for an answer that is not 200. Bodies are read for their meaning and never quoted."""
        status = response.status_code
        logs.event(_logger, "oura.refused", level=logging.WARNING, collection=collection.name, status=status)
        if status == 401:
            missing = _MISSING_SCOPE.search(body[:2000].decode("utf-8", "replace"))
            if missing is None:
                return _TokenRejectedError()
            scope = missing[1] or collection.scope  # in other words than Oura's usual ones: then the one that opens this
            return ScopeMissingError(_RENAMED_SCOPES.get(scope, scope))
        if status == 429:
            wait_s = _retry_after_s(response.headers.get("Retry-After"), self._clock())
            if wait_s is not None:
                self._limited_until = max(self._limited_until, time.monotonic() + min(wait_s, MAX_OBEYED_S))
            return _FaultError(_rate_limited(wait_s), wait_s=wait_s)
        if status in _TRANSIENT or status >= 500:
            return _FaultError(OuraUnavailableError(DOWN))
        if status == 403:
            return MembershipError(LAPSED)
        kind = NoSuchRouteError if status == 404 else OuraUnavailableError
        return kind(OLD_APP if status == 426 else f"Oura did not accept how this server asked (HTTP {status}). {OURS}")

    def _spend(self) -> None:
        today = int(self._clock() // DAY_S)
        if today != self._budget_day:
            self._budget_day, self._spent = today, 0
        if self._spent >= self._daily_limit:
            raise BudgetError(
                f"This server has made the {self._daily_limit} requests to Oura that it allows itself in a day "
                "(OURA_DAILY_LIMIT). It asks again after 00:00 UTC; until then only days that are already held can be answered."
            )
        self._spent += 1

    def _count(self, collection: str, status: int | str) -> None:
        if self._metrics is not None:
            self._metrics.oura_request(collection, status)


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # a ~/.netrc would replace our Authorization header
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
    session.headers["Accept"] = "application/json"
    adapter = HTTPAdapter(pool_connections=1, pool_maxsize=POOL_SIZE, max_retries=Retry(total=0, read=False, redirect=False))
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _patience_s(deadline: Deadline) -> float:
    """Return how long a wait makes sense: while somebody waits for the answer, a wait past the soft deadline helps nobody."""
    return deadline.soft_left_s() or deadline.hard_left_s()


def _rate_limited(wait_s: float | None) -> RateLimitedError:
    when = "in a few minutes" if wait_s is None else f"in {max(1, round(wait_s))} seconds"
    return RateLimitedError(f"Oura limits how often it may be asked. Ask again {when}.", retry_after_s=wait_s)


def _retry_after_s(header: str | None, now: float) -> float | None:
    """Read `Retry-After`: seconds or an HTTP date; anything else is as good as absent."""
    if header is None:
        return None
    if header.strip().isdecimal() and len(header) < 10:
        return float(header)
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - now)
    except (ValueError, OverflowError):
        return None
