"""A plain table on the terminal, for lists of names and states."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from kernel.shell.display import display_line
from kernel.shell.lasting import console


def show(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under headings. Any text may be foreign: it is filtered here."""
    table = Table(*headings, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(display_line(cell), overflow="fold") for cell in row))
    console().print(table)
