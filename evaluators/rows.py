"""Rows of published data sets: Parquet with the pictures inside, JSON, JSON lines, CSV, and folders of pictures beside any of these.

One row at a time: a file is opened when its first row is asked for, and a Parquet file is read a few rows at a time. What a row holds
is foreign: strings that look like Python are read as literals, never evaluated.
"""

from __future__ import annotations

import ast
import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from kernel.errors import AssayError, InvalidSpec

PARQUET = ".parquet"
SUFFIXES = (PARQUET, ".json", ".jsonl", ".csv")
"""Forms that are read."""
FORMATS = ("PNG", "JPEG", "WEBP")
AT_ONCE = 16
"""Rows of a Parquet file that are in memory together; a picture may have megabytes."""
FILE_NAME = "file_name"
"""The column of an image folder's metadata that names the picture; it is read as `image`, and `FRONT_file_name` as `FRONT`."""


class RowFault(AssayError):
    """A row that lacks what a case needs: a field, a picture, or a value of the right form."""


class Wanted(NamedTuple):
    """Only rows whose field has this value; a row without the field is none of them."""

    field: str
    value: Any


@dataclass(frozen=True, slots=True)
class Row:
    """One row. position: its number in the split, from 0, whatever was filtered out. where: repository, configuration, split and position."""

    fields: Mapping[str, Any]
    pictures: Mapping[str, Any]
    position: int
    split: str
    where: str
    folders: tuple[Path, ...] = ()
    """Where relative paths of pictures may begin."""

    def image(self, name: str = "image") -> bytes:
        """The encoded picture, PNG, JPEG or WebP. Raises `RowFault` where there is none that can be read."""
        held = self.pictures.get(name, self.fields.get(name))
        if isinstance(held, Mapping):
            held = held.get("bytes") or held.get("path")
        data = self._beside(name, held) if isinstance(held, str) and held else held
        if not isinstance(data, bytes) or not data:
            raise RowFault(f"{self.where}: no picture {name!r}; found {'nothing' if not data else type(data).__name__}")
        try:
            with Image.open(io.BytesIO(data), formats=FORMATS):
                return data
        except (OSError, ValueError, Image.DecompressionBombError) as error:
            raise RowFault(f"{self.where}: {name!r} is no picture that can be read ({error}); expected one of {', '.join(FORMATS)}") from None

    def _beside(self, name: str, path: str) -> bytes:
        for folder in self.folders:
            if is_inside(path) and (folder / path).is_file():
                return (folder / path).read_bytes()
        raise RowFault(f"{self.where}: the picture {name!r} is missing; expected the file {path!r:.200} below the data set's folder")


def is_inside(path: str) -> bool:
    """Whether a relative path stays below where it begins."""
    return not PurePosixPath(path).is_absolute() and ".." not in PurePosixPath(path).parts


def field(row: Row, name: str) -> Any:
    """The value of a field. Raises `RowFault` where the row has none."""
    if (value := row.fields.get(name)) is None:
        raise RowFault(f"{row.where}: no field {name!r}; found {', '.join(key for key, held in row.fields.items() if held is not None) or 'none'}")
    return value


def literal(row: Row, name: str) -> Any:
    """The value of a field that holds a Python literal in a string; what is no string is taken as it is. Raises `RowFault`."""
    value = field(row, name)
    if not isinstance(value, str):
        return value
    try:
        return ast.literal_eval(value.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise RowFault(f"{row.where}: field {name!r} is {value!r:.120}; expected a literal such as ['cat', 'dog'] or {{'cat': 2}}") from None


def read(files: Iterable[Path], where: str, root: Path, split: str, wanted: Wanted | None = None) -> Iterator[Row]:
    """The rows of a split, in order, lazily. Raises `InvalidSpec` for a file that cannot be read."""
    start = 0
    for path in files:
        rows = _parquet(path, wanted) if path.suffix == PARQUET else enumerate(_objects(path))
        position = -1
        for position, values in _readable(path, rows):
            if values is not None and (wanted is None or values.get(wanted.field) == wanted.value):
                yield Row(*_parted(values), start + position, split, f"{where}, row {start + position}", (path.parent, root))
        start += position + 1


def count(files: Iterable[Path], wanted: Wanted | None = None) -> int:
    """How many rows there are; of Parquet, no picture is read for it. Raises `InvalidSpec` for a file that cannot be read."""
    return sum(number for path in files for number in _readable(path, _counted(path, wanted)))


def _parquet(path: Path, wanted: Wanted | None) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """Rows by their positions; of a group without a wanted row only the last position, with `None`."""
    with pq.ParquetFile(path) as file:
        start = 0
        for group in range(file.num_row_groups):
            size = file.metadata.row_group(group).num_rows
            if wanted is None or wanted.value in _column(file, wanted.field, [group]):
                yield from enumerate((values for batch in file.iter_batches(AT_ONCE, row_groups=[group]) for values in batch.to_pylist()), start)
            else:
                yield start + size - 1, None
            start += size


def _column(file: pq.ParquetFile, name: str, groups: list[int]) -> list[Any]:
    return file.read_row_groups(groups, columns=[name])[name].to_pylist() if name in file.schema_arrow.names else []


def _objects(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a text file: a JSON array, JSON lines, or CSV."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        if path.suffix == ".csv":
            for number, cells in enumerate(csv.DictReader(file)):
                if None in cells:
                    raise ValueError(f"row {number} has {len(cells[None])} more cells than there are columns")
                yield cells
            return
        array = file.read(4096).lstrip().startswith("[")
        file.seek(0)
        for number, values in enumerate(json.load(file) if array else (json.loads(line) for line in file if line.strip())):
            if not isinstance(values, dict):
                raise TypeError(f"row {number} is {type(values).__name__}, expected an object with fields")
            yield values


def _counted(path: Path, wanted: Wanted | None) -> Iterator[int]:
    if path.suffix != PARQUET:
        yield sum(1 for values in _objects(path) if wanted is None or values.get(wanted.field) == wanted.value)
        return
    with pq.ParquetFile(path) as file:
        yield file.metadata.num_rows if wanted is None else _column(file, wanted.field, list(range(file.num_row_groups))).count(wanted.value)


def _parted(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fields, and pictures apart from them."""
    fields: dict[str, Any] = {}
    pictures: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, bytes) or (isinstance(value, dict) and value.keys() == {"bytes", "path"}):
            pictures[name] = value
        elif name == FILE_NAME or name.endswith(f"_{FILE_NAME}"):
            pictures[name.removesuffix(FILE_NAME).removesuffix("_") or "image"] = value
        else:
            fields[name] = value
    return fields, pictures


def _readable(path: Path, rows: Iterator[Any]) -> Iterator[Any]:
    """The same, with whatever is wrong with the file told as one error of ours."""
    try:
        yield from rows
    except (OSError, ValueError, TypeError, csv.Error, pa.ArrowException) as error:
        raise InvalidSpec(str(path), [f"cannot be read as {path.suffix[1:]} ({str(error).strip():.200}); bring the file here again"]) from None
