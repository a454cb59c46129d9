"""Trees of files as they were recorded, written anew: what a line of record leaves out is numbered, and a picture is a file of its name."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from evaluators.multitrust.official import Run
from evaluators.multitrust.official_files import FILES
from evaluators.multitrust.tree_files import put, put_json, put_lines, put_table

MISSING = "missing"
"""What the name of a picture that is not there begins with."""
SIZED = re.compile(r"(\S+)(?: \((\d+)x(\d+)\))?")
"""A picture's name, and its width and height."""
PRIVATE = ("a.jpg", "b.jpg")
"""Pictures of P.1 and P.2, where none are told."""


def _json(root: Path, run: Run, value: Any) -> None:
    put_json(root / run.queries[0], value)


def _lines(root: Path, run: Run, rows: Iterable[Mapping[str, Any]]) -> None:
    put_lines(root / run.queries[0], rows)


def _table(root: Path, run: Run, rows: Sequence[Any]) -> None:
    """CSV; rows without a head get the release's."""
    head = FILES[run.queries[0]].fields
    if rows and isinstance(rows[0], Mapping):
        rows = [list(dict.fromkeys(name for row in rows for name in row)), *([row.get(name, "") for name in rows[0]] for row in rows)]
    elif rows and not set(map(str, rows[0])) & set(head):
        rows = [head[: len(rows[0])], *rows]
    put_table(root / run.queries[0], rows)


def _asked(root: Path, run: Run, rows: Any, truths: Sequence[str]) -> None:
    """Rows of questions on pictures, all of which are there but those whose names say that they are missing."""
    told = [{}] * rows if isinstance(rows, int) else rows
    made = [{"image": f"{at}.png", "query": f"Q{at}", "truth": truths[(at - 1) % len(truths)], **row} for at, row in enumerate(told, 1)]
    for row in made:
        if not row["image"].startswith(MISSING):
            put(root / run.images / row["image"])
    _json(root, run, made)


def _basic(root: Path, run: Run, given: Any) -> None:
    if "row" not in given:
        for image in given["images"]:
            put(root / run.images / image)
        _json(root, run, given["rows"])
        return
    name, width, height = SIZED.fullmatch(given["row"].get("image", "1.png")).groups()  # type: ignore[union-attr]
    buffer = io.BytesIO()
    Image.new("RGB", (int(width or 1), int(height or 1))).save(buffer, "PNG")
    put(root / run.images / name, buffer.getvalue())
    _json(root, run, [{"query": "Q", **given["row"], "image": name}])


def _folders(root: Path, run: Run, given: Any) -> None:
    for name, number in given["folders"].items():
        for at in range(number):
            put(root / run.images / name / f"{at}.png")


def _drawn(root: Path, run: Run, given: Any) -> None:
    if "json" in given:
        _json(root, run, given["json"])
    elif "csv" in given:
        _table(root, run, given["csv"])
    else:
        _table(root, run, [[at, f"q{at}", f"i{at}.png"] for at in range(1, given["rows"] + 1)])


def _crossed(root: Path, run: Run, given: Any) -> None:
    _table(root, run, [[at, f"q{at}", f"jailbreak {at}"] for at in range(given["rows"])])
    for side in ("pos", "neg"):
        for number in range(given[f"{side}_images"]):
            put(root / f"{run.images.rsplit('_', 1)[0]}_{side}" / f"{number}.png")


def _shown(root: Path, run: Run, given: Any) -> None:
    images = given["images"]
    for name in [f"{number}.png" for number in range(1, images + 1)] if isinstance(images, int) else images:
        put(root / run.images / name)


def _queried(root: Path, run: Run, given: Any) -> None:
    _shown(root, run, given)
    _table(root, run, [["question"], *([f"q{at}"] for at in range(given["questions"]))])


def _preferences(root: Path, run: Run, given: Any) -> None:
    if "images" in given:
        _shown(root, run, given)
    records = given.get("records", 240)
    _json(root, run, [{"prompt": f"p{at}", "topic": "ideology" if at % 120 < 80 else "culture/lifestyle", "type": "plain"} for at in range(records)])


def _private(root: Path, run: Run, given: Any) -> None:
    images = given.get("images", PRIVATE)
    for image in images:
        put(root / run.images / image)
    named = [*images, *(f"{MISSING}{at}.jpg" for at in range(given.get("jsonl", len(images)) - len(images)))]
    rows = [{"image": image, "question": f"q{at}", "private": (at + 1) % 2, "private_qa": (at + 1) % 2} for at, image in enumerate(named)]
    (_lines if run.queries[0].endswith("l") else _json)(root, run, rows)


def _flows(root: Path, run: Run, given: Any) -> None:
    number = given["prompts"]
    put(root / run.queries[0], "".join(f"p{at}\n" for at in range(number)).encode())
    put(root / run.queries[1], "".join(f"{-40.0 + 5 * at}\n" for at in range(number)).encode())


def _celebrities(root: Path, run: Run, given: Any) -> None:
    _table(root, run, given["csv"])
    for name, *_ in given["csv"]:
        put(root / run.images / f"{name.replace(' ', '_')}.jpeg")


def _leaks(root: Path, run: Run, given: Any) -> None:
    _lines(root, run, given["jsonl"])
    for row in given["jsonl"]:
        if not row["Img Path"].startswith(MISSING):
            put(root / run.images / row["SheetName"] / row["Img Path"])


def _groups(root: Path, run: Run, given: Any) -> None:
    keys, people = map(int, re.findall(r"\d+", str(given["five_shot"]))[:2])
    groups = {f"k{at}@example.org": [[f"n{at}-{each}@example.org", f"Name {at} {each}"] for each in range(people)] for at in range(keys)}
    _json(root, run, groups)


TREES: Mapping[str, Callable[[Path, Run, Any], None]] = {
    "T.1": _basic,
    "T.2": lambda root, run, given: _asked(root, run, given["rows"], ("Yes", "No")),
    "T.3": lambda root, run, given: _asked(root, run, given["rows"], "ABCDEFGHIJ"),
    **dict.fromkeys(("T.4", "T.5", "T.7"), lambda root, run, given: _asked(root, run, given["rows"], [f"A{at}" for at in range(1, 11)])),
    "T.6": lambda root, run, given: _asked(root, run, given["rows"], ("Yes", "No")),
    **dict.fromkeys(("S.1", "S.2"), _folders),
    "S.3": lambda root, run, given: _json(root, run, given["prompts"]),
    **dict.fromkeys(("S.4", "S.5"), _drawn),
    "S.6": _crossed,
    **dict.fromkeys(("R.1", "R.2", "R.4", "R.5"), lambda root, run, given: _lines(root, run, given["jsonl"])),
    **dict.fromkeys(("R.3", "R.6"), lambda root, run, given: _json(root, run, given["label.json"])),
    "F.1": _shown,
    **dict.fromkeys(("F.2", "F.3", "F.6"), lambda root, run, given: _table(root, run, given["csv"])),
    "F.4": _queried,
    **dict.fromkeys(("F.5", "F.7"), _preferences),
    **dict.fromkeys(("P.1", "P.2"), _private),
    "P.3": _flows,
    "P.4": _celebrities,
    "P.5": _leaks,
    "P.6": _groups,
}
"""What writes the tree of a task."""
