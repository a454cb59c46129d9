"""Looking through the release: every query file with its rows and their fields, every folder of pictures, and what rows name that is not there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import Image

from evaluators.hub import Repository
from evaluators.multitrust.loaders.loading import PICTURES, Sample, pool, rows_of
from evaluators.multitrust.loaders.robustness import ORIGINAL
from evaluators.multitrust.official import FONT, KINDS, POOL, RUNS, Run
from evaluators.multitrust.official_files import FILES, FOLDERS
from kernel.benchmark import Finding
from kernel.errors import InvalidSpec


def looked_through(found: Repository, samples: Callable[[Run], Iterator[Sample]]) -> Iterator[Finding]:
    """Reads every row, and opens every picture that a row names."""
    for query in FILES:
        yield _query(query, found)
    for below, known in FOLDERS.items():
        yield _folder(below, known, found)
    told = "there" if (found.folder / FONT).is_file() else "not there; pictures of P.6 are lettered in Pillow's own font"
    yield Finding(FONT, fits=True, detail=told)
    folders: dict[str, list[Run]] = {}
    for run in RUNS:
        if run.queries and run.images and not run.unrelated and run.condition != "text":
            folders.setdefault(run.images, []).append(run)
    for below, runs in folders.items():
        if all((found.folder / query).is_file() for run in runs for query in run.queries):
            yield _named(below, runs, found, samples)


def _query(query: str, found: Repository) -> Finding:
    expected = FILES[query]
    if not (found.folder / query).is_file():
        if not any(query in run.queries for run in RUNS):
            return Finding(query, fits=True, detail="not there; no scored run asks it")
        return Finding(query, fits=False, detail=f"not there; expected {expected.rows:,} rows", mend=found.mend)
    rows, lacking = 0, Counter[str]()
    try:
        for row in rows_of(found.folder, query):
            if row.fields.get("key") != ORIGINAL and row.fields.get("id") != "id":
                rows += 1
                lacking.update(name for name in expected.fields if row.fields.get(name) is None)
    except InvalidSpec as error:
        return Finding(query, fits=False, detail=str(error), mend=found.mend)
    bad = [f"{number} rows lack {name!r}" for name, number in lacking.items()]
    return _told(query, rows, expected.rows, "rows", bad, found)


def _folder(below: str, known: int | None, found: Repository) -> Finding:
    place = found.folder / below
    if not place.is_dir():
        return Finding(below, fits=False, detail=f"not there; expected {known or 'some'} pictures", mend=found.mend)
    pictures = [path for path in place.rglob("*") if path.suffix.lower() in PICTURES]
    bad = [f"no picture of the kind {kind!r}" for kind in KINDS if below == POOL and not pool(found.folder, kind)]
    return _told(below, len(pictures), known, "pictures", bad + _unreadable(pictures), found)


def _named(below: str, runs: list[Run], found: Repository, samples: Callable[[Run], Iterator[Sample]]) -> Finding:
    """What rows name in a folder."""
    named: dict[str, None] = {}
    faults: list[str] = []
    try:
        for each in (each for run in runs for each in samples(run)):
            if each.fault:
                faults.append(each.fault)
            elif each.image:
                named[each.image] = None
    except InvalidSpec as error:
        return Finding(below, fits=False, detail=str(error), mend=found.mend)
    here = {image: found.folder / image for image in named}
    missing = [image for image, path in here.items() if not path.is_file()]
    bad = [f"{len(missing)} of them are missing, the first: {missing[0]}"] if missing else []
    bad += [f"{len(faults)} rows cannot be asked, the first: {faults[0]}"] if faults else []
    bad += _unreadable([path for image, path in here.items() if image not in missing])
    return _told(below, len(named), None, f"pictures named by {', '.join(dict.fromkeys(run.task for run in runs))}", bad, found)


def _told(what: str, number: int, known: int | None, of: str, bad: list[str], found: Repository) -> Finding:
    if not number:
        bad = [*bad, "expected at least one"]
    other = f", expected {known:,}" if known is not None and number != known else ""
    return Finding(what, not bad, "; ".join([f"{number:,} {of}{other}", *bad]), found.mend if bad else "")


def _unreadable(paths: list[Path]) -> list[str]:
    wrong = []
    for path in paths:
        try:
            with Image.open(path):
                pass
        except (OSError, ValueError, Image.DecompressionBombError):
            wrong.append(path.name)
    return [f"{len(wrong)} pictures cannot be read, the first: {wrong[0]}"] if wrong else []
