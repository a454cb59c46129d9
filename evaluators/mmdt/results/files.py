"""The files of a result tree: tables, JSON, JSON lines, statistics in text, and literals in cells. Nothing in them is ever executed."""

from __future__ import annotations

import ast
import csv
import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kernel.errors import InvalidSpec

MISSING = frozenset((
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan",
    "null",
))  # fmt: skip
"""Cells that the public code's reader takes for no value; a reply that is one of these words is lost there."""
STATISTICS = ("Overall", "Robust accurate number", "Robust accurate rate", "Attack success number", "Attack success rate")
"""The lines of the adversarial statistics."""


def table(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file by column. Raises `InvalidSpec` for what is none."""
    try:
        return parsed(text(path))
    except csv.Error as error:
        raise InvalidSpec(str(path), [f"cannot be read as CSV: {error}"]) from None


def parsed(text: str) -> list[dict[str, str]]:
    """The rows of CSV text by column."""
    return [{name: value or "" for name, value in row.items() if name is not None} for row in csv.DictReader(io.StringIO(text, newline=""))]


def document(path: Path) -> Any:
    """What a JSON file holds. Raises `InvalidSpec`."""
    return _json(text(path), path)


def lines(path: Path) -> list[Any]:
    """What the lines of a file of JSON lines hold. Raises `InvalidSpec`."""
    return [_json(line, path) for line in text(path).split("\n") if line.strip()]


def statistics(path: Path) -> dict[str, float]:
    """Label and number of every line. Raises `InvalidSpec`."""
    pairs = [line.partition(":") for line in text(path).splitlines() if line.strip()]
    try:
        return {label.strip(): float(value) for label, _, value in pairs}
    except ValueError:
        raise InvalidSpec(str(path), [f"expected lines with a label, a colon and a number; found {pairs[0][0]!r:.80} first"]) from None


def told(numbers: Mapping[str, float]) -> str:
    """The lines of adversarial statistics."""
    return "".join(f"{label}: {numbers[label]}\n" for label in STATISTICS)


def put(path: Path, text: str) -> Path:
    """Write a file, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def put_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Path:
    """Write a CSV file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
    return path


def put_lines(path: Path, rows: Iterable[Any]) -> Path:
    """Write JSON lines."""
    return put(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def number(cell: str) -> float:
    """The number in a cell, also a percentage or True and False; NaN where there is none. Raises `ValueError` for words."""
    stripped = cell.strip()
    if stripped in MISSING:
        return math.nan
    return float(stripped == "True") if stripped in {"True", "False"} else float(stripped.removesuffix("%"))


def mean(rows: Iterable[Mapping[str, str]], column: str) -> float:
    """The mean of a column over the cells that have a number, as the public code's reader makes it; NaN where none has. Raises `KeyError`."""
    found = [value for value in (number(row[column]) for row in rows) if not math.isnan(value)]
    return sum(found) / len(found) if found else math.nan


def literal(text: str, where: Path) -> Any:
    """The value of a Python literal. Raises `InvalidSpec`: a file of a stranger is never evaluated."""
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise InvalidSpec(str(where), [f"{text!r:.120} is no literal such as ['cat', 'dog'] or {{'cat': 2}}; it is not executed"]) from None


def folders(folder: Path) -> Iterator[Path]:
    """The folders in a folder by name; none where it is not there."""
    return (each for each in sorted(folder.glob("*")) if each.is_dir())


def text(path: Path) -> str:
    """What a text file holds. Raises `InvalidSpec`."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSpec(str(path), [f"cannot be read: {error}"]) from None


def _json(text: str, path: Path) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidSpec(str(path), [f"is not JSON: {error}"]) from None
