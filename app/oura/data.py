"""Days of Oura data as tools ask for them: in the wearer's days, always with what they cover."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from app.errors import ArgumentError, ConnectionNeededError, MembershipError, ScopeMissingError
from app.oura.answers import Answer, Fetched, HeartRateAnswer, Profile
from app.oura.cache import DAYLESS, DayCache
from app.oura.client import OuraClient
from app.oura.days import EARLIEST_ZONE, LATEST_ZONE, WIDEST_OFFSETS, Dates, Span
from app.oura.documents import newest_first
from app.oura.heart import HeartSamples, joined, utc_day, utc_midnight
from app.oura.holdings import Here, Holdings, Progress
from app.oura.zones import ASSUMED_UTC, LOOKUP_DAYS, TELLING, WearerZone, Zone
from app.services import Deadline

if TYPE_CHECKING:
    from app.metrics import Metrics

_DAY: Final = timedelta(days=1)


class OuraData:
    """What tools see of Oura; one per application. `on_change` hears which held days a fetch has changed."""

    def __init__(
        self,
        client: OuraClient,
        cache: DayCache,
        *,
        clock: Callable[[], float] = time.time,
        user_timezone: str = "",
        cache_ttl_s: float = 300,
        metrics: Metrics | None = None,
    ) -> None:
        self._client = client
        self._cache = cache
        self._clock = clock
        self._zone = WearerZone(user_timezone)
        self.on_change: list[Callable[[frozenset[date]], None]] = []
        self._holdings = Holdings(
            client,
            cache,
            clock=clock,
            cache_ttl_s=cache_ttl_s,
            metrics=metrics,
            on_rows=self._learn_zone,
            on_change=self._tell,
        )

    def query(
        self,
        collections: Sequence[str],
        dates: Dates,
        *,
        deadline: Deadline,
        refresh: bool = False,
        progress: Progress | None = None,
    ) -> Answer:
        """Return the rows of *collections* (names of `collections.COLLECTIONS`) for *dates*.

        One collection's failure lands in its `Fetched.error`; if all fail and nothing is held, the first one's error is raised.
        Raises ArgumentError (bad dates), ConnectionNeededError, OuraError.
        """
        now = self._clock()
        zone = self._zone.current(now)
        if zone is not None:
            today = zone.today(now)
            period = dates.period(today, zone.tz)
            days = wanted = _days(period.first, period.end)
        else:
            wanted = _widest(dates, now)
        here = self._obtain(
            dict.fromkeys(collections, wanted), zone, now, deadline=deadline, is_refresh=refresh, progress=progress
        )
        if zone is None:
            zone = self._settled_zone(here, now)
            today = zone.today(now)
            period = dates.period(today, zone.tz)
            days = _days(period.first, period.end)
        fetched = {name: here[name].fetched(days) for name in collections}
        _raise_if_nothing(list(fetched.values()), days)
        asked = days[(period.start - period.first).days :] if period.first != period.start else days
        return Answer(period.start, period.end, period.first, asked, zone, today, period.notes, fetched, self._holdings.era)

    def heart_rate(
        self, span: Span, *, deadline: Deadline, refresh: bool = False, progress: Progress | None = None
    ) -> HeartRateAnswer:
        """Return every sample of *span*. Raises ArgumentError, ConnectionNeededError, OuraError (if nothing is here)."""
        now = self._clock()
        zone = self._zone.current(now)
        window = span.window(now, zone.tz if zone is not None else EARLIEST_ZONE, is_zone_sure=zone is not None)
        last = window.end + WIDEST_OFFSETS if zone is None and span.needs_zone() else window.end
        wanted = _utc_days(window.start.timestamp(), min(last.timestamp(), now + 1))
        here = self._obtain({"heartrate": wanted}, zone, now, deadline=deadline, is_refresh=refresh, progress=progress)
        if zone is None:
            zone = self._settled_zone(here, now)
            window = span.window(now, zone.tz)
        days = _utc_days(window.start.timestamp(), window.end.timestamp())
        _raise_if_nothing([here["heartrate"].covered(days, tuple(here["heartrate"].doubtful))], days)
        return self._heart_rate_answer(here["heartrate"], (window.start, window.end), days, zone, notes=window.notes)

    def heart_rate_within(
        self, windows: Sequence[tuple[datetime, datetime]], *, deadline: Deadline, progress: Progress | None = None
    ) -> HeartRateAnswer:
        """Return the samples of the days that *windows* (aware datetimes) touch, newest first until the soft deadline.

        `covers(start, end)` tells which windows are known, `error` why others are not; ConnectionChangedError is raised if the
        connection was changed meanwhile.
        """
        now = self._clock()
        zone = self._zone.current(now) or ASSUMED_UTC
        windows = [(start, end) for start, end in windows if start.timestamp() < min(end.timestamp(), now)]
        wanted: set[date] = set()
        for start, end in windows:
            wanted.update(_utc_days(start.timestamp(), min(end.timestamp(), now + 1)))
        here = self._holdings.obtain({"heartrate": sorted(wanted)}, zone.today(now), deadline=deadline, progress=progress)
        moment = datetime.fromtimestamp(now, zone.tz)
        start = min((start for start, _ in windows), default=moment)
        end = max((end for _, end in windows), default=moment)
        return self._heart_rate_answer(here["heartrate"], (start, end), sorted(wanted), zone)

    def profile(self, *, deadline: Deadline, refresh: bool = False) -> Profile:
        """Return the wearer and the rings. Raises ConnectionNeededError, or OuraError if both parts fail alike."""
        wants = {"personal_info": [DAYLESS], "ring_configuration": [DAYLESS]}
        here = self._holdings.obtain(wants, self.today(), deadline=deadline, is_refresh=refresh)
        person, rings = (here[name].fetched([DAYLESS]) for name in wants)
        _raise_if_nothing([person, rings], [DAYLESS])
        times = [part.fetched_at for part in (person, rings) if part.fetched_at is not None]
        return Profile(
            person.rows[0] if person.rows else None,
            person.error,
            newest_first(rings.rows) if rings.known else None,
            rings.error,
            stale=bool(person.stale or rings.stale),
            partial=person.partial or rings.partial,
            fetched_at=min(times, default=None),
            zone=self._zone.current(self._clock()) or ASSUMED_UTC,
        )

    def today(self) -> date:
        """Return the wearer's day as far as it is known; nothing is fetched for it."""
        now = self._clock()
        return (self._zone.current(now) or ASSUMED_UTC).today(now)

    def clear(self) -> None:
        """Forget everything, fetches under way included: the connection was cut or is another person's now."""
        self._holdings.clear()
        self._zone.clear()

    def stats(self) -> dict[str, Any]:
        """Return numbers about the cache and the budget: no health values."""
        flights = self._holdings.flights
        return {
            "cache_days": self._cache.days,
            "cache_bytes": self._cache.nbytes,
            "cache_max_bytes": self._cache.max_bytes,
            "fetches_under_way": flights.under_way,
            "requests_today": self._client.spent,
            "requests_limit": self._client.daily_limit,
            "unreadable_documents": flights.unreadable,
            "last_error": flights.last_error[0] if flights.last_error else None,
            "last_error_at": flights.last_error[1] if flights.last_error else None,
        }

    def _tell(self, changed: frozenset[date]) -> None:
        for listener in self.on_change:
            listener(changed)

    # -- where the wearer is -------------------------------------------------------------------------------------------

    def _obtain(
        self,
        wants: Mapping[str, list[date]],
        zone: Zone | None,
        now: float,
        *,
        deadline: Deadline,
        is_refresh: bool,
        progress: Progress | None,
    ) -> dict[str, Here]:
        """Obtain *wants* and, beside them and not before them, what tells the wearer's zone if that is not known."""
        if zone is None:
            today = ASSUMED_UTC.today(now)
            telling = set(_days(today - LOOKUP_DAYS * _DAY, today + _DAY))
            wants = {**wants, **{name: sorted(telling.union(wants.get(name, ()))) for name in TELLING}}
        today = (zone or ASSUMED_UTC).today(now)
        return self._holdings.obtain(wants, today, deadline=deadline, is_refresh=is_refresh, progress=progress)

    def _settled_zone(self, here: Mapping[str, Here], now: float) -> Zone:
        is_complete = True
        for name in TELLING:
            self._zone.observe((row for entry in here[name].entries.values() for row in entry.rows), now)
            lasting = all(isinstance(error, ScopeMissingError | MembershipError) for error in here[name].errors.values())
            is_complete = is_complete and lasting and not here[name].pending
        return self._zone.settle(now, is_complete=is_complete)

    def _learn_zone(self, collection: str, rows: Iterable[object]) -> None:
        if collection in TELLING:
            self._zone.observe(rows, self._clock())

    # -- heart rate ----------------------------------------------------------------------------------------------------

    def _heart_rate_answer(
        self,
        here: Here,
        span: tuple[datetime, datetime],
        days: Sequence[date],
        zone: Zone,
        *,
        notes: tuple[str, ...] = (),
    ) -> HeartRateAnswer:
        start, end = span
        part = here.covered(days)
        merged = {**here.doubtful, **here.entries}
        held = [rows for day in days if day in merged and isinstance(rows := merged[day].rows, HeartSamples)]
        samples = joined(held, self._holdings.flights.sources.names).between(start.timestamp(), end.timestamp())
        return HeartRateAnswer(
            start,
            end,
            samples,
            zone,
            zone.today(self._clock()),
            part.known,
            notes,
            part.stale,
            part.fetched_at,
            part.error,
            part.partial,
            max(start, datetime.fromtimestamp(utc_midnight(part.resume_from), zone.tz)) if part.resume_from else None,
            min(end, datetime.fromtimestamp(utc_midnight(part.resume_to + _DAY), zone.tz)) if part.resume_to else None,
            self._holdings.era,
        )


