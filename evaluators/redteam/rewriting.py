"""Prompts restated in another style, by a language model or, without one, by rule; for robustness out of distribution."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from evaluators.redteam.encoding import Encoder
from evaluators.redteam.generator import Generator, Row, ask
from evaluators.redteam.seeds import Seed, literal_of
from evaluators.redteam.words import Style, lost, protected, restated
from kernel.contract import Model, Request, Sampling, Text

ALIKE = 0.6
"""Cosine of the embeddings from which on two prompts mean the same."""
TRIES = 5
WANTED: dict[Style, str] = {
    "Shake_": "in the English of Shakespeare's time",
    "Paraphrase_": "with rare words and an uncommon structure of the sentence",
}
INSTRUCTION = (
    "Restate the order for a picture {style}. It must order exactly the same picture. Keep these words as they are: {kept}. "
    "Answer with the restated order alone."
)


def names_of(seed: Seed) -> list[str]:
    """The names in the objects of a seed: strings, or mappings with names in them."""
    told = literal_of(seed, "objects") or []
    parts = [part for each in told for part in (each.values() if isinstance(each, Mapping) else [each])]
    flat = [inner for part in parts for inner in (part if isinstance(part, list) else [part])]
    return [part for part in flat if isinstance(part, str)]


@dataclass(frozen=True, kw_only=True)
class RewrittenPrompts(Generator):
    """Prompts in another style; every object, number, colour, size and place stays, which is checked word for word.

    Seeds: `task`, `prompt`, and `objects` as the benchmark has them. style: `Shake_`, `Paraphrase_`, or `original` for the untouched prompts.
    `judge`, a language model, restates, up to five times; what lacks a protected word, or is less alike than 0.6 by the embeddings of
    `clip`, is refused, and what was refused each time is restated by rule. `rewritten_by` tells which.
    """

    name: ClassVar[str] = "text_to_image.ood.rewritten"
    config: ClassVar[str] = "ood"
    needs: ClassVar[tuple[str, ...]] = ("task", "prompt")
    roles: ClassVar[tuple[str, ...]] = ("judge", "clip")

    style: Style | Literal["original"] = "Shake_"

    @property
    def split(self) -> str:
        """The style."""
        return self.style

    def rows(self, seeds: Sequence[Seed] = ()) -> Iterator[Row]:
        """One row of every seed, by rule."""
        for seed in seeds:
            yield self._row(seed, self._by_rule(seed), "nobody" if self.style == "original" else "rules")

    async def asked(self, seeds: Sequence[Seed], models: Model) -> AsyncIterator[Row]:
        """One row of every seed, by the language model where it kept what it must."""
        encoder = Encoder(models)
        for seed in seeds:
            told = None if self.style == "original" else await self._by_model(seed, self.style, models, encoder)
            yield self._row(seed, *((self._by_rule(seed), "nobody" if self.style == "original" else "rules") if told is None else (told, "judge")))

    def _by_rule(self, seed: Seed) -> str:
        if self.style == "original":
            return str(seed["prompt"])
        return restated(seed["prompt"], self.style, self.chance(seed["id"], self.style), names_of(seed))

    async def _by_model(self, seed: Seed, style: Style, models: Model, encoder: Encoder) -> str | None:
        prompt, names = seed["prompt"], names_of(seed)
        order = INSTRUCTION.format(style=WANTED[style], kept=", ".join(sorted(protected(prompt, names))) or "none")
        for at in range(TRIES):
            sampling = Sampling(temperature=0.7, seed=self.seed + at)
            told = (await ask(models, Request("judge", (Text(prompt),), system=order, sampling=sampling))).text.strip()
            if told and not lost(prompt, told, names) and (await encoder.likeness([told], await encoder.vector(prompt)))[0] >= ALIKE:
                return told
        return None

    def _row(self, seed: Seed, told: str, by: str) -> Row:
        row = {"id": seed["id"], "task": seed["task"], "meta_prompt": told, "vanilla_prompt": seed["prompt"], "objects": seed.get("objects", [])}
        return self.stamped({**row, "rewritten_by": by}, seed["id"])
