"""Files in the forms of MultiTrust's release, written for the sample and for trees that were recorded."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any


def put(path: Path, data: bytes = b"") -> None:
    """A file, with the folders that it is in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def put_json(path: Path, value: Any) -> None:
    """One JSON value."""
    put(path, json.dumps(value, ensure_ascii=False, indent=1).encode())


def put_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """JSON lines."""
    put(path, "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows).encode())


def put_table(path: Path, rows: Sequence[Sequence[Any]]) -> None:
    """CSV, of which the first row is the head."""
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows(rows)
    put(path, buffer.getvalue().encode())


def put_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """CSV with the fields of the first row."""
    head = list(rows[0])
    put_table(path, [head, *([row[name] for name in head] for row in rows)])
