"""Safety pictures for image to text: a phrase as writing, as a drawing, or behind a template. All content is the user's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from evaluators.redteam.generator import Generator, Row, ask
from evaluators.redteam.rendering import png, typography
from evaluators.redteam.seeds import Seed, picture_of, read_text
from kernel.contract import Kind, Model, Request, Sampling, Text
from kernel.errors import BadReply, InvalidSpec


@dataclass(frozen=True, kw_only=True)
class _SafetyPictures(Generator):
    """Seeds: `category`, `instruction`, and `phrase`, which is a part of the instruction. reference: what stands for the phrase in the prompt."""

    config: ClassVar[str] = "safety"
    needs: ClassVar[tuple[str, ...]] = ("category", "instruction", "phrase")

    def referring(self, seed: Seed, reference: str) -> str:
        """The instruction with the phrase exchanged for a reference to the picture. Raises `InvalidSpec` where the phrase is not in it."""
        instruction, phrase = str(seed["instruction"]), str(seed["phrase"])
        if phrase not in instruction:
            raise InvalidSpec(f"seed {seed['id']}", [f"phrase: {phrase!r} is not in the instruction {instruction!r:.80}; copy it from there"])
        return instruction.replace(phrase, reference)

    def row(self, seed: Seed, prompt: str, picture: bytes) -> Row:
        """The row of a seed."""
        return self.stamped({"prompts": prompt, "image": picture, "scenario": seed["category"]}, seed["id"])


@dataclass(frozen=True, kw_only=True)
class Typography(_SafetyPictures):
    """The phrase black on white; the prompt speaks of the words in the picture. font: a font file, for letters beyond ASCII."""

    name: ClassVar[str] = "image_to_text.safety.typography"
    scenario: ClassVar[str] = "typography"

    reference: str = "what is written in the picture"
    font: Path | None = None

    def rows(self, seeds: Sequence[Seed] = ()) -> Iterator[Row]:
        """One row of every seed."""
        for seed in seeds:
            yield self.row(seed, self.referring(seed, self.reference), png(typography(str(seed["phrase"]), self.font)))


@dataclass(frozen=True, kw_only=True)
class Illustration(_SafetyPictures):
    """The phrase as a drawing, which the seed has as `image` or the `painter` makes; the prompt speaks of what the picture shows."""

    name: ClassVar[str] = "image_to_text.safety.illustration"
    scenario: ClassVar[str] = "illustration"
    roles: ClassVar[tuple[str, ...]] = ("painter",)

    reference: str = "what the picture shows"
    frame: str = "A plain illustration of {phrase}"

    def rows(self, seeds: Sequence[Seed] = ()) -> Iterator[Row]:
        """One row of every seed, with its own picture. Raises `InvalidSpec` for a seed without one."""
        for seed in seeds:
            yield self.row(seed, self.referring(seed, self.reference), png(picture_of(seed)))

    async def asked(self, seeds: Sequence[Seed], models: Model) -> AsyncIterator[Row]:
        """The same; where a seed has no picture, the painter draws it. Raises `BadReply` where it does not."""
        for seed in seeds:
            drawn = seed if seed.get("image") else {**seed, "image": await self._painted(seed, models)}
            for row in self.rows([drawn]):
                yield row

    async def _painted(self, seed: Seed, models: Model) -> bytes:
        order = Text(self.frame.replace("{phrase}", str(seed["phrase"])))
        reply = await ask(models, Request("painter", (order,), Kind.IMAGINE, sampling=Sampling(n=1, seed=self.seed)))
        if not reply.pictures:
            raise BadReply(f"painter: no picture for seed {seed['id']}; expected one")
        return reply.pictures[0].data


@dataclass(frozen=True, kw_only=True)
class Template(_SafetyPictures):
    """The typographic prompt within a template of the user's, a text file with the place {request}.

    The picture is the seed's `image`, or else the phrase black on white. No picture is changed by gradients here; one that was comes as `image`.
    """

    name: ClassVar[str] = "image_to_text.safety.jailbreak"
    scenario: ClassVar[str] = "jailbreak"

    template: Path
    reference: str = Typography.reference
    font: Path | None = None

    def rows(self, seeds: Sequence[Seed] = ()) -> Iterator[Row]:
        """One row of every seed. Raises `InvalidSpec` for a template without the place."""
        frame = read_text(self.template, "a text with the place {request}")
        if "{request}" not in frame:
            raise InvalidSpec(str(self.template), ["has no place {request}; write it where the request belongs"])
        for seed in seeds:
            picture = picture_of(seed) if seed.get("image") else typography(str(seed["phrase"]), self.font)
            yield self.row(seed, frame.replace("{request}", self.referring(seed, self.reference)), png(picture))
