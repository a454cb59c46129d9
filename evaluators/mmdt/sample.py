"""The sample: a few harmless rows for every task, in the layout of the official data, drawn and written by us.

It is made anew, byte by byte the same, when a process first needs it, and read by the same loaders as the official data. A row that shows
what a right picture looks like has it as `gold_picture`, a path in the sample's folder.
"""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

NAME = "sample"
T2I, I2T, PAIRS = "MMDecodingTrust-T2I", "MMDecodingTrust-I2T", "MMDecodingTrust-T2I-Privacy"
MAKERS = ("safety", "hallucination", "fairness", "privacy", "adversarial", "ood")
"""Packages of this one, each with a module `sample` that has `write(folder)`."""


@cache
def folder() -> Path:
    """Where the sample lies while this process lives."""
    made = Path(tempfile.mkdtemp(prefix="assay-mmdt-sample-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    for maker in MAKERS:
        import_module(f"evaluators.mmdt.{maker}.sample").write(made)
    return made


def put_json(folder: Path, config: str, split: str, rows: Iterable[Mapping[str, Any]], repository: str = T2I) -> None:
    """Write a split as a JSON file, as the text-to-image data has it."""
    path = folder / repository / config / f"{split}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(list(rows), ensure_ascii=False, indent=0), encoding="utf-8")


def put_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write JSON lines, as the fairness prompts are kept."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def put_parquet(folder: Path, config: str, split: str, rows: Iterable[Mapping[str, Any]], repository: str = I2T) -> None:
    """Write a split as Parquet with its pictures inside; a value of bytes is a picture."""
    import pyarrow as pa  # noqa: PLC0415 - only those who make or read such files need it
    import pyarrow.parquet as pq  # noqa: PLC0415

    made = [{name: {"bytes": value, "path": None} if isinstance(value, bytes) else value for name, value in row.items()} for row in rows]
    path = folder / repository / config / f"{split}-00000-of-00001.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(made), path)


def put_picture(folder: Path, name: str, data: bytes) -> str:
    """Keep a right picture; the path to name in a row's `gold_picture`."""
    path = folder / "gold" / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return str(path.relative_to(folder))
