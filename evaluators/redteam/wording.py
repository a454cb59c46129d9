"""Plain English for facts: articles, plurals, numbers and lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evaluators.measures.numbers import SMALL

PLURALS = {
    "person": "people", "man": "men", "woman": "women", "child": "children", "mouse": "mice", "sheep": "sheep", "knife": "knives",
    "fish": "fish", "tooth": "teeth", "foot": "feet", "goose": "geese", "wolf": "wolves", "shelf": "shelves", "loaf": "loaves", "leaf": "leaves",
    "scissors": "scissors", "skis": "skis", "broccoli": "broccoli", "deer": "deer",
}  # fmt: skip
OPPOSITE = {"left": "right", "right": "left", "above": "below", "below": "above"}
SIDE = {"left": "to the left of", "right": "to the right of", "above": "above", "below": "below"}


def article(name: str) -> str:
    """The name with "a" or "an"; what is a plural already has none."""
    if PLURALS.get(name.rsplit(maxsplit=1)[-1]) == name.rsplit(maxsplit=1)[-1] and name.endswith("s"):
        return f"some {name}"
    return f"{'an' if name[:1] in 'aeiou' and not name.startswith(('uni', 'one')) else 'a'} {name}"


def plural(name: str) -> str:
    """More than one of it; the last word changes."""
    *before, last = name.split()
    if last in PLURALS:
        many = PLURALS[last]
    elif last.endswith(("s", "x", "z", "ch", "sh")):
        many = f"{last}es"
    elif last.endswith("y") and last[-2:-1] not in "aeiou":
        many = f"{last[:-1]}ies"
    else:
        many = f"{last}s"
    return " ".join([*before, many])


def number(count: int) -> str:
    """A number below twenty as a word, others in digits."""
    return SMALL[count] if 0 <= count < len(SMALL) else str(count)


def counted(name: str, count: int) -> str:
    """So many of it, in words."""
    return f"{number(count)} {name if count == 1 else plural(name)}"


def listed(parts: Sequence[str]) -> str:
    """Joined by commas, the last by "and"."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def counts(numbers: Mapping[str, int]) -> str:
    """All things with their numbers, in one list."""
    return listed([counted(name, count) for name, count in numbers.items()])
