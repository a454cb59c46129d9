"""Scenes of plain shapes: what may stand in a picture, how one is drawn by lot, and how it is painted.

Positions and radii are shares of the picture's side, so that one scene can be painted at any size. The same
`random.Random` gives the same scene, and the same scene the same pixels, on every machine.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

Rgb = tuple[int, int, int]
Point = tuple[float, float]

COLOURS: dict[str, Rgb] = {
    "red": (220, 40, 40),
    "orange": (250, 140, 20),
    "yellow": (245, 215, 40),
    "green": (40, 160, 60),
    "cyan": (60, 205, 220),
    "blue": (40, 70, 210),
    "purple": (130, 40, 160),
    "pink": (250, 140, 190),
}
SHAPES = ("circle", "square", "triangle", "diamond", "cross", "star")
SIZES: dict[str, float] = {"small": 0.085, "medium": 0.125, "large": 0.175}
WORDS: tuple[str, ...] = (
    "BOOK", "CAFE", "EXIT", "FISH", "GATE", "HELP", "JUMP", "KITE",
    "LAMP", "MILK", "OPEN", "PARK", "RAIN", "STOP", "TAXI", "WALK",
)  # fmt: skip
RELATIONS = ("left of", "right of", "above", "below")
BACKGROUNDS: tuple[Rgb, ...] = (
    (250, 250, 250),
    (238, 238, 238),
    (250, 246, 232),
    (232, 242, 250),
    (238, 248, 236),
    (248, 236, 242),
)

MOST_THINGS = 6
INK: Rgb = (45, 45, 45)
SUPERSAMPLING = 4
REACH = 1.18
"""How far a shape reaches from its centre, at most, in radii."""
GAP = 0.015
"""Bare background between two things, and between a thing and the edge, as a share of the side."""
WORD_HEIGHT = 0.21
"""Size of the printed word's font, as a share of the side."""
WORD_BOX: Point = (0.33, 0.10)
"""Half width and half height kept free around the printed word's centre, as shares of the side."""
CLEAR_OFFSET = 0.15
"""A smaller offset along the dominant axis makes a relation ambiguous, as a share of the side."""
DOMINANCE = 1.5
"""How many times the other axis's offset the dominant one must be."""


@dataclass(frozen=True, slots=True)
class Thing:
    """One shape in a scene; `x` and `y` are its centre, from the top left corner, in 0..1."""

    shape: str
    colour: str
    size: str
    x: float
    y: float

    @property
    def name(self) -> str:
        """Colour and shape, such as "red circle"."""
        return f"{self.colour} {self.shape}"

    @property
    def full_name(self) -> str:
        """Size, colour and shape, such as "large red circle"."""
        return f"{self.size} {self.name}"

    @property
    def radius(self) -> float:
        """As a share of the picture's side."""
        return SIZES[self.size]


@dataclass(frozen=True, slots=True)
class Scene:
    """Things on a plain background, with at most one printed word, centred at `word_at`."""

    things: tuple[Thing, ...]
    word: str | None = None
    word_at: Point | None = None
    background: Rgb = BACKGROUNDS[0]


def relation(a: Thing, b: Thing) -> str | None:
    """Where `a` is as seen from `b`; None when neither axis clearly dominates."""
    across, down = a.x - b.x, a.y - b.y
    smaller, greater = sorted((abs(across), abs(down)))
    if greater < CLEAR_OFFSET or greater < DOMINANCE * smaller:
        return None
    if abs(across) > abs(down):
        return "left of" if across < 0 else "right of"
    return "above" if down < 0 else "below"


# -- drawing by lot -----------------------------------------------------------


def sample(
    rng: random.Random,
    *,
    count: int | None = None,
    distinct: bool = True,
    word: bool = False,
    sizes: Sequence[str] | None = None,
) -> Scene:
    """Draw a scene by lot, in which nothing overlaps and nothing is cut off.

    Args:
        rng: The only source of chance.
        count: How many things, 1 to 6; drawn by lot when None.
        distinct: Whether "red circle" may mean at most one thing.
        word: Whether a word is printed.
        sizes: Sizes to draw from; all when None.
    """
    number = rng.randint(1, MOST_THINGS) if count is None else count
    if not 1 <= number <= MOST_THINGS:
        message = f"a scene holds 1 to {MOST_THINGS} things, not {number}"
        raise ValueError(message)
    looks = _looks(rng, number, distinct=distinct)
    printed = rng.choice(WORDS) if word else None
    word_at = (rng.uniform(0.36, 0.64), rng.choice((0.13, 0.87))) if word else None
    chosen, places = _layout(rng, number, tuple(sizes or SIZES), word_at)
    things = [Thing(shape, colour, size, x, y) for (shape, colour), size, (x, y) in zip(looks, chosen, places, strict=True)]
    return Scene(tuple(things), printed, word_at, rng.choice(BACKGROUNDS))


