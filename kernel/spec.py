"""Suites: what a person writes to say what is to be run, and the plan that it is resolved to.

The plan is written down whole, as the manifest, before the first question is asked.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from importlib.metadata import PackageNotFoundError, version
from itertools import product
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from kernel import registry as installed
from kernel.condition import Condition
from kernel.contract import Kind, ModelCard
from kernel.documents import Strict, read, validate
from kernel.errors import GatewayError, InvalidSpec, UnknownName, WrongKind
from kernel.evaluator import Evaluator
from kernel.players import PLAYERS
from kernel.registry import Registry

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
HARMLESS = ("at_once", "title")
"""Settings of a suite that may differ when a run is resumed."""

Scalar = str | int | float | bool


class TaskSpec(Strict):
    """One entry of a suite: an evaluator with its options; `each` makes one task of every combination of its lists.

    conditions: those of this entry, in place of the suite's.
    """

    evaluator: Name
    each: dict[str, list[Scalar]] = Field(default_factory=dict)
    options: dict[str, Any] = Field(default_factory=dict)
    models: list[Name] | None = None
    conditions: list[Name] | None = None

    def variants(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Names and options of the tasks that this entry stands for."""
        for values in product(*self.each.values()):
            label = "/".join([self.evaluator, *(str(value).lower() for value in values)])
            yield label, {**self.options, **dict(zip(self.each, values, strict=True))}


class Sample(Strict):
    """A suite's sample, which comes with its benchmark and runs on bundled models alone. `data` is the benchmark's word for it."""

    data: str = "sample"
    models: list[Name] = Field(min_length=1)
    roles: dict[str, Name] = Field(default_factory=dict)


class SuiteSpec(Strict):
    """A suite as it is written. `deadline` is in seconds per case, `at_once` the calls in flight per model.

    benchmark: whose aggregates and published numbers stand beside the scores. data: where the cases come from, for evaluators
    that read data sets; a folder, or empty for what was fetched. roles: which models judge, over what the catalog says.
    sample: what `--sample` sets. conditions: each task that asks models which see and write is asked once under each; k: how many pictures
    are drawn for each text under one that draws; pool: the folder that they come from, in place of those made by rule.
    """

    suite: Name
    title: str = ""
    benchmark: Name | None = None
    seed: int = 0
    data: str = ""
    models: list[Name] = Field(default_factory=list)
    roles: dict[str, Name] = Field(default_factory=dict)
    sample: Sample | None = None
    conditions: list[Name] = Field(default_factory=list)
    k: int = Field(default=1, ge=1)
    pool: str = ""
    tasks: list[TaskSpec] = Field(min_length=1)
    at_once: int = Field(default=64, ge=1, le=4096)
    deadline: float = Field(default=60.0, gt=0, le=86_400)


