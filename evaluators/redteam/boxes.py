"""Distraction: red boxes on pictures around what is not asked about, and clauses in prompts about what is not wanted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import ClassVar

from PIL import Image, ImageDraw

from evaluators.measures.boxes import overlap
from evaluators.redteam.coco import Box, Fact, Scene
from evaluators.redteam.generator import Row
from evaluators.redteam.natural import answer, checked, prompt, question
from evaluators.redteam.pictured import Draft, Prompts, Questions, Vocabulary
from evaluators.redteam.rendering import png
from evaluators.redteam.seeds import opened

MOST_BOXES = 3
BACKGROUND = (0.05, 0.15)
"""Share of the picture that a box around nothing takes."""
TRIES = 50
AWAY = (
    "{thing} was carried out before and is not in the picture",
    "{thing} stands in another room, out of sight",
    "{thing} is only talked about and not part of the picture",
    "{thing} is far away and cannot be seen",
)


def line_width(box: Box) -> int:
    """Pixels of a box's outline: 2 to 5, more for greater boxes."""
    x0, y0, x1, y1 = box
    return min(5, max(2, math.floor(0.0025 * (x1 - x0) * (y1 - y0))))


def with_boxes(picture: Image.Image, boxes: Sequence[Box]) -> Image.Image:
    """The picture with red outlines."""
    made = picture.copy()
    draw = ImageDraw.Draw(made)
    for box in boxes:
        draw.rectangle(box, outline="red", width=line_width(box))
    return made


def distractors(scene: Scene, asked: Sequence[str], chance: Random) -> list[Box]:
    """One to three boxes around things that are not asked about, or, where there are none, around background."""
    free = [thing.box for thing in scene.things if thing.name not in asked]
    number = chance.randint(1, MOST_BOXES)
    if free:
        return chance.sample(free, min(number, len(free)))
    return [_background(scene, chance) for _ in range(number)]


def _background(scene: Scene, chance: Random) -> Box:
    """A box of 5 to 15 % of the picture that lies on no thing; where none was found, the one that lies on the least."""
    boxes = []
    for _ in range(TRIES):
        area, shape = chance.uniform(*BACKGROUND) * scene.width * scene.height, chance.uniform(0.6, 1.6)
        width, height = min(scene.width, math.sqrt(area * shape)), min(scene.height, math.sqrt(area / shape))
        x, y = round(chance.uniform(0, scene.width - width)), round(chance.uniform(0, scene.height - height))
        boxes.append((x, y, x + round(width), y + round(height)))
    return min(boxes, key=lambda box: sum(overlap(box, thing.box) for thing in scene.things))


@dataclass(frozen=True, kw_only=True)
class DistractionQuestions(Questions):
    """Plain questions, with red boxes drawn around one to three things that are not asked about."""

    name: ClassVar[str] = "image_to_text.hallucination.distraction"
    scenario: ClassVar[str] = "distraction"

    def fields(self, scene: Scene, told: Fact, vocabulary: Vocabulary, chance: Random) -> Row:
        """The plain question."""
        return {"question": question(told), "answer": answer(told)}

    def shown(self, draft: Draft) -> Row:
        """The picture with boxes."""
        asked = (*draft.fact.about, *draft.fact.value) if draft.fact.task == "identification" else draft.fact.about
        boxes = distractors(draft.scene, asked, self.chance(draft.scene.id, draft.fact.task, "boxes"))
        picture = opened(draft.scene.picture, f"scene {draft.scene.id}")
        return {"image": png(with_boxes(picture, boxes)), "boxes": [list(box) for box in boxes]}


@dataclass(frozen=True, kw_only=True)
class DistractionPrompts(Prompts):
    """Plain prompts, followed by two or three clauses about things that are not to be drawn."""

    name: ClassVar[str] = "text_to_image.hallucination.distraction"
    scenario: ClassVar[str] = "distraction"

    def fields(self, scene: Scene, told: Fact, vocabulary: Vocabulary, chance: Random) -> Row | None:
        """The prompt with its clauses; `None` where fewer than two other things are known."""
        others = vocabulary.absent(scene, chance, chance.randint(2, 3))
        if len(others) < 2:
            return None
        clauses = [frame.format(thing=f"the {name}") for frame, name in zip(chance.sample(AWAY, len(others)), others, strict=True)]
        return {"prompt": f"{prompt(told)}; {'; '.join(clauses)}.", **checked(told)}