def _looks(rng: random.Random, number: int, *, distinct: bool) -> list[tuple[str, str]]:
    looks = [(shape, colour) for shape in SHAPES for colour in COLOURS]
    return rng.sample(looks, number) if distinct else rng.choices(looks, k=number)


def _layout(rng: random.Random, number: int, sizes: tuple[str, ...], word_at: Point | None) -> tuple[list[str], list[Point]]:
    # Sizes are drawn anew with the places: some draws do not fit into the picture at all.
    while True:
        chosen = rng.choices(sizes, k=number)
        places = _place(rng, [SIZES[size] for size in chosen], word_at)
        if places is not None:
            return chosen, places


def _place(rng: random.Random, radii: list[float], word_at: Point | None) -> list[Point] | None:
    placed: dict[int, Point] = {}
    for index in sorted(range(len(radii)), key=lambda each: -radii[each]):
        taken = [(place, radii[other]) for other, place in placed.items()]
        spot = _free_spot(rng, radii[index], taken, word_at)
        if spot is None:
            return None
        placed[index] = spot
    return [placed[index] for index in range(len(radii))]


def _free_spot(
    rng: random.Random,
    radius: float,
    taken: list[tuple[Point, float]],
    word_at: Point | None,
    tries: int = 60,
) -> Point | None:
    margin = radius * REACH + GAP
    for _ in range(tries):
        spot = (rng.uniform(margin, 1 - margin), rng.uniform(margin, 1 - margin))
        apart = all(math.dist(spot, place) > (radius + other) * REACH + GAP for place, other in taken)
        if apart and (word_at is None or _beside(spot, margin, word_at)):
            return spot
    return None


def _beside(spot: Point, margin: float, word_at: Point) -> bool:
    across = max(0.0, abs(spot[0] - word_at[0]) - WORD_BOX[0])
    down = max(0.0, abs(spot[1] - word_at[1]) - WORD_BOX[1])
    return math.hypot(across, down) > margin


# -- painting -----------------------------------------------------------------


def draw(scene: Scene, pixels: int = 64) -> Image.Image:
    """Paint a scene as a square RGB picture of `pixels` a side."""
    side = pixels * SUPERSAMPLING
    picture = Image.new("RGB", (side, side), scene.background)
    brush = ImageDraw.Draw(picture)
    for thing in scene.things:
        outline = [(x * side, y * side) for x, y in _OUTLINES[thing.shape](thing.x, thing.y, thing.radius)]
        brush.polygon(outline, fill=COLOURS[thing.colour])
    if scene.word is not None and scene.word_at is not None:
        x, y = scene.word_at
        size = round(WORD_HEIGHT * side)
        stroke = max(1, round(size / 24))
        brush.text(
            (x * side, y * side),
            scene.word,
            fill=INK,
            font=_font(size),
            anchor="mm",
            stroke_width=stroke,
            stroke_fill=INK,
        )
    return picture.reduce(SUPERSAMPLING)


def png(scene: Scene, pixels: int = 64) -> bytes:
    """Paint a scene and encode it; the same scene gives the same bytes."""
    buffer = io.BytesIO()
    draw(scene, pixels).save(buffer, "PNG", compress_level=9)
    return buffer.getvalue()


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        message = "this Pillow was built without FreeType, which printed words need"
        raise TypeError(message)
    # Basic layout is in every build; the other one places letters by what happens to be installed.
    return font.font_variant(layout_engine=ImageFont.Layout.BASIC)


def _regular(points: int, reach: float, turn: float = 0.0) -> Callable[[float, float, float], list[Point]]:
    """Corners of a regular polygon, the first one straight up, turned clockwise by `turn` radians."""
    angles = [turn + math.tau * index / points for index in range(points)]
    return lambda x, y, radius: [(x + reach * radius * math.sin(angle), y - reach * radius * math.cos(angle)) for angle in angles]


def _triangle(x: float, y: float, radius: float) -> list[Point]:
    # Lowered, so that the middle of its height and not of its corners is the centre.
    return _regular(3, 1.15)(x, y + 0.2 * radius, radius)


def _cross(x: float, y: float, radius: float) -> list[Point]:
    arm, half = 1.05 * radius, 0.36 * radius
    quarter = [(-half, -arm), (half, -arm), (half, -half)]
    corners = []
    for turn in range(4):
        cosine, sine = ((1, 0), (0, 1), (-1, 0), (0, -1))[turn]
        corners += [(x + a * cosine - b * sine, y + a * sine + b * cosine) for a, b in quarter]
    return corners


def _star(x: float, y: float, radius: float) -> list[Point]:
    outer = _regular(5, 1.18)(x, y, radius)
    inner = _regular(5, 0.5, math.tau / 10)(x, y, radius)
    return [corner for pair in zip(outer, inner, strict=True) for corner in pair]


_OUTLINES: dict[str, Callable[[float, float, float], list[Point]]] = {
    "circle": _regular(48, 1.0),
    "square": _regular(4, 1.18, math.tau / 8),
    "triangle": _triangle,
    "diamond": _regular(4, 1.18),
    "cross": _cross,
    "star": _star,
}
