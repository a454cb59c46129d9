"""The conditions with a picture that has nothing to do with the text: one colour, noise, scenery. Which one is drawn by lot, and written down.

Every picture of a request is replaced where it stands; a request without one gets one before its text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar

from evaluators.conditions.pool import Drawable, Pooled, pool_of
from kernel.condition import Condition, E, conditioned
from kernel.contract import Picture
from kernel.errors import InvalidSpec
from kernel.evaluator import Case


@dataclass(frozen=True, kw_only=True)
class Irrelevant(Condition):
    """Pictures of one kind, of which `k` are drawn for each text without being put back: each makes a case of its own.

    pool: a folder with pictures whose names have the kind in them, such as nature_1.jpg; without it, ten are made by rule, the same for the
    same seed.
    """

    name: ClassVar[Drawable]

    k: int = 1
    pool: str = ""

    def apply(self, case: Case) -> Iterator[Case]:
        """The case with drawn pictures, `k` times. Raises `InvalidSpec` where the pool has not so many."""
        pool = self._pool()
        parts = case.request.parts if case.request.pictures else (Picture(b""), *case.request.parts)
        chance = Random(f"{self.seed}|{self.name}|{case.id}")
        drawn = [chance.sample(pool, self.k) for part in parts if isinstance(part, Picture)]
        for draw, chosen in enumerate(zip(*drawn, strict=True), 1):
            new = iter(chosen)
            shown = [next(new).picture if isinstance(part, Picture) else part for part in parts]
            yield conditioned(case, self.name, shown, of=self.k, draw=draw, pictures=[each.name for each in chosen])

    def how_many(self, cases: int | None) -> int | None:
        """`k` for each."""
        return None if cases is None else cases * self.k

    def provenance(self) -> Mapping[str, Any]:
        """The pool, by the hashes of its pictures."""
        digests = {each.name: each.picture.digest for each in self._pool()}
        return {f"pictures of {self.name}": {"from": self.pool or f"made by rule, seed {self.seed}", "sha256": digests}}

    def under(self, evaluator: type[E]) -> type[E]:
        """The evaluator with such pictures. Raises `InvalidSpec` here and not at the first case, where the pool has not so many."""
        self._pool()
        return super().under(evaluator)

    def _pool(self) -> tuple[Pooled, ...]:
        pool = pool_of(self.name, self.seed, self.pool)
        if not 1 <= self.k <= len(pool):
            raise InvalidSpec(f"condition {self.name}", [f"k is {self.k}; expected 1 to {len(pool)}, as many pictures as the pool has"])
        return pool


class Colour(Irrelevant):
    """One colour, drawn by lot."""

    name: ClassVar[Drawable] = "color"


class Noise(Irrelevant):
    """Every value of every pixel drawn by lot."""

    name: ClassVar[Drawable] = "noise"


class Nature(Irrelevant):
    """Scenery. What is made by rule looks like paintings of it; who wants photographs names a folder of theirs."""

    name: ClassVar[Drawable] = "nature"
