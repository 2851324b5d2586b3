"""Scope names as Oura grants them, and as we compare them."""

from __future__ import annotations

import re
from collections.abc import Iterable

_PREFIX = "extapi:"
_OLD_NAMES = {"spo2Daily": "spo2"}


def normalised(granted: str | Iterable[str] | None) -> frozenset[str] | None:
    """The granted scopes under the names the API's own errors use; None means unknown, which is not the same as none.

    Oura reports `extapi:daily` for what was asked as `daily`, the old `spo2Daily` for `spo2`, and sometimes nothing at all.
    """
    if granted is None:
        return None
    names = re.split(r"[\s,+]+", granted if isinstance(granted, str) else " ".join(map(str, granted)))
    bare = (name.removeprefix(_PREFIX) for name in names)
    return frozenset(_OLD_NAMES.get(name, name) for name in bare if name) or None
