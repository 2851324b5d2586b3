"""One simulated Oura: its accounts, its authorization server, its knobs, its clock and its journal."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from app.simulator.catalogue import Archive
from app.simulator.consent import Client, Grant, Ledger, bare
from app.simulator.journal import Journal
from app.simulator.knobs import SCOPES, Knobs
from app.simulator.life import Life
from app.simulator.personas import PERSONAS, Persona
from app.simulator.ranges import Pages
from app.simulator.replies import Refusal, rate_limited
from app.simulator.sync import Sync


class World:
    """Built once for each simulator. *personas* are keys of PERSONAS or a test's own; the first is the default account."""

    def __init__(self, *, personas: Sequence[str | Persona], clock: Callable[[], float], client: Client, knobs: Knobs) -> None:
        self._clock = clock
        self.knobs = knobs
        today = datetime.fromtimestamp(clock(), UTC).date()
        people = [PERSONAS[persona] if isinstance(persona, str) else persona for persona in personas]
        self.archives = {person.key: Archive(Life(person.settled(today))) for person in people}
        self.ledger = Ledger(client, knobs, self.now)
        self.journal = Journal()
        self.pages = Pages()
        self._spent: dict[int, tuple[int, int]] = {}

    def now(self) -> float:
        return self._clock() + self.knobs.clock_offset_s

    @property
    def sync(self) -> Sync:
        return Sync(self.now(), self.knobs.app_opened_at, frozenset(self.knobs.recomputed_days))

    @property
    def default_account(self) -> str:
        chosen = self.knobs.account
        return chosen if chosen in self.archives else next(iter(self.archives))

    def charge(self, grant: Grant) -> None:
        """Count a data request against the token's window; raises Refusal (429) over the limit."""
        knobs, now = self.knobs, self.now()
        window = int(now // knobs.rate_window_s)
        since, count = self._spent.get(id(grant), (window, 0))
        count = count + 1 if since == window else 1
        self._spent = {key: spent for key, spent in self._spent.items() if spent[0] == window}
        self._spent[id(grant)] = (window, count)
        if count > knobs.rate_limit:
            left = max(1, int((window + 1) * knobs.rate_window_s - now))
            raise Refusal(
                rate_limited(now, limit=knobs.rate_limit, window_s=knobs.rate_window_s, retry_after_s=left, tier="access_token")
            )

    def grant(self, scopes: Iterable[str] | None = None, account: str | None = None) -> dict[str, Any]:
        """A consent without a browser: the token answer an exchange would have given."""
        if account is not None and account not in self.archives:
            raise ValueError("no such account")
        allowed = frozenset(bare(scope) for scope in (SCOPES if scopes is None else scopes))
        issued: dict[str, Any] = json.loads(self.ledger.issue(Grant(account or self.default_account, allowed)).body)
        return issued
