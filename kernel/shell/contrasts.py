"""What conditions change, as rows: of each task, metric and model the difference under every condition."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from kernel.differences import Difference
from kernel.report import Scorecard


@dataclass(frozen=True, slots=True)
class Contrast:
    """One metric of one model on one task; or, where `task` is empty, the mean over the tasks of a perspective.

    told: whether the name has to tell what it is held against, because not all rows are held against the same.
    """

    task: str
    perspective: str
    metric: str
    higher_is_better: bool
    model: str
    against: str
    cells: Mapping[str, Difference]
    told: bool = False

    @property
    def of_all(self) -> bool:
        """Whether it is the mean over a perspective, and not of a number with its public code's defects."""
        return not self.task and self.metric.rpartition("/")[2] not in {"reference", "paper"}

    @property
    def name(self) -> str:
        """The task, or whose mean it is, and the metric."""
        less = f", less {self.against}" if self.told else ""
        return f"{self.task or f'mean of {self.perspective}'} · {self.metric}{'' if self.higher_is_better else ' ↓'}{less}"


def contrasts(card: Scorecard) -> tuple[Contrast, ...]:
    """The rows, in the order of the scorecard; null players, who see nothing, are left out."""
    players = {line.model for line in card.lines if line.player is not None}
    found: dict[tuple[str, str, str, bool, str, str], dict[str, Difference]] = {}
    for each in card.differences:
        if each.model not in players:
            found.setdefault((each.task, each.perspective, each.metric, each.higher_is_better, each.model, each.against), {})[each.condition] = each
    told = len({against for *_, against in found}) > 1
    return tuple(Contrast(*key, cells, told) for key, cells in found.items())


def signed(found: Difference | None) -> str:
    """A difference with its interval, such as `-0.12 [-0.20, -0.03]`; `-` where there is none."""
    if found is None or found.mean is None or not math.isfinite(found.mean):
        return "-"
    told = f"{found.mean:+.2f}"
    return told if found.low is None or found.high is None else f"{told} [{found.low:+.2f}, {found.high:+.2f}]"
