"""What a condition is: it turns each case of an evaluator into that case under the condition, and an evaluator into one of such cases.

A plugin is a frozen dataclass that inherits from `Condition` and is registered under the entry point group `assay.conditions`. Its fields
are its options. What an evaluator asks is all that changes: names, options, metrics, judges, gold and totals stay its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import new_class
from typing import Any, ClassVar, TypeVar

from kernel.contract import Kind, Part
from kernel.errors import WrongKind
from kernel.evaluator import Case, Evaluator

E = TypeVar("E", bound=Evaluator)
FACT = "condition"
"""The fact of a case that tells its condition, the case without one (`case`), and the pictures that were drawn for it."""
AS_GIVEN = "given"
"""The condition under which a task is what it is without one, so that its own scores and published numbers are held against it."""
SEVERAL: Mapping[str, Collection[str]] = {"irrelevant": ("color", "nature", "noise")}
"""Conditions of data that are several in one."""


def named(own: str, conditions: Collection[str]) -> bool:
    """Whether what data has is among conditions: by its whole name, by what stands before `/`, or as one of the several that it is."""
    kind = own.partition("/")[0]
    return not {own, kind, *SEVERAL.get(kind, ())}.isdisjoint(conditions)


@dataclass(frozen=True, kw_only=True)
class Condition(ABC):
    """A condition. The same `seed`, options and case give the same cases, whatever was asked before."""

    name: ClassVar[str]

    seed: int = 0

    @abstractmethod
    def apply(self, case: Case) -> Iterator[Case]:
        """The case under the condition: several where several pictures are drawn for it, none where it cannot be put under it."""

    def how_many(self, cases: int | None) -> int | None:
        """How many cases become of so many, where that is known."""
        return None

    def provenance(self) -> Mapping[str, Any]:
        """Where the condition's own pictures come from, as `Evaluator.provenance` tells it. Raises `InvalidSpec` where they are not here."""
        return {}

    def under(self, evaluator: type[E]) -> type[E]:
        """The evaluator, asking its cases under this condition. Raises `WrongKind` for one that does not ask models that see and write."""
        if evaluator.asks is not Kind.GENERATE:
            raise WrongKind(f"{evaluator.name} asks {evaluator.asks} models; the condition {self.name!r} is for {Kind.GENERATE}: leave it out for this task")
        condition = self

        def cases(self: Evaluator) -> Iterator[Case]:
            for case in evaluator.cases(self):
                yield from condition.apply(case)

        def how_many(self: Evaluator) -> int | None:
            return condition.how_many(evaluator.how_many(self))

        def provenance(self: Evaluator) -> Mapping[str, Any]:
            return {**evaluator.provenance(self), **condition.provenance()}

        told = {"__module__": evaluator.__module__, "__doc__": evaluator.__doc__}
        made: type[E] = new_class(
            evaluator.__name__, (evaluator,), exec_body=lambda names: names.update(told, cases=cases, how_many=how_many, provenance=provenance)
        )
        return made


def conditioned(case: Case, name: str, parts: Sequence[Part], *, of: int = 1, draw: int = 1, **facts: Any) -> Case:
    """The case with other parts, and with what was done to it among its facts. One of several draws has an id of its own, and shares their cluster."""
    return replace(
        case,
        id=case.id if of == 1 else f"{case.id}@{draw}",
        request=replace(case.request, parts=tuple(parts)),
        facts={**case.facts, FACT: {"name": name, "case": case.id, **({} if of == 1 else {"draw": draw}), **facts}},
        cluster=case.cluster or (None if of == 1 else case.id),
    )
