"""What can score, by name and options: evaluators, built once and kept as long as they are in use."""

from __future__ import annotations

import inspect
import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from types import MappingProxyType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import structlog
from pydantic import TypeAdapter

from kernel.contract import Model
from kernel.errors import InvalidSpec, UnknownName
from kernel.evaluator import Case, Evaluator, Metric
from kernel.judging import Judges
from kernel.registry import Registry
from kernel.shell.service.faults import Fault
from kernel.shell.service.own_cases import OwnCases, Room
from kernel.spec import build

KEPT = 256
OUTPUT = "(output)"
"""Who said what is scored, as evaluators are told. No model of a catalog can be called so."""
SERVER = ("data", "frame")
"""Options that name files, besides those that are paths by their type. They are the server's to set; `data` may be asked to be a sample."""
SAMPLE = "sample"
REFERENCE = "Reference: "
"""How the paragraph of an evaluator's documentation begins that tells what `reference` has to be."""
AS_ITS_OWN = "The gold answer of one of its own cases, with the case's facts as `facts`; or `case_id` in the place of both."

log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class Scorer:
    """An evaluator that scores outputs. asks: whether it asks models, or does not end at once.

    fault: what is wrong with the reference of a case; empty for a right one. `None` where the evaluator does not tell beforehand.
    """

    evaluator: Evaluator
    judges: Model
    asks: bool
    fault: Callable[[Case], str] | None
    metrics: tuple[str, ...]
    own: OwnCases


@dataclass(frozen=True, slots=True)
class Described:
    """What a caller has to know of a scorer. options: JSON Schema of those that a caller may set."""

    evaluator: type[Evaluator]
    title: str
    reference: str
    options: Mapping[str, Any]
    metrics: tuple[Metric, ...]


class Scorers:
    """Evaluators by name and options. shared: options that the server sets for all that have them, such as `data`.

    judges reaches the models that play roles; cast says who plays which.
    """

    def __init__(
        self,
        registry: Registry[type[Evaluator]],
        judges: Model,
        cast: Mapping[str, str] = MappingProxyType({}),
        shared: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self._registry = registry
        self._judges = judges
        self._cast = cast
        self._shared = shared
        self._room = Room()
        self._kept: OrderedDict[str, Scorer] = OrderedDict()
        self._described: list[Described] | None = None

    def get(self, name: str, options: Mapping[str, Any]) -> Scorer:
        """The scorer of that name with these options. Raises `Fault`."""
        key = json.dumps([name, options], sort_keys=True)
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = self._built(name, options)
            if len(self._kept) > KEPT:
                _, old = self._kept.popitem(last=False)
                self._room.leave(old.own)
        self._kept.move_to_end(key)
        return found

    def _built(self, name: str, options: Mapping[str, Any]) -> Scorer:
        if not name:
            raise Fault.invalid("scorer.name", "is empty; expected a name that ListScorers tells")
        try:
            cls = self._registry.get(name)
        except UnknownName as error:
            raise Fault.missing("scorer.name", str(UnknownName("scorer", name[:128], error.known))) from None
        except InvalidSpec:
            log.warning("scorer_not_loaded", scorer=name, exc_info=True)
            raise Fault("FAILED_PRECONDITION", ("scorer.name", f"{name} cannot be used on this server")) from None
        _refuse_foreign(cls, options)
        shared = {each: value for each, value in self._shared.items() if each not in options}
        try:
            evaluator = build(cls, options, OUTPUT, shared, name)
        except InvalidSpec as error:
            raise Fault.of_options(error.faults) from None
        asks = bool(evaluator.roles or evaluator.instruments)
        judges = Judges(self._judges, OUTPUT, evaluator.roles, self._cast)
        metrics = tuple(metric.name for metric in evaluator.metrics)
        return Scorer(evaluator, judges, asks, getattr(evaluator, "fault", None), metrics, OwnCases(evaluator, self._room))

    def described(self) -> list[Described]:
        """All that can score here, by name. Blocking at first: every plugin is imported."""
        if self._described is None:
            self._described = [_described(cls) for name in self._registry.names() if (cls := self._loaded(name))]
        return self._described

    def _loaded(self, name: str) -> type[Evaluator] | None:
        try:
            return self._registry.get(name)
        except InvalidSpec:
            log.warning("scorer_not_loaded", scorer=name, exc_info=True)
            return None


@cache
def _local(cls: type[Evaluator]) -> frozenset[str]:
    """Options by which files are read."""
    hints = get_type_hints(cls)
    return frozenset(field.name for field in fields(cls) if field.name in SERVER or _holds_path(hints[field.name]))


def _holds_path(hint: Any) -> bool:
    if get_origin(hint) in (Union, UnionType):
        return any(map(_holds_path, get_args(hint)))
    return isinstance(hint, type) and issubclass(hint, Path)


def _refuse_foreign(cls: type[Evaluator], options: Mapping[str, Any]) -> None:
    """Refuse options that the evaluator does not have, and those that name files of the server."""
    known = {field.name for field in fields(cls)} - {"target"}
    faults = []
    for name, value in options.items():
        if name not in known:
            faults.append((f"scorer.options.{name[:128]}", str(UnknownName("option", name[:128], known - _local(cls)))))
        elif name in _local(cls) and not (name == "data" and value == SAMPLE):
            told = f"only {SAMPLE!r} may be asked for" if name == "data" else "names a file of the server"
            faults.append((f"scorer.options.{name}", f"{told}; leave it to the server"))
    if faults:
        raise Fault("INVALID_ARGUMENT", *faults)


def _described(cls: type[Evaluator]) -> Described:
    paragraphs = inspect.cleandoc(cls.__doc__ or "").split("\n\n")
    told = [" ".join(each.removeprefix(REFERENCE).split()) for each in paragraphs if each.startswith(REFERENCE)]
    metrics = cls.metrics if isinstance(cls.metrics, tuple) else ()
    return Described(cls, " ".join(paragraphs[0].split()), told[0] if told else AS_ITS_OWN, _schema(cls), metrics)


def _schema(cls: type[Evaluator]) -> dict[str, Any]:
    """JSON Schema of the options that a caller may set."""
    schema: dict[str, Any] = TypeAdapter(cls).json_schema()
    hidden = {"target", *_local(cls)}
    known: dict[str, Any] = schema.get("properties", {})
    shown = {name: about for name, about in known.items() if name not in hidden}
    if "data" in known:
        shown["data"] = {"const": SAMPLE, "description": "The small data that comes with the benchmark, in the place of the server's."}
    schema = {**schema, "properties": shown, "required": [name for name in schema.get("required", ()) if name not in hidden]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "additionalProperties": False, **schema, "description": cls.name}
