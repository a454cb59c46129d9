"""The charts of the page as numbers: where on the axis each bar, whisker, player and line of chance stands.

Positions are per cent of the axis, so that a chart is as wide as its place and its text stays the size of text.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kernel.report import Line
from kernel.shell.arrange import Block, Row, interval, missing, no_better_than_chance, number
from kernel.shell.display import display_line

BAR, GAP, LANE = 12, 4, 16
"""Heights in pixels: a bar, the space around it, the lane of the null players below."""
CROWDED = 2.5
"""Per cent of the axis within which two players' marks would cover each other."""
STEP = 11
"""Pixels by which marks that would cover each other are moved apart."""
MARKS = ("diamond", "ring", "square", "cross", "triangle", "dot")
PALETTE = 8


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis from `low` to `high` with its lines."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """Where `value` stands, in per cent."""
        return round(100 * min(1.0, max(0.0, (value - self.low) / (self.high - self.low))), 2)


@dataclass(frozen=True, slots=True)
class Bar:
    """One model under test on one task."""

    model: str
    colour: int
    top: int
    score: str
    interval: str
    counts: str
    gaps: str
    weak: bool
    start: float | None
    width: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Mark:
    """One null player on one task, `shift` pixels beside its place where it would cover another."""

    player: str
    shape: str
    x: float
    shift: int


@dataclass(frozen=True, slots=True)
class Strip:
    """One task of the chart."""

    name: str
    title: str
    description: str
    height: int
    lane: int
    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]
    chance: float | None


@dataclass(frozen=True, slots=True)
class Chart:
    """A block's chart: its strips over one axis."""

    scale: Scale
    ticks: tuple[tuple[float, str], ...]
    strips: tuple[Strip, ...]
    legend: tuple[tuple[str, int], ...]
    players: tuple[tuple[str, str], ...]
    has_chance: bool


def charts(block: Block, colours: dict[str, int]) -> Iterator[tuple[str, Chart]]:
    """One chart for each measure of the block, since one axis has one unit."""
    measures = dict.fromkeys((row.metric, row.unit, row.higher_is_better) for row in block.rows)
    for metric, unit, higher_is_better in measures:
        rows = [row for row in block.rows if (row.metric, row.unit, row.higher_is_better) == (metric, unit, higher_is_better)]
        better = "higher is better" if higher_is_better else "lower is better"
        yield f"{display_line(metric)} ({display_line(unit)}, {better})", _chart(block, rows, colours)


def _chart(block: Block, rows: list[Row], colours: dict[str, int]) -> Chart:
    scale = _scale(rows)
    shapes = {player: MARKS[min(at, len(MARKS) - 1)] for at, player in enumerate(block.players)}
    return Chart(
        scale=scale,
        ticks=tuple((scale.at(tick), f"{tick:,.10g}") for tick in scale.ticks),
        strips=tuple(_strip(block, row, scale, colours, shapes) for row in rows),
        legend=tuple((display_line(model), colours[model]) for model in block.models),
        players=tuple((display_line(block.heading(player)), shape) for player, shape in shapes.items()),
        has_chance=any(row.chance is not None for row in rows),
    )


def _scale(rows: list[Row]) -> Scale:
    """0 to 1 for shares; elsewhere from 0 to a round number that holds everything."""
    lines = [line for row in rows for line in row.lines.values()]
    if all(row.unit == "share" for row in rows):
        return Scale(0.0, 1.0, (0.0, 0.25, 0.5, 0.75, 1.0))
    known = [v for line in lines for v in (line.mean, line.low, line.high, line.chance) if v is not None]
    known = [value for value in known if math.isfinite(value)]
    step = _round_step((max(known, default=1.0) - min(0.0, *known, 0.0)) / 4)
    low = math.floor(min(0.0, *known, 0.0) / step) * step
    high = max(low + step, math.ceil(max(0.0, *known, 0.0) / step) * step)
    return Scale(low, high, tuple(low + step * at for at in range(round((high - low) / step) + 1)))


def _round_step(rough: float) -> float:
    """The next of 1, 2, 5, 10, … times a power of ten."""
    if not rough > 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)


def _strip(block: Block, row: Row, scale: Scale, colours: dict[str, int], shapes: dict[str, str]) -> Strip:
    bars = tuple(_bar(row.lines[model], scale, colours[model], GAP + at * (BAR + GAP)) for at, model in enumerate(block.models))
    lane = GAP + len(bars) * (BAR + GAP)
    players = [row.lines[player] for player in block.players if player in row.lines]
    name = display_line(row.task.removeprefix(block.prefix))
    return Strip(
        name=name,
        title=f"{name}: {display_line(row.metric)}",
        description=_description(row, block),
        height=lane + (LANE if players else GAP),
        lane=lane + LANE // 2 - 1,
        bars=bars,
        marks=tuple(_apart(block, players, scale, shapes)),
        chance=None if row.chance is None else scale.at(row.chance),
    )


def _bar(line: Line, scale: Scale, colour: int, top: int) -> Bar:
    zero = scale.at(max(scale.low, 0.0))
    known = line.mean is not None and math.isfinite(line.mean)
    end = scale.at(line.mean) if line.mean is not None and known else zero
    whiskered = known and line.low is not None and line.high is not None
    return Bar(
        model=display_line(line.model),
        colour=colour,
        top=top,
        score=number(line.mean),
        interval=interval(line),
        counts=f"{line.scored:,}" if line.scored == line.planned else f"{line.scored:,}/{line.planned:,}",
        gaps=missing(line),
        weak=no_better_than_chance(line),
        start=min(zero, end) if known else None,
        width=round(abs(end - zero), 2),
        low=scale.at(line.low) if whiskered and line.low is not None else None,
        high=scale.at(line.high) if whiskered and line.high is not None else None,
    )


def _apart(block: Block, players: Iterable[Line], scale: Scale, shapes: dict[str, str]) -> Iterator[Mark]:
    """The players' marks; one that would cover its neighbour moves aside, inwards at the end of the axis."""
    known = [line for line in players if line.mean is not None and math.isfinite(line.mean)]
    placed = sorted((scale.at(line.mean or 0.0), at, line.model) for at, line in enumerate(known))
    anchor, beside = -100.0, 0
    for x, _, model in placed:
        anchor, beside = (anchor, beside + 1) if x - anchor < CROWDED * (1 + beside) else (x, 0)
        inwards = -STEP if anchor > 100 - CROWDED else STEP
        yield Mark(display_line(block.heading(model)), shapes[model], anchor if beside else x, beside * inwards)


def _description(row: Row, block: Block) -> str:
    """The strip in words, for those who hear it or hold the pointer over it."""
    told = []
    for model in (*block.models, *block.players):
        line = row.lines.get(model)
        if line is not None:
            within = f", 95 % interval {number(line.low)} to {number(line.high)}" if interval(line) else ""
            named = model if line.player is None else block.heading(model)
            told.append(f"{display_line(named)} {number(line.mean)}{within if line.player is None else ''}")
    if row.chance is not None:
        told.append(f"chance {number(row.chance)}")
    return "; ".join(told)
