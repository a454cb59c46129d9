"""What a person at a terminal sees of a run: the scorecard, and with `Progress` how far it is.

Foreign text comes in only through `display_line` and `rich.text.Text`, never as markup.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from kernel.shell.arrange import Block, Row, blocks, interval, missing, no_better_than_chance, number, totals
from kernel.shell.contrasts import Contrast, contrasts, signed
from kernel.shell.display import display_line
from kernel.shell.lasting import console
from kernel.shell.progress import Progress
from kernel.shell.sources import sources
from kernel.shell.standings import Standing, standings

if TYPE_CHECKING:
    from rich.console import Console

    from kernel.report import Line, Scorecard

__all__ = ["Progress", "console", "scorecard"]

NARROW = 72
"""Columns below which null players are left out, so that the models' numbers still fit."""
NAME_WIDTH = 16
"""Characters of a player's name in a heading."""
SCORE_WIDTH = len("0.00 [0.00, 0.00]")
NOTES = 10
"""Notes below the tables; the page has all of them."""
MOST_ROWS = 60
"""Rows above which the tasks of a benchmark are left to the page, and to whoever asks for every one; its own scores are shown."""
MOST_ACROSS = 5
"""Conditions that stand side by side; more stand below each other."""
NAMED = 6
"""Tasks that are named where several have the same gap."""
RULED = box.Box("    \n    \n ── \n    \n ── \n    \n    \n    \n")
"""Rules under the heading and above the means, nothing else."""


def scorecard(card: Scorecard, console: Console, *, every: bool = False) -> None:
    """Print the scorecard: for each perspective one table a group of tasks that were asked of the same models.

    Of a large benchmark only its own scores are printed, and what conditions change in a perspective, but for `every` task.
    """
    console.print(_title(card))
    arranged, own = blocks(card), tuple(row for row in standings(card) if row.summary)
    brief = not every and bool(own) and sum(len(block.rows) for block in arranged) > MOST_ROWS
    for block in () if brief else arranged:
        console.print()
        console.print(_heading(block))
        console.print(_table(block, players=console.width >= NARROW))
        for line in _missing(block):
            console.print(line)
    if rows := own:
        console.print()
        console.print(Text("the benchmark's own scores", style="bold").append("  as its public code or paper counts, and corrected", style="not bold dim"))
        console.print(_standings(rows))
    if rows_of := tuple(row for row in contrasts(card) if not brief or row.of_all):
        less = "" if rows_of[0].told else f", less {display_line(rows_of[0].against)}"
        console.print()
        console.print(Text("under conditions", style="bold").append(f"  case by case{less}", style="not bold dim"))
        console.print(_contrasts(rows_of))
    console.print()
    console.print(_legend(card))
    if brief:
        tasks = len({line.task for line in card.lines})
        console.print(Text(f"All {tasks:,} tasks: assay scorecard {display_line(card.run)} --every, or on the page.", style="dim"))
    for name, told in sources(card.manifest):
        console.print(Text(f"{display_line(name)}: {display_line(told)}", style="dim"))
    for note in card.notes[:NOTES]:
        console.print(Text("! ", style="bold yellow").append(display_line(note), style="not bold default"))
    if card.notes[NOTES:]:
        console.print(Text(f"! and {len(card.notes) - NOTES:,} more notes, which the page shows", style="yellow"))


def _title(card: Scorecard) -> Text:
    title = Text(display_line(card.suite), style="bold")
    rest = f"  run {display_line(card.run)} · {display_line(card.status)} · {display_line(card.created)}"
    return title.append(rest, style="not bold dim" if card.status == "finished" else "not bold yellow")


