"""Every error this application raises on purpose, in one tree.

    AppError
    ├── ConfigError                     the environment cannot be served from; lists every problem
    ├── AuthError                       who is calling is unknown (401, with its challenge)
    ├── ForbiddenError                  known, but not allowed here (403)
    ├── RateExceededError               too many requests from this address (429, with its wait)
    ├── BodyError                       the body is too large or does not arrive (413, 408)
    ├── GrantRefusedError               Oura's token endpoint said no, with its RFC 6749 code
    ├── AccessRefusedError              our own OAuth front door says no to an MCP client, with its RFC 6749 code
    ├── RpcError                        a JSON-RPC error object
    ├── VaultError                      sealed records
    │   ├── RecordUnreadableError       a record exists and no key opens it
    │   └── StoreUnavailableError       the folder or the database cannot be used
    └── ToolError                       a tool result with `isError`, in words a model can act on
        ├── ArgumentError               lists every bad argument and what would be right
        ├── DeadlineError               the hard deadline passed
        ├── ConnectionNeededError       a person must open `url` before this can be answered
        │   └── (raised by the Oura layer for: never connected, or the refresh token is dead)
        ├── ConnectionChangedError      the ring was disconnected or exchanged during the call
        └── OuraError                   Oura did not give what was asked
            ├── ScopeMissingError       consent does not include a scope
            ├── MembershipError         the Oura membership has lapsed
            ├── BudgetError             our own daily safety budget is spent
            ├── RateLimitedError        Oura said 429
            └── OuraUnavailableError    down, unreachable, too slow, or not speaking JSON

Everything else that is raised is a defect: it is logged with its traceback and answered as -32603 "Internal error".
A message of this tree is read by people and models: plain words, the next step, never an upstream body, a path or a token.
"""

from collections.abc import Mapping, Sequence
from typing import Any


class AppError(Exception):
    """Root of the tree; never raised itself."""


class ConfigError(AppError):
    """The settings cannot be served from."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problems))


class AuthError(AppError):
    """The caller is unknown: 401."""

    def __init__(self, message: str, *, token_was_sent: bool = False) -> None:
        self.token_was_sent = token_was_sent
        super().__init__(message)


class ForbiddenError(AppError):
    """The caller is known, or its origin is, and may not do this: 403."""


class RateExceededError(AppError):
    """This address asked too often: 429, with the seconds to wait and the limit's headers."""

    def __init__(self, message: str, *, retry_after_s: int, headers: Mapping[str, str] | None = None) -> None:
        self.retry_after_s = retry_after_s
        self.headers = {"Retry-After": str(retry_after_s), **(headers or {})}
        super().__init__(message)


class BodyError(AppError):
    """The request's body cannot be taken: *status* 413 (too large) or 408 (did not arrive in time)."""

    def __init__(self, message: str, *, status: int) -> None:
        self.status = status
        super().__init__(message)


class GrantRefusedError(AppError):
    """Oura's token endpoint refused; *code* is its RFC 6749 error, such as `invalid_grant` or `invalid_client`."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(f"Oura refused the request for tokens ({code}).")


class AccessRefusedError(AppError):
    """Our OAuth front door refuses an MCP client; *code* is the error of RFC 6749, 7591 or 8707, such as `invalid_target`."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class RpcError(AppError):
    """A JSON-RPC error object; codes are those of JSON-RPC 2.0 and the MCP revisions."""

    def __init__(self, code: int, message: str, data: Mapping[str, Any] | None = None) -> None:
        self.code = code
        self.message = message
        self.data = data
        super().__init__(message)


class VaultError(AppError):
    """A sealed record could not be read or written."""


class RecordUnreadableError(VaultError):
    """A record is there and none of our keys opens it; it is never overwritten."""


class StoreUnavailableError(VaultError):
    """The folder or database that holds the records cannot be used."""


class ToolError(AppError):
    """A tool could not do its work; the message becomes the text of an `isError` result."""


class ArgumentError(ToolError):
    """One or more arguments are wrong; the message lists them all."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problems))


class DeadlineError(ToolError):
    """The hard deadline of a call has passed."""

    def __init__(self) -> None:
        super().__init__(
            "This took longer than 20 seconds and was stopped. Ask for a shorter range, or ask again: what was fetched is kept."
        )


class ConnectionNeededError(ToolError):
    """A person must open *url* in a browser before this can be answered (RFC-less: our own /oauth/authorize page)."""

    def __init__(self, message: str, *, url: str | None) -> None:
        self.url = url
        super().__init__(message)


class ConnectionChangedError(ToolError):
    """The ring was disconnected, or another account's connected, during the call: what it had found is not to be shown."""

    def __init__(self) -> None:
        super().__init__("The connection to Oura was changed while this was being fetched. Ask again.")


class OuraError(ToolError):
    """Oura did not give what was asked."""


class ScopeMissingError(OuraError):
    """The consent given at Oura does not include *scope*."""

    def __init__(self, scope: str) -> None:
        self.scope = scope
        super().__init__(
            f"The connection to Oura does not include the scope '{scope}'. Open this server's status page in a browser, "
            "connect again and leave that permission ticked."
        )


class MembershipError(OuraError):
    """Oura answered 403: the membership has lapsed."""


class BudgetError(OuraError):
    """Our own daily budget of requests to Oura is spent."""


class RateLimitedError(OuraError):
    """Oura answered 429 and the wait does not fit into this call."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


class OuraUnavailableError(OuraError):
    """Oura is down, unreachable, too slow, or answered something that is not JSON."""
