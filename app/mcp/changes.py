"""Telling clients that a list or a resource has changed.

Handshake sessions hear it on their own stream, 2026-07-28 clients on the `subscriptions/listen` streams they hold open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.mcp.envelope import RequestId, notification_text
from app.mcp.streams import Item, Outbox

if TYPE_CHECKING:
    from app.mcp.sessions import Sessions

SUBSCRIPTION_ID = "io.modelcontextprotocol/subscriptionId"
LISTS = {"tools": "toolsListChanged", "prompts": "promptsListChanged", "resources": "resourcesListChanged"}
MAX_URIS = 100


@dataclass(eq=False, slots=True)
class Listener:
    """One open `subscriptions/listen` stream and what it wants to hear."""

    id: RequestId
    lists: frozenset[str]
    uris: frozenset[str]
    outbox: Outbox

    def tell(self, method: str, params: Mapping[str, Any]) -> None:
        self.outbox.put(Item(notification_text(method, {**params, "_meta": {SUBSCRIPTION_ID: self.id}})))

    def acknowledgement(self) -> str:
        """The first message of the stream: what of its wishes is honoured."""
        honoured: dict[str, Any] = {LISTS[name]: True for name in sorted(self.lists)}
        if self.uris:
            honoured["resourceSubscriptions"] = sorted(self.uris)
        return notification_text(
            "notifications/subscriptions/acknowledged", {"_meta": {SUBSCRIPTION_ID: self.id}, "notifications": honoured}
        )


class Changes:
    """Who wants to hear of what."""

    def __init__(self, sessions: Sessions, *, lists_change: bool) -> None:
        self._sessions = sessions
        self._lists_change = lists_change
        self._listeners: dict[Outbox, Listener] = {}

    def add(self, listener: Listener) -> None:
        self._listeners[listener.outbox] = listener

    def remove(self, outbox: Outbox) -> None:
        self._listeners.pop(outbox, None)

    @property
    def listening(self) -> int:
        """How many `subscriptions/listen` streams are open."""
        return len(self._listeners)

    def announce(self, what: str) -> None:
        """*what* is the name of a list (`tools`, `prompts`, `resources`) or the URI of a resource."""
        if what not in LISTS:
            self._resource(what)
        elif self._lists_change:
            self._list(what)

    def _list(self, name: str) -> None:
        method = f"notifications/{name}/list_changed"
        for session in self._sessions:
            session.outbox.put(Item(notification_text(method)))
        for listener in list(self._listeners.values()):
            if name in listener.lists:
                listener.tell(method, {})

    def _resource(self, uri: str) -> None:
        method = "notifications/resources/updated"
        for session in self._sessions:
            if uri in session.subscriptions:
                session.outbox.put(Item(notification_text(method, {"uri": uri})))
        for listener in list(self._listeners.values()):
            if uri in listener.uris:
                listener.tell(method, {"uri": uri})
