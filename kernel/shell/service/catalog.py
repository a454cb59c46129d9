"""What there is to be run: suites, evaluators, models, as pages by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from assay.v1 import evaluation_pb2, types_pb2
from kernel.contract import ModelCard
from kernel.shell.service.cursors import page_after, page_size, page_token
from kernel.shell.service.messages import clean, struct_of
from kernel.shell.service.scorers import Described
from kernel.shell.service.scoring import KINDS
from kernel.spec import SuiteSpec

T = TypeVar("T")
MEASURE = "measure."
"""How the names of evaluators begin that have no cases, and score what was made elsewhere."""


def page_by_name(of: str, named: Mapping[str, T], request: Any) -> tuple[list[tuple[str, T]], str]:
    """What is on the page that a request asks for, with its names, and the token of the next one. Raises `BadFields`."""
    size, after = page_size(request.page_size), page_after(request.page_token, of, [str])
    names = sorted(name for name in named if after is None or name > after[0])
    more = page_token(of, names[size - 1]) if len(names) > size else ""
    return [(name, named[name]) for name in names[:size]], more


def suite_message(name: str, suite: SuiteSpec) -> evaluation_pb2.Suite:
    """A suite that can be run."""
    tasks = dict.fromkeys(label for task in suite.tasks for label, _ in task.variants())
    return evaluation_pb2.Suite(name=name, title=clean(suite.title), benchmark=suite.benchmark or "", tasks=tasks, has_sample=suite.sample is not None)


def of_suites(described: Iterable[Described]) -> dict[str, Described]:
    """Evaluators that suites can be made of, by name: those that have cases."""
    return {each.evaluator.name: each for each in described if not each.evaluator.name.startswith(MEASURE)}


def evaluator_message(name: str, told: Described) -> evaluation_pb2.Evaluator:
    """An evaluator, with the options that callers may set."""
    cls = told.evaluator
    perspective = cls.perspective if isinstance(cls.perspective, str) else ""
    roles: Sequence[str] = cls.roles if isinstance(cls.roles, tuple) else ()
    message = evaluation_pb2.Evaluator(name=name, version=cls.version, title=told.title, asks=KINDS[cls.asks], perspective=perspective, roles=roles)
    message.options_schema.CopyFrom(struct_of(told.options))
    return message


def model_message(card: ModelCard, roles: Mapping[str, str]) -> evaluation_pb2.Model:
    """A model of the catalog."""
    return evaluation_pb2.Model(
        name=card.name,
        kind=types_pb2.MODEL_KIND_UNSPECIFIED if card.kind is None else KINDS[card.kind],
        state=str(card.state),
        identity=card.identity,
        accepts=card.accepts,
        roles=sorted(role for role, model in roles.items() if model == card.name),
    )
