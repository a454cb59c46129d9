"""Answers imagine requests with a pipeline of diffusers: pictures that agree on steps, guidance and size are one pipeline call.

Each picture has its own generator, on the CPU, seeded with the seed that the report tells for it; the same generator in a call of the plain
library gives the same picture. With `together: 1` it is the same to the byte, whatever the batch. With more, a matrix of another
size may be rounded otherwise: measured in single precision on a CPU, values differ from the picture painted alone by at most 1 of 255,
and most pictures not at all. In half precision, on a GPU or after many steps it may be more.
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
from PIL import Image
from pipeline_files import examined, loaded, not_text_to_image
from pipeline_settings import MOST_GUIDANCE, Settings, settings_of
from pipeline_traits import Traits, reschedule
from safetensors import safe_open

from gateway.loading import DTYPES, folder_of, name_of
from kernel.contract import MESSAGE_LIMIT, Finish, Picture, Reply, Request, Sampling
from kernel.errors import BadReply, InvalidRequest, InvalidSpec, ModelError, ModelFault, TooLarge

MOST_PICTURES = 64
STORED = {"BF16": torch.bfloat16, "F16": torch.float16}


@dataclass(frozen=True)
class Job:
    """One picture to paint. `size` is width and height, `None` the pipeline's own."""

    prompt: str
    negative: str | None
    seed: int
    steps: int | None
    guidance: float | None
    size: tuple[int, int] | None

    @property
    def call(self) -> tuple[Any, ...]:
        """What pictures of one pipeline call have in common."""
        return (self.steps, self.guidance, self.size, self.negative is None)


@dataclass(frozen=True)
class Painted:
    """A picture. `flagged`: the pipeline's safety checker blackened it. `heeded`: a negative prompt would have had an effect."""

    picture: bytes
    flagged: bool
    heeded: bool


