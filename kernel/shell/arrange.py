"""How a scorecard is laid out, for every way of showing it: blocks of tasks that were asked of the same models."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from kernel.report import Line, Scorecard

COUNTS = ("planned", "scored", "failed", "unscored", "skipped")


@dataclass(frozen=True, slots=True)
class Row:
    """One metric of one task, with the line of each model that was asked."""

    task: str
    metric: str
    unit: str
    higher_is_better: bool
    chance: float | None
    lines: Mapping[str, Line]


@dataclass(frozen=True, slots=True)
class Block:
    """Tasks of one perspective, under one condition, that were asked of the same models; null players stand apart."""

    perspective: str
    models: tuple[str, ...]
    players: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def measure(self) -> tuple[str, str, bool] | None:
        """Metric, unit and direction, where all rows have the same; `None` where numbers cannot share a scale."""
        found = {(row.metric, row.unit, row.higher_is_better) for row in self.rows}
        return found.pop() if len(found) == 1 else None

    @property
    def tasks(self) -> int:
        """How many tasks there are; a task of several metrics has several rows."""
        return len({row.task for row in self.rows})

    def mean(self, model: str) -> float | None:
        """Mean over the tasks, each weighing the same: only of one measure, and only if every task has a number."""
        means = [row.lines[model].mean if model in row.lines else None for row in self.rows]
        known = [mean for mean in means if mean is not None and math.isfinite(mean)]
        if self.measure is None or not known or len(known) < len(means):
            return None
        return math.fsum(known) / len(known)

    @property
    def prefix(self) -> str:
        """What the names of all tasks begin with, up to a separator; empty for a single task."""
        first, last = min(row.task for row in self.rows), max(row.task for row in self.rows)
        common = "".join(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))) if first != last else ""
        return common[: max(common.rfind(separator) for separator in "-_./: ") + 1]

    def label(self, row: Row) -> str:
        """The task's name after the common prefix, with the metric where that is needed to tell rows apart."""
        name = row.task.removeprefix(self.prefix)
        return name if self.measure is not None else f"{name} · {row.metric}{'' if row.higher_is_better else ' ↓'}"

    def heading(self, model: str) -> str:
        """A null player's part, where no other in the block plays the same; any other model's name."""
        parts = {line.model: line.player or line.model for row in self.rows for line in row.lines.values()}
        part = parts.get(model, model)
        return part if list(parts.values()).count(part) == 1 else model


def blocks(card: Scorecard) -> tuple[Block, ...]:
    """The scorecard's rows in blocks; perspectives, tasks and models in the order in which they first appear."""
    order = {model: at for at, model in enumerate(dict.fromkeys(line.model for line in card.lines))}
    players = {line.model for line in card.lines if line.player is not None}
    perspectives = {name: at for at, name in enumerate(dict.fromkeys(map(_part, card.lines)))}
    found: dict[tuple[str, tuple[str, ...]], list[Row]] = {}
    for perspective, row in _rows(merged_lines(card.lines)):
        models = tuple(sorted(set(row.lines) - players, key=order.__getitem__))
        found.setdefault((perspective, models), []).append(row)
    made = [_block(perspective, models, rows, players, order) for (perspective, models), rows in found.items()]
    return tuple(sorted(made, key=lambda block: perspectives[block.perspective]))


def _part(line: Line) -> str:
    """The perspective, and the condition where there is one: a mean over tasks is over tasks under the same condition."""
    return f"{line.perspective}, {line.condition}" if line.condition else line.perspective


def _rows(lines: Iterable[Line]) -> Iterable[tuple[str, Row]]:
    found: dict[tuple[str, str, str], dict[str, Line]] = {}
    for line in lines:
        found.setdefault((_part(line), line.task, line.metric), {})[line.model] = line
    for (perspective, task, metric), by_model in found.items():
        first = next(iter(by_model.values()))
        yield perspective, Row(task, metric, first.unit, first.higher_is_better, first.chance, by_model)


def _block(perspective: str, models: tuple[str, ...], rows: list[Row], players: set[str], order: Mapping[str, int]) -> Block:
    played = {model for row in rows for model in row.lines} & players
    return Block(perspective, models, tuple(sorted(played, key=order.__getitem__)), tuple(rows))


def totals(lines: Iterable[Line]) -> Counter[str]:
    """How many cases were planned, scored, failed, unscored and skipped. A task's further metrics count once."""
    first: dict[tuple[str, str], Line] = {}
    for line in lines:
        first.setdefault((line.task, line.model), line)
    counted: Counter[str] = Counter(dict.fromkeys(COUNTS, 0))
    for line in first.values():
        counted.update({name: getattr(line, name) for name in COUNTS})
    return counted


def number(value: float | None) -> str:
    """A value as it is written everywhere; `-` where there is none."""
    if value is None or not math.isfinite(value):
        return "-"
    large = abs(value) >= 1_000  # from here on two decimals tell nothing
    return f"{round(value):,}" if large else f"{round(value, 2) + 0.0:.2f}"


def interval(line: Line) -> str:
    """The 95 % interval, such as `[0.85, 0.97]`; empty where there is none."""
    return "" if line.low is None or line.high is None else f"[{number(line.low)}, {number(line.high)}]"


def missing(line: Line) -> str:
    """What of the planned cases has no score, such as `2 failed, 1 skipped`; empty when every case has one."""
    counts = ((getattr(line, name), name) for name in ("failed", "unscored", "skipped"))
    return ", ".join(f"{count:,} {name}" for count, name in counts if count)


def no_better_than_chance(line: Line) -> bool:
    """Whether the whole of what is known of a model on a task could be had by always saying the same."""
    if line.chance is None or line.low is None or line.high is None:
        return False
    return line.low <= line.chance if line.higher_is_better else line.high >= line.chance


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
