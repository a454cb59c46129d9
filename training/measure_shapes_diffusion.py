"""Measure `shapes_diffusion` on fresh prompts, judged by the bundled detector and reader, as a line of JSON for each task.

python -m training.measure_shapes_diffusion [--number N] [--seed S] [--steps N] [--guidance G] [--grid FILE]
"""

from __future__ import annotations

import argparse
import io
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from evaluators.scenes import WORDS, relation
from training.shapes_prompts import FRESH_PHRASES, NUMBERS, UNSEEN, looks, plural, related_things

REPOSITORY = Path(__file__).resolve().parents[1] / "model_repository"
sys.path += [str(REPOSITORY / model / "1") for model in ("shapes_diffusion", "shapes_detector", "ocr")]

from painter import GUIDANCE, STEPS, Job, Painter  # noqa: E402 - they live in the folders of the models
from reader import Reader  # noqa: E402
from shapes_finder import find  # noqa: E402

Judge = Callable[[Image.Image], bool]


@dataclass(frozen=True)
class Question:
    """A prompt, and what has to be true of the picture, by name."""

    prompt: str
    judges: dict[str, Judge]


def one_thing(rng: random.Random, look: tuple[str, str, str]) -> Question:
    """Exactly one thing, of the right colour and shape; and of the right size as well."""
    size, colour, shape = look
    full = f"{size} {colour} {shape}"
    prompt = rng.choice(FRESH_PHRASES).format(f"a {full}")
    judges: dict[str, Judge] = {
        "colour and shape": lambda picture: [each["label"] for each in find(picture)] == [f"{colour} {shape}"],
        "colour": lambda picture: [each["colour"] for each in find(picture)] == [colour],
        "shape": lambda picture: [each["shape"] for each in find(picture)] == [shape],
        "colour, shape and size": lambda picture: [f"{each['size']} {each['label']}" for each in find(picture)] == [full],
    }
    return Question(prompt, judges)


def two_things(rng: random.Random) -> Question:
    """Both things and no other; and where the first is as seen from the second."""
    said, scene, _ = related_things(rng)
    names = Counter(thing.name for thing in scene.things)
    where = relation(*scene.things)

    def placed(picture: Image.Image) -> bool:
        found = {each["label"]: each["box"] for each in find(picture)}
        if Counter(found.keys()) != names:
            return False
        (x0, y0), (x1, y1) = (_middle(found[thing.name]) for thing in scene.things)
        across, down = x0 - x1, y0 - y1
        seen = ("left of" if across < 0 else "right of") if abs(across) > abs(down) else "above" if down < 0 else "below"
        return seen == where

    judges: dict[str, Judge] = {
        "both things": lambda picture: Counter(each["label"] for each in find(picture)) == names,
        "both things in their places": placed,
    }
    return Question(rng.choice(FRESH_PHRASES).format(said), judges)


def several_things(rng: random.Random) -> Question:
    """The right number of things, whatever they are; and all of them right."""
    number, (_, colour, shape) = rng.choice((2, 3)), rng.choice(looks())
    prompt = rng.choice(FRESH_PHRASES).format(f"{NUMBERS[number]} {colour} {plural(shape)}")
    judges: dict[str, Judge] = {
        "number": lambda picture: len(find(picture)) == number,
        "number, colour and shape": lambda picture: [each["label"] for each in find(picture)] == [f"{colour} {shape}"] * number,
    }
    return Question(prompt, judges)


def printed_word(rng: random.Random, reader: Reader) -> Question:
    """The word, as the reader reads it."""
    word = rng.choice(WORDS)
    return Question(f"the word {word}", {"word": lambda picture: word in [each["label"] for each in reader.read(picture)]})


def _middle(box: list[float]) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def main() -> None:
    """Ask, paint, judge, tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--number", type=int, default=200, help="one-thing prompts; other tasks have a quarter of it")
    parser.add_argument("--seed", type=int, default=20_000)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--guidance", type=float, default=GUIDANCE)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--pipeline", type=Path)
    parser.add_argument("--grid", type=Path, help="a picture file for the first 48 pictures")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    rng, reader = random.Random(options.seed), Reader()
    seen = [look for look in looks() if look not in UNSEEN]
    more = options.number // 4
    tasks = {
        "one thing, trained combinations": [one_thing(rng, rng.choice(seen)) for _ in range(options.number)],
        "one thing, combinations held out": [one_thing(rng, rng.choice(UNSEEN)) for _ in range(more)],
        "two things": [two_things(rng) for _ in range(more)],
        "two or three of a kind": [several_things(rng) for _ in range(more)],
        "printed word": [printed_word(rng, reader) for _ in range(more)],
    }
    painter = Painter(options.pipeline) if options.pipeline else Painter()
    shown: list[Image.Image] = []
    for name, questions in tasks.items():
        began = time.monotonic()
        jobs = [Job(each.prompt, "", options.seed + index, options.steps, options.guidance, (256, 256)) for index, each in enumerate(questions)]
        pictures = [Image.open(io.BytesIO(data)) for data in painter.paint(jobs)]
        seconds = time.monotonic() - began
        shares = {
            what: round(sum(each.judges[what](picture) for each, picture in zip(questions, pictures, strict=True)) / len(questions), 3)
            for what in questions[0].judges
        }
        told: dict[str, Any] = {"task": name, "n": len(questions), "seconds": round(seconds, 1), **shares}
        print(json.dumps(told), flush=True)
        shown += pictures[: 24 if not shown else 8]
    if options.grid:
        _grid(shown).save(options.grid)


def _grid(pictures: list[Image.Image], columns: int = 8, side: int = 96) -> Image.Image:
    sheet = Image.new("RGB", (columns * side, -(-len(pictures) // columns) * side), "white")
    for index, picture in enumerate(pictures):
        sheet.paste(picture.resize((side, side)), (index % columns * side, index // columns * side))
    return sheet


if __name__ == "__main__":
    main()
