"""Null players: they do not play, and their scores are known in advance. A task on which they do well is broken.

empty: says nothing. constant: says one and the same allowed answer. refuses: declines everything.
gold: knows the answer. blind: a real model that is not shown the picture (or, for pictures to be made, the prompt).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from kernel.contract import Deadline, Finish, Kind, Model, ModelCard, Reply, Request, Text
from kernel.evaluator import Case, Evaluator

REFUSAL = "I'm sorry, but I can't help with that."


class Player(Protocol):
    """Answers a case of a task; unlike a model it may look at the whole case."""

    async def play(self, evaluator: Evaluator, case: Case, model: Model, deadline: Deadline) -> Reply:
        """The player's reply. `model` reaches the models of the catalog."""
        ...


class Empty:
    """Says nothing."""

    async def play(self, evaluator: Evaluator, case: Case, model: Model, deadline: Deadline) -> Reply:
        """An empty text, or no picture."""
        return Reply(texts=("",), finish=(Finish.STOP,)) if evaluator.asks is Kind.GENERATE else Reply()


class Refuses:
    """Declines every case."""

    async def play(self, evaluator: Evaluator, case: Case, model: Model, deadline: Deadline) -> Reply:
        """A polite refusal, or no picture with the finish reason "refusal"."""
        texts = (REFUSAL,) if evaluator.asks is Kind.GENERATE else ()
        return Reply(texts=texts, finish=(Finish.REFUSAL,))


class Constant:
    """Gives one and the same allowed answer."""

    async def play(self, evaluator: Evaluator, case: Case, model: Model, deadline: Deadline) -> Reply:
        """What the task calls its constant answer."""
        return evaluator.constant()


class Gold:
    """Knows the answer."""

    async def play(self, evaluator: Evaluator, case: Case, model: Model, deadline: Deadline) -> Reply:
        """What the task calls the right reply."""
        return evaluator.gold(case)


class Blind:
    """Asks a real model, without the picture; a model that makes pictures gets no prompt."""

    def __init__(self, of: str) -> None:
        self.of = of

    async def play(self, evaluator: Evaluator, case: Case, model: Model, deadline: Deadline) -> Reply:
        """The reply of the model `of` to what is left of the request."""
        blinding = _Blinding(self.of, model)
        return await evaluator.probe(case, blinding, deadline)


class _Blinding:
    """A `Model` that takes the decisive part out of every request and hands it on."""

    def __init__(self, of: str, inner: Model) -> None:
        self.of = of
        self.inner = inner

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        parts = (Text(""),) if request.kind is Kind.IMAGINE else tuple(part for part in request.parts if isinstance(part, Text))
        return await self.inner.infer(replace(request, model=self.of, parts=parts), deadline=deadline)

    async def aclose(self) -> None:
        """The inner model belongs to somebody else."""


PLAYERS: Mapping[str, type[Empty | Refuses | Constant | Gold | Blind]] = {
    "blind": Blind,
    "constant": Constant,
    "empty": Empty,
    "gold": Gold,
    "refuses": Refuses,
}


def player_of(card: ModelCard) -> Player | None:
    """The player that a catalog entry stands for; `None` for a real model."""
    if card.player is None:
        return None
    options: dict[str, Any] = dict(card.player)
    cls = PLAYERS[options.pop("player")]
    return cls(**{key: value for key, value in options.items() if value is not None})