@dataclass(frozen=True, slots=True)
class Task:
    """One evaluator, bound to one model of the catalog. condition: what its cases are under; `base` is then the name without it."""

    name: str
    card: ModelCard
    evaluator: Evaluator
    condition: str = ""

    @property
    def base(self) -> str:
        """The name that the task has under every condition."""
        return self.name.removesuffix(f"@{self.condition}") if self.condition else self.name

    @property
    def player(self) -> str | None:
        """Which null player the model is, if it is one."""
        return str(self.card.player["player"]) if self.card.player else None


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that a run will do. `manifest` is plain JSON and says all that can change a number. cast: who plays which role."""

    suite: SuiteSpec
    tasks: tuple[Task, ...]
    cards: Mapping[str, ModelCard]
    manifest: Mapping[str, Any]
    cast: Mapping[str, str] = field(default_factory=dict)


def read_suite(path: Path) -> SuiteSpec:
    """The suite at `path`. Raises `InvalidSpec`."""
    return read(path, SuiteSpec)


def models_of(suite: SuiteSpec) -> set[str]:
    """Names of the models that a suite asks, without its instruments."""
    return {*suite.models, *(model for task in suite.tasks for model in task.models or ())}


def cast_of(suite: SuiteSpec, registry: Registry[type[Evaluator]], roles: Mapping[str, str]) -> dict[str, str]:
    """Who plays the roles that a suite's tasks need: whom the suite names, or else whom `roles`, the catalog's, names."""
    needed = {role for task in suite.tasks for role in registry.get(task.evaluator).roles}
    return {role: model for role, model in sorted({**roles, **suite.roles}.items()) if role in needed}


def instruments_of(suite: SuiteSpec, registry: Registry[type[Evaluator]], cast: Mapping[str, str]) -> set[str]:
    """Names of the models that judge in a suite."""
    return {name for task in suite.tasks for name in registry.get(task.evaluator).instruments} | set(cast.values())


def resolve(
    suite: SuiteSpec,
    registry: Registry[type[Evaluator]],
    cards: Mapping[str, ModelCard],
    roles: Mapping[str, str] = MappingProxyType({}),
    conditions: Registry[type[Condition]] | None = None,
) -> Plan:
    """Bind a suite to models; `roles` says whom the catalog has for each role. Raises before anything is asked.

    `InvalidSpec`, `UnknownName` or `WrongKind` for what is wrong with it, `GatewayError` for a model that cannot be reached.
    """
    tasks: list[Task] = []
    cast = cast_of(suite, registry, roles)
    for model in cast.values():
        _card(cards, model)
    for position, entry in enumerate(suite.tasks):
        cls = registry.get(entry.evaluator)
        for name in cls.instruments:
            _card(cards, name)
        models = [_card(cards, name) for name in (suite.models if entry.models is None else entry.models)]
        if entry.models is not None:
            _refuse_wrong_kinds(models, cls)
        asked = [card for card in models if card.kind in (None, cls.asks)]
        under = dict(_under(suite, entry, cls, conditions or installed.conditions()))
        for (label, options), (condition, conditioned) in product(entry.variants(), under.items()):
            where = f"suite {suite.suite}: tasks.{position} ({label})"
            name = f"{label}@{condition}" if condition else label
            shared = {"seed": suite.seed, "data": suite.data}
            tasks.extend(Task(name, card, build(conditioned, options, card.name, shared, where), condition) for card in asked)
    _refuse_unused(suite, tasks, cards)
    _refuse_doubles(suite, tasks)
    return Plan(suite, tuple(tasks), cards, _manifest(suite, tasks, cards, cast), cast)


def build(cls: type[Evaluator], options: Mapping[str, Any], target: str, shared: Mapping[str, Any], where: str) -> Evaluator:
    """The evaluator with its options checked. What all tasks of a suite share is handed on, as far as the evaluator has it and no option sets it."""
    known = {field.name for field in fields(cls)}
    given = {**{name: value for name, value in shared.items() if name in known}, **options, "target": target}
    if unknown := sorted(set(given) - known):
        raise InvalidSpec(where, [str(UnknownName("option", name, known - {"target"})) for name in unknown])
    return validate(cls, given, where)


def _under(suite: SuiteSpec, entry: TaskSpec, cls: type[Evaluator], known: Registry[type[Condition]]) -> Iterator[tuple[str, type[Evaluator]]]:
    """The evaluator under each condition, by the condition's name; as it is where there is none. Only an entry's own conditions are for every kind of model."""
    named = entry.conditions if entry.conditions is not None else suite.conditions if cls.asks is Kind.GENERATE else []
    if not named:
        yield "", cls
    shared = {"seed": suite.seed, "k": suite.k, "pool": suite.pool}
    for name in named:
        plugin = known.get(name)
        options = {field.name: shared[field.name] for field in fields(plugin) if field.name in shared}
        yield name, validate(plugin, options, f"suite {suite.suite}: condition {name}").under(cls)


def _card(cards: Mapping[str, ModelCard], name: str) -> ModelCard:
    if name not in cards:
        raise UnknownName("model", name, cards)
    if not cards[name].identity:
        why = f" ({cards[name].why})" if cards[name].why else ""
        raise GatewayError(f"model {name!r} cannot be reached to learn what it is{why}; see to it, or leave it out")
    return cards[name]


def _refuse_wrong_kinds(models: Sequence[ModelCard], cls: type[Evaluator]) -> None:
    for card in models:
        if card.kind not in (None, cls.asks):
            raise WrongKind(f"model {card.name!r} is of kind {card.kind}; {cls.name} asks {cls.asks} models; choose another model")


def _refuse_unused(suite: SuiteSpec, tasks: Sequence[Task], cards: Mapping[str, ModelCard]) -> None:
    if unused := sorted(set(suite.models) - {task.card.name for task in tasks}):
        wanted = sorted({str(task.evaluator.asks) for task in tasks}) or ["none that is named"]
        kinds = ", ".join(f"{name} ({cards[name].kind})" for name in unused)
        raise WrongKind(f"suite {suite.suite}: no task asks {kinds}; its tasks ask models of kind {', '.join(wanted)}")


def _refuse_doubles(suite: SuiteSpec, tasks: Sequence[Task]) -> None:
    seen: set[tuple[str, str]] = set()
    for task in tasks:
        if (task.name, task.card.name) in seen:
            raise InvalidSpec(f"suite {suite.suite}", [f"task {task.name!r} stands twice for {task.card.name}; use `each` or other options"])
        seen.add((task.name, task.card.name))


def _manifest(suite: SuiteSpec, tasks: Sequence[Task], cards: Mapping[str, ModelCard], cast: Mapping[str, str]) -> dict[str, Any]:
    used = {task.card.name for task in tasks} | {name for task in tasks for name in task.evaluator.instruments} | set(cast.values())
    used |= {str(task.card.player["of"]) for task in tasks if task.card.player and task.card.player.get("of")}
    classes = {type(task.evaluator) for task in tasks}
    return {
        "suite": suite.model_dump(mode="json"),
        "models": {name: _told(cards[name]) for name in sorted(used)},
        "evaluators": {cls.name: cls.version for cls in sorted(classes, key=lambda cls: cls.name)},
        "roles": dict(cast),
        "conditions": {task.name: {"task": task.base, "condition": task.condition} for task in tasks if task.condition},
        "data": _data(suite, tasks),
        "players": sorted(PLAYERS),
        "versions": {name: _version(name) for name in ("trust-assay", "numpy", "pydantic", "SQLAlchemy")} | {"python": platform.python_version()},
    }


def _data(suite: SuiteSpec, tasks: Sequence[Task]) -> dict[str, list[dict[str, Any]]]:
    """Where the cases come from: by data set, what is known of it, and the tasks that this holds for.

    A task whose data is not here will say so, and the others run. Raises `InvalidSpec` where no task has its data.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    missing: list[InvalidSpec] = []
    for name, evaluator in {task.name: task.evaluator for task in tasks}.items():
        try:
            provenance = evaluator.provenance()
        except InvalidSpec as error:
            missing.append(error)
            continue
        for source, told in provenance.items():
            known = found.setdefault(source, [])
            same = next((each for each in known if {key: value for key, value in each.items() if key != "tasks"} == told), None)
            if same is None:
                known.append(same := {**told, "tasks": []})
            same["tasks"].append(name)
    if len(missing) == len({task.name for task in tasks}):
        raise InvalidSpec(f"suite {suite.suite}", list(dict.fromkeys(str(error) for error in missing))[:3])
    return found


def _told(card: ModelCard) -> dict[str, Any]:
    return {"kind": card.kind, "identity": card.identity, "player": None if card.player is None else dict(card.player)}


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What changed between two manifests that can change a number, a line each.

    Versions of libraries are not among it, nor how many calls are in flight.
    """
    found: list[str] = []
    for part in ("suite", "models", "evaluators", "roles", "data"):
        before, after = old.get(part, {}), new.get(part, {})
        both = sorted(key for key in {*before, *after} if key not in HARMLESS and before.get(key) != after.get(key))
        found.extend(f"{part}.{key} was {before.get(key)!r}, is {after.get(key)!r}" for key in both)
    return found
