"""Looking through a split: its rows, the fields that they lack, and the pictures that cannot be read."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Sequence

from PIL import Image

from evaluators.hub import Repository
from evaluators.mmdt.official import Source
from evaluators.rows import Row, RowFault
from kernel.benchmark import Finding
from kernel.errors import InvalidSpec


def looked_through(what: str, found: Repository, sources: Sequence[Source]) -> Finding:
    """Reads every row and every picture of a split. sources: what the tasks take of it, at least one."""
    first, chosen = sources[0], next((source.wanted.field for source in sources if source.wanted), None)
    rows, lacking, unreadable = Counter[str](), Counter[str](), list[str]()
    try:
        for row in found.rows(first.config, first.split):
            rows[str(row.fields.get(chosen) or "") if chosen else ""] += 1
            lacking.update(_lacking(row, sources))
            unreadable += _unreadable(row, first.picture)
    except InvalidSpec as error:
        return Finding(what, fits=False, detail=str(error))
    by_task = ": " + ", ".join(f"{number} {name or f'without {chosen}'}" for name, number in rows.items()) if chosen and rows else ""
    told = [f"{rows.total():,} rows{by_task}", *_unexpected(rows, sources)]
    bad = [f"{number} rows lack {name!r}" for name, number in lacking.items()]
    if unreadable:
        bad.append(f"{len(unreadable)} pictures cannot be read, the first: {unreadable[0]}")
    if not rows:
        bad.append("expected at least one")
    return Finding(what, not bad, "; ".join([*told, *bad]), found.mend if bad else "")


def _unexpected(rows: Counter[str], sources: Sequence[Source]) -> Iterator[str]:
    """Where numbers of rows are others than is known of them."""
    known = {source.wanted.value if source.wanted else "": source.known for source in sources if source.known}
    for name, (number, by) in known.items():
        if rows[name] != number:
            yield f"{' '.join(filter(None, ('expected', str(number), name)))} (known by: {by})"


def _lacking(row: Row, sources: Sequence[Source]) -> Iterator[str]:
    taking = [source for source in sources if source.wanted is None or row.fields.get(source.wanted.field) == source.wanted.value]
    choosing = {source.wanted.field for source in sources if source.wanted}
    for name in sorted(choosing.union(*(source.fields for source in taking))):
        if row.fields.get(name) is None and row.pictures.get(name) is None:
            yield name


def _unreadable(row: Row, picture: str) -> Iterator[str]:
    if picture:
        try:
            Image.open(io.BytesIO(row.image(picture))).load()
        except RowFault as fault:
            yield str(fault)
        except (OSError, ValueError, SyntaxError) as error:
            yield f"{row.where}: {error}"
