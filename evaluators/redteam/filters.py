"""Pictures in other styles without a model, an approximation: oil by the commonest brightness around, watercolour by smoothing on rough paper."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np
from PIL import Image
from scipy import ndimage

from evaluators.redteam.corruptions import Array, as_bytes, corrupt
from evaluators.redteam.generator import Generator, Row, ask
from evaluators.redteam.rendering import png
from evaluators.redteam.seeds import Seed, opened, picture_of
from kernel.contract import Kind, Model, Picture, Request, Sampling, Text
from kernel.errors import BadReply, UserError

Corrupted = Literal["gaussian_noise", "zoom_blur", "pixelate"]
Styled = Literal["Van_Gogh", "oil_painting", "watercolour_painting"]
BINS = 8
ORDER = "Repaint this picture as {style}. Everything in it stays where it is, as many and of the same colours."
STYLES: dict[Styled, str] = {"Van_Gogh": "Van Gogh would have painted it", "oil_painting": "an oil painting", "watercolour_painting": "a watercolour"}


def oil(picture: Image.Image) -> Image.Image:
    """Every pixel takes the mean colour of those around it that have the commonest brightness there, of eight."""
    values = np.asarray(picture, dtype=np.float64) / 255
    size = 2 * max(2, min(values.shape[:2]) // 96) + 1
    bins = np.minimum((values.mean(axis=2) * BINS).astype(int), BINS - 1)
    votes = np.stack([ndimage.uniform_filter((bins == level).astype(np.float64), size) for level in range(BINS)])
    winner = votes.argmax(axis=0)
    made = np.zeros_like(values)
    for level in range(BINS):
        inside = (bins == level)[..., None] * values
        mean = ndimage.uniform_filter(inside, (size, size, 0)) / np.maximum(votes[level], 1e-9)[..., None]
        made = np.where((winner == level)[..., None], mean, made)
    return Image.fromarray(as_bytes(made))


def watercolour(picture: Image.Image, seed: int) -> Image.Image:
    """Smoothed within edges, which dry darker, thinned with light, on paper with grain; the seed makes the paper."""
    values = np.asarray(picture, dtype=np.float64) / 255
    scale = max(1, min(values.shape[:2]) // 160)
    wet = _within_edges(values, 3 * scale)
    edges = np.hypot(ndimage.sobel(wet.mean(axis=2), 0), ndimage.sobel(wet.mean(axis=2), 1))
    rough = np.random.default_rng(seed).normal(size=values.shape[:2])
    paper = ndimage.gaussian_filter(rough, scale)
    washed = wet * 0.85 + 0.15 - 0.12 * np.clip(edges / max(edges.max(), 1e-9), 0, 1)[..., None]
    return Image.fromarray(as_bytes(washed * (1 + 0.04 * paper / max(paper.std(), 1e-9))[..., None]))


def _within_edges(values: Array, size: int) -> Array:
    """Kuwahara's filter: the mean of that quarter around a pixel which varies the least."""
    half = size // 2
    shifts = [(down, across) for down in (-half, half) for across in (-half, half)]
    mean = ndimage.uniform_filter(values, (size, size, 0))
    spread = (ndimage.uniform_filter(values**2, (size, size, 0)) - mean**2).sum(axis=2)
    means = np.stack([ndimage.shift(mean, (*shift, 0), order=0, mode="nearest") for shift in shifts])
    spreads = np.stack([ndimage.shift(spread, shift, order=0, mode="nearest") for shift in shifts])
    return np.asarray(np.take_along_axis(means, spreads.argmin(axis=0)[None, ..., None], axis=0)[0])


@dataclass(frozen=True, kw_only=True)
class RestyledPictures(Generator):
    """Questions with their pictures in another style, or spoilt; answers stay.

    Seeds: `task`, `question`, `answer`, `image`. style: a style or a corruption; severity, 1 to 5, is for the corruptions. Styles without a model
    are an approximation, and the row says so (`approximate_style`); there is none for Van Gogh. A model that plays the `painter` repaints
    the pictures in the styles instead.
    """

    name: ClassVar[str] = "image_to_text.ood.restyled"
    config: ClassVar[str] = "ood"
    needs: ClassVar[tuple[str, ...]] = ("task", "question", "answer", "image")
    roles: ClassVar[tuple[str, ...]] = ("painter",)

    style: Styled | Corrupted = "oil_painting"
    severity: Literal[1, 2, 3, 4, 5] = 5

    @property
    def split(self) -> str:
        """The style or corruption."""
        return self.style

    def rows(self, seeds: Sequence[Seed] = ()) -> Iterator[Row]:
        """One row of every seed, without a model. Raises `UserError` for Van Gogh."""
        for seed in seeds:
            picture, chance = picture_of(seed), self.chance(seed["id"], self.style).getrandbits(32)
            match self.style:
                case "Van_Gogh":
                    raise UserError(f"{self.name}: there is no Van Gogh without a model; expected one that plays the painter")
                case "oil_painting":
                    made = oil(picture)
                case "watercolour_painting":
                    made = watercolour(picture, chance)
                case _:
                    made = corrupt(picture, self.style, self.severity, chance)
            yield self._row(seed, made, approximate=self.style in STYLES)

    async def asked(self, seeds: Sequence[Seed], models: Model) -> AsyncIterator[Row]:
        """One row of every seed; styles are the painter's. Raises `BadReply` where it gives no picture."""
        if self.style not in get_args(Styled):
            for row in self.rows(seeds):
                yield row
            return
        for seed in seeds:
            order = Text(ORDER.format(style=STYLES[self.style]))  # type: ignore[index]  # it is a style
            request = Request("painter", (order, Picture(png(picture_of(seed)))), Kind.IMAGINE, sampling=Sampling(n=1, seed=self.seed))
            reply = await ask(models, request)
            if not reply.pictures:
                raise BadReply(f"painter: no picture for seed {seed['id']}; expected one")
            yield self._row(seed, opened(reply.pictures[0].data, f"the painter's picture of seed {seed['id']}"), approximate=False)

    def _row(self, seed: Seed, made: Image.Image, *, approximate: bool) -> Row:
        row = {"img_id": seed.get("img_id") or seed["id"], "image": png(made), **{name: seed[name] for name in ("task", "question", "answer")}}
        told = {"approximate_style": approximate} if self.style in STYLES else {"severity": self.severity}
        return self.stamped({**row, **told}, seed["id"])
