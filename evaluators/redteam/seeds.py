"""Seeds: rows that a user wrote, in any form that rows are read in, with pictures beside them or within."""

from __future__ import annotations

import ast
import io
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

from evaluators.rows import FILE_NAME, SUFFIXES, Row, RowFault, read
from kernel.errors import InvalidSpec

Seed = Mapping[str, Any]
Labels = Callable[[str], Mapping[str, str]]
METADATA = tuple(f"metadata{suffix}" for suffix in SUFFIXES)
"""Files in a folder of pictures that tell of them."""
PICTURES = (".png", ".jpg", ".jpeg", ".webp")
FAULTS = 10
"""Faults that are told of one file."""


def read_seeds(path: Path, needed: Collection[str] = (), labelled: Labels | None = None) -> list[Seed]:
    """The rows of a file, or of a folder of pictures. `id` is the row's place where it has none; the picture is for `picture_of`.

    Args:
        path: A file; or a folder with metadata in it, or else with pictures and their captions, in text files of the same names.
        needed: Fields that every row must have.
        labelled: What the name of a picture's own folder says of it, where there are no metadata.

    Raises:
        InvalidSpec: The file cannot be read, a row lacks one of the `needed` fields, or two rows have the same id.
    """
    seeds = [_seed(row) for row in _rows(path, labelled)]
    faults = [
        f"row {at}: {name}: missing; has {', '.join(key for key, value in seed.items() if value not in (None, '')) or 'nothing'}"
        for at, seed in enumerate(seeds)
        for name in needed
        if seed.get(name) in (None, "")
    ]
    faults += [f"id {name!r} stands {times} times; give every row its own" for name, times in Counter(seed["id"] for seed in seeds).items() if times > 1]
    if faults:
        raise InvalidSpec(str(path), faults[:FAULTS])
    return seeds


def _rows(path: Path, labelled: Labels | None) -> list[Row]:
    if path.is_dir():
        told = next((path / name for name in METADATA if (path / name).is_file()), None)
        if told is None:
            return _of_folder(path, labelled)
        path = told
    if not path.is_file():
        raise InvalidSpec(str(path), ["no such file"])
    if path.suffix not in SUFFIXES:
        raise InvalidSpec(str(path), [f"files that end in {path.suffix or 'nothing'} are not read; expected one of {', '.join(SUFFIXES)}"])
    return list(read([path], str(path), path.parent, "seeds"))


def _of_folder(folder: Path, labelled: Labels | None) -> list[Row]:
    rows = []
    for at, path in enumerate(sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURES)):
        name, caption = path.relative_to(folder), path.with_suffix(".txt")
        fields = {"id": name.with_suffix("").as_posix(), **(labelled(path.parent.name) if labelled else {})}
        if caption.is_file():
            fields["prompt"] = caption.read_text("utf-8").strip()
        rows.append(Row(fields, {"image": name.as_posix()}, at, "seeds", str(path), (folder,)))
    return rows


def _seed(row: Row) -> Seed:
    """The fields, and the row itself in place of its picture, which is read when it is wanted."""
    pictured = {"image": row} if row.pictures.get("image") or row.fields.get("image") else {}
    name = row.fields.get("id")
    return {**row.fields, "id": str(row.position if name in (None, "") else name), **pictured}


def literal_of(seed: Seed, name: str) -> Any:
    """A list or mapping as it is, or written out as a literal in a cell of a table; `None` where there is none. Raises `InvalidSpec`."""
    value = seed.get(name)
    if not isinstance(value, str) or not value.strip():
        return value or None
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError):
        raise InvalidSpec(f"seed {seed['id']}", [f"{name}: {value!r:.80} is no literal; expected a list such as ['cat', 'dog']"]) from None


def bytes_of(seed: Seed) -> bytes:
    """The file of a seed's picture. Raises `InvalidSpec` where it has none that can be read."""
    source = seed.get("image")
    try:
        if isinstance(source, Row):
            return source.image()
        if isinstance(source, Path):
            return source.read_bytes()
    except (RowFault, OSError) as fault:
        raise InvalidSpec(f"seed {seed['id']}", [str(fault)]) from None
    if not isinstance(source, bytes):
        raise InvalidSpec(f"seed {seed['id']}", [f"has no picture; give the path of one as `image` or `{FILE_NAME}`"])
    return source


def picture_of(seed: Seed) -> Image.Image:
    """The picture of a seed, upright and in RGB. Raises `InvalidSpec` where it has none that can be opened."""
    return opened(bytes_of(seed), f"seed {seed['id']}")


def opened(source: bytes | Path, where: str) -> Image.Image:
    """A picture, upright and in RGB. Raises `InvalidSpec`."""
    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as image:
            return ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        told = "its bytes" if isinstance(source, bytes) else str(source)
        raise InvalidSpec(where, [f"the picture cannot be opened: {told}: {error}"]) from None


def read_words(path: Path) -> tuple[str, ...]:
    """The words of a file, one a line, lower-cased; empty lines and what follows # are left out. Raises `InvalidSpec`."""
    words = (line.split("#")[0].strip().casefold() for line in read_text(path, "one word a line").splitlines())
    return tuple(dict.fromkeys(word for word in words if word))


def read_table(path: Path) -> dict[str, tuple[str, ...]]:
    """A thesaurus: lines `word: other, another`. Raises `InvalidSpec`."""
    table = {}
    for line in read_words(path):
        word, colon, others = line.partition(":")
        if not colon:
            raise InvalidSpec(str(path), [f"{line!r} has no colon; expected lines such as `small: little, tiny`"])
        table[word.strip()] = tuple(other.strip() for other in others.split(",") if other.strip())
    return table


def read_text(path: Path, wanted: str) -> str:
    """The text of a file. Raises `InvalidSpec`, which says what was wanted of it."""
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSpec(str(path), [f"cannot be read: {error}; expected {wanted}"]) from None
