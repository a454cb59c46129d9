"""What a catalog may say of a pipeline of diffusers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import torch

from kernel.errors import InvalidSpec

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
MOST_STEPS = 1000
MOST_GUIDANCE = 100.0
MOST_PIXELS = 2048 * 2048
TOGETHER = 4


@dataclass(frozen=True, kw_only=True)
class Settings:
    """As the catalog has them; `None` leaves the choice to the pipeline.

    scheduler: the name of a class of diffusers. compile: whether torch compiles the denoiser. most_pixels: width times height of a picture.
    together: pictures of one pipeline call, at most.
    """

    checkpoint: str
    revision: str | None = None
    variant: str | None = None
    device: str = "auto"
    dtype: str = "auto"
    remote_code: bool = False
    scheduler: str | None = None
    steps: int | None = None
    guidance: float | None = None
    width: int | None = None
    height: int | None = None
    compile: bool = False
    most_pixels: int = MOST_PIXELS
    together: int = TOGETHER

    @property
    def place(self) -> torch.device:
        """Where the pipeline runs."""
        return torch.device(("cuda" if torch.cuda.is_available() else "cpu") if self.device == "auto" else self.device)


def settings_of(given: dict[str, Any]) -> Settings:
    """The settings among a model's parameters. Raises `InvalidSpec`, with every fault."""
    said = {name: value for name, value in given.items() if value is not None}
    where = str(said.get("checkpoint", "diffusers_model"))
    known = {field.name for field in fields(Settings)}
    faults = [f"{name} is no setting of a pipeline; expected {', '.join(sorted(known))}" for name in sorted(set(said) - known)]
    if "checkpoint" not in said:
        faults.append("checkpoint is missing; expected a folder made by save_pretrained, or a hub id such as owner/name")
    faults += _faults(said)
    if faults:
        raise InvalidSpec(where, faults)
    words = {name: str(said[name]) for name in ("checkpoint", "revision", "variant", "device") if name in said}
    return Settings(**{**said, **words})


def _faults(said: dict[str, Any]) -> Iterator[str]:
    for name in ("remote_code", "compile"):
        if not isinstance(said.get(name, False), bool):
            yield f"{name} is {said[name]!r}; expected true or false"
    for name, least, most in (("steps", 1, MOST_STEPS), ("width", 1, None), ("height", 1, None), ("most_pixels", 1, None), ("together", 1, None)):
        value = said.get(name, least)
        if isinstance(value, bool) or not isinstance(value, int) or value < least or (most is not None and value > most):
            yield f"{name} is {value!r}; expected a whole number from {least}" + (f" to {most}" if most else "")
    guidance = said.get("guidance", 0)
    if isinstance(guidance, bool) or not isinstance(guidance, int | float) or not 0 <= guidance <= MOST_GUIDANCE:
        yield f"guidance is {guidance!r}; expected a number from 0 to {MOST_GUIDANCE:g}"
    if said.get("dtype", "auto") not in ("auto", *DTYPES):
        yield f"dtype is {said['dtype']!r}; expected auto, {', '.join(DTYPES)}"
    yield from _wrong_device(str(said.get("device", "auto")))


def _wrong_device(device: str) -> Iterator[str]:
    if device == "auto":
        return
    try:
        kind = torch.device(device).type
    except RuntimeError:
        yield f"device is {device!r}; expected auto, cpu, cuda or cuda:0"
    else:
        if kind == "cuda" and not torch.cuda.is_available():
            yield f"device is {device!r}, and torch sees no GPU here; expected auto or cpu"
