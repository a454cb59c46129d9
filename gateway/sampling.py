"""`Sampling` as the JSON of `sampling_parameters`, with the bounds that hold on both sides."""

from __future__ import annotations

from functools import lru_cache
from math import isfinite
from typing import Any

from gateway import jsontext
from kernel.contract import DEFAULT_SAMPLING, SAMPLING_NAMES, Sampling
from kernel.errors import InvalidRequest

MOST_STOPS = 64
BOUNDS: dict[str, tuple[float, float]] = {
    "n": (1, 1024),
    "max_tokens": (1, 2**31 - 1),
    "temperature": (0, 100),
    "top_p": (0, 1),
    "seed": (-(2**63), 2**64 - 1),
    "steps": (1, 10_000),
    "guidance": (-1000, 1000),
    "width": (1, 16_384),
    "height": (1, 16_384),
}
_REAL = ("temperature", "top_p", "guidance")


@lru_cache(maxsize=1024)
def encode(sampling: Sampling, only: tuple[str, ...] = SAMPLING_NAMES) -> bytes:
    """The settings that were made and are among `only`. Raises `InvalidRequest` for one out of bounds."""
    settings = sampling.as_dict()
    _check(settings)
    return jsontext.dumps({name: value for name, value in settings.items() if name in only})


def decode(text: bytes) -> Sampling:
    """The settings in the JSON. Raises `InvalidRequest`."""
    try:
        settings = jsontext.loads(text)
    except ValueError as error:
        raise InvalidRequest(f"sampling_parameters: {error}") from None
    if not isinstance(settings, dict):
        raise InvalidRequest(f"sampling_parameters is {type(settings).__name__}; expected a JSON object")
    made: dict[str, Any] = {name: value for name, value in settings.items() if value is not None}
    if not made:
        return DEFAULT_SAMPLING
    _check(made)
    if "stop" in made:
        made["stop"] = tuple(made["stop"])
    return Sampling(**made)


def _check(settings: dict[str, Any]) -> None:
    for name, value in settings.items():
        if name == "stop":
            if not isinstance(value, list) or len(value) > MOST_STOPS or not all(isinstance(stop, str) for stop in value):
                raise InvalidRequest(f"sampling_parameters: stop is not a list of at most {MOST_STOPS} texts")
            continue
        if name not in BOUNDS:
            raise InvalidRequest(f"sampling_parameters: unknown {name!r}; known: {', '.join(SAMPLING_NAMES)}")
        kinds = (int, float) if name in _REAL else (int,)
        low, high = BOUNDS[name]
        if isinstance(value, bool) or not isinstance(value, kinds) or not isfinite(value) or not low <= value <= high:
            expected = "a number" if name in _REAL else "a whole number"
            raise InvalidRequest(f"sampling_parameters: {name} is {value!r}; expected {expected} from {low} to {high}")
