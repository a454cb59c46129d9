"""The conditions that need no pictures of their own: the text alone, and the request as it is, with the picture that belongs to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from kernel.condition import Condition, conditioned
from kernel.contract import Text
from kernel.evaluator import Case


class TextAlone(Condition):
    """No picture at all, not even an empty one. A request that is nothing but pictures has no such case."""

    name: ClassVar[str] = "text"

    def apply(self, case: Case) -> Iterator[Case]:
        """The case without its pictures."""
        if words := [part for part in case.request.parts if isinstance(part, Text)]:
            yield conditioned(case, self.name, words)


class AsGiven(Condition):
    """The picture that belongs to the text. A request without a picture has no such case; one that is empty, of a row that cannot be asked, stays."""

    name: ClassVar[str] = "given"

    def apply(self, case: Case) -> Iterator[Case]:
        """The case as it is."""
        if case.request.pictures or not case.request.text:
            yield conditioned(case, self.name, case.request.parts)
