"""What a request wants to be found, read from its text."""

from __future__ import annotations

import re

from kernel.errors import InvalidRequest, TooLarge

ENDS = re.compile(r"[.\n]")
MOST_ENTITIES = 100


def entities_of(text: str) -> list[str]:
    """The things named, one a line or ended by full stops, each once. Raises `InvalidRequest` or `TooLarge`."""
    found: dict[str, str] = {}
    for piece in ENDS.split(text):
        if entity := piece.strip():
            found.setdefault(entity.lower(), entity)
    if not found:
        raise InvalidRequest("the text names nothing to look for; expected one thing a line, or things ended by full stops")
    if len(found) > MOST_ENTITIES:
        raise TooLarge(f"{len(found)} things to look for, the limit is {MOST_ENTITIES}")
    return list(found.values())
