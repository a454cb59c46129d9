"""What a catalog may say of a pipeline of diffusers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import torch

from gateway.loading import AUTO, placed
from kernel.errors import InvalidSpec

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
    variant: str | None = None
    device: str = AUTO
    dtype: str = AUTO
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
        return torch.device(placed(self.checkpoint, self.device, self.dtype)[0])


def settings_of(given: dict[str, Any]) -> Settings:
    """The settings among a model's parameters. Raises `InvalidSpec`, with every fault."""
    said = {name: value for name, value in given.items() if value is not None}
    where = str(said.get("checkpoint", "diffusers_model"))
    known = {field.name for field in fields(Settings)}
    faults = [f"{name} is no setting of a pipeline; expected {', '.join(sorted(known))}" for name in sorted(set(said) - known)]
    if "checkpoint" not in said:
        faults.append("checkpoint is missing; expected a folder made by save_pretrained")
    faults += _faults(said)
    try:
        placed(where, str(said.get("device", AUTO)), str(said.get("dtype", AUTO)))
    except InvalidSpec as error:
        faults += error.faults
    if faults:
        raise InvalidSpec(where, faults)
    words = {name: str(said[name]) for name in ("checkpoint", "variant", "device") if name in said}
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
