"""Answers generate requests with the network: the questions of all requests that come together are one batch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from shapes_answers import Answerer
from shapes_reading import MOST_NEW_TOKENS, MOST_SAMPLES, Answer, Question, Reader

from gateway.pictures import decode
from kernel.contract import Finish, Reply, Request, Sampling
from kernel.errors import InvalidRequest, ModelError

NAME = "shapes_vlm"
FOLDER = Path(__file__).resolve().parent
MOST_PICTURES = 1
BOUNDS: dict[str, tuple[float, float]] = {
    "n": (1, MOST_SAMPLES),
    "max_tokens": (1, 2**31 - 1),
    "temperature": (0, 100),
    "top_p": (1e-6, 1),
    "seed": (-(2**63), 2**64 - 1),
}
TAKEN = frozenset({*BOUNDS, "stop"})


class Respondent:
    """Holds the network; `answer` is what Triton's batches go to."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._answerer = Answerer(folder, "cuda" if torch.cuda.is_available() else "cpu")

    def answer(self, requests: Sequence[Request]) -> list[Reply | ModelError]:
        """Answer what is asked; a request that asks the impossible gets its error, the others their answers."""
        read = [self._read(request) for request in requests]
        asked = [each for each in read if isinstance(each, Question)]
        answers = iter(self._answerer.answer(asked) if asked else [])
        return [reply_to(request, next(answers)) if isinstance(each, Question) else each for request, each in zip(requests, read, strict=True)]

    def _read(self, request: Request) -> Question | ModelError:
        try:
            return question_of(request, self._answerer)
        except ModelError as error:
            return error


def question_of(request: Request, reader: Reader) -> Question:
    """The question of a request. Raises `ModelError` with what is wrong with it."""
    return Question(text=_text(request, reader), picture=_picture(request, reader), **_settings(request.sampling))


def _text(request: Request, reader: Reader) -> str:
    """What was said before, and then what is asked."""
    system = [] if request.system is None else [request.system]
    text = "\n".join([*system, *(turn.text for turn in request.history), request.text])
    try:
        reader.encode(text)
    except ValueError as error:
        raise InvalidRequest(f"{NAME}: {error}") from error
    return text


def _picture(request: Request, reader: Reader) -> Image.Image | None:
    number = len(request.pictures)
    if number > MOST_PICTURES:
        raise InvalidRequest(f"{NAME}: {number} pictures were sent, the limit is {MOST_PICTURES}")
    # Kept at the size that is looked at: the large pictures of a whole batch are gigabytes.
    return Image.fromarray(reader.pixels(decode(request.pictures[0].data))) if number else None


def _settings(sampling: Sampling) -> dict[str, Any]:
    """How the answer is to be drawn, by the names of `Question`; what is not said stays as it is there."""
    made = {name: value for name in BOUNDS if (value := getattr(sampling, name)) is not None}
    for name, value in made.items():
        least, most = BOUNDS[name]
        if not least <= value <= most:
            raise InvalidRequest(f"{NAME}: {name} is {value}; expected {least} to {most}")
    made["samples"] = made.pop("n", 1)
    if "max_tokens" in made:
        made["max_tokens"] = min(made["max_tokens"], MOST_NEW_TOKENS)
    return {**made, "stop": sampling.stop or ()}


def reply_to(request: Request, answer: Answer, **more: Any) -> Reply:
    """An answer as the reply to its request. more: what is to stand in the report besides."""
    report: dict[str, Any] = {"model": NAME, **more}
    ignored = sorted(set(request.sampling.as_dict()) - TAKEN)
    if ignored:
        report["not_honoured"] = ignored
    return Reply(
        texts=answer.texts,
        finish=tuple(map(Finish, answer.finish)),
        input_tokens=answer.input_tokens,
        output_tokens=answer.output_tokens,
        report=report,
    )
