"""JSON that came from outside: bounded in depth, without duplicate keys, without NaN."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

MOST_LEVELS = 64


def loads(text: str | bytes) -> Any:
    """The value. Raises `ValueError` that says which rule is broken."""
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except RecursionError:
        value = None
        deep = True
    else:
        deep = _levels(value) > MOST_LEVELS
    if deep:
        message = f"more than {MOST_LEVELS} levels"
        raise ValueError(message)
    return value


def dumps(value: Any) -> bytes:
    """The value as compact UTF-8. Raises `ValueError` or `TypeError` for what JSON cannot hold."""
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"), default=_plain).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    message = f"{type(value).__name__} is not JSON"
    raise TypeError(message)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        message = f"the key {twice!r} stands twice"
        raise ValueError(message)
    return found


def _constant(name: str) -> Any:
    message = f"{name} is not a JSON number"
    raise ValueError(message)


def _levels(value: Any) -> int:
    """How deep lists and objects nest, without recursion."""
    levels = 0
    layer = [value]
    while layer := [inner for inner in layer if isinstance(inner, dict | list)]:
        levels += 1
        layer = [child for inner in layer for child in (inner.values() if isinstance(inner, dict) else inner)]
    return levels
