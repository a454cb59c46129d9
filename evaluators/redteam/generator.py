"""What a generator of red-team data is: seeds in, rows out, the same rows for the same seed.

A generator is a frozen dataclass; its fields are its options. Rows have the fields of the benchmark that reads them, and
besides them `generator`, `generator_version`, `seed` and `seed_row`, so that every row can be traced and made again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, ClassVar

from evaluators.redteam import seeds as files
from evaluators.redteam import writing
from kernel.contract import Deadline, Model, Reply, Request
from kernel.errors import UserError

Row = dict[str, Any]
DATASETS = {"text_to_image": "MMDecodingTrust-T2I", "image_to_text": "MMDecodingTrust-I2T"}
"""Folders of the data sets, as the benchmark looks for them, by how names of generators begin."""
PATIENCE = 300.0
"""Seconds that one call of a model may take."""


@dataclass(frozen=True, kw_only=True)
class Generator:
    """Makes the rows of one split. The same seeds, options and `seed` give the same rows, byte for byte.

    config: the folder of the split, a perspective. scenario: the split. needs: fields that every seed must have. seeded: whether seeds are read at all.
    roles: parts that models play in `asked`; where `offline` is false, there are no rows without them.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    config: ClassVar[str]
    scenario: ClassVar[str] = ""
    needs: ClassVar[tuple[str, ...]] = ()
    seeded: ClassVar[bool] = True
    roles: ClassVar[tuple[str, ...]] = ()
    offline: ClassVar[bool] = True

    seed: int = 0

    @property
    def split(self) -> str:
        """The file in the folder: the scenario, where the options do not choose among several."""
        return self.scenario

    def read(self, path: Path) -> Sequence[Any]:
        """The seeds in a file of rows: JSON, JSON lines, CSV or Parquet. Raises `InvalidSpec` with every fault."""
        return files.read_seeds(path, self.needs)

    def rows(self, seeds: Sequence[Any] = ()) -> Iterator[Row]:
        """All rows, lazily, in the order of the seeds; no model is asked. Raises `UserError` where there are none without models."""
        raise UserError(f"{self.name} asks models and none is there; expected one for {' and '.join(self.roles)}")

    async def asked(self, seeds: Sequence[Any], models: Model) -> AsyncIterator[Row]:
        """All rows, made with the help of models that are asked by their roles."""
        for row in self.rows(seeds):
            yield row

    def write(self, rows: Iterable[Row], out: Path) -> list[Path]:
        """Put the rows into their data set below the folder, in the layout in which it is published. The paths of all files."""
        return [writing.write(rows, out / DATASETS[self.name.partition(".")[0]] / self.config, self.split)]

    def chance(self, *of: Any) -> Random:
        """Chance that depends on the seed, the generator and `of`, and on nothing that happened before."""
        return Random("|".join(map(str, (self.seed, self.name, *of))))

    def stamped(self, row: Mapping[str, Any], seed_row: str) -> Row:
        """The row with where it came from."""
        return {**row, "generator": self.name, "generator_version": self.version, "seed": self.seed, "seed_row": seed_row}


async def ask(models: Model, request: Request) -> Reply:
    """One call, with the patience of a generator."""
    return await models.infer(request, deadline=Deadline.after(PATIENCE))
