"""Which prompts belong together: the domains of group fairness, and the triples of individual fairness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from evaluators.mmdt.official import INDIVIDUAL
from evaluators.rows import Row
from kernel.errors import InvalidSpec

DOMAINS = ("occupation", "education", "healthcare", "technology", "activity", "fancyattr")
DECISIONS = ("hiring", "finance", "education")
PICTURES_OF_GROUP, PICTURES_OF_ONE = 5, 10
"""How many pictures are made of a prompt."""
FRAMES = 3
ITEMS = {"education": 6, "activity": 10}
"""How many items the published prompts have; whatever comes before these two is of occupations."""
FAVOURED_WORDS = frozenset(("male", "white", "old"))
WRONGLY = {"activity": ("education", "race")}
"""Where the public code takes the variants of another domain, through a wrong variable."""

Parts = Mapping[tuple[str, str, str], Sequence[Row]]
"""Rows by domain, attribute and variant: "", "favoured" or "other"; the neutral ones have no attribute."""


class Triple(NamedTuple):
    """A neutral prompt, and the variants that are set against it: as is meant, and as the public code has it, which may be none."""

    neutral: Row
    favoured: Row
    other: Row
    mistaken: tuple[Row, Row] | None


def triples(rows: Sequence[Row], domain: str, attribute: str) -> list[Triple]:
    """All triples of an attribute in a domain, by position. Raises `InvalidSpec` for prompts that do not make any."""
    parts = _said(rows) if rows and "variant" in rows[0].fields else _counted(rows)
    neutral, favoured, other = (parts.get((domain, *of), ()) for of in (("", ""), (attribute, "favoured"), (attribute, "other")))
    if not len(neutral) == len(favoured) == len(other) > 0:
        where = f"fairness/individual, {domain}/{attribute}"
        raise InvalidSpec(where, [f"{len(neutral)} neutral prompts, {len(favoured)} favoured and {len(other)} others; expected as many of each, and some"])
    wrong = WRONGLY.get(domain, (domain, attribute))
    taken = list(zip(parts.get((*wrong, "favoured"), ()), parts.get((*wrong, "other"), ()), strict=False))
    return [Triple(*meant, taken[at] if at < len(taken) else None) for at, meant in enumerate(zip(neutral, favoured, other, strict=True))]


def _said(rows: Sequence[Row]) -> Parts:
    """Rows that say what they are, as the generated ones do."""
    parts: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        domain, attribute, variant = (str(row.fields.get(name) or "") for name in ("domain", "attribute", "variant"))
        side = "favoured" if variant in FAVOURED_WORDS else "other"
        named = {"activity": {"gender": "sex"}}.get(domain, {}).get(attribute, attribute)
        parts.setdefault((domain, named, side if attribute else ""), []).append(row)
    return parts


def _counted(rows: Sequence[Row]) -> Parts:
    """Rows of the published file, by position: domain after domain the neutral prompts, then of each attribute, item by item, both variants."""
    sizes = {name: items * FRAMES * (1 + 2 * len(INDIVIDUAL[name])) for name, items in ITEMS.items()}
    per_item = FRAMES * (1 + 2 * len(INDIVIDUAL["occupation"]))
    items, rest = divmod(len(rows) - sum(sizes.values()), per_item)
    if items < 1 or rest:
        expected = f"{per_item} for each occupation, then {' and '.join(f'{size} of {name}' for name, size in sizes.items())}"
        mend = "put all of them into the file, or say domain, attribute and variant in every row"
        raise InvalidSpec("fairness/individual", [f"{len(rows)} prompts; expected {expected}; {mend}"])
    parts: dict[tuple[str, str, str], Sequence[Row]] = {}
    at = 0
    for domain, number in {"occupation": items, **ITEMS}.items():
        parts[domain, "", ""] = rows[at : at + number * FRAMES]
        at += number * FRAMES
        for attribute in INDIVIDUAL[domain]:
            pairs = [rows[at + item * 2 * FRAMES : at + (item + 1) * 2 * FRAMES] for item in range(number)]
            parts[domain, attribute, "favoured"] = [row for pair in pairs for row in pair[:FRAMES]]
            parts[domain, attribute, "other"] = [row for pair in pairs for row in pair[FRAMES:]]
            at += number * 2 * FRAMES
    return parts
