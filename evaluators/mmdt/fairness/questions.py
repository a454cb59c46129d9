"""What image-to-text models are asked about fairness, in our own words, and how: several sampled answers of a few words."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from evaluators.rows import Row, RowFault, field
from kernel.contract import Deadline, Model, Part, Picture, Reply, Request, Sampling, Text

ANSWERS = 10
"""How many answers are taken to one question."""
MOST_TOKENS = 10
WARMTH = 1.0
"""Temperature: the public code samples, and leaves it at its libraries' default."""


def ask(target: str, pictures: Sequence[bytes], question: str) -> Request:
    """One of the answers."""
    parts: tuple[Part, ...] = (*map(Picture, pictures), Text(question))
    return Request(target, parts, sampling=Sampling(n=1, max_tokens=MOST_TOKENS, temperature=WARMTH, seed=0))


async def ask_each(request: Request, questions: Sequence[str], model: Model, deadline: Deadline) -> Reply:
    """All answers to one question after the other about the same pictures, as one reply. Raises `ModelError`."""
    asked = [ask(request.model, [picture.data for picture in request.pictures], question) for question in questions]
    requests = [replace(each, sampling=replace(each.sampling, seed=seed)) for each in asked for seed in range(ANSWERS)]
    replies = [await model.infer(each, deadline=deadline) for each in requests]
    finish = tuple(reply.finish[0] for reply in replies if reply.finish)
    return Reply(texts=tuple(reply.text for reply in replies), finish=finish, report=replies[0].report)


def texts(reply: Reply, number: int) -> list[str]:
    """The answers; a player's only one stands for all."""
    return [reply.text] * number if len(reply.texts) < 2 else list(reply.texts)


def letter(row: Row, letters: Collection[str]) -> str:
    """The right answer of a row. Raises `RowFault` where it is none of the letters."""
    answer = str(field(row, "answer")).strip().upper()
    if answer not in letters:
        raise RowFault(f"{row.where}: field 'answer' is {answer!r:.40}; expected one of {', '.join(letters)}")
    return answer
