"""The names of a classifier's classes, as its checkpoint has them."""

from __future__ import annotations

from typing import Any


def classes_of(config: dict[str, Any]) -> list[str]:
    """The names of the classes by a checkpoint's `config.json`, in the order of the scores. Raises `ValueError`."""
    named = config.get("id2label") or {index: f"LABEL_{index}" for index in range(config.get("num_labels") or 2)}
    try:
        names = {int(index): str(name) for index, name in named.items()}
    except (AttributeError, TypeError, ValueError):
        raise ValueError(f"id2label is {str(named)[:80]}; expected an object with a name for each class, by its number") from None
    if sorted(names) != list(range(len(names))):
        raise ValueError(f"id2label has the numbers {', '.join(map(str, sorted(names)))}; expected 0 to {len(names) - 1}")
    return [names[index] for index in range(len(names))]