def _table(block: Block, *, players: bool) -> Table:
    shown = block.players if players else ()
    table = Table(box=RULED, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column(_task_heading(block), overflow="fold", min_width=8)
    for model in block.models:
        table.add_column(Text(display_line(model), style="bold cyan"), overflow="fold", min_width=SCORE_WIDTH)
    table.add_column("n", justify="right", no_wrap=True)
    for player in shown:
        heading = Text(display_line(block.heading(player), NAME_WIDTH), style="dim")
        table.add_column(heading, justify="right", overflow="fold", min_width=4)
    for row in block.rows:
        table.add_row(*_cells(block, row, shown))
    if len(block.rows) > 1 and any(block.mean(model) is not None for model in block.models):
        table.add_section()
        table.add_row(*_means(block, shown))
    return table


def _standings(rows: tuple[Standing, ...]) -> Table:
    models = list(dict.fromkeys(model for row in rows for model in row.cells))
    table = Table(box=RULED, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column(Text("score", style="dim"), overflow="fold", min_width=12)
    table.add_column(Text("counted", style="dim"), no_wrap=True)
    for model in models:
        table.add_column(Text(display_line(model), style="bold cyan"), justify="right", overflow="fold", min_width=6)
    table.add_column(Text("published", style="dim"), overflow="fold")
    for row in rows:
        name = display_line(row.name) + ("" if row.higher_is_better else " ↓")
        cells = [Text(number(row.cells[model].value if model in row.cells else None), style="bold") for model in models]
        table.add_row(Text(name), Text(row.mode, style="dim"), *cells, Text(display_line(row.others), style="dim"))
    return table


def _contrasts(rows: tuple[Contrast, ...]) -> Table:
    conditions = list(dict.fromkeys(condition for row in rows for condition in row.cells))
    if len(conditions) > MOST_ACROSS:
        return _listed_contrasts(rows)
    table = Table(box=RULED, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column(Text("task", style="dim"), overflow="fold", min_width=12)
    table.add_column(Text("model", style="dim"), overflow="fold")
    for condition in conditions:
        table.add_column(Text(display_line(condition), style="bold cyan"), overflow="fold", min_width=6)
    for row in rows:
        cells = [Text(signed(row.cells.get(condition))) for condition in conditions]
        table.add_row(Text(display_line(row.name)), Text(display_line(row.model), style="dim"), *cells)
    return table


def _listed_contrasts(rows: tuple[Contrast, ...]) -> Table:
    """A line for each condition."""
    table = Table(box=RULED, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for heading in ("task", "model", "condition", "difference"):
        table.add_column(Text(heading, style="dim"), overflow="fold")
    for row in rows:
        name, model = Text(display_line(row.name)), Text(display_line(row.model), style="dim")
        for condition, found in row.cells.items():
            table.add_row(name, model, Text(display_line(condition)), Text(signed(found)))
            name, model = Text(""), Text("")
    return table


def _heading(block: Block) -> Text:
    heading = Text(display_line(block.perspective), style="bold")
    if block.measure is None:
        return heading
    metric, unit, higher_is_better = block.measure
    better = "higher is better" if higher_is_better else "lower is better"
    return heading.append(f"  {display_line(metric)} ({display_line(unit)}, {better})", style="not bold dim")


def _task_heading(block: Block) -> Text:
    return Text(f"{display_line(block.prefix)}…" if block.prefix else "task", style="dim")


def _cells(block: Block, row: Row, players: tuple[str, ...]) -> list[Text]:
    cells = [Text(display_line(block.label(row)))]
    cells += [_score(row.lines[model]) for model in block.models]
    cells.append(_counted([row.lines[model] for model in block.models or players if model in row.lines]))
    return cells + [Text(number(row.lines[p].mean) if p in row.lines else "-", style="dim") for p in players]


def _score(line: Line) -> Text:
    score = Text(number(line.mean).rjust(4), style="yellow" if no_better_than_chance(line) else "bold")
    return score.append(f" {interval(line)}", style="not bold dim default")


def _counted(lines: list[Line]) -> Text:
    """How many cases were scored; beside it, where that is less, how many were planned."""
    scored, planned = [line.scored for line in lines], [line.planned for line in lines]
    if scored == planned:
        return Text(f"{max(scored, default=0):,}", style="dim")
    return Text(f"{min(scored):,}/{max(planned):,}", style="red")


def _means(block: Block, players: tuple[str, ...]) -> list[Text]:
    means = [Text(f"mean of {len(block.rows)} tasks", style="italic")]
    means += [Text(number(block.mean(model)).rjust(4), style="bold") for model in block.models]
    means.append(Text(""))
    return means + [Text(number(block.mean(player)), style="dim") for player in players]


def _missing(block: Block) -> Iterator[Text]:
    """Which cases have no score, a line for each model and kind of gap."""
    gaps: dict[tuple[str, str], list[str]] = {}
    for row in block.rows:
        for line in row.lines.values():
            if missing(line) and line.player is None:
                gaps.setdefault((line.model, missing(line)), []).append(display_line(block.label(row)))
    for (model, what), tasks in gaps.items():
        more = f" and {len(tasks) - NAMED} more tasks" if len(tasks) > NAMED else ""
        each = " each" if len(tasks) > 1 else ""
        yield Text(f"{display_line(model)}: {what}{each} in {', '.join(tasks[:NAMED])}{more}", style="red")


def _legend(card: Scorecard) -> Text:
    counted = totals(line for line in card.lines if line.player is None)
    counts = ", ".join(f"{counted[name]:,} {name}" for name in counted)
    legend = Text(f"Models under test: {counts}.", style="dim")
    legend.append(" Brackets are 95 % intervals; means weigh every task the same.")
    if any(no_better_than_chance(line) for line in card.lines if line.player is None):
        legend.append(" Yellow", style="yellow").append(": may be no better than chance.")
    return legend
