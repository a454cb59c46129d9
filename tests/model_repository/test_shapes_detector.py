"""The shapes detector finds what is drawn, all of it, and nothing else."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from PIL import Image, ImageFilter

from evaluators.scenes import BACKGROUNDS, COLOURS, SHAPES, SIZES, Scene, Thing, draw, png, sample
from kernel.contract import Kind, Picture, Request, Text
from kernel.errors import InvalidRequest
from tests.model_repository.folders import load

finder = load("shapes_detector", "shapes_finder")


def names(found: list[dict[str, object]]) -> Counter[str]:
    return Counter(f"{each['size']} {each['label']}" for each in found)


def one(shape: str, colour: str, size: str, background: tuple[int, int, int] = BACKGROUNDS[0]) -> Scene:
    return Scene((Thing(shape, colour, size, 0.5, 0.5),), background=background)


@pytest.mark.parametrize("pixels", [64, 128, 256])
def test_almost_every_drawn_scene_is_told_in_full(pixels: int) -> None:
    """Number, colour, shape and size of up to six things, with printed words and tinted backgrounds between them."""
    rng = random.Random(pixels)
    scenes = [sample(rng, word=index % 3 == 0, distinct=index % 2 == 0) for index in range(60)]

    right = [names(finder.find(draw(scene, pixels))) == Counter(thing.full_name for thing in scene.things) for scene in scenes]

    assert sum(right) >= 59


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_every_look_is_told_on_every_background(background: tuple[int, int, int]) -> None:
    """All 48 looks, each alone and small."""
    looks = [(shape, colour) for shape in SHAPES for colour in COLOURS]

    found = [names(finder.find(draw(one(*look, "small", background), 64))) for look in looks]

    assert found == [Counter([f"small {colour} {shape}"]) for shape, colour in looks]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", SIZES)
def test_soft_edges_change_nothing(shape: str, size: str) -> None:
    """A picture enlarged from 64 pixels and blurred, as a diffusion model leaves it."""
    soft = draw(one(shape, "purple", size), 64).resize((256, 256), Image.Resampling.BICUBIC)

    found = finder.find(soft.filter(ImageFilter.GaussianBlur(2)))

    assert names(found) == Counter([f"{size} purple {shape}"])


def test_touching_shapes_of_two_colours_are_two() -> None:
    """A red square that overlaps a blue one is not one purple thing."""
    things = (Thing("square", "red", "large", 0.35, 0.5), Thing("square", "blue", "large", 0.64, 0.5))

    assert names(finder.find(draw(Scene(things), 128))) == Counter(["large red square", "large blue square"])


def test_the_box_is_in_pixels_of_the_picture() -> None:
    """Whatever the picture's size, the box is around the shape, in that picture."""
    (found,) = finder.find(draw(one("square", "green", "large"), 200))

    # A large square reaches 0.175 * 1.18 / sqrt(2) of the side from its centre.
    expected = [200 * (0.5 - 0.146), 200 * (0.5 - 0.146), 200 * (0.5 + 0.146), 200 * (0.5 + 0.146)]
    assert found["box"] == pytest.approx(expected, abs=2.5)


def test_an_empty_page_and_print_hold_no_shape() -> None:
    """Words are not shapes."""
    page = Scene((), word="STOP", word_at=(0.5, 0.5))

    assert [finder.find(draw(page, 128)), finder.find(Image.new("RGB", (90, 40), (250, 250, 250)))] == [[], []]


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 2), (7, 5)])
def test_odd_pictures_do_no_harm(size: tuple[int, int]) -> None:
    """Strips and specks hold nothing."""
    assert finder.find(Image.new("RGB", size, (220, 40, 40))) == []


def test_noise_holds_next_to_nothing() -> None:
    """Colour noise is no picture of shapes."""
    rng = random.Random(1)
    noise = Image.frombytes("RGB", (96, 96), rng.randbytes(96 * 96 * 3))

    assert len(finder.find(noise)) <= 1


def test_the_detector_and_the_scenes_mean_the_same() -> None:
    """Colours and sizes stand in both, since a model's folder may not import an evaluator."""
    assert (finder.COLOURS, finder.SIZES, tuple(load("shapes_detector", "outlines").OUTLINES)) == (COLOURS, SIZES, SHAPES)


SCENE = Scene((Thing("circle", "red", "large", 0.25, 0.3), Thing("circle", "blue", "small", 0.75, 0.3), Thing("cross", "red", "small", 0.5, 0.75)))


def asked(*texts: str, pictures: int = 1) -> Request:
    return Request("detector", (*(Picture(png(SCENE, 128)) for _ in range(pictures)), *map(Text, texts)), kind=Kind.DETECT)


def looked_for(*texts: str) -> list[tuple[str, str]]:
    """What was found under which label."""
    (reply,) = load("shapes_detector", "shapes_detection").ShapesDetector().answer([asked(*texts)])
    return [(each.label, f"{each.more['colour']} {each.more['shape']}") for each in reply.detections]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("red circle", ["red circle"]),
        ("a circle.", ["red circle", "blue circle"]),
        ("The Circles", ["red circle", "blue circle"]),
        ("two crosses", ["red cross"]),
        ("CROSS", ["red cross"]),
        ("a small circle", ["blue circle"]),
        ("blue cross", []),
        ("a star", []),
        ("a cat", []),
        ("something red", []),
        ("encircled", []),
        ("a red circle and a cross", ["red circle", "red cross"]),
    ],
)
def test_a_text_says_what_to_look_for(query: str, found: list[str]) -> None:
    """Shape, and colour and size where they are named; the label is the query without its full stop."""
    assert looked_for(query) == [(query.removesuffix("."), name) for name in found]


def test_several_queries_are_looked_for_one_by_one() -> None:
    """In lines, in sentences or as several texts, as the open detector reads them; what fits two is told twice."""
    ways = (("a cross\ncircle\nred circle",), ("a cross. circle. red circle.",), ("a cross", "circle", "red circle"))

    expected = [("a cross", "red cross"), ("circle", "red circle"), ("circle", "blue circle"), ("red circle", "red circle")]
    assert [looked_for(*texts) for texts in ways] == [expected] * len(ways)


def test_without_a_text_everything_is_told_and_a_bad_text_costs_no_other() -> None:
    """In each picture, and with what else is known of a thing."""
    detector = load("shapes_detector", "shapes_detection").ShapesDetector()
    everything, bad, circles = detector.answer([asked(), asked(" ."), asked("circle", pictures=2)])

    assert [each.label for each in everything.detections] == ["red circle", "red cross", "blue circle"]
    assert isinstance(bad, InvalidRequest)
    assert [(each.more["picture"], each.more["colour"]) for each in circles.detections] == [(0, "red"), (0, "blue"), (1, "red"), (1, "blue")]


@pytest.mark.parametrize(
    ("text", "things"),
    [
        ("a large red circle", [("circle", "red", "large", None)]),
        ("twenty-one stars and 3 blue, shiny squares", [("star", "", "", 21), ("square", "blue", "", 3)]),
        ("is the circle red", [("circle", "red", "", None)]),
        ("are the star and the green square small", [("star", "", "small", None), ("square", "green", "small", None)]),
        ("a picture in red of a circle", [("circle", "", "", None)]),
        ("9" * 5000 + " circles", [("circle", "", "", None)]),
        ("", []),
    ],
)
def test_things_are_read_out_of_a_text(text: str, things: list[tuple[str, str, str, int | None]]) -> None:
    """Shape, colour, size and number, each with the thing that it is said of."""
    assert [(each.shape, each.colour, each.size, each.number) for each in load("shapes_detector", "shape_names").named(text)] == things
