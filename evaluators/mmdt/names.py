"""The names of models in result trees. The public code writes one and the same model in six ways, and only one of them is the whole name."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from kernel.errors import InvalidSpec

KNOWN = (
    "gpt-4-vision-preview",
    "gpt-4o-2024-05-13",
    "gpt-4o",
    "claude-3-opus-20240229",
    "models/gemini-1.5-pro-001",
    "llava-hf/llava-v1.6-mistral-7b-hf",
    "llava-hf/llava-v1.6-vicuna-7b-hf",
    "llava-hf/llava-v1.6-vicuna-13b-hf",
    "Salesforce/instructblip-vicuna-7b",
    "Qwen/Qwen-VL-Chat",
    "OpenGVLab/InternVL2-8B",
    "OpenGVLab/Mini-InternVL-Chat-4B-V1-5",
    "dall-e-2",
    "dall-e-3",
    "stabilityai/stable-diffusion-2",
    "stabilityai/stable-diffusion-xl-base-1.0",
    "prompthero/openjourney-v4",
    "dreamlike-art/dreamlike-photoreal-2.0",
    "dataautogpt3/OpenDalleV1.1",
    "kandinsky-community/kandinsky-3",
    "DeepFloyd/IF-I-M-v1.0",
)
"""Models that the public code knows."""


class Form(StrEnum):
    """How a name is written."""

    WHOLE = "whole"
    """`org/name`: safety, adversarial, answers out of distribution, individual fairness."""
    JOINED = "joined"
    """`org_name`: hallucination; in older trees the short name stands there."""
    LAST = "last"
    """The last part: pictures out of distribution, privacy."""
    SECOND = "second"
    """The second part, where there is one: pictures of fairness and privacy."""
    CUT = "cut"
    """The last part up to its first underscore: the tables of privacy and fairness."""


def written(model: str, form: Form) -> str:
    """A model's name in a form."""
    parts = model.split("/")
    match form:
        case Form.WHOLE:
            return model
        case Form.JOINED:
            return model.replace("/", "_")
        case Form.SECOND:
            return parts[1] if len(parts) > 1 else model
        case Form.CUT:
            return parts[-1].split("_", 1)[0]
    return parts[-1]


class Names:
    """From every form to one name. What fits several models is refused, never guessed.

    given: names that the user says are meant, which go first; whole: names that stand whole in the tree, which go before those that
    the public code knows.
    """

    def __init__(self, given: Iterable[str] = (), whole: Iterable[str] = ()) -> None:
        self._tiers = tuple(tuple(dict.fromkeys(tier)) for tier in (given, whole, KNOWN))

    def one(self, found: str) -> str:
        """The whole name of a model; that of none that is known is what was found. Raises `InvalidSpec` for what several models are written as."""
        for tier in self._tiers:
            fitting = [model for model in tier if found == model] or [model for model in tier if any(found == written(model, form) for form in Form)]
            if len(fitting) > 1:
                raise InvalidSpec(f"model {found!r}", [f"{' and '.join(fitting)} are both written so; say which is meant with --model NAME"])
            if fitting:
                return fitting[0]
        return found