def _widest(dates: Dates, now: float) -> list[date]:
    """Return days that contain the ones meant wherever the wearer is. Raises ArgumentError if they would be wrong everywhere.

    A year that ends today is a day too long where tomorrow has begun, so the last zone is asked before anything is refused.
    """
    tomorrow = datetime.fromtimestamp(now, EARLIEST_ZONE).date()
    try:
        widest = dates.period(tomorrow, EARLIEST_ZONE)
    except ArgumentError as exc:
        try:
            widest = dates.period(datetime.fromtimestamp(now, LATEST_ZONE).date(), LATEST_ZONE)
        except ArgumentError:
            raise exc from None
    return _days(widest.first - 2 * _DAY, min(widest.end + 2 * _DAY, tomorrow))


def _days(first: date, last: date) -> list[date]:
    return [date.fromordinal(n) for n in range(first.toordinal(), last.toordinal() + 1)]


def _utc_days(start: float, end: float) -> list[date]:
    """Return the UTC days of start ≤ time < end."""
    return _days(utc_day(start), utc_day(end - 1))


def _raise_if_nothing(parts: Sequence[Fetched[Any]], days: Sequence[date]) -> None:
    """Raise what a person must mend before the missing days can be had, or the first error if every part has one and no rows."""
    for part in parts:
        if isinstance(part.error, ConnectionNeededError) and len(part.known) < len(days):
            raise part.error
    errors = [part.error for part in parts if part.error is not None and not part.known and not part.rows]
    if parts and len(errors) == len(parts):
        raise errors[0]
