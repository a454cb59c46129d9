"""What all loaders share: the data's folder, its rows in any of the release's forms, and the pictures that have nothing to do with the words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path, PurePosixPath
from random import Random
from typing import Any

from evaluators.measures.reference import Counting, Crash
from evaluators.multitrust.official import KINDS, POOL, Run, drawn_for
from evaluators.multitrust.official_files import FILES
from evaluators.rows import Row, RowFault, is_inside, read
from evaluators.rows import field as value_of
from kernel.errors import InvalidSpec

PICTURES = (".png", ".jpg", ".jpeg", ".webp")
MEND = "bring the data here again"


@dataclass(frozen=True, slots=True)
class Sample:
    """One thing that is asked. row: what it is made of, the same in every condition. image: below the data's folder, empty where only words are asked.

    rendered: text of which the picture is made. target and extra: as the public code has them. drawn: which picture of the pool, and of which kind.
    fault: why it cannot be asked or judged; then it counts and fails.
    """

    row: str
    text: str
    target: Any = None
    extra: Mapping[str, Any] | None = None
    image: str = ""
    rendered: str = ""
    drawn: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""

    @property
    def pictured(self) -> bool:
        """Whether a picture is asked about."""
        return bool(self.image or self.rendered)


@dataclass(frozen=True)
class Loading:
    """A run's data being read. k: pictures of each unrelated kind for a text, in `corrected`. seed: of all that is drawn."""

    folder: Path
    run: Run
    counting: Counting = "corrected"
    k: int = 1
    seed: int = 0

    @property
    def repaired(self) -> bool:
        """Whether the public code's defects are."""
        return self.counting == "corrected"

    def rows(self, number: int = 0) -> Iterator[Row]:
        """The rows of a query file, one after another. Raises `InvalidSpec` where it cannot be read."""
        return rows_of(self.folder, self.run.queries[number])

    def document(self) -> Any:
        """A query file that is one JSON value. Raises `InvalidSpec` where it cannot be read."""
        return document(self.folder / self.run.queries[0])

    def here(self, image: str) -> bool:
        """Whether a picture is there."""
        return is_inside(image) and (self.folder / image).is_file()

    def skips(self, image: str) -> bool:
        """Whether the public code leaves a row out because its picture is missing; repaired, the row is asked, and fails."""
        return not self.repaired and not self.here(image)

    def chance(self, *of: object) -> Random:
        """Chance that depends on nothing but the seed and what is named."""
        return Random("/".join(map(str, (self.seed, *of))))

    def paired(self, row: str, text: str, target: Any = None, extra: Mapping[str, Any] | None = None, relevant: str = "", **facts: Any) -> Iterator[Sample]:
        """A text in the run's condition: alone, with its picture, or with pictures that have nothing to do with it."""
        condition = self.run.condition
        if condition == "text":
            yield Sample(row, text, target, extra, facts=facts)
        elif not self.run.unrelated:
            yield Sample(row, text, target, extra, relevant, facts=facts)
        else:
            for kind in KINDS if condition == "irrelevant" else (condition,):
                for drawn in self._drawn(kind, row):
                    yield Sample(row, text, target, extra, drawn["picture"], drawn=drawn, facts=facts)

    @cached_property
    def _pool(self) -> Mapping[str, list[str]]:
        return {kind: pool(self.folder, kind) for kind in KINDS}

    def _drawn(self, kind: str, row: str) -> Iterator[Mapping[str, Any]]:
        files, number = self._pool[kind], drawn_for(self.run, self.counting, self.k)
        if len(files) < number:
            told = f"{len(files)} pictures of the kind {kind!r}, expected at least {number}; {MEND}"
            raise InvalidSpec(str(self.folder / POOL), [told])
        once = self.counting == "paper" and self.run.task in {"T.4", "T.7"}
        chosen = self.chance(self.run.task, kind, "" if once else row).sample(files, number)
        for place, picture in enumerate(chosen):
            yield {"kind": kind, "picture": picture, "place": place, "of": len(files), "seed": self.seed}


@cache
def _split(name: str) -> tuple[tuple[bool, int, str], ...]:
    return tuple((not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", name) if part)


def natural(names: Iterable[str]) -> list[str]:
    """Names in the order in which people count: 2 before 10."""
    return sorted(names, key=_split)


def pictures_in(folder: Path, below: str) -> list[str]:
    """The pictures of a folder, in natural order, as paths below the data's folder. Raises `InvalidSpec` where there is no such folder."""
    place = folder / below
    if not place.is_dir():
        raise InvalidSpec(str(place), [f"no such folder; {MEND}"])
    return natural([f"{below}/{path.name}" for path in place.iterdir() if path.suffix.lower() in PICTURES])


def folders_in(folder: Path, below: str) -> list[str]:
    """The names of the folders in a folder, in natural order. Raises `InvalidSpec` where there is no such folder."""
    place = folder / below
    if not place.is_dir():
        raise InvalidSpec(str(place), [f"no such folder; {MEND}"])
    return natural([path.name for path in place.iterdir() if path.is_dir()])


def pool(folder: Path, kind: str) -> list[str]:
    """The pool's pictures of a kind, by the word in their names."""
    return [path for path in pictures_in(folder, POOL) if kind in PurePosixPath(path).name]


def document(path: Path) -> Any:
    """A file that is one JSON value. Raises `InvalidSpec` where it cannot be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise InvalidSpec(str(path), [f"cannot be read as JSON ({error!s:.200}); {MEND}"]) from None


def rows_of(folder: Path, query: str) -> Iterator[Row]:
    """The rows of a query file in any of the release's forms. Raises `InvalidSpec` where it cannot be read."""
    path = folder / query
    if path.suffix == ".txt":
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, ValueError) as error:
            raise InvalidSpec(str(path), [f"cannot be read ({error!s:.200}); {MEND}"]) from None
        name = FILES[query].fields[0]
        yield from (Row({name: line}, {}, number, "", f"{query}, line {number}") for number, line in enumerate(lines) if line.strip())
        return
    if path.suffix == ".json" and isinstance(held := _one_object(path), dict):
        yield from _of_object(query, held)
        return
    yield from read([path], query, folder, "")


def _one_object(path: Path) -> Any:
    """What a file holds that is one JSON object; `None` for an array, JSON lines, and what cannot be read at all."""
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return None


def _of_object(query: str, held: Mapping[str, Any]) -> Iterator[Row]:
    """The rows of an object of lists or of objects; each has its key as `key`. One object with the fields of a row is that row."""
    if set(FILES[query].fields) <= held.keys():
        yield Row(held, {}, 0, "", f"{query}, row 0")
        return
    shots, at = FILES[query].fields == ("shots",), 0
    for key, values in held.items():
        for values_of in [values] if shots or isinstance(values, dict) else values:
            fields = values_of if isinstance(values_of, dict) else {FILES[query].fields[0]: values_of}
            yield Row({"key": key, **fields}, {}, at, "", f"{query}, {key}, row {at}")
            at += 1


def told(row: Row, name: str) -> str:
    """A field that is text. Raises `RowFault` where the row has none."""
    return str(value_of(row, name))


def each(loading: Loading, rows: Iterable[Row], make: Callable[[Row], Iterator[Sample]]) -> Iterator[Sample]:
    """The samples of rows. A row that lacks something is one that fails alone; in the public code it ends the run. Raises `Crash`."""
    for row in rows:
        try:
            made = list(make(row))
        except RowFault as fault:
            if not loading.repaired:
                raise Crash("KeyError", str(fault)) from None
            made = [Sample(str(row.position), "", fault=str(fault))]
        yield from made
