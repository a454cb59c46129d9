"""A benchmark's own scores as rows: what it makes of each model's numbers, and what others published under the same name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from kernel.benchmark import Aggregate, Published
from kernel.report import Line, Scorecard

BOTH = "both ways"
DEPTH = 2


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


def standings(card: Scorecard) -> tuple[Standing, ...]:
    """The rows, in the benchmark's order, without those that no model under test has a number for."""
    players = {line.model for line in card.lines if line.player is not None}
    found: dict[tuple[str, str], dict[str, Aggregate]] = {}
    for model, aggregates in card.aggregates.items():
        for each in aggregates if model not in players else ():
            found.setdefault((each.name, each.mode), {})[model] = each
    published: dict[str, list[Published]] = {}
    for number in card.published:
        published.setdefault(number.name, []).append(number)
    rows = []
    for (name, mode), cells in found.items():
        first = next(iter(cells.values()))
        others = tuple(published.get(name, ())) if mode != "corrected" else ()
        note = next((each.note for each in cells.values() if each.note), "")
        if any(each.value is not None for each in cells.values()) or others:
            rows.append(Standing(name, mode, first.unit, first.higher_is_better, cells, others, note))
    return _merged(rows)


def _merged(rows: list[Standing]) -> tuple[Standing, ...]:
    """A score that several ways of counting agree on is one row."""
    found: dict[tuple[str, frozenset[tuple[str, float | None]]], list[Standing]] = {}
    for row in rows:
        found.setdefault((row.name, frozenset((model, cell.value) for model, cell in row.cells.items())), []).append(row)
    return tuple(_one(group) for group in found.values())


def _one(group: list[Standing]) -> Standing:
    """Rows that agree as one, with what was published beside any of them."""
    modes = [row.mode for row in group]
    first = next((row for row in group if row.mode != "corrected"), group[0])
    return replace(first, mode=BOTH if {*modes} == {"reference", "corrected"} else ", ".join(modes))


def merged_lines(lines: Sequence[Line]) -> list[Line]:
    """The lines of a scorecard; a metric on which both ways of counting agree, for every model of the task, stands once, by its plain name."""
    found: dict[tuple[str, str], dict[str, set[tuple[object, ...]]]] = {}
    for line in lines:
        told = (line.model, line.mean, line.scored, line.failed, line.unscored, line.skipped)
        base, _, mode = line.metric.rpartition("/")
        found.setdefault((line.task, base), {}).setdefault(mode, set()).add(told)
    agreed = {key for key, modes in found.items() if "reference" in modes and modes["reference"] == modes.get("corrected")}
    made = []
    for line in lines:
        base, _, mode = line.metric.rpartition("/")
        if (line.task, base) not in agreed or mode not in {"reference", "corrected"}:
            made.append(line)
        elif mode == "reference":
            made.append(replace(line, metric=base))
    return made
