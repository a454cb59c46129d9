"""The report: one self-contained page that works offline and in which no foreign text can run.

Everything foreign passes the display filter and then jinja2's escape or, for the cases, JSON that the page's script
shows as text. The page's policy lets only its own script and style run and loads nothing but the pictures inside it.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import jinja2

from kernel.errors import UserError
from kernel.report import Scorecard, Shown
from kernel.shell.arrange import COUNTS, Block, blocks, interval, missing, number, totals
from kernel.shell.cases import ORDER, Selection
from kernel.shell.chart import PALETTE, charts
from kernel.shell.contrasts import contrasts, signed
from kernel.shell.display import display, display_line
from kernel.shell.sources import sources
from kernel.shell.standings import standings

MANIFEST = 200_000
"""Characters of the manifest in the page."""
NOTE = 1_000


def write(card: Scorecard, cases: Iterable[Shown], path: Path) -> None:
    """Write the report to `path`, whole or not at all. Raises `UserError` where the file cannot be written."""
    selection = Selection(card)
    for shown in cases:
        selection.add(shown)
    _replace(path, _page(card, selection))


def _page(card: Scorecard, selection: Selection) -> Iterator[str]:
    chosen = selection.result()
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("kernel.shell"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"line": display_line, "number": number, "interval": interval, "missing": missing, "signed": signed}
    arranged = blocks(card)
    models = list(dict.fromkeys(line.model for line in card.lines if line.player is None))
    colours = {model: at % PALETTE for at, model in enumerate(models)}
    return environment.get_template("report.html.j2").generate(
        nonce=secrets.token_urlsafe(18),
        card=card,
        overview=[(block, _measure(block)) for block in arranged],
        players=_players(arranged),
        models=models,
        colours=colours,
        tasks=len({line.task for line in card.lines}),
        counts=COUNTS,
        totals=totals(line for line in card.lines if line.player is None),
        played=totals(line for line in card.lines if line.player is not None),
        perspectives=_perspectives(arranged, colours),
        standings=standings(card),
        contrasts=contrasts(card),
        notes=[display(note, NOTE) for note in card.notes],
        sources=list(sources(card.manifest)),
        manifest=display(_json(card.manifest), MANIFEST),
        chosen=chosen,
        data={"cases": chosen.entries, "pictures": chosen.pictures, "order": ORDER},
    )


def _measure(block: Block) -> str:
    if block.measure is None:
        return "several metrics"
    metric, _, higher_is_better = block.measure
    return display_line(metric) + ("" if higher_is_better else " (lower is better)")


def _players(arranged: Iterable[Block]) -> list[str]:
    """The parts that null players play, in order."""
    return list(dict.fromkeys(block.heading(player) for block in arranged for player in block.players))


def _perspectives(arranged: Iterable[Block], colours: dict[str, int]) -> dict[str, list[tuple[Block, Any]]]:
    found: dict[str, list[tuple[Block, Any]]] = {}
    for block in arranged:
        found.setdefault(display_line(block.perspective), []).append((block, list(charts(block, colours))))
    return found


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def _replace(path: Path, text: Iterable[str]) -> None:
    """Put `text` at `path` in one step: a reader, or a crash, finds the old file or the new one, never half of it."""
    draft = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        with draft.open("x", encoding="utf-8", newline="\n") as file:
            file.writelines(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise UserError(f"report: {path} cannot be written ({error.strerror or error}); free space there or name another path") from error
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
