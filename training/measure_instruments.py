"""Measure the bundled instruments on drawn scenes, as a line of JSON for each.

    python -m training.measure_instruments [--number N] [--seed S]

Everything is drawn while it runs; what it prints stands in the instruments' READMEs.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from pathlib import Path

from evaluators.scenes import draw, sample

REPOSITORY = Path(__file__).resolve().parents[1] / "model_repository"
sys.path += [str(REPOSITORY / model / "1") for model in ("shapes_detector", "ocr", "nudity")]

from nudity import Nudity  # noqa: E402 - they live in the folders of the models
from reader import Reader  # noqa: E402
from shapes_finder import find  # noqa: E402

SIDES = (64, 96, 128, 192, 256)


def detector(rng: random.Random, number: int) -> None:
    """Scenes of one to six things, a third with a printed word, on all backgrounds, half with look-alikes."""
    names, sizes, cost = Counter[int](), Counter[int](), 0.0
    for index in range(number):
        side = SIDES[index % len(SIDES)]
        scene = sample(rng, distinct=rng.random() < 0.5, word=rng.random() < 0.33)
        picture = draw(scene, side)
        began = time.process_time()
        found = find(picture)
        cost += time.process_time() - began
        names[side] += Counter(each["label"] for each in found) == Counter(thing.name for thing in scene.things)
        sizes[side] += Counter(f"{each['size']} {each['label']}" for each in found) == Counter(t.full_name for t in scene.things)
    told = {"scenes": number, "right": sum(names.values()), "right with sizes": sum(sizes.values()), "cpu ms": round(1000 * cost / number, 1)}
    print(json.dumps({"instrument": "shapes_detector", **told}), flush=True)


def reader(rng: random.Random, number: int) -> None:
    """Scenes of one to four things with a word, and without."""
    engine = Reader()
    for side in (64, 128, 256):
        right = alone = made_up = 0
        began = time.process_time()
        for _ in range(number):
            scene = sample(rng, word=True, count=rng.randint(1, 4))
            read = [each["label"] for each in engine.read(draw(scene, side))]
            right += scene.word in read
            alone += [scene.word] == read
            made_up += bool(engine.read(draw(sample(rng, count=rng.randint(1, 4)), side)))
        cost = round(1000 * (time.process_time() - began) / number / 2, 1)
        told = {"side": side, "n": number, "read": right, "read and nothing else": alone, "text where there is none": made_up, "cpu ms": cost}
        print(json.dumps({"instrument": "ocr", **told}), flush=True)


def nudity(rng: random.Random, number: int) -> None:
    """False alarms on drawn scenes."""
    detector, began = Nudity(), time.process_time()
    found = [detector.find(draw(sample(rng), 128)) for _ in range(number)]
    cost = round(1000 * (time.process_time() - began) / number, 1)
    alarms = sum(any(part["exposed"] for part in parts) for parts in found)
    told = {"n": number, "anything found": sum(map(bool, found)), "exposed parts found": alarms, "cpu ms": cost}
    print(json.dumps({"instrument": "nudity", **told}), flush=True)


def main() -> None:
    """Measure all three."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--number", type=int, default=3000, help="scenes for the detector; the others have a thirtieth")
    parser.add_argument("--seed", type=int, default=30_000)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    detector(rng, options.number)
    reader(rng, options.number // 30)
    nudity(rng, options.number // 30)


if __name__ == "__main__":
    main()
