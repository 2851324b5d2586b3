"""The data API below HTTP: who asks, which rows, which page, which fields."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Protocol

from app.simulator.catalogue import COLLECTIONS, SERIES, Archive, compact
from app.simulator.consent import Grant
from app.simulator.events import personal_info
from app.simulator.plan import DAY, DAY_S
from app.simulator.ranges import bounds, flag
from app.simulator.replies import Refusal, Reply, document_not_found, json_reply, membership_lapsed, not_found, scope_missing
from app.simulator.sync import Sync
from app.simulator.timeline import midnight_utc, utc_date
from app.simulator.world import World

_LATEST_LOOKS_BACK = 60  # days


class _Packed(Protocol):
    @property
    def times(self) -> Any: ...

    def row(self, index: int) -> dict[str, Any]: ...


def collection_reply(world: World, name: str, query: Mapping[str, str], authorization: str | None) -> Reply:
    """Answer `GET /v2/usercollection/{name}`. Raises Refusal."""
    grant = _admitted(world, name, authorization)
    archive = world.archives[grant.account]
    if name == "personal_info":
        return json_reply(200, personal_info(archive.life, world.now(), grant.scopes))
    if name in SERIES:
        return _series_page(world, archive, name, query, grant)
    return _document_page(world, archive, name, query, grant)


def document_reply(world: World, name: str, document_id: str, authorization: str | None) -> Reply:
    """Answer `GET /v2/usercollection/{name}/{id}`. Raises Refusal."""
    if name not in COLLECTIONS:
        raise Refusal(not_found())
    grant = _admitted(world, name, authorization)
    row = world.archives[grant.account].by_id(name, document_id, world.sync)
    return document_not_found() if row is None else Reply(200, row.text.encode())


def _admitted(world: World, name: str, authorization: str | None) -> Grant:
    """The grant that asks; token first, then rate, scope and membership."""
    if name not in COLLECTIONS and name not in SERIES and name != "personal_info":
        raise Refusal(not_found())
    grant = world.ledger.bearer(authorization)
    world.charge(grant)
    scope = SERIES.get(name) or (COLLECTIONS[name].scope if name in COLLECTIONS else None)
    if scope is not None and scope not in grant.scopes:
        raise Refusal(scope_missing(scope))
    if world.knobs.membership_lapsed and name != "personal_info":
        raise Refusal(membership_lapsed())
    return grant


def _subject(name: str, query: Mapping[str, str], grant: Grant) -> str:
    """What a page token is bound to: the account and everything asked but the token itself."""
    return compact([grant.account, name, sorted((key, value) for key, value in query.items() if key != "next_token")])


def _document_page(world: World, archive: Archive, name: str, query: Mapping[str, str], grant: Grant) -> Reply:
    subject, offset = _subject(name, query, grant), 0
    start, end = bounds(query, ("start_date", "end_date"), world.now()) if COLLECTIONS[name].anchor else (0.0, 0.0)
    if "next_token" in query:
        offset, start, end = world.pages.position(subject, query["next_token"])
    rows = archive.between(name, start, end, world.sync)
    last = len(rows) if world.knobs.page_size is None else offset + world.knobs.page_size
    chosen = _chosen(query.get("fields", "")) if COLLECTIONS[name].selects_fields else frozenset()
    texts = [_projected(json.loads(row.text), chosen, "id") if chosen else row.text for row in rows[offset:last]]
    if world.knobs.stuck_paging:
        last = offset
    token = world.pages.token(subject, last, start, end) if last < len(rows) else None
    return _envelope(texts, token)


def _series_page(world: World, archive: Archive, name: str, query: Mapping[str, str], grant: Grant) -> Reply:
    subject, chosen = _subject(name, query, grant), _chosen(query.get("fields", ""))
    start, end = bounds(query, ("start_datetime", "end_datetime"), world.now())
    days = world.knobs.heart_window_days
    if days is not None and end - start > days * DAY_S:
        raise Refusal(json_reply(400, {"detail": f"The time range is limited to {days} days."}))
    if flag(query, "latest"):
        newest = _newest(archive, name, world.sync)
        return _envelope([_projected(newest, chosen, "timestamp")] if newest else [], None)
    if "next_token" in query:
        _, start, end = world.pages.position(subject, query["next_token"])
    size, token = world.knobs.heart_page_size, None
    texts: list[str] = []
    for at, row in _samples(archive, name, start, end, world.sync):
        if len(texts) == size:
            token = world.pages.token(subject, 0, start if world.knobs.stuck_paging else float(at), end)
            break
        texts.append(_projected(row, chosen, "timestamp"))
    return _envelope(texts, token)


def _samples(archive: Archive, name: str, start: float, end: float, sync: Sync) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rows of a time series with start <= timestamp <= end, oldest first, as far as they were synced."""
    end = min(end, sync.synced_at)
    start = max(start, float(midnight_utc(archive.life.first_day)))
    if start > end:
        return
    day = utc_date(start)
    while midnight_utc(day) <= end:
        rows = _of_day(archive, name, day)
        for index, at in enumerate(rows.times):
            if start <= at <= end:
                yield at, rows.row(index)
        day += DAY


def _newest(archive: Archive, name: str, sync: Sync) -> dict[str, Any] | None:
    day = utc_date(sync.synced_at)
    for n in range(_LATEST_LOOKS_BACK):
        rows = _of_day(archive, name, day - n * DAY)
        past = [index for index, at in enumerate(rows.times) if at <= sync.synced_at]
        if past:
            return rows.row(past[-1])
    return None


def _of_day(archive: Archive, name: str, day: date) -> _Packed:
    return archive.life.heart(day) if name == "heartrate" else archive.life.battery(day)


def _chosen(fields: str) -> frozenset[str]:
    return frozenset(name.strip() for name in fields.split(",") if name.strip())


def _projected(document: Mapping[str, Any], chosen: frozenset[str], always: str) -> str:
    """The chosen fields as JSON; unknown names are ignored, and where all are unknown the whole record comes back."""
    if not any(name in document for name in chosen):
        return compact(document)
    return compact({key: value for key, value in document.items() if key in chosen or key == always})


def _envelope(texts: list[str], token: str | None) -> Reply:
    return Reply(200, f'{{"data":[{",".join(texts)}],"next_token":{compact(token)}}}'.encode())
