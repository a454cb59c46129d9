"""Texts as vectors of a model behind the contract, asked many at a time and each only once."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.measures.similarity import cosine
from evaluators.redteam.generator import ask
from kernel.contract import Kind, Model, Request, Text
from kernel.errors import BadReply

Vector = tuple[float, ...]
AT_ONCE = 64
"""Texts of one request."""


class Encoder:
    """The model that plays a role of kind `embed`."""

    def __init__(self, models: Model, role: str = "clip") -> None:
        self._models = models
        self._role = role
        self._known: dict[str, Vector] = {}

    async def vectors(self, texts: Sequence[str]) -> list[Vector]:
        """A vector for each text. Raises `BadReply` where the model gives another number of rows."""
        unknown = [text for text in dict.fromkeys(texts) if text not in self._known]
        for start in range(0, len(unknown), AT_ONCE):
            some = unknown[start : start + AT_ONCE]
            reply = await ask(self._models, Request(self._role, tuple(Text(text) for text in some), Kind.EMBED))
            if len(reply.rows) != len(some):
                raise BadReply(f"{self._role}: {len(reply.rows)} rows for {len(some)} texts; expected one for each")
            self._known.update(zip(some, reply.rows, strict=True))
        return [self._known[text] for text in texts]

    async def vector(self, text: str) -> Vector:
        """The vector of one text."""
        return (await self.vectors([text]))[0]

    async def likeness(self, texts: Sequence[str], to: Vector) -> list[float]:
        """How alike each text is to a vector, by the cosine."""
        return cosine(await self.vectors(texts), [to]) if texts else []
