"""Small models that really answer, in this process."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image

from kernel.contract import Deadline, Kind, Picture, Reply, Request


class Trigrams:
    """An embedding model: how often each group of three letters occurs in a text. Also a painter of grey squares, and a writer that obeys."""

    def __init__(self, says: Sequence[str] = ()) -> None:
        self.asked: list[Request] = []
        self.says = list(says)

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        self.asked.append(request)
        if request.kind is Kind.EMBED:
            return Reply(rows=tuple(trigrams(part.text) for part in request.parts))
        if request.kind is Kind.IMAGINE:
            buffer = io.BytesIO()
            Image.new("RGB", (32, 32), "grey").save(buffer, "PNG")
            return Reply(pictures=(Picture(buffer.getvalue()),))
        return Reply(texts=(self.says.pop(0),))

    async def aclose(self) -> None:
        pass


def trigrams(text: str) -> tuple[float, ...]:
    counts = [0.0] * 97
    spaced = f" {text.casefold()} "
    for a, b, c in zip(spaced, spaced[1:], spaced[2:], strict=False):
        counts[(ord(a) * 17161 + ord(b) * 131 + ord(c)) % 97] += 1
    return tuple(counts)
