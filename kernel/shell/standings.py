"""A benchmark's own scores as rows: what it makes of each model's numbers, and what others published under the same name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import median

from kernel.benchmark import Aggregate, Published
from kernel.report import Scorecard
from kernel.shell.arrange import number

BOTH = "both ways"
DEPTH = 2
NAMED = 3
"""Published numbers that are named one by one; of more, where they lie is told."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One score in one way of counting. cells: by model; published: the same score of other models.

    mode: "both ways" where reference and corrected agree; the names of the modes where others do.
    """

    name: str
    mode: str
    unit: str
    higher_is_better: bool
    cells: Mapping[str, Aggregate]
    published: tuple[Published, ...]
    note: str

    @property
    def summary(self) -> bool:
        """Whether it is of a perspective or scenario, and not of a single task."""
        return self.name.count("/") <= DEPTH

    @property
    def others(self) -> str:
        """What was published, in a few words."""
        values = [each.value for each in self.published]
        if len(values) <= NAMED:
            return ", ".join(f"{each.model} {number(each.value)}" for each in self.published)
        return f"{len(values)} models, {number(min(values))} to {number(max(values))}, median {number(median(values))}"


def standings(card: Scorecard) -> tuple[Standing, ...]:
    """The rows, in the benchmark's order, without those that no model under test has a number for."""
    players = {line.model for line in card.lines if line.player is not None}
    found: dict[tuple[str, str], dict[str, Aggregate]] = {}
    for model, aggregates in card.aggregates.items():
        for each in aggregates if model not in players else ():
            found.setdefault((each.name, each.mode), {})[model] = each
    published: dict[str, list[Published]] = {}
    for other in card.published:
        published.setdefault(other.name, []).append(other)
    rows = []
    for (name, mode), cells in found.items():
        first = next(iter(cells.values()))
        others = tuple(published.get(name, ())) if mode != "corrected" else ()
        note = next((each.note for each in cells.values() if each.note), "")
        if any(each.value is not None for each in cells.values()) or others:
            rows.append(Standing(name, mode, first.unit, first.higher_is_better, cells, others, note))
    return _merged(rows)


def _merged(rows: list[Standing]) -> tuple[Standing, ...]:
    """A score that several ways of counting agree on, as far as it is shown, is one row."""
    found: dict[tuple[str, frozenset[tuple[str, str]]], list[Standing]] = {}
    for row in rows:
        found.setdefault((row.name, frozenset((model, number(cell.value)) for model, cell in row.cells.items())), []).append(row)
    return tuple(_one(group) for group in found.values())


def _one(group: list[Standing]) -> Standing:
    """Rows that agree as one, with what was published beside any of them."""
    modes = [row.mode for row in group]
    first = next((row for row in group if row.mode != "corrected"), group[0])
    return replace(first, mode=BOTH if {*modes} == {"reference", "corrected"} else ", ".join(modes))
