"""What may happen once: a bounded memory of what was used, for as long as it could be used again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable


class Once:
    """Remembers at most *most* names for *ttl_s* seconds each; the oldest go first."""

    def __init__(self, *, ttl_s: float, clock: Callable[[], float], most: int = 1000) -> None:
        self._ttl_s = ttl_s
        self._clock = clock
        self._most = most
        self._used: OrderedDict[str, float] = OrderedDict()

    def use(self, name: str) -> bool:
        """Note that *name* is used; False if it was before."""
        if name in self:
            return False
        self._used[name] = self._clock() + self._ttl_s
        while len(self._used) > self._most:
            self._used.popitem(last=False)
        return True

    def __contains__(self, name: str) -> bool:
        now = self._clock()
        while self._used and next(iter(self._used.values())) <= now:
            self._used.popitem(last=False)
        return name in self._used
