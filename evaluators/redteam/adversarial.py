"""Prompts that order one thing and are taken for another, found by search against an embedding model."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from evaluators.redteam.encoding import Encoder
from evaluators.redteam.generator import Generator, Row
from evaluators.redteam.search import Margin, spells, substituted, suffixed, synonyms, typing_errors
from evaluators.redteam.seeds import Seed, read_table, read_words
from evaluators.redteam.wording import plural
from kernel.contract import Model
from kernel.errors import InvalidSpec

DATA = Path(__file__).parent / "data"
SAME = 0.84
"""Cosine from which on a prompt with synonyms still means the same."""


@dataclass(frozen=True, kw_only=True)
class _Attack(Generator):
    """A search from `prompt`, which has `origin_word`, towards the same prompt with `label` in its place.

    Seeds: `task` (object, attribute or spatial), `prompt`, `origin_word`, `label`, and what the benchmark checks: `object`, `object_a`, `object_b`;
    `synonyms` of both words, apart by commas. What the search adds spells none of them, nor either word. A row is kept where the embedding
    crossed over; with `all_rows` also others. No picture was made of the prompts, so `verified` is false. vocabulary: a file, a word a line.
    """

    config: ClassVar[str] = "adv"
    needs: ClassVar[tuple[str, ...]] = ("task", "prompt", "origin_word", "label")
    roles: ClassVar[tuple[str, ...]] = ("clip",)
    offline: ClassVar[bool] = False

    task: Literal["object", "attribute", "spatial"] = "object"
    vocabulary: Path = DATA / "vocabulary.txt"
    all_rows: bool = False

    @property
    def split(self) -> str:
        """The task."""
        return self.task

    async def asked(self, seeds: Sequence[Seed], models: Model) -> AsyncIterator[Row]:
        """A row of every seed of the task."""
        encoder = Encoder(models)
        for seed in seeds:
            if seed["task"] == self.task:
                clean = seed["prompt"]
                margin = Margin(encoder, await encoder.vector(aimed(seed)), await encoder.vector(clean))
                found = await self.found(seed, encoder, margin)
                reached = (await margin([found]))[0]
                if reached > 0 or self.all_rows:
                    yield self._row(seed, found, reached)

    async def found(self, seed: Seed, encoder: Encoder, margin: Margin) -> str:
        """The prompt that the search ends with."""
        raise NotImplementedError

    def words(self, seed: Seed) -> list[str]:
        """The vocabulary without what may not be spelt."""
        return [word for word in read_words(self.vocabulary) if not spells(word, banned(seed))]

    def _row(self, seed: Seed, found: str, reached: float) -> Row:
        checked = {name: seed.get(name, "") for name in ("object", "object_a", "object_b")}
        told = {"clean_prompt": seed["prompt"], "algorithm": self.name.rsplit(".", 1)[1], "margin": round(reached, 6), "verified": False}
        return self.stamped({"id": seed["id"], "adv_prompt": found, "origin_word": seed["origin_word"], "label": seed["label"], **checked, **told}, seed["id"])


def aimed(seed: Seed) -> str:
    """The prompt with the label for the origin. Raises `InvalidSpec` where the origin is not in it."""
    made, changes = re.subn(rf"\b{re.escape(seed['origin_word'])}\b", lambda _: str(seed["label"]), seed["prompt"], flags=re.IGNORECASE)
    if not changes:
        raise InvalidSpec(f"seed {seed['id']}", [f"origin_word: {seed['origin_word']!r} is not in the prompt {seed['prompt']!r}"])
    return made


def banned(seed: Seed) -> list[str]:
    """Origin, label, their plurals and synonyms."""
    told = [seed["origin_word"], seed["label"], *str(seed.get("synonyms") or "").split(",")]
    return [form for word in told if (clean := word.strip()) for form in (clean, plural(clean))]


@dataclass(frozen=True, kw_only=True)
class GreedyAttack(_Attack):
    """Words behind the prompt, each in turn the best of many. length: how many; candidates: how many are tried at a place."""

    name: ClassVar[str] = "text_to_image.adv.greedy"

    length: int = 5
    candidates: int = 512
    sweeps: int = 3

    async def found(self, seed: Seed, encoder: Encoder, margin: Margin) -> str:
        """The prompt with its suffix; what it spells over the gaps is checked too. Raises `InvalidSpec` for a vocabulary of nothing else."""
        if not (words := self.words(seed)):
            raise InvalidSpec(str(self.vocabulary), [f"every word spells one of {', '.join(banned(seed))}; expected some that do not"])
        clean = seed["prompt"]

        async def scores(texts: Sequence[str]) -> list[float]:
            found = await margin(texts)
            return [-2.0 if spells(text[len(clean) :], banned(seed)) else score for text, score in zip(texts, found, strict=True)]

        chance = self.chance(seed["id"])
        return await suffixed(clean, words, scores, chance, length=self.length, candidates=self.candidates, sweeps=self.sweeps)


@dataclass(frozen=True, kw_only=True)
class CharacterAttack(_Attack):
    """Typing errors, one a word, in the words that matter most; what names the label is never made. most: how many words."""

    name: ClassVar[str] = "text_to_image.adv.character"

    most: int = 3

    async def found(self, seed: Seed, encoder: Encoder, margin: Margin) -> str:
        """The prompt with its errors."""
        target = [seed["label"], plural(seed["label"])]

        async def errors(word: str) -> list[str]:
            return typing_errors(word)

        async def allowed(text: str) -> bool:
            return not spells(text, target)

        return await substituted(seed["prompt"], (), errors, margin, allowed, self.most)


@dataclass(frozen=True, kw_only=True)
class SynonymAttack(_Attack):
    """Words other than the origin, exchanged for synonyms, as long as the whole still means the same by the embedding.

    thesaurus: a file of lines `word: other, another`. Words of the vocabulary count as synonyms from a cosine of `alike` on; no tagger looks
    whether they are the same part of speech. same: the cosine that the prompt keeps to the clean one. most: how many words.
    """

    name: ClassVar[str] = "text_to_image.adv.synonym"

    thesaurus: Path = DATA / "thesaurus.txt"
    alike: float = 0.5
    same: float = SAME
    neighbours: int = 50
    most: int = 5

    async def found(self, seed: Seed, encoder: Encoder, margin: Margin) -> str:
        """The prompt with its synonyms."""
        kept = {word.casefold() for word in banned(seed)}
        table = {word: [other for other in others if not spells(other, kept)] for word, others in read_table(self.thesaurus).items()}
        others = synonyms(table, self.words(seed), encoder, alike=self.alike, most=self.neighbours)
        clean = await encoder.vector(seed["prompt"])

        async def allowed(text: str) -> bool:
            return (await encoder.likeness([text], clean))[0] >= self.same

        return await substituted(seed["prompt"], kept, others, margin, allowed, self.most)
