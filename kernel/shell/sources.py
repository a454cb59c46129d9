"""Where a run's numbers come from, in a few words: data sets and what is known of them, wordings, lists, and who judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

LONGEST = 80
"""Characters of a value; checksums and lists of files are left to the manifest."""


def sources(manifest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Names, and what holds for every task that uses them."""
    for name, entries in manifest.get("data", {}).items():
        held = [{key: value for key, value in each.items() if key != "tasks"} for each in entries]
        same = {key: value for key, value in held[0].items() if all(other.get(key) == value for other in held)} if held else {}
        yield name, ", ".join(f"{key}: {value}" for key, value in same.items() if _short(value))
    if roles := manifest.get("roles"):
        yield "judged by", ", ".join(f"{role}: {model}" for role, model in roles.items())


def _short(value: Any) -> bool:
    return isinstance(value, str | int | float) and len(str(value)) <= LONGEST and not _is_checksum(str(value))


def _is_checksum(text: str) -> bool:
    return len(text) == 64 and all(letter in "0123456789abcdef" for letter in text)
