"""`assay check`: what a gateway's checks find of a server, as tables: one of the server itself, and one of each of its models.

Everything that is shown may hold what the server said, and passes `display_line`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Protocol, runtime_checkable

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kernel.contract import Kind
from kernel.shell.display import display_line
from kernel.shell.lasting import console
from kernel.shell.running import find_part

BROKEN = "does not fit"
STYLES = {"fits": "green", BROKEN: "bold red", "could be better": "yellow", "told": "cyan", "not asked": "dim"}
FOUND_LIMIT = 600
"""Characters of what was found that are shown."""


class Finding(Protocol):
    """What one check found of a model, or of the server itself where `model` is empty.

    status: one of `STYLES`. promise, mend: of our own words. found: may hold anything. mend: empty where nothing is to be done.
    """

    @property
    def model(self) -> str: ...  # noqa: D102
    @property
    def check(self) -> str: ...  # noqa: D102
    @property
    def status(self) -> str: ...  # noqa: D102
    @property
    def found(self) -> str: ...  # noqa: D102
    @property
    def promise(self) -> str: ...  # noqa: D102
    @property
    def mend(self) -> str: ...  # noqa: D102


@runtime_checkable
class Placed(Protocol):
    """A finding that tells the address of its server, where what was asked for may have several."""

    @property
    def address(self) -> str: ...  # noqa: D102


class CheckServer(Protocol):
    """What an entry point of the group `assay.checks` is: an address, perhaps a model, to findings, those of one model and server in a row."""

    def __call__(
        self, address: str, model: str | None, *, catalog: Path | None = None, kind: Kind | None = None, text: str | None = None, thorough: bool = False
    ) -> AsyncGenerator[Finding]:
        """The findings, one by one; raises `UserError` for what the caller got wrong.

        catalog, and only where one is given: then `address` is the name of an entry in it.
        """
        ...


def find_check(name: str) -> CheckServer:
    """The checks of the gateway of that name. Raises `UnknownName`, or `InvalidSpec` when its packages are missing."""
    found: CheckServer = find_part("checks", name)
    return found


async def show(findings: AsyncGenerator[Finding], address: str) -> bool:
    """Print the findings as they come, a table a model; whether nothing required is missing. Raises what the checks raise."""
    out = console()
    group: list[Finding] = []
    fits = True
    async with aclosing(findings):
        try:
            with out.status(Text(f"asking {display_line(address)}")) as waiting:
                async for finding in findings:
                    if group and (finding.model, _place(finding)) != (group[0].model, _place(group[0])):
                        _print(out, address, group)
                        group = []
                    group.append(finding)
                    fits = fits and finding.status != BROKEN
                    asked = display_line(finding.model or _place(finding) or address)
                    waiting.update(Text(f"asking {asked}: {display_line(finding.check)}, {display_line(finding.status)}"))
        finally:
            _print(out, address, group)
    return fits


def _print(out: Console, address: str, group: Sequence[Finding]) -> None:
    if not group:
        return
    title = f"model {display_line(group[0].model)}" if group[0].model else f"server {display_line(_place(group[0]) or address)}"
    out.print(Text(title, style="bold").append(f"  {_summary(group)}", style="not bold dim"))
    table = Table("check", "result", "what was found", box=box.SIMPLE_HEAD, pad_edge=False)
    for finding in group:
        table.add_row(*_cells(finding))
    out.print(table)


def _place(finding: Finding) -> str:
    return finding.address if isinstance(finding, Placed) else ""


def _cells(finding: Finding) -> Iterable[Text]:
    found = Text(display_line(finding.found, FOUND_LIMIT), overflow="fold")
    if finding.mend:
        found.append(f"\npromise: {display_line(finding.promise, FOUND_LIMIT)}", style="dim")
        found.append(f"\nmend: {display_line(finding.mend, FOUND_LIMIT)}", style="bold")
    return Text(display_line(finding.check), overflow="fold"), Text(display_line(finding.status), style=STYLES.get(finding.status, "")), found


def _summary(group: Sequence[Finding]) -> str:
    counts = Counter(finding.status for finding in group)
    if set(counts) == {"fits"}:
        return f"all {len(group)} fit"
    words = {"fits": "fit", BROKEN: "does not" if counts[BROKEN] == 1 else "do not"} | {status: status for status in STYLES if status not in ("fits", BROKEN)}
    return ", ".join(f"{counts[status]} {word}" for status, word in words.items() if counts[status])
