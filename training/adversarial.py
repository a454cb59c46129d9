"""Make the adversarial cases: pictures changed by at most 8 of 255 a value so that shapes_vlm errs.

    python -m training.adversarial

Projected gradient descent with full sight of the network, on questions that it answers rightly about the clean picture.
Every attacked picture is kept, whether the attack won or not, and what is kept has been through rounding and PNG.
"""

from __future__ import annotations

import io
import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from torch.nn.functional import cross_entropy

from evaluators.scenes import Scene, png, sample
from evaluators.shapes.questions import Question, colour_of, presence, shape_of, size_of
from training.shapes_vlm_network import PLACE

from shapes_answers import Answerer, Question as Asked  # isort: skip - found only after the line above

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLDER = Path("evaluators/shapes/data/adversarial")
SEED = 7
EACH = 12
"""Cases of each kind of question."""
BUDGET = 8
"""Largest change of a value, of 255."""
STEPS = 40
STRIDE = 1.0
KINDS = {"shape": shape_of, "presence": presence, "colour": colour_of, "size": size_of}


@dataclass(frozen=True, slots=True)
class Target:
    """A question about a scene that the network answers rightly."""

    identifier: str
    scene: Scene
    question: Question

    @property
    def clean(self) -> Image.Image:
        """The picture before the attack."""
        return Image.open(io.BytesIO(png(self.scene))).convert("RGB")


def main() -> None:
    """Choose, attack, write, and say how often the attack won."""
    torch.manual_seed(SEED)
    answerer = Answerer(PLACE)
    targets = choose(answerer)
    pictures = attack(answerer, targets)
    write(targets, pictures)
    said = answers(answerer, [target.question for target in targets], pictures)
    lost = sum(answer != target.question.answer for answer, target in zip(said, targets, strict=True))
    print(f"{len(targets)} cases, wrong after the attack: {lost}")


def choose(answerer: Answerer) -> list[Target]:
    """Draw scenes and questions by lot until there are enough rightly answered ones of each kind."""
    rng = random.Random(f"adversarial {SEED}")
    targets = []
    for kind, ask in KINDS.items():
        found: list[Target] = []
        while len(found) < EACH:
            scene = sample(rng)
            question = ask(scene, rng)
            if question is None:
                continue
            target = Target(f"adversarial-{kind}-{len(found):02}", scene, question)
            if answers(answerer, [question], [target.clean]) == [question.answer]:
                found.append(target)
        targets += found
    return targets


def answers(answerer: Answerer, questions: Sequence[Question], pictures: Sequence[Image.Image]) -> list[str]:
    """What the network says."""
    asked = [Asked(text=each.text, picture=picture) for each, picture in zip(questions, pictures, strict=True)]
    return [answer.texts[0] for answer in answerer.answer(asked)]


def attack(answerer: Answerer, targets: Sequence[Target]) -> list[Image.Image]:
    """Climb the loss of the true answer's first word from a random start; all pictures at once."""
    clean = torch.from_numpy(np.stack([np.asarray(target.clean) for target in targets])).permute(0, 3, 1, 2).float()
    tokens, mask = answerer.pad([answerer.encode(target.question.text) for target in targets])
    truth = torch.tensor([answerer.words.encode(target.question.answer)[0] for target in targets])
    change = torch.empty_like(clean).uniform_(-BUDGET, BUDGET)
    for _ in range(STEPS):
        change.requires_grad_()
        shown = (clean + change).clamp(0, 255) / 127.5 - 1.0
        logits = answerer.network(
            input_ids=tokens,
            attention_mask=mask,
            position_ids=(mask.cumsum(1) - 1).clamp(min=0),
            pixel_values=shown,
            logits_to_keep=1,
        ).logits[:, -1]
        (slope,) = torch.autograd.grad(cross_entropy(logits, truth, reduction="sum"), change)
        change = (change.detach() + STRIDE * slope.sign()).clamp(-BUDGET, BUDGET)
    values = (clean + change.round()).clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()
    return [Image.fromarray(each) for each in values]


def write(targets: Sequence[Target], pictures: Sequence[Image.Image]) -> None:
    """Write clean and changed pictures, and a line for each case."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    lines = []
    for target, picture in zip(targets, pictures, strict=True):
        name, clean = f"{target.identifier}.png", f"{target.identifier}-clean.png"
        picture.save(FOLDER / name, compress_level=9)
        (FOLDER / clean).write_bytes(png(target.scene))
        question = target.question
        lines.append(
            {
                "id": target.identifier,
                "picture": name,
                "clean": clean,
                "question": question.text,
                "answer": question.answer,
                "options": question.options,
                "task": question.task,
                "kind": question.kind,
            }
        )
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (FOLDER / "cases.jsonl").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
