"""Event streams: messages wait in an Outbox, an EventStream writes them as server-sent events.

Knows no JSON-RPC and no revision. An EventStream is the WSGI body itself: no generator, no greenlet and no request context of its
own, so that a thousand idle ones stay small. A reader that left is noticed when a heartbeat cannot be written.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from gevent.event import Event

HEARTBEAT_S = 15.0
POLL_S = 1.0  # how late draining, a closed outbox and a due heartbeat may be noticed
MAX_WAITING = 1000  # messages; who is that far behind is not reading, and gets answers only
MAX_REPLAY = 100  # messages kept for a reader that comes back
COMMENT = b":\n\n"


class Item(NamedTuple):
    """One thing to tell a client."""

    text: str  # a JSON-RPC message; empty where an answer will never come, because its call was cancelled
    status: int = 0  # of the HTTP answer, if this is the last word on a request; 0 for what comes before it
    retry_ms: int = 0  # drop the connection, not the stream, and ask the client to come back after this long


class Outbox:
    """What waits to be told on one stream. Never blocks who puts.

    *unanswered* is the number of answers after which the stream is over, None where it has no end of its own.
    *awaited* is how many calls under way will put their answer here; a server that stops waits for them.
    With a *name* the messages are numbered and a bounded number is kept, so that a lost reader can be replaced.
    """

    __slots__ = ("_items", "_ready", "_sent", "awaited", "closed", "name", "number", "only_answers", "reader", "unanswered")

    def __init__(self, *, unanswered: int | None = None, name: str = "") -> None:
        self._items: deque[Item] = deque()
        self._ready = Event()
        self._sent: deque[Item] | None = deque(maxlen=MAX_REPLAY) if name else None
        self.name = name
        self.number = 0
        self.unanswered = unanswered
        self.awaited = 0
        self.reader: object = None
        self.only_answers = False
        self.closed = False

    def put(self, item: Item) -> None:
        """Queue *item*; forget it if nobody will read it."""
        if self.closed or (not item.status and (self.only_answers or len(self._items) >= MAX_WAITING)):
            return
        self._items.append(item)
        self._ready.set()

    def get(self, timeout_s: float | None) -> Item | None:
        """The next item, or None when none came in time or the outbox is closed and empty."""
        if not self._items:
            if self.closed:
                return None
            self._ready.clear()
            self._ready.wait(timeout_s)
            if not self._items:
                return None
        return self._items.popleft()

    def put_back(self, item: Item) -> None:
        self._items.appendleft(item)
        self._ready.set()

    def close(self) -> None:
        self.closed = True
        self._ready.set()

    def told(self, item: Item) -> None:
        """Account for *item*, which has just been handed to the reader."""
        if item.status and self.unanswered is not None:
            self.unanswered -= 1
        if item.status and self.awaited:
            self.awaited -= 1
        if item.text and self._sent is not None:
            self.number += 1
            self._sent.append(item)

    def rewind(self, number: int) -> None:
        """Queue again what was told after message *number*; raise LookupError if that is no longer kept, or was never told."""
        behind = self.number - number
        if self._sent is None or not 0 <= behind <= len(self._sent):
            raise LookupError(number)
        for _ in range(behind):
            item = self._sent.pop()
            if item.status and self.unanswered is not None:
                self.unanswered += 1
            self.put_back(item)
        self.number = number

    @property
    def is_over(self) -> bool:
        return self.unanswered is not None and self.unanswered <= 0


class EventStream:
    """An Outbox as a WSGI body.

    *head* is written first; *farewell* (a message) last, where the server ends the stream; *on_close* runs once, whoever ends it.
    """

    __slots__ = ("_draining", "_farewell", "_head", "_heartbeat_s", "_is_ended", "_on_close", "_outbox", "_written_at")

    def __init__(
        self,
        outbox: Outbox,
        *,
        head: bytes = COMMENT,
        farewell: str = "",
        heartbeat_s: float = HEARTBEAT_S,
        draining: Callable[[], bool],
        on_close: Callable[[], None],
    ) -> None:
        self._outbox = outbox
        self._heartbeat_s = heartbeat_s
        self._head = head
        self._farewell = farewell
        self._draining = draining
        self._on_close: Callable[[], None] | None = on_close
        self._is_ended = False
        self._written_at = time.monotonic()
        outbox.reader = self

    def __iter__(self) -> EventStream:
        return self

    def __next__(self) -> bytes:
        if self._head:
            head, self._head = self._head, b""
            return head
        if self._is_ended or self._outbox.is_over:
            raise StopIteration
        chunk = self._wait()
        self._written_at = time.monotonic()
        return chunk

    def _wait(self) -> bytes:
        outbox = self._outbox
        while True:
            item = outbox.get(min(POLL_S, self._heartbeat_s))
            if outbox.reader is not self:  # somebody came back for this stream while we were waiting
                if item is not None:
                    outbox.put_back(item)
                raise StopIteration
            if item is not None:
                return self._frame(item)
            if outbox.closed or (outbox.unanswered is None and not outbox.awaited and self._draining()):
                return self._last_words()
            if time.monotonic() - self._written_at >= self._heartbeat_s:
                return COMMENT

    def _frame(self, item: Item) -> bytes:
        outbox = self._outbox
        outbox.told(item)
        if item.retry_ms:
            self._is_ended = True
            return primer(outbox, retry_ms=item.retry_ms)
        return frame(item.text, id_=f"{outbox.name}_{outbox.number}" if outbox.name else "") if item.text else COMMENT

    def _last_words(self) -> bytes:
        self._is_ended = True
        if not self._farewell:
            raise StopIteration
        return frame(self._farewell)

    def close(self) -> None:
        """Called by the WSGI server when the body has ended or its client has left."""
        if self._outbox.reader is self:
            self._outbox.reader = None
        on_close, self._on_close = self._on_close, None
        if on_close is not None:
            on_close()


def frame(message: str, *, id_: str = "") -> bytes:
    """One JSON-RPC message as one event, on one data line."""
    named = f"id: {id_}\n" if id_ else ""
    return f"{named}event: message\ndata: {message}\n\n".encode()


def primer(outbox: Outbox, *, retry_ms: int = 0) -> bytes:
    """An event without a message: it tells the client an id to come back with (2025-11-25)."""
    retry = f"retry: {retry_ms}\n" if retry_ms else ""
    return f"id: {outbox.name}_{outbox.number}\n{retry}data: \n\n".encode()
