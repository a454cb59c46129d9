"""Run the benchmarks named on the command line, or all of them; show the table and write it to `results.md`."""

from __future__ import annotations

import asyncio
import platform
import sys
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from os import cpu_count
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.benchmarks.workload import quiet

ALL = ("calls", "growth", "batching", "vendors", "scoring", "scoring_stream")
RESULTS = Path(__file__).with_name("results.md")


def main() -> None:
    quiet()
    names = sys.argv[1:] or list(ALL)
    rows = [row for name in names for row in asyncio.run(import_module(f"tests.benchmarks.{name}").measure())]
    table = Table("figure", "measured", "wanted")
    for row in rows:
        table.add_row(*row)
    Console().print(table)
    if names == list(ALL):
        told = f"{datetime.now(UTC):%Y-%m-%d}, {cpu_count()} cores, Python {platform.python_version()}, grpcio {version('grpcio')}, Triton 2.51 (CPU)"
        lines = ["# Benchmarks", "", f"`make bench`, {told}. Ratios are taken in one run; absolute figures depend on the machine.", ""]
        lines += ["| figure | measured | wanted |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]
        RESULTS.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
