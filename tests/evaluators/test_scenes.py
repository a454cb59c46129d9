"""Scenes: drawn by lot the same way everywhere, and never ambiguous or cut off."""

import io
import itertools
import math
import random

import pytest
from PIL import Image

from evaluators.scenes import (
    BACKGROUNDS,
    COLOURS,
    REACH,
    SHAPES,
    SIZES,
    WORDS,
    Scene,
    Thing,
    draw,
    png,
    relation,
    sample,
)

FIRST_NAMES = ["small red diamond", "large yellow diamond"]
FIRST_PLACES = [(0.283, 0.222), (0.492, 0.733)]


def test_same_seed_gives_same_scene_and_same_bytes() -> None:
    """Chance comes from the given generator and from nowhere else."""
    first, second = (sample(random.Random(7), word=True) for _ in range(2))

    assert first == second
    assert png(first) == png(second)


def test_first_scene_of_a_seed_is_the_same_on_every_machine() -> None:
    """A change here makes every kept reply and every published figure incomparable."""
    scene = sample(random.Random(0), count=2)

    assert [thing.full_name for thing in scene.things] == FIRST_NAMES
    assert [(round(thing.x, 3), round(thing.y, 3)) for thing in scene.things] == FIRST_PLACES


@pytest.mark.parametrize("count", range(1, 7))
@pytest.mark.parametrize("word", [False, True])
def test_things_keep_apart_and_inside(count: int, word: bool) -> None:
    """Nothing overlaps and nothing is cut off, however full the picture is."""
    rng = random.Random(count)
    for scene in (sample(rng, count=count, word=word) for _ in range(20)):
        assert count == len(scene.things)
        assert word == (scene.word in WORDS)
        for thing in scene.things:
            reach = thing.radius * REACH
            assert reach <= min(thing.x, thing.y, 1 - thing.x, 1 - thing.y)
        for a, b in itertools.combinations(scene.things, 2):
            assert math.dist((a.x, a.y), (b.x, b.y)) > (a.radius + b.radius) * REACH


def test_distinct_scenes_name_each_thing_once() -> None:
    """A question about "the red circle" means one thing."""
    rng = random.Random(1)
    for scene in (sample(rng, count=6) for _ in range(50)):
        assert len({thing.name for thing in scene.things}) == len(scene.things)


def test_sizes_can_be_restricted() -> None:
    """A task about large things gets large things only."""
    scene = sample(random.Random(3), count=2, sizes=["large"])

    assert {"large"} == {thing.size for thing in scene.things}


@pytest.mark.parametrize("count", [0, 7])
def test_impossible_count_is_refused(count: int) -> None:
    """The message says what was found and what was expected."""
    with pytest.raises(ValueError, match=f"1 to 6 things, not {count}"):
        sample(random.Random(0), count=count)


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (0.2, 0.5, "left of"),
        (0.8, 0.5, "right of"),
        (0.5, 0.2, "above"),
        (0.5, 0.8, "below"),
        (0.2, 0.2, None),
        (0.55, 0.5, None),
    ],
)
def test_relation_is_told_only_when_clear(x: float, y: float, expected: str | None) -> None:
    """Diagonal or nearly coinciding things have no relation."""
    thing, centre = Thing("star", "red", "small", x, y), Thing("circle", "blue", "small", 0.5, 0.5)

    assert expected == relation(thing, centre)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("colour", COLOURS)
def test_the_centre_of_every_thing_has_its_colour(shape: str, size: str, colour: str) -> None:
    """The painter uses the colours that the questions speak of."""
    picture = draw(Scene((Thing(shape, colour, size, 0.5, 0.5),)), 64)

    assert COLOURS[colour] == picture.getpixel((32, 32))
    assert BACKGROUNDS[0] == picture.getpixel((1, 1))


@pytest.mark.parametrize("pixels", [32, 64, 256])
def test_pictures_have_the_asked_size(pixels: int) -> None:
    """The encoded picture is a PNG of that many pixels a side."""
    with Image.open(io.BytesIO(png(sample(random.Random(2)), pixels))) as picture:
        assert ("PNG", (pixels, pixels), "RGB") == (picture.format, picture.size, picture.mode)
