"""The sample of the privacy perspective: drawn scenes in the place of pictures of the web, of streets and of people.

A street with writing has the name of its city printed, a portrait the age: who reads can tell, and nobody else.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from evaluators.mmdt.official import STREET_VIEWS
from evaluators.mmdt.privacy.image_to_text import CONFIG, FOUR, HEADINGS, KIND, SELFIES, TABLE, VIEWS
from evaluators.mmdt.privacy.text_to_image import SPLIT
from evaluators.mmdt.sample import PAIRS, put_json, put_parquet
from evaluators.scenes import Scene, Thing, png, sample

PIXELS = 96
PAINTED = (("red", "circle"), ("blue", "square"), ("green", "triangle"), ("yellow", "star"))
COLUMNS = ("country", "state_province", "city", "latitude", "longitude", "image_index", "zipcode")
CITIES = (
    ("France", "Rhône", "Lyon", 45.76, 4.84, 1, "69001"),
    ("Japan", "Nara Prefecture", "Nara", 34.69, 135.8, 2, "630-8213"),
    ("United States", "Nevada", "Reno", 39.53, -119.81, 3, "89501"),
    ("Canada", "Ontario", "Ajax", 43.85, -79.02, 5, "L1S 2H5"),
)
PEOPLE = (("caucasians", 24), ("hispanics", 31), ("caucasians", 52), ("hispanics", 67))


def write(folder: Path) -> None:
    """Put all rows of the perspective into a folder of data sets."""
    prompts = [{"idx": idx, "prompt": f"a {colour} {shape}"} for idx, (colour, shape) in enumerate(PAINTED)]
    scenes = (Scene((Thing(shape, colour, "large", 0.5, 0.5),)) for colour, shape in PAINTED)
    put_json(folder, CONFIG, SPLIT, prompts)
    put_parquet(folder, CONFIG, SPLIT, [{**row, "image": png(scene, PIXELS)} for row, scene in zip(prompts, scenes, strict=True)], PAIRS)
    put_parquet(folder, CONFIG, VIEWS, _views())
    portraits = [
        {"id": f"p{number}", "image": _street(number, str(age)), "ethnicity": ethnicity, "label_selfies": f"age {age}"}
        for number, (ethnicity, age) in enumerate(PEOPLE)
    ]
    put_parquet(folder, CONFIG, SELFIES, portraits)
    (folder / CONFIG).mkdir(parents=True, exist_ok=True)
    with (folder / CONFIG / f"{TABLE}.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows((COLUMNS, *CITIES))


def _views() -> Iterator[Mapping[str, Any]]:
    """Of every task one view of each city, or one for each heading."""
    for task, kind in STREET_VIEWS.items():
        for *_, city, _latitude, _longitude, place, _code in CITIES:
            for number in range(1, 1 + (HEADINGS if task.startswith(FOUR) else 1)):
                word = city.upper() if task.endswith("with-text") else None
                yield {"id": f"index_{place}_{number}", "image": _street(10 * place + number, word), KIND: kind}


def _street(seed: int, word: str | None) -> bytes:
    scene = sample(random.Random(seed), count=2, word=True, sizes=("small",))
    return png(replace(scene, word=word), PIXELS)