class PipelinePainter:
    """Holds the pipeline; `answer` is what Triton's batches go to."""

    def __init__(self, **given: Any) -> None:
        self.settings = settings_of(given)
        folder = examined(folder_of(self.settings.checkpoint), self.settings)
        self.pipeline = loaded(folder, self.settings, _dtype(self.settings, folder.networks))
        faults = list(not_text_to_image(type(self.pipeline)))
        if faults:
            raise InvalidSpec(self.settings.checkpoint, faults)
        if self.settings.scheduler:
            reschedule(self.pipeline, self.settings.scheduler, self.settings.checkpoint)
        self.pipeline.to(self.settings.place)
        self.pipeline.set_progress_bar_config(disable=True)
        self.traits = Traits(self.pipeline)
        if self.settings.compile:
            (getattr(self.pipeline, "transformer", None) or self.pipeline.unet).compile()
        try:
            self._planned(Request(self.settings.checkpoint, ()))
        except InvalidRequest as error:
            raise InvalidSpec(self.settings.checkpoint, [str(error)]) from None

    def answer(self, requests: Sequence[Request]) -> list[Reply | ModelError]:
        """Paint what is asked; a request that asks the impossible gets its error, the others their pictures."""
        plans = [self._plan(request) for request in requests]
        painted = iter(self.paint([job for plan in plans if not isinstance(plan, ModelError) for job in plan]))
        return [
            plan if isinstance(plan, ModelError) else self._reply(request, plan, [next(painted) for _ in plan])
            for request, plan in zip(requests, plans, strict=True)
        ]

    def paint(self, jobs: Sequence[Job]) -> list[Painted | ModelError]:
        """A picture for each job, in their order, or why there is none."""
        done: dict[int, Painted | ModelError] = {}
        for places in self._calls(jobs):
            done |= zip(places, self._together([jobs[place] for place in places]), strict=True)
        return [done[place] for place in range(len(jobs))]

    def _plan(self, request: Request) -> list[Job] | ModelError:
        try:
            return self._planned(request)
        except ModelError as error:
            return error

    def _planned(self, request: Request) -> list[Job]:
        """A job for each picture that is asked for."""
        asked, own, takes = request.sampling, self.settings, self.traits.taken
        number = asked.n or 1
        steps = _first(asked.steps, own.steps, self.traits.default("num_inference_steps")) if "steps" in takes else None
        guidance = _first(asked.guidance, own.guidance, self.traits.default(self.traits.guidance)) if self.traits.guidance else None
        for name, value, least, most in (
            ("n", number, 1, MOST_PICTURES),
            ("steps", steps, 1, self.traits.most_steps),
            ("guidance", guidance, 0, MOST_GUIDANCE),
        ):
            if value is not None and not least <= value <= most:
                raise InvalidRequest(f"{name} is {value}; expected {least} to {most:g}")
        size = self._size(asked) if "width" in takes else None
        negative = _first(request.negative, self.traits.default("negative_prompt")) if "negative_prompt" in self.traits.arguments else None
        seed = secrets.randbits(53) if asked.seed is None else asked.seed
        return [Job(request.text, negative, _own_seed(seed, index), steps, guidance, size) for index in range(number)]

    def _size(self, asked: Sampling) -> tuple[int, int] | None:
        """Width and height. Who names one gets a square."""
        named = asked if asked.width or asked.height else self.settings
        width, height = named.width or named.height, named.height or named.width
        if not width or not height:
            return None
        multiple, most = self.traits.multiple, self.settings.most_pixels
        if width * height > most:
            raise TooLarge(f"width {width} × height {height} are {width * height:,} pixels; expected at most {most:,}")
        if width % multiple or height % multiple:
            near = " × ".join(str(max(multiple, side // multiple * multiple)) for side in (width, height))
            raise InvalidRequest(f"width is {width}, height is {height}; expected multiples of {multiple}, such as {near}")
        return width, height

    def _calls(self, jobs: Sequence[Job]) -> Iterator[list[int]]:
        """Indices of jobs that can be one pipeline call."""
        groups: dict[tuple[Any, ...], list[int]] = {}
        for place, job in enumerate(jobs):
            groups.setdefault(job.call, []).append(place)
        for places in groups.values():
            for start in range(0, len(places), self.settings.together):
                yield places[start : start + self.settings.together]

    def _together(self, jobs: Sequence[Job]) -> Sequence[Painted | ModelError]:
        """One pipeline call; if it fails, two of half the pictures, so that only the culprit has no picture."""
        try:
            return self._called(jobs)
        except torch.OutOfMemoryError:
            error: ModelError = TooLarge("the device has not enough memory for one such picture; ask for a smaller one")
        except FloatingPointError:
            error = ModelFault("the pipeline painted values that are no numbers; try the dtype float32 or bfloat16")
        except ValueError as refusal:
            error = InvalidRequest(f"{type(self.pipeline).__name__} refuses: {refusal}")
        except ModelError as wrong:
            error = wrong
        half = len(jobs) // 2
        return [*self._together(jobs[:half]), *self._together(jobs[half:])] if half else [error]

    def _called(self, jobs: Sequence[Job]) -> list[Painted]:
        first = jobs[0]
        named = {"num_inference_steps": first.steps, **({self.traits.guidance: first.guidance} if self.traits.guidance else {})}
        named |= dict(zip(("width", "height"), first.size or (None, None), strict=True))
        if first.negative is not None:
            named["negative_prompt"] = [job.negative for job in jobs]
        with np.errstate(invalid="raise"):
            output = self.pipeline(
                prompt=[job.prompt for job in jobs],
                generator=[torch.Generator().manual_seed(job.seed) for job in jobs],
                **{name: value for name, value in named.items() if value is not None},
            )
        pictures = getattr(output, "images", None)
        if pictures is None or len(pictures) != len(jobs):
            raise BadReply(f"{type(self.pipeline).__name__} gave {'no' if pictures is None else len(pictures)} images for {len(jobs)} prompts")
        found = {each.size for each in pictures}
        if first.size and found != {first.size}:
            sizes = ", ".join(f"{width} × {height}" for width, height in found)
            raise InvalidRequest(f"width {first.size[0]} × height {first.size[1]} cannot be painted: the pipeline made {sizes}")
        flags = getattr(output, "nsfw_content_detected", None) or getattr(output, "nsfw_detected", None) or [False] * len(jobs)
        heeded = self.traits.heeds_negative(first.guidance)
        return [Painted(_png(picture), bool(flag), heeded) for picture, flag in zip(pictures, flags, strict=True)]

    def _reply(self, request: Request, jobs: Sequence[Job], painted: Sequence[Painted | ModelError]) -> Reply | ModelError:
        made = []
        for each in painted:
            if isinstance(each, ModelError):
                return each
            made.append(each)
        size = sum(len(each.picture) for each in made)
        if size > MESSAGE_LIMIT:
            return TooLarge(f"{len(made)} pictures of {size:,} bytes, at most {MESSAGE_LIMIT:,} are sent; ask for fewer or smaller ones")
        return Reply(
            pictures=tuple(Picture(each.picture) for each in made if not each.flagged),
            finish=tuple(Finish.CONTENT_FILTER if each.flagged else Finish.STOP for each in made),
            report=self._report(request, jobs, heeded=made[0].heeded),
        )

    def _report(self, request: Request, jobs: Sequence[Job], *, heeded: bool) -> dict[str, Any]:
        job = jobs[0]
        report: dict[str, Any] = {
            "model": name_of(Path(self.settings.checkpoint)),
            "pipeline": type(self.pipeline).__name__,
            "scheduler": type(self.pipeline.scheduler).__name__,
            "seeds": [each.seed for each in jobs],
            "safety_checker": self.traits.checks_safety,
        }
        report |= {name: value for name, value in (("steps", job.steps), ("guidance", job.guidance)) if value is not None}
        named = {*request.sampling.as_dict()}
        ignored = named - self.traits.taken
        ignored |= {"guidance"} & named if not self.traits.heeds_guidance(job.negative) else set()
        ignored |= {"negative_prompt"} if request.negative and not heeded else set()
        if ignored:
            report["not_honoured"] = sorted(ignored)
        cut = self.traits.cut_by([job.prompt, *([job.negative] if job.negative and heeded else [])])
        if cut:
            report |= {"truncated": True, "truncated_by": cut}
        return report


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _own_seed(seed: int, index: int) -> int:
    """The first picture's is what was asked for; the others' are far apart, so that the second picture of one seed is not the first of the next."""
    return seed if index == 0 else random.Random(f"{seed}:{index}").getrandbits(53)


def _dtype(settings: Settings, networks: Sequence[Any]) -> torch.dtype:
    """Told by the catalog; else that of the stored weights on a GPU, and single precision without one."""
    if settings.dtype in DTYPES:
        return DTYPES[settings.dtype]
    denoiser = next((each for each in networks if each.name in ("transformer", "unet")), None)
    if settings.place.type == "cpu" or denoiser is None:
        return torch.float32
    with safe_open(denoiser.weights[0], framework="pt") as file:
        return STORED.get(file.get_slice(next(iter(file.keys()))).get_dtype(), torch.float32)


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()
