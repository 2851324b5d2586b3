"""Everything about the simulated Oura that a test or the demo may turn, and the faults it can be told to have.

The same names are constructor arguments of the simulator and keys of `POST /_sim/knobs`. Unknown names and types are refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, fields, replace
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from app.simulator.replies import (
    HTML,
    TOKEN_EXPIRED,
    TOKEN_REVOKED,
    Reply,
    html_error,
    rate_limited,
    server_error,
    token_rejected,
)

SCOPES = (
    "email",
    "personal",
    "daily",
    "heartrate",
    "workout",
    "tag",
    "session",
    "spo2",
    "heart_health",
    "stress",
    "ring_configuration",
)
AtLeastOne = Annotated[int, Field(ge=1)]
_STRICT = ConfigDict(extra="forbid", hide_input_in_errors=True)
Kind = Literal[
    "rate_limited",  # 429 with its five headers
    "server_error",  # `status` (500) as JSON
    "html_error",  # `status` (502) as CloudFront's page
    "not_json",  # 200, and a page
    "truncated",  # 200, and half of the JSON, as a whole answer
    "dropped",  # the connection breaks in the middle of the body
    "slow",  # the right answer, `delay_s` late
    "drip",  # the right answer, a byte every `delay_s`
    "token_expired",  # 401 as for an expired access token
    "token_revoked",  # 401 as for a revoked one
    "redirect",  # 302 to another place
    "lost",  # the work is done (a code or a refresh token is used up) and the answer is a 502
]
_TOKEN_FAULTS = {"token_expired": TOKEN_EXPIRED, "token_revoked": TOKEN_REVOKED}


@dataclass(slots=True, config=_STRICT)
class Fault:
    """One thing that goes wrong.

    *on*: a collection's name, `data` (any of them), `token` or `revoke`. It lets the first *after* requests
    pass and strikes *times* times (None: for ever).
    """

    kind: Kind
    on: str = "data"
    times: int | None = 1
    after: int = 0
    status: int | None = None
    retry_after_s: int = 1
    delay_s: float = 0.0
    tier: str = "access_token"

    def strikes(self, target: str) -> bool:
        """Whether it strikes now, and count it."""
        if self.on != target and not (self.on == "data" and target not in {"token", "revoke"}):
            return False
        if self.after > 0:
            self.after -= 1
            return False
        if self.times is None:
            return True
        if self.times < 1:
            return False
        self.times -= 1
        return True

    def instead(self, now: float) -> Reply | None:
        """The answer given in place of any work; None where the work is done first."""
        if self.kind == "rate_limited":
            return rate_limited(now, limit=5000, window_s=300, retry_after_s=self.retry_after_s, tier=self.tier)
        if self.kind == "server_error":
            return server_error(self.status or 500)
        if self.kind == "html_error":
            return html_error(self.status or 502)
        if self.kind in _TOKEN_FAULTS:
            return token_rejected(_TOKEN_FAULTS[self.kind])
        if self.kind == "redirect":
            return Reply(302, b"", headers={"Location": "/maintenance"})
        return None

    def spoil(self, reply: Reply) -> Reply:
        """What becomes of the answer after the work was done."""
        if self.kind == "lost":
            return html_error(self.status or 502)
        if self.kind == "not_json":
            return Reply(200, b"<!DOCTYPE html><title>Oura</title><p>We will be right back.</p>", content_type=HTML)
        half = len(reply.body) // 2
        changes: dict[str, Any] = {
            "truncated": {"body": reply.body[:half]},
            "dropped": {"cut_after": half},
            "slow": {"delay_s": self.delay_s},
            "drip": {"drip_s": self.delay_s},
        }
        return replace(reply, **changes.get(self.kind, {}))


@dataclass(slots=True, config=_STRICT)
class Knobs:
    """What may be turned.

    *token_endpoint* says which token URL owns the client: "api" (`/oauth/token`) or "moi" (`/oauth/v2/ext/oauth-token`).
    *approved_scopes* and *account* are what auto-approval grants, and for whom. *portal_scopes* are those the client has.
    *page_size* None gives documents whole, as Oura mostly does; *stuck_paging* gives a page whose token leads to itself.
    *app_opened_at* (epoch seconds) holds back sleep, and what is made of it, that ended later. *recomputed_days*
    have a sleep score other than at first.
    """

    token_endpoint: Literal["api", "moi"] = "api"  # noqa: S105 - a name, not a token
    redirect_uris: Sequence[str] = ()
    auto_approve: bool = False
    account: str | None = None
    approved_scopes: Sequence[str] | None = None
    portal_scopes: Sequence[str] = SCOPES
    scope_prefix: bool = True
    scope_in_callback: bool = True
    scope_in_token: bool = True
    misdirected_code_is_burnt: bool = True
    access_token_ttl_s: int = 86_400
    page_size: AtLeastOne | None = None
    stuck_paging: bool = False
    heart_page_size: AtLeastOne = 1000
    heart_window_days: int | None = None
    rate_limit: AtLeastOne = 5000
    rate_window_s: AtLeastOne = 300
    latency_s: float = 0.0
    membership_lapsed: bool = False
    app_opened_at: float | None = None
    recomputed_days: Sequence[date] = ()
    clock_offset_s: float = 0.0
    faults: list[Fault] = field(default_factory=list)

    @property
    def new_portal(self) -> bool:
        """Whether the client was registered where answers carry `iss`, `id_token` and `scope`."""
        return self.token_endpoint == "moi"  # noqa: S105 - a name, not a token

    def turn(self, changes: Mapping[str, Any]) -> None:
        """Set knobs by name. Raises ValueError, and changes nothing, where a name or a value is not one."""
        known = {knob.name for knob in fields(self)}
        if not known.issuperset(changes):
            raise ValueError(f"no such knob; known: {', '.join(sorted(known))}")
        trial = replace(self, **changes)
        for name in changes:
            setattr(self, name, getattr(trial, name))

    def fault_for(self, target: str) -> Fault | None:
        return next((fault for fault in self.faults if fault.strikes(target)), None)
