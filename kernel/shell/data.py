"""`assay data`: the official data of a benchmark, brought here and checked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from kernel.registry import benchmarks
from kernel.shell.display import display_line
from kernel.shell.lasting import console

app = typer.Typer(help="Bring the official data of a benchmark here, and check what is here.", no_args_is_help=True)

BenchmarkArgument = Annotated[str, typer.Argument(help="An installed benchmark, such as mmdt.")]


@app.command()
def fetch(
    benchmark: BenchmarkArgument,
    revision: Annotated[str | None, typer.Option("--revision", help="A branch, tag or commit; or NAME=REVISION,NAME=REVISION, one for each data set.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="A folder to put copies into; without it, the hub's cache.")] = None,
) -> None:
    """Bring the official data here from the hub, as far as its owners publish it."""
    for line in benchmarks().get(benchmark).fetch_data(out, revision):
        console().print(Text(display_line(line, None)), soft_wrap=True)


@app.command()
def check(
    benchmark: BenchmarkArgument,
    data: Annotated[str, typer.Option("--data", help="A folder with the benchmark's data; without it, what `assay data fetch` brought.")] = "",
) -> None:
    """Read all data that is here, and tell what is missing or cannot be used; exit 1 where anything is."""
    found = faulty = 0
    for finding in benchmarks().get(benchmark).check_data(data):
        found, faulty = found + 1, faulty + (not finding.fits)
        told = "; ".join(filter(None, (finding.detail, finding.mend)))
        line = Text("fits          " if finding.fits else "does not fit  ", style="green" if finding.fits else "bold red")
        console().print(line.append(display_line(f"{finding.what}: {told}", None), style="not bold default"), soft_wrap=True)
    console().print(Text(f"{found - faulty} of {found} fit"))
    if faulty:
        raise typer.Exit(1)
