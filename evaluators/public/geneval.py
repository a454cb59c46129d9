"""Does a model paint the things, numbers, colours and places that a prompt asks for?"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal

import numpy as np
from PIL import Image

from evaluators.measures.boxes import Box
from evaluators.measures.detections import sightings
from evaluators.measures.similarity import Rows, cosine
from evaluators.public import sample
from evaluators.public.composition import CAPTIONS, COLOURS, COUNTING_THRESHOLD, MOST_FOUND, TAGS, THRESHOLD, classes, faults, taken_of
from evaluators.public.files import DataSet
from evaluators.public.task import Made, PublicTask, sound
from evaluators.rows import Row, RowFault, field
from evaluators.scenes import Scene, Thing, png
from kernel.contract import Deadline, Finish, Kind, Model, Picture, Reply, Request, Sampling, Text
from kernel.evaluator import Case, Metric, Score, Skip

GENEVAL = DataSet("geneval", "djghosh13/geneval", ("geneval",), ("prompts/evaluation_metadata.jsonl",))
ONE_THING = Scene((Thing("circle", "red", "large", 0.5, 0.5),))


@dataclass(frozen=True, kw_only=True)
class Geneval(PublicTask):
    """GenEval: prompts for one thing, two things, several of a thing, a colour, a place, and two colours.

    Question: does the picture show what the prompt asks for, all of it?

    Data and source: Ghosh et al., GenEval, NeurIPS 2023; repository djghosh13/geneval, prompts/evaluation_metadata.jsonl with 553 prompts of six
    tags. What people said of 1,200 published pictures is in annotations/; `assay results import geneval DIR` counts the shares per tag.

    Scoring: each prompt is painted `pictures` times, with the seeds 0 and up. Who plays `detector` looks for the things by name, those above 0.3
    count (0.9 where the number is asked for), at most 16 of each, surest first; who plays `clip` names the colour of what is cut out, among ten. A
    place holds where the centres are apart by more than a tenth of both things' sides, and mostly in that direction. 1 where all is as wanted.
    The pictures of one prompt are one cluster. The mean over the six tags is GenEval's overall score.

    Null players: who paints nothing scores 0; constant paints one large red circle.

    Known limits: the authors' detector is a Mask2Former trained on COCO's 80 things, whose outlines cut a thing out for its colour; here a box does,
    so that the background speaks too. Its thresholds are kept though another detector may score otherwise.
    """

    name: ClassVar[str] = "geneval"
    version: ClassVar[int] = 1
    asks: ClassVar[Kind] = Kind.IMAGINE
    perspective: ClassVar[str] = "composition"
    metrics: ClassVar[tuple[Metric, ...]] = (Metric("correct"),)
    roles: ClassVar[tuple[str, ...]] = ("detector", "clip")
    data_set: ClassVar[DataSet] = GENEVAL
    axis: ClassVar[str] = "tag"
    known: ClassVar[Mapping[str, int]] = dict(zip(TAGS, (80, 99, 80, 94, 100, 100), strict=True))

    tag: Literal["single_object", "two_object", "counting", "colors", "position", "color_attr"]
    pictures: int = 4

    def __post_init__(self) -> None:
        """Refuse to paint nothing."""
        if self.pictures < 1:
            raise ValueError(f"pictures is {self.pictures}; expected 1 or more")

    @property
    def patterns(self) -> tuple[str, ...]:
        """The prompts of all tags."""
        return self.data_set.signs

    def rows(self) -> Iterator[Row]:
        """The rows of the tag."""
        return (row for row in super().rows() if row.fields.get("tag") == self.tag)

    def how_many(self) -> int | None:
        """Each prompt as often as it is painted."""
        prompts = super().how_many()
        return None if prompts is None else prompts * self.pictures

    def cases(self) -> Iterator[Case]:
        """Each prompt as often as it is painted."""
        for row in self.rows():
            for seed in range(self.pictures):
                place = f"{self.tag}/{row.position}"
                yield self.case_of(f"{place}/{seed}", partial(self._made, row, seed), cluster=place)

    def _made(self, row: Row, seed: int) -> Made:
        include = field(row, "include")
        if not (isinstance(include, list) and include and all(isinstance(each, dict) and {"class", "count"} <= each.keys() for each in include)):
            raise RowFault(f"{row.where}: field 'include' is {include!r:.120}; expected a list of things with class and count")
        wanted = {name: row.fields[name] for name in ("include", "exclude") if row.fields.get(name)}
        request = Request(self.target, (Text(str(field(row, "prompt"))),), Kind.IMAGINE, sampling=Sampling(n=1, seed=seed))
        return request, {"wanted": wanted, "gold_picture": row.fields.get("gold_picture")}, {"seed": seed}

    async def score(self, case: Case, reply: Reply, models: Model, deadline: Deadline) -> Score:
        """Have the instruments look at the picture."""
        wanted = sound(case)["wanted"]
        if not reply.pictures:
            return Score(0.0, "no picture", found=False)
        picture = reply.pictures[0]
        found = await self._found(picture, classes(wanted), models, deadline)
        colours = {
            at: await _colours(picture, each["class"], taken, models, deadline)
            for at, each in enumerate(wanted["include"])
            if "color" in each and len(taken := taken_of(each, found)) == each["count"]
        }
        told = faults(wanted, found, colours)
        return Score(float(not told), "; ".join(told) or "as wanted", record={"boxes": {name: list(map(list, boxes)) for name, boxes in found.items()}})

    async def _found(self, picture: Picture, things: Sequence[str], models: Model, deadline: Deadline) -> dict[str, list[Box]]:
        """Boxes in pixels by thing, surest first."""
        reply = await models.infer(Request("detector", (picture, Text("\n".join(things))), Kind.DETECT), deadline=deadline)
        with Image.open(io.BytesIO(picture.data)) as opened:
            width, height = opened.size
        threshold = COUNTING_THRESHOLD if self.tag == "counting" else THRESHOLD
        found = sightings(reply.detections, things, (width, height), box_threshold=threshold, least_area=0.0)
        sides = (width, height, width, height)
        surest = {name: sorted(seen, key=lambda each: -each.score)[:MOST_FOUND] for name, seen in found.items()}
        return {name: [tuple(share * side for share, side in zip(each.box, sides, strict=True)) for each in seen] for name, seen in surest.items()}

    def gold(self, case: Case) -> Reply:
        """The right picture, which only the sample has."""
        if not (path := sound(case)["gold_picture"]):
            raise Skip("the data has no right picture for this prompt")
        return Reply(pictures=(Picture((sample.folder() / path).read_bytes()),), finish=(Finish.STOP,))

    def constant(self) -> Reply:
        """The same thing for everything."""
        return Reply(pictures=(Picture(png(ONE_THING)),), finish=(Finish.STOP,))


async def _colours(picture: Picture, thing: str, boxes: Sequence[Box], models: Model, deadline: Deadline) -> list[str]:
    """The likeliest colour of what is in each box. Raises `ModelError`."""
    captions = [caption.format(colour=colour, thing=thing) for colour in COLOURS for caption in CAPTIONS]
    told = await models.infer(Request("clip", tuple(map(Text, captions)), Kind.EMBED), deadline=deadline)
    seen = await models.infer(Request("clip", tuple(_cut(picture, box) for box in boxes), Kind.EMBED), deadline=deadline)
    by_colour = _means(told.rows)
    likeness = (cosine(by_colour, [row]) for row in seen.rows)
    return [COLOURS[each.index(max(each))] for each in likeness]


def _means(rows: Rows) -> Rows:
    """A direction for each colour: the mean of those of its captions."""
    vectors = np.asarray(rows, dtype=np.float64)
    directions = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    means: Rows = directions.reshape(len(COLOURS), len(CAPTIONS), -1).mean(axis=1).tolist()
    return means


def _cut(picture: Picture, box: Box) -> Picture:
    """What is in a box, at least a pixel of it."""
    with Image.open(io.BytesIO(picture.data)) as opened:
        x0, y0, x1, y1 = (round(edge) for edge in box)
        part = opened.convert("RGB").crop((x0, y0, max(x1, x0 + 1), max(y1, y0 + 1)))
    file = io.BytesIO()
    part.save(file, "PNG")
    return Picture(file.getvalue())
