"""The reader reads the words that scenes print, and none where there are none."""

from __future__ import annotations

import random
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFont

from evaluators.scenes import WORDS, Scene, draw, sample
from tests.model_repository.folders import load


@pytest.fixture(scope="module")
def reader() -> Any:
    return load("ocr", "reader").Reader()


@pytest.mark.parametrize("word", WORDS[::4])
def test_a_printed_word_is_read(reader: Any, word: str) -> None:
    """At the size that scenes print it, in a picture of 128 pixels."""
    found = reader.read(draw(Scene((), word, (0.5, 0.5)), 128))

    assert [each["label"] for each in found] == [word]


def test_a_word_among_shapes_is_read_where_it_stands(reader: Any) -> None:
    """Its box is in pixels of the picture that was given."""
    scene = sample(random.Random(5), count=2, word=True)
    (found,) = reader.read(draw(scene, 256))

    x0, y0, x1, y1 = found["box"]
    assert found["label"] == scene.word
    assert scene.word_at == pytest.approx(((x0 + x1) / 512, (y0 + y1) / 512), abs=0.05)


def test_a_page_without_words_is_empty(reader: Any) -> None:
    """No word is made up."""
    assert reader.read(Image.new("RGB", (128, 128), (250, 250, 250))) == []


def test_lines_of_ordinary_text_are_read(reader: Any) -> None:
    """Not only the words of the scenes."""
    page = Image.new("RGB", (420, 120), "white")
    ImageDraw.Draw(page).text((12, 30), "Invoice 2047 is due", fill="black", font=ImageFont.load_default(36))

    assert "".join(each["label"] for each in reader.read(page)).replace(" ", "") == "Invoice2047isdue"


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (5000, 3)])
def test_odd_pictures_do_no_harm(reader: Any, size: tuple[int, int]) -> None:
    """Strips and specks hold no text, and cost no gigabytes."""
    assert reader.read(Image.new("RGB", size, "white")) == []
