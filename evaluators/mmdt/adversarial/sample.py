"""The sample's adversarial rows. Nothing was attacked: pictures have signs by lot on every value, and prompts a few letters without sense."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from evaluators.mmdt.adversarial.task import CONFIG
from evaluators.mmdt.sample import put_json, put_parquet, put_picture
from evaluators.scenes import Scene, Thing, draw, png

PIXELS = 96
STRENGTH = 4
"""How far each value of a picture is moved, of 255."""
MADE_BY = {"surrogate_model": "none", "algorithm": "signs by lot"}
NONSENSE = ("vqx zil", "ploo nerf", "okk trum", "gesh wub")


class Flip(NamedTuple):
    """What is drawn, and what an attack would have told or shown instead."""

    task: str
    prompt: str
    origin: str
    label: str
    things: tuple[Thing, ...]


def _things() -> tuple[Flip, ...]:
    shapes = (("circle", "square"), ("square", "star"), ("star", "cross"), ("cross", "circle"))
    colours = (("circle", "red", "blue"), ("square", "blue", "green"), ("star", "green", "yellow"), ("cross", "yellow", "red"))
    places = {
        "to the left of": ("to the right of", (0.2, 0.5)),
        "to the right of": ("to the left of", (0.8, 0.5)),
        "above": ("below", (0.5, 0.2)),
        "below": ("above", (0.5, 0.8)),
    }
    square = Thing("square", "blue", "medium", 0.5, 0.5)
    return (
        *(Flip("object", f"a red {shape}", shape, label, (Thing(shape, "red", "large", 0.5, 0.5),)) for shape, label in shapes),
        *(Flip("attribute", f"a {colour} {shape}", colour, label, (Thing(shape, colour, "large", 0.5, 0.5),)) for shape, colour, label in colours),
        *(
            Flip("spatial", f"a red circle {place} a blue square", place, label, (Thing("circle", "red", "medium", *at), square))
            for place, (label, at) in places.items()
        ),
    )


def _moved(picture: Image.Image, seed: int) -> bytes:
    values = np.asarray(picture, dtype=np.int16)
    signs = np.random.default_rng(seed).choice((-STRENGTH, STRENGTH), size=values.shape)
    made = io.BytesIO()
    Image.fromarray(np.clip(values + signs, 0, 255).astype(np.uint8)).save(made, "PNG")
    return made.getvalue()


def write(folder: Path) -> None:
    """Write every split of both modalities."""
    painted: dict[str, list[dict[str, Any]]] = {}
    asked: dict[str, list[dict[str, Any]]] = {}
    for number, each in enumerate(_things()):
        scene, place = Scene(each.things), number % len(NONSENSE)
        first, second = each.things[0], each.things[-1]
        things: dict[str, dict[str, str]] = {"attribute": {"object": first.shape}, "spatial": {"object_a": first.shape, "object_b": second.shape}}
        prompt = {"id": place, "adv_prompt": f"{each.prompt} {NONSENSE[place]}", "origin_word": each.origin, "label": each.label}
        right = put_picture(folder, f"{CONFIG}_{each.task}_{place}", png(scene, PIXELS))
        painted.setdefault(each.task, []).append({**prompt, **things.get(each.task, {}), "gold_picture": right})
        blank = dict.fromkeys(("object", "object_a", "object_b", "origin_object", "origin_attribute", "origin_relation"), "")
        origin = f"origin_{'relation' if each.task == 'spatial' else each.task}"
        row = {"id": place, **blank, **things.get(each.task, {}), origin: each.origin, "label": each.label, **MADE_BY}
        asked.setdefault(each.task, []).append({**row, "image": _moved(draw(scene, PIXELS), number)})
    for task, rows in painted.items():
        put_json(folder, CONFIG, task, rows)
        put_parquet(folder, CONFIG, task, asked[task])
