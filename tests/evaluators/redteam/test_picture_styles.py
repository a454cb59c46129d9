"""Styles without a model: they keep size and what is where, and do what a style does; a painter is asked where there is one."""

from __future__ import annotations

import io
from random import Random

import numpy as np
import pytest
from PIL import Image, ImageDraw

from evaluators.redteam.corruptions import corrupt
from evaluators.redteam.filters import RestyledPictures, oil, watercolour
from evaluators.redteam.rendering import png
from evaluators.scenes import draw, sample
from kernel.contract import Reply
from kernel.errors import BadReply, UserError
from tests.evaluators.redteam.trigrams import Trigrams


def scene(side: int = 224) -> Image.Image:
    return draw(sample(Random(5)), side)


@pytest.mark.parametrize("size", [(224, 224), (120, 90), (33, 64)])
def test_size_and_layout_stay(size: tuple[int, int]):
    """Coarsely seen, the picture is the same."""
    picture = scene().resize(size)
    for made in (oil(picture), watercolour(picture, 1)):
        assert (made.size, made.mode) == (size, "RGB")
        assert made.tobytes() != picture.tobytes()
        apart = np.asarray(made.resize((8, 8), Image.Resampling.BOX), float) - np.asarray(picture.resize((8, 8), Image.Resampling.BOX), float)
        assert np.abs(apart).mean() < 25


def test_oil_wipes_out_what_is_finer_than_the_brush():
    picture = Image.new("RGB", (200, 200), (120, 160, 90))
    ImageDraw.Draw(picture).line((0, 100, 200, 100), fill="black")
    ImageDraw.Draw(picture).rectangle((20, 20, 80, 80), fill="navy")
    made = np.asarray(oil(picture))

    assert tuple(made[100, 100]) == (120, 160, 90)
    assert tuple(made[50, 50]) == (0, 0, 128)


def test_watercolour_is_lighter_on_paper_that_the_seed_makes():
    picture = Image.new("RGB", (100, 100), (60, 60, 60))
    once, again, other = (np.asarray(watercolour(picture, seed), float) for seed in (1, 1, 2))

    assert (once == again).all()
    assert (once != other).any()
    assert once.mean() > 60
    assert once.std() > 0


def test_edges_stay_where_they_are():
    halves = Image.new("RGB", (400, 330), "white")
    ImageDraw.Draw(halves).rectangle((0, 0, 199, 330), fill="black")
    made = np.asarray(watercolour(halves, 3), float).mean(axis=2)

    assert made[:, :200].max() < 100
    assert made[:, 200:].min() > 150


SEED = {"id": "a", "task": "count", "question": "How many?", "answer": "{'dog': 1}", "image": png(scene(64))}


@pytest.mark.parametrize("style", ["gaussian_noise", "zoom_blur", "pixelate"])
def test_corruptions_are_those_of_the_fifteen(style: str):
    (row,) = RestyledPictures(style=style, severity=3, seed=9).rows([SEED])
    chance = RestyledPictures(style=style, seed=9).chance("a", style).getrandbits(32)

    assert row["severity"] == 3
    assert Image.open(io.BytesIO(row["image"])).tobytes() == corrupt(scene(64), style, 3, chance).tobytes()
    assert "approximate_style" not in row


def test_a_style_without_a_model_says_that_it_is_an_approximation():
    (row,) = RestyledPictures(style="watercolour_painting").rows([SEED])

    assert row["approximate_style"] is True
    assert (row["img_id"], row["question"], row["answer"]) == ("a", "How many?", "{'dog': 1}")


def test_there_is_no_van_gogh_without_a_model():
    with pytest.raises(UserError, match="expected one that plays the painter"):
        next(RestyledPictures(style="Van_Gogh").rows([SEED]))


async def test_a_painter_repaints_styles_and_no_corruptions():
    painter = Trigrams()
    (styled,) = [row async for row in RestyledPictures(style="Van_Gogh", seed=2).asked([SEED], painter)]
    (spoilt,) = [row async for row in RestyledPictures(style="pixelate", seed=2).asked([SEED], painter)]

    (request,) = painter.asked
    assert request.pictures[0].data == SEED["image"]
    assert "Van Gogh" in request.text
    assert styled["approximate_style"] is False
    assert Image.open(io.BytesIO(styled["image"])).size == (32, 32)
    assert spoilt["severity"] == 5


async def test_a_painter_without_a_picture_is_told_of():
    class Idle(Trigrams):
        async def infer(self, request, *, deadline):
            return Reply()

    with pytest.raises(BadReply, match="painter: no picture for seed a"):
        [row async for row in RestyledPictures(style="Van_Gogh").asked([SEED], Idle())]
