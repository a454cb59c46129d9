"""Rows of the store as those who write and read them see them. The fields of what is written in bulk have the order of their columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task of a run as the store knows it. `planned` is `None` until the task is finished."""

    task_id: int
    task: str
    model: str
    player: str | None
    perspective: str
    chance: float | None
    metrics: tuple[Mapping[str, Any], ...]
    planned: int | None


class TotalRow(NamedTuple):
    """A number over all cases of a task, with its 95 % interval. metric: name, unit and direction. note: why there is no value."""

    metric: Mapping[str, Any]
    value: float | None
    low: float | None
    high: float | None
    note: str


class ReplyRow(NamedTuple):
    """A row of `replies`."""

    key: bytes
    model: str
    reply: str


class OutcomeRow(NamedTuple):
    """A row of `outcomes`."""

    task_id: int
    case_id: str
    status: str
    error: str | None
    reason: str
    found: int
    seconds: float
    cluster: str | None
    shown: str
    replies: bytes


class ScoreRow(NamedTuple):
    """A row of `scores`."""

    task_id: int
    metric: str
    case_id: str
    status: str
    value: float | None


class Batch(NamedTuple):
    """Rows to be written in one transaction, in the order of the columns of their tables."""

    replies: list[ReplyRow]
    outcomes: list[OutcomeRow]
    scores: list[ScoreRow]


class Settled(NamedTuple):
    """An outcome with its place among those of its run. position: from 1, in the order in which they were kept. values: by metric."""

    position: int
    task: str
    model: str
    outcome: OutcomeRow
    values: Mapping[str, float | None]


class Page(NamedTuple):
    """Outcomes after a position. position: how far was looked, which is where to go on. whole: whether nothing lies behind it yet."""

    rows: list[Settled]
    position: int
    whole: bool


class Progress(NamedTuple):
    """How far a task is. planned: cases, once it is closed. counts: its outcomes by status, without those of which there are none."""

    task: str
    model: str
    planned: int | None
    counts: Mapping[str, int]


class RunRow(NamedTuple):
    """A run. state: "pending", "running", "interrupted" or "finished". created: ISO 8601, UTC. request_id: what asked for it, or ""."""

    run: str
    suite: str
    created: str
    state: str
    note: str
    request_id: str


class RequestRow(NamedTuple):
    """A request that made a run. digest: of everything else that it said."""

    request_id: str
    digest: str
    run: str
