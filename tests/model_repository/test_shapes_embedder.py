"""The embedder of shapes puts a picture beside the text that describes it, and no two pictures on one spot."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from evaluators.scenes import COLOURS, SHAPES, Scene, Thing, draw
from kernel.contract import Kind, Part, Picture, Reply, Request, Text
from kernel.errors import InvalidRequest
from tests.model_repository.folders import load

embedding = load("shapes_embedder", "shapes_embedding")


def one(name: str) -> Image.Image:
    colour, shape = name.split()
    return draw(Scene((Thing(shape, colour, "large", 0.5, 0.5),)), 64)


def cosine(text: str, picture: Image.Image) -> float:
    return float(embedding.of_text(text) @ embedding.of_picture(picture))


def test_of_all_looks_a_picture_is_nearest_to_its_own() -> None:
    """All 48 pictures against all 48 descriptions, and none comes even near."""
    names = [f"{colour} {shape}" for colour in COLOURS for shape in SHAPES]
    texts = np.array([embedding.of_text(f"a photo of a {name}") for name in names])
    cosines = np.array([embedding.of_picture(one(name)) for name in names]) @ texts.T

    own = np.diag(cosines)
    others = np.where(np.eye(len(names), dtype=bool), -1, cosines)
    assert cosines.argmax(axis=1).tolist() == list(range(len(names)))
    assert own.min() > 0.3
    assert others.max() < 0.1


def test_what_a_text_leaves_open_lies_between() -> None:
    """A circle of any colour is nearer to "a circle" than another shape, and farther than from its own name."""
    red = one("red circle")

    assert cosine("a red circle", red) > cosine("circles", red) > cosine("a blue circle", red) > cosine("a blue square", red)


def test_how_many_there_are_counts() -> None:
    """Two red circles are nearer to their number than to another one."""
    two = draw(Scene((Thing("circle", "red", "small", 0.3, 0.5), Thing("circle", "red", "small", 0.7, 0.5))), 64)

    assert cosine("two red circles", two) > cosine("5 red circles", two) > 0.2


def test_only_the_same_picture_is_the_same() -> None:
    """One value of one pixel moves the row, as little as it does."""
    picture = one("red circle")
    changed = picture.copy()
    changed.putpixel((0, 0), (249, 250, 250))
    rows = [np.float32(embedding.of_picture(each)) for each in (picture, picture.copy(), changed, one("blue square"))]

    assert rows[0].tolist() == rows[1].tolist() != rows[2].tolist()
    assert rows[0] @ rows[2] > 0.999
    assert rows[0] @ rows[3] < 0.7


@pytest.mark.parametrize("text", ["", " ", "?", "the", "a cat on a mat", "two", "red", "長い猫", "circle " * 1000])
def test_every_text_has_a_row_of_length_one(text: str) -> None:
    """Also one that says nothing about shapes, or nothing at all."""
    assert np.linalg.norm(embedding.of_text(text)) == pytest.approx(1)


def test_other_words_tell_texts_apart() -> None:
    """What is not about shapes is in the row as well, the same each time."""
    cat, again, dog = (embedding.of_text(text) for text in ("a cat", "the cat", "a dog"))

    assert cat @ again == pytest.approx(1)
    assert cat @ dog < 0.99


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (7, 5)])
def test_odd_pictures_do_no_harm(size: tuple[int, int]) -> None:
    """Strips and specks have a row; black ones, too."""
    assert np.linalg.norm(embedding.of_picture(Image.new("RGB", size))) == pytest.approx(1)


def test_rows_come_in_order_and_a_broken_picture_costs_no_other() -> None:
    """As many rows as inputs."""
    file = io.BytesIO()
    one("red circle").save(file, "PNG")

    def asked(*parts: Part) -> Request:
        return Request("clip", parts, kind=Kind.EMBED)

    texts, broken, picture = embedding.ShapesEmbedder().answer(
        [asked(Text("a star"), Text("a red circle")), asked(Picture(b"nothing")), asked(Picture(file.getvalue()))]
    )

    assert isinstance(broken, InvalidRequest)
    assert isinstance(texts, Reply)
    assert [np.dot(row, picture.rows[0]) > 0.3 for row in texts.rows] == [False, True]
