"""Answers imagine requests with the pipeline: pictures of all requests that come together are painted together.

A picture depends on its prompt, settings and seed, and not on the batch it is painted in: its noise comes from a generator
of its own, and the networks always see `TOGETHER` pictures at once, empty places filled up, because a matrix of another
size may be rounded otherwise.
"""

from __future__ import annotations

import io
import random
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from graph_pipeline import GraphPipeline
from PIL import Image
from shapes_pipeline import ShapesPipeline

from gateway.engines.serving import Networks
from gateway.graphed import PRECISION
from kernel.contract import Finish, Picture, Reply, Request
from kernel.errors import InvalidRequest, ModelError

NAME = "shapes_diffusion"
FOLDER = Path(__file__).resolve().parent
PIPELINE = FOLDER / "pipeline"
TOGETHER = 4
STEPS, MOST_STEPS = 12, 100
GUIDANCE, MOST_GUIDANCE = 2.0, 20.0
SIDE, LEAST_SIDE, MOST_SIDE = 256, 16, 1024
MOST_PICTURES = 64
TAKEN = frozenset({"n", "seed", "steps", "guidance", "width", "height"})


@dataclass(frozen=True)
class Job:
    """One picture to paint."""

    prompt: str
    negative: str
    seed: int
    steps: int
    guidance: float
    size: tuple[int, int]


class Painter:
    """Holds the pipeline; `answer` is what Triton's batches go to."""

    def __init__(self, folder: Path = PIPELINE, *, runtime: str | None = None, engines: str = "", precision: str = PRECISION) -> None:
        if runtime is None:
            self._pipeline = ShapesPipeline.from_pretrained(folder, local_files_only=True, dtype=torch.float32, low_cpu_mem_usage=False)
            self._pipeline.to("cuda" if torch.cuda.is_available() else "cpu")
        else:
            self._pipeline = GraphPipeline(folder, Networks(FOLDER.parent / engines, runtime, precision=precision))
        self._pipeline.set_progress_bar_config(disable=True)

    def answer(self, requests: Sequence[Request]) -> list[Reply | ModelError]:
        """Paint what is asked; a request that asks the impossible gets its error, the others their pictures."""
        plans = [_planned(request) for request in requests]
        jobs = [job for plan in plans if not isinstance(plan, ModelError) for job in plan]
        painted = iter(self.paint(jobs))
        return [
            plan if isinstance(plan, ModelError) else _reply(request, plan, [next(painted) for _ in plan])
            for request, plan in zip(requests, plans, strict=True)
        ]

    def paint(self, jobs: Sequence[Job]) -> list[bytes]:
        """One PNG for each job, in their order."""
        done: dict[int, bytes] = {}
        for places in _batches(jobs):
            filled = [jobs[place] for place in places]
            filled += filled[-1:] * (TOGETHER - len(filled))
            pictures = self._pipeline(
                [job.prompt for job in filled],
                negative_prompts=[job.negative for job in filled],
                generators=[torch.Generator().manual_seed(job.seed) for job in filled],
                guidance=[job.guidance for job in filled],
                steps=filled[0].steps,
            )
            pixels = (pictures.permute(0, 2, 3, 1).cpu().numpy() * 255).round().astype(np.uint8)
            done |= {place: _png(pixels[index], jobs[place].size) for index, place in enumerate(places)}
        return [done[place] for place in range(len(jobs))]


def _planned(request: Request) -> list[Job] | ModelError:
    """A job for each picture that is asked for, or what is wrong."""
    sampling = request.sampling
    number = sampling.n or 1
    steps = STEPS if sampling.steps is None else sampling.steps
    guidance = GUIDANCE if sampling.guidance is None else float(sampling.guidance)
    size = (sampling.width or sampling.height or SIDE, sampling.height or sampling.width or SIDE)
    for name, value, least, most in (
        ("n", number, 1, MOST_PICTURES),
        ("steps", steps, 1, MOST_STEPS),
        ("guidance", guidance, 0, MOST_GUIDANCE),
        ("width", size[0], LEAST_SIDE, MOST_SIDE),
        ("height", size[1], LEAST_SIDE, MOST_SIDE),
    ):
        if not least <= value <= most:
            return InvalidRequest(f"{NAME}: {name} is {value}; expected {least} to {most}")
    seed = secrets.randbits(32) if sampling.seed is None else sampling.seed
    return [Job(request.text, request.negative or "", _own_seed(seed, index), steps, guidance, size) for index in range(number)]


def _own_seed(seed: int, index: int) -> int:
    """Far apart for neighbours, so that the second picture of one seed is not the first of the next."""
    return random.Random(f"{seed}:{index}").getrandbits(63)


def _batches(jobs: Sequence[Job]) -> Iterator[list[int]]:
    """Indices of jobs with as many steps, at most `TOGETHER` at once."""
    for steps in sorted({job.steps for job in jobs}):
        alike = [index for index, job in enumerate(jobs) if job.steps == steps]
        for start in range(0, len(alike), TOGETHER):
            yield alike[start : start + TOGETHER]


def _reply(request: Request, jobs: Sequence[Job], painted: Sequence[bytes]) -> Reply:
    report: dict[str, Any] = {"model": NAME, "steps": jobs[0].steps, "guidance": jobs[0].guidance}
    ignored = sorted(set(request.sampling.as_dict()) - TAKEN)
    if ignored:
        report["not_honoured"] = ignored
    return Reply(pictures=tuple(Picture(each) for each in painted), finish=(Finish.STOP,) * len(painted), report=report)


def _png(pixels: np.ndarray[Any, Any], size: tuple[int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC).save(buffer, "PNG")
    return buffer.getvalue()
