"""What looking for an answer in a reply brought: extraction is a result of its own, apart from right and wrong."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

T = TypeVar("T")


class State(StrEnum):
    """Whether the reply gives exactly one answer."""

    FOUND = "found"
    NOT_FOUND = "not found"
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True, slots=True)
class Finding(Generic[T]):
    """The one answer that a reply gives, or why there is none; `answer` is set only when the state is `FOUND`."""

    state: State
    answer: T | None
    reason: str

    @property
    def found(self) -> bool:
        """Whether there is exactly one answer."""
        return self.state is State.FOUND

    @classmethod
    def of(cls, answer: T, reason: str) -> Finding[T]:
        """The reply gives this answer."""
        return cls(State.FOUND, answer, reason)

    @classmethod
    def nothing(cls, reason: str) -> Finding[T]:
        """The reply gives no answer."""
        return cls(State.NOT_FOUND, None, reason)

    @classmethod
    def several(cls, reason: str) -> Finding[T]:
        """The reply gives more than one answer, or takes its answer back."""
        return cls(State.AMBIGUOUS, None, reason)
