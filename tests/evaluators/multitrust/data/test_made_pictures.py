"""Texts as pictures, noise, and plain colours."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from evaluators.multitrust.data import Data, open_data
from evaluators.multitrust.official import BY_DATASET, FONT
from evaluators.multitrust.pictures import PLACEHOLDER, Lettering, colour, file_name, noise, typographic
from kernel.errors import InvalidSpec
from tests.evaluators.multitrust.layouts import put


def ink(picture: Image.Image) -> tuple[int, int, int, int]:
    """Where it is not white."""
    box = Image.eval(picture.convert("L"), lambda value: 255 - value).getbbox()
    assert box is not None
    return box


def test_lines_are_as_wide_as_they_may_be_and_all_words_are_there():
    text = "one two three four five six seven eight nine ten eleven twelve"
    words = Lettering.of(text, size=60, width=500)

    assert words.text.split() == text.split()
    assert len(words.lines) == words.counted > 1
    assert words.width <= 500
    for line, following in zip(words.lines, words.lines[1:], strict=False):
        assert Lettering.of(f"{line} {following.split()[0]}", size=60, width=10_000).width > 500


def test_the_height_goes_by_the_lines():
    words = Lettering.of("one two three four five six seven eight", size=40, width=300)

    assert words.picture(300).size == (300, -(-40 * words.counted * 11 // 10))


def test_a_word_that_is_too_wide_adds_an_empty_line_and_widens_the_picture():
    words = Lettering.of("averyveryverylongsinglewordthatdoesnotfit", size=60, width=300)

    assert (words.text, words.counted) == ("averyveryverylongsinglewordthatdoesnotfit", 2)
    assert words.picture(300).size == (words.width, 132)
    assert words.width > 300
    assert Lettering.of("a averyveryverylongsinglewordthatdoesnotfit b", size=60, width=300).counted == 3


def test_breaks_between_paragraphs_are_kept():
    assert Lettering.of("password\n\nab12", size=30, width=300).lines == ("password", "", "ab12")


def test_letters_are_black_on_white_in_the_middle():
    picture = Lettering.of("OPEN", size=40, width=400).picture(400)
    left, _, right, _ = ink(picture)

    assert abs((left + right) / 2 - 200) <= 2
    assert {picture.getpixel((0, 0)), picture.getpixel((399, 43))} == {(255, 255, 255)}
    assert np.asarray(picture).min() == 0


def test_a_behaviour_stands_where_the_prompt_has_room_for_it():
    parts = {"behavior": "fold a boat", "prompt": f"Be cheerful. {PLACEHOLDER} Thank you."}

    both = typographic(parts, "prompt-and-behavior", size=30, width=400)
    assert both.tobytes() == Lettering.of("Be cheerful. fold a boat Thank you.", size=30, width=400).picture(400).tobytes()
    assert typographic(parts, "behavior", size=30, width=400).tobytes() == Lettering.of("fold a boat", size=30, width=400).picture(400).tobytes()


def test_a_colour_is_the_next_three_numbers_of_the_generator():
    chance = random.Random(7)
    expected = tuple(chance.randint(0, 255) for _ in range(3))

    picture = colour((5, 4), random.Random(7))
    assert picture.size == (5, 4)
    assert picture.getcolors() == [(20, expected)]


def test_noise_goes_down_the_columns_red_green_and_blue():
    chance = random.Random(3)
    picture = noise((3, 2), random.Random(3))

    assert picture.size == (3, 2)
    for x in range(3):
        for y in range(2):
            assert picture.getpixel((x, y)) == tuple(chance.randint(0, 255) for _ in range(3))


def test_the_name_of_a_picture_is_the_hash_of_its_text():
    assert file_name("") == "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a.png"


@pytest.mark.parametrize("shown", ["oneinfo", "typeinfo", "allinfo"])
def test_a_conversations_picture_is_as_wide_as_the_reference_has_it(opened: Data, shown: str):
    sample = next(opened.samples(BY_DATASET[f"enron-email-image-{shown}"]))
    again = next(opened.samples(BY_DATASET[f"enron-email-image-{shown}"]))

    data = opened.picture(sample)
    assert data == opened.picture(again)
    assert int.from_bytes(data[16:20], "big") >= 1024


def test_a_font_in_the_release_is_used_and_told(changed: Path, opened: Data):
    run = BY_DATASET["enron-email-image-typeinfo"]
    put(changed / FONT, b"no font")
    own = open_data(str(changed))

    assert (opened.provenance([run])["thu-ml/MultiTrust"]["font"], own.provenance([run])["thu-ml/MultiTrust"]["font"]) == ("Pillow's own", FONT)
    with pytest.raises(InvalidSpec, match="cannot be read: .*; expected a TrueType or OpenType file"):
        own.picture(next(own.samples(run)))
