"""A scorecard and cases of the shape that the suite `quickstart` has, made up by lot."""

from __future__ import annotations

import io
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image, ImageDraw

from kernel.contract import Picture
from kernel.report import Line, Scorecard, Shown

PLAYERS = {"gold": 1.0, "blind": 0.3, "constant": 0.25, "empty": 0.0, "refuses": 0.0, "parrot": 0.04}
SCENARIOS = ("natural", "distraction", "counterfactual", "co-occurrence", "misleading", "ocr")
QUESTIONS = ("identification", "attribute", "spatial", "count")
CORRUPTIONS = (
    "gaussian-noise", "shot-noise", "impulse-noise", "defocus-blur", "glass-blur", "motion-blur", "zoom-blur", "snow",
    "frost", "fog", "brightness", "contrast", "elastic", "pixelate", "jpeg", "adversarial",
)  # fmt: skip
COLOURS = {"red": (220, 40, 40), "yellow": (245, 215, 40), "green": (40, 160, 60), "blue": (40, 70, 210)}
SHAPES = ("circle", "square", "triangle")
TASKS = (
    *(("hallucination", f"shapes-see-{s}-{q}", "shapes-vlm", 0.9) for s in SCENARIOS for q in QUESTIONS),
    *(("robustness", f"shapes-ood-{c}", "shapes-vlm", 0.7) for c in CORRUPTIONS),
    *(("hallucination", f"shapes-draw-{s}-{q}", "shapes-diffusion", 0.7) for s in SCENARIOS for q in QUESTIONS),
)


def line(**changes: Any) -> Line:
    """A line with something in every field."""
    fields: dict[str, Any] = {
        "task": "count", "perspective": "hallucination", "model": "shapes-vlm", "player": None, "metric": "accuracy",
        "unit": "share", "higher_is_better": True, "planned": 40, "scored": 40, "failed": 0, "unscored": 0,
        "skipped": 0, "mean": 0.9, "low": 0.8, "high": 0.95, "chance": 0.25,
    }  # fmt: skip
    return Line(**{**fields, **changes})


def shown(**changes: Any) -> Shown:
    """A case with something in every field."""
    fields: dict[str, Any] = {
        "task": "count", "perspective": "hallucination", "model": "shapes-vlm", "case": "c-1", "status": "scored",
        "value": 1.0, "reason": "said 'red', which is right", "error": None, "question": "What colour is it?",
        "pictures": (), "answers": ("red",), "drawn": (), "gold": "red", "facts": {"severity": 3}, "seconds": 0.05,
    }  # fmt: skip
    return Shown(**{**fields, **changes})


def picture(lot: random.Random, side: int = 96) -> tuple[Picture, str, str]:
    """A drawn shape with its colour and name."""
    colour, shape = lot.choice(list(COLOURS)), lot.choice(SHAPES)
    image = Image.new("RGB", (side, side), (250, 246, 232))
    x, y, r = lot.randint(30, side - 30), lot.randint(30, side - 30), lot.randint(10, 26)
    draw = ImageDraw.Draw(image)
    if shape == "circle":
        draw.ellipse((x - r, y - r, x + r, y + r), fill=COLOURS[colour])
    elif shape == "square":
        draw.rectangle((x - r, y - r, x + r, y + r), fill=COLOURS[colour])
    else:
        draw.polygon([(x, y - r), (x - r, y + r), (x + r, y + r)], fill=COLOURS[colour])
    file = io.BytesIO()
    image.save(file, "PNG")
    return Picture(file.getvalue()), colour, shape


def _line(perspective: str, task: str, model: str, player: str | None, mean: float, n: int) -> Line:
    failed, unscored = (2, 1) if task.endswith("snow") and player is None else (0, 0)
    scored = n - failed - unscored
    half = 1.96 * math.sqrt(mean * (1 - mean) / scored)
    return line(
        task=task, perspective=perspective, model=model, player=player, planned=n, scored=scored, failed=failed,
        unscored=unscored, mean=mean, low=max(0.0, mean - half), high=min(1.0, mean + half),
    )  # fmt: skip


def _cases(of: Line) -> Iterator[Shown]:
    for number in range(of.planned):
        lot = random.Random(f"{of.task} {number}")
        seen, colour, shape = picture(lot)
        right = lot.random() < (of.mean or 0.0)
        status = "failed" if number < of.failed else "unscored" if number < of.failed + of.unscored else "scored"
        said = f"{colour} {shape}" if right else lot.choice(["purple star", "I see a blue circle left of it.", "3"])
        draws = "draw" in of.task
        yield shown(
            task=of.task, perspective=of.perspective, model=of.model, case=f"{of.task}-{number:04d}", status=status,
            value=float(right) if status == "scored" else None,
            reason="no answer within 30 s" if status == "failed" else f"found {said!r}, expected '{colour} {shape}'",
            error="DeadlineExceeded" if status == "failed" else None,
            question=f"A large {colour} {shape}" if draws else "What is in the picture? Name colour and shape.",
            pictures=() if draws else (seen,), answers=() if draws or status == "failed" else (said,),
            drawn=(seen,) if draws and status != "failed" else (), gold=f"{colour} {shape}",
            facts={"scenario": of.task.split("-")[2], "severity": lot.randint(1, 5)}, seconds=lot.uniform(0.02, 0.4),
        )  # fmt: skip


def quickstart_card(n: int = 20) -> Scorecard:
    """24 + 16 + 24 tasks, two models, six null players."""
    lines: list[Line] = []
    for perspective, task, model, level in TASKS:
        lot = random.Random(task)
        lines.append(_line(perspective, task, model, None, min(1.0, max(0.2, lot.gauss(level, 0.12))), n))
        lines += [_line(perspective, task, name, name, min(1.0, max(0.0, value and lot.gauss(value, 0.04))), n) for name, value in PLAYERS.items()]
    return Scorecard(
        run="2026-11-21-quickstart-7f3a", suite="quickstart", status="finished", created="2026-11-21 09:05 UTC",
        lines=tuple(lines), notes=("shapes-ood-snow: 2 of 20 cases failed (DeadlineExceeded).",),
        manifest={"suite": "quickstart", "seed": 7, "versions": {"trust-assay": "0.1.0", "numpy": "1.26.4"}},
    )  # fmt: skip


def quickstart_cases(card: Scorecard) -> Iterator[Shown]:
    """The cases behind a card."""
    for of in card.lines:
        yield from _cases(of)


@pytest.fixture(scope="session")
def card() -> Scorecard:
    """A run of the suite `quickstart`."""
    return quickstart_card()


@pytest.fixture(scope="session")
def cases(card: Scorecard) -> list[Shown]:
    """All cases of that run."""
    return list(quickstart_cases(card))


@pytest.fixture
def make_line() -> Callable[..., Line]:
    """Makes a line, with changes."""
    return line


@pytest.fixture
def make_shown() -> Callable[..., Shown]:
    """Makes a case, with changes."""
    return shown


@pytest.fixture
def make_card() -> Callable[..., Scorecard]:
    """Makes a scorecard of some lines."""
    return lambda *lines, **changes: replace(
        Scorecard(run="r-1", suite="small", status="finished", created="2026-11-21 09:05", lines=lines or (line(),)), **changes
    )
