"""Rows as a split of a data set in Hugging Face's layout: JSON, or Parquet with the pictures in it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from kernel.errors import UserError


def write(rows: Iterable[Mapping[str, Any]], folder: Path, split: str) -> Path:
    """Write one split and give its path: `<split>.json` of rows of plain data, `<split>-00000-of-00001.parquet` of rows with pictures.

    The same rows give the same bytes. Raises `UserError` for no rows at all.
    """
    kept = _some(rows, folder / split)
    if any(isinstance(value, bytes) for row in kept for value in row.values()):
        return _parquet(kept, folder / f"{split}-00000-of-00001.parquet")
    path = folder / f"{split}.json"
    path.write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return path


def write_lines(rows: Iterable[Mapping[str, Any]], path: Path) -> Path:
    """Write rows of plain data as lines, JSON or CSV by the file's name. Raises `UserError` for no rows at all."""
    kept = _some(rows, path)
    with path.open("w", encoding="utf-8", newline="") as file:
        if path.suffix == ".csv":
            table = csv.DictWriter(file, list(kept[0]), lineterminator="\n")
            table.writeheader()
            table.writerows(kept)
        else:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in kept)
    return path


def _some(rows: Iterable[Mapping[str, Any]], path: Path) -> list[Mapping[str, Any]]:
    """The rows, and the folder made that they belong into."""
    if not (kept := list(rows)):
        raise UserError(f"{path}: the seeds gave no row; nothing was written")
    path.parent.mkdir(parents=True, exist_ok=True)
    return kept


def _parquet(rows: list[Mapping[str, Any]], path: Path) -> Path:
    """A table whose pictures are structs of bytes and path, with the features by which `datasets` knows them for pictures."""
    import pyarrow as pa  # noqa: PLC0415  # large, and wanted for pictures alone
    from pyarrow import parquet  # noqa: PLC0415

    names = list(dict.fromkeys(name for row in rows for name in row))
    pictures = {name for name in names if any(isinstance(row.get(name), bytes) for row in rows)}
    picture = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    columns = {}
    for name in names:
        values = [row.get(name) for row in rows]
        if name in pictures:
            shown = [value and {"bytes": value, "path": f"{row.get('seed_row', at)}.png"} for at, (row, value) in enumerate(zip(rows, values, strict=True))]
            columns[name] = pa.array(shown, type=picture)
        else:
            columns[name] = pa.array(_of_one_type(values))
    features = {name: {"_type": "Image"} if name in pictures else _feature(columns[name].type) for name in names}
    told = {"huggingface": json.dumps({"info": {"features": features}})}
    parquet.write_table(pa.table(columns).replace_schema_metadata(told), path)
    return path


def _of_one_type(values: list[Any]) -> list[Any]:
    """What a column can hold: mappings, and all values where their types differ, become text, as in the published data."""
    kinds = {type(value) for value in values if value is not None}
    return values if len(kinds) < 2 and dict not in kinds else [value if value is None else str(value) for value in values]


def _feature(kind: Any) -> dict[str, Any]:
    text = str(kind)
    if text.startswith("list<"):
        return {"feature": _feature(kind.value_type), "_type": "List"}
    return {"dtype": {"double": "float64"}.get(text, text), "_type": "Value"}
