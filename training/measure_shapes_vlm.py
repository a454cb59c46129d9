"""Measure shapes_vlm on fresh scenes, as it is served: encoded pictures in, greedy answers out.

    python -m training.measure_shapes_vlm

Writes the figures to `training/logs/shapes_vlm_accuracy.json`, and their table into the model card.
"""

from __future__ import annotations

import argparse
import io
import json
import random
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from PIL import Image

from evaluators.scenes import Scene, png, sample
from evaluators.shapes.questions import (
    Question,
    colour_of,
    count,
    distracted,
    holds,
    misled,
    ocr,
    presence,
    shape_of,
    size_of,
    supposed,
    where,
    with_options,
)
from training.shapes_vlm_network import PLACE

from shapes_answers import Answerer, Question as Asked  # isort: skip - found only after the line above

if TYPE_CHECKING:
    from collections.abc import Callable

FIGURES = Path("training/logs/shapes_vlm_accuracy.json")
CARD = PLACE.parent / "README.md"
BEGIN, END = "<!-- figures -->\n", "<!-- end of figures -->"
KINDS: dict[str, Callable[[Scene, random.Random], Question | None]] = {
    "identification: shape": shape_of,
    "identification: presence": presence,
    "attribute: colour": colour_of,
    "attribute: size": size_of,
    "spatial: where": where,
    "spatial: holds": holds,
    "count": count,
    "ocr": ocr,
}
VARIANTS: dict[str, Callable[[Question, random.Random], Question | None]] = {
    "plain": lambda question, _: question,
    "options": with_options,
    "distracted": distracted,
    "misled": misled,
    "supposed": supposed,
    "blind": lambda question, _: replace(question),
}


def main() -> None:
    """Measure every kind in every variant."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=300, help="of each kind, plain; a third of it for each variant")
    parser.add_argument("--pixels", type=int, default=256, help="side of the pictures sent")
    parser.add_argument("--seed", type=int, default=1001)
    options = parser.parse_args()
    torch.set_num_threads(1)
    answerer = Answerer(PLACE)
    figures: dict[str, dict[str, float | None]] = {}
    for name, ask in KINDS.items():
        figures[name] = {}
        for variant, change in VARIANTS.items():
            number = options.cases if variant == "plain" else options.cases // 3
            rng = random.Random(f"{options.seed} {name} {variant}")
            figures[name][variant] = measure(answerer, ask, change, rng, number, pixels=options.pixels, blind=variant == "blind")
        print(name, figures[name], flush=True)
    fill_card(options, figures)
    FIGURES.write_text(json.dumps({"options": vars(options), "right": figures}, indent=1) + "\n", encoding="utf-8")


def fill_card(options: argparse.Namespace, figures: dict[str, dict[str, float | None]]) -> None:
    """Put the table where the model card has its marks."""
    said = (
        f"Share of answers right to the letter, in percent: {options.cases} fresh scenes of each kind, {options.cases // 3} "
        f"for each harder variant, drawn with seed {options.seed}, sent as PNG of {options.pixels} pixels a side."
    )
    head = f"| | {' | '.join(VARIANTS)} |\n|---|{'---|' * len(VARIANTS)}\n"
    cells = {name: [_percent(right[variant]) for variant in VARIANTS] for name, right in figures.items()}
    rows = "".join(f"| {name} | {' | '.join(each)} |\n" for name, each in cells.items())
    before, _, rest = CARD.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    CARD.write_text(f"{before}{BEGIN}{said}\n\n{head}{rows}{END}{after}", encoding="utf-8")


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f}"


def measure(
    answerer: Answerer,
    ask: Callable[[Scene, random.Random], Question | None],
    change: Callable[[Question, random.Random], Question | None],
    rng: random.Random,
    number: int,
    *,
    pixels: int,
    blind: bool,
) -> float | None:
    """Share of `number` answers that are right to the letter; None where the variant does not exist."""
    asked: list[tuple[Asked, str]] = []
    while len(asked) < number:
        scene = sample(rng, word=ask is ocr and rng.random() < 0.9)
        plain = ask(scene, rng)
        if plain is None:
            continue
        question = change(plain, rng)
        if question is None:
            return None
        picture = None if blind else Image.open(io.BytesIO(png(scene, pixels)))
        asked.append((Asked(text=question.text, picture=picture), question.answer))
    right = 0
    for start in range(0, number, 50):
        part = asked[start : start + 50]
        answers = answerer.answer([each for each, _ in part])
        right += sum(answer.texts[0] == truth for answer, (_, truth) in zip(answers, part, strict=True))
    return round(right / number, 4)


if __name__ == "__main__":
    main()
