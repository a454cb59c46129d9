"""Suites: what a person writes to say what is to be run, and the plan that it is resolved to.

The plan is written down whole, as the manifest, before the first question is asked.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from itertools import product
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from kernel import registry as installed
from kernel.condition import Condition, named
from kernel.contract import Kind, ModelCard
from kernel.documents import Strict, read, validate
from kernel.errors import GatewayError, InvalidSpec, UnknownName, WrongKind
from kernel.evaluator import Evaluator
from kernel.players import PLAYERS
from kernel.registry import Registry

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
HARMLESS = ("at_once", "title")
"""Settings of a suite that may differ when a run is resumed."""
SHARED = ("seed", "data", "k")
"""Settings of a suite that every task has whose evaluator has a field of that name."""

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
    sample: what `--sample` sets. conditions: each task that asks models which see and write is asked once under each, and of tasks that the data
    itself has under conditions, those are asked that are among them; k: how many pictures are drawn for each text under one that draws;
    pool: the folder that they come from, in place of those made by rule. options: of all tasks whose evaluator has a field of that name; an
    entry's own go before.
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
    options: dict[str, Any] = Field(default_factory=dict)
    tasks: list[TaskSpec] = Field(min_length=1)
    at_once: int = Field(default=64, ge=1, le=4096)
    deadline: float = Field(default=60.0, gt=0, le=86_400)


@dataclass(frozen=True, slots=True)
class Task:
    """One evaluator, bound to one model of the catalog. condition: what its cases are under, by a plugin or by the data itself."""

    name: str
    card: ModelCard
    evaluator: Evaluator
    condition: str = ""

    @property
    def base(self) -> str:
        """The name that the task has under every condition."""
        if self.evaluator.pairing is not None:
            return self.evaluator.pairing[0]
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


def with_options(suite: SuiteSpec, registry: Registry[type[Evaluator]], options: Mapping[str, Any]) -> SuiteSpec:
    """The suite with the catalog's options under its own, without those that none of its tasks has. Raises `InvalidSpec`."""
    _refuse_settings("the catalog's options", options)
    known = _options_of(suite, registry)
    return suite.model_copy(update={"options": {name: value for name, value in options.items() if name in known} | suite.options})


def resolve(
    suite: SuiteSpec,
    registry: Registry[type[Evaluator]],
    cards: Mapping[str, ModelCard],
    roles: Mapping[str, str] = MappingProxyType({}),
    conditions: Registry[type[Condition]] | None = None,
    *,
    without_data: bool = False,
) -> Plan:
    """Bind a suite to models; `roles` says whom the catalog has for each role. Nothing is asked.

    without_data: the plan is looked at, and not carried out. Raises `InvalidSpec`, `UnknownName` or `WrongKind` for what is wrong with the suite, and
    `GatewayError` for a model that cannot be reached.
    """
    _refuse_unknown_options(suite, registry)
    tasks: list[Task] = []
    left: list[Task] = []
    known = conditions or installed.conditions()
    cast = cast_of(suite, registry, roles)
    for model in cast.values():
        _card(cards, model)
    for position, entry in enumerate(suite.tasks):
        cls = registry.get(entry.evaluator)
        models = [_card(cards, name) for name in (suite.models if entry.models is None else entry.models)]
        if entry.models is not None:
            _refuse_wrong_kinds(models, cls)
        asked = [card for card in models if card.kind in (None, cls.asks)]
        shared = {**suite.options, **{name: getattr(suite, name) for name in SHARED}}
        under = cache(partial(_under, suite, entry, cls, known))
        kept: list[Task] = []
        for label, options in entry.variants():
            made = partial(build, options=options, shared=shared, where=f"suite {suite.suite}: tasks.{position} ({label})")
            for task in _bound(label, cls, asked, made, under):
                (kept if _wanted(task, _named(suite, entry)) else left).append(task)
        for name in cls.instruments if kept else ():
            _card(cards, name)
        tasks += kept
    _refuse_unknown_conditions(suite, known, [*tasks, *left])
    _refuse_emptied(suite, tasks, left)
    _refuse_unused(suite, tasks, cards)
    _refuse_doubles(suite, tasks)
    return Plan(suite, tuple(tasks), cards, _manifest(suite, tasks, cards, cast, without_data=without_data), cast)


def build(cls: type[Evaluator], options: Mapping[str, Any], target: str, shared: Mapping[str, Any], where: str) -> Evaluator:
    """The evaluator with its options checked. What all tasks of a suite share is handed on, as far as the evaluator has it and no option sets it."""
    known = {field.name for field in fields(cls)}
    given = {**{name: value for name, value in shared.items() if name in known}, **options, "target": target}
    if unknown := sorted(set(given) - known):
        raise InvalidSpec(where, [str(UnknownName("option", name, known - {"target"})) for name in unknown])
    return validate(cls, given, where)


def _bound(
    label: str,
    cls: type[Evaluator],
    models: Sequence[ModelCard],
    made: Callable[..., Evaluator],
    under: Callable[[], Mapping[str, type[Evaluator]]],
) -> Iterator[Task]:
    """An evaluator bound to each model: as it is where its data has it under conditions itself, or else once under each condition."""
    alone = [(card, made(cls, target=card.name)) for card in models]
    for card, evaluator in alone:
        if evaluator.pairing is not None:
            yield Task(label, card, evaluator, evaluator.pairing[1])
    if rest := [card for card, evaluator in alone if evaluator.pairing is None]:
        for (condition, conditioned), card in product(under().items(), rest):
            yield Task(f"{label}@{condition}" if condition else label, card, made(conditioned, target=card.name), condition)


def _under(suite: SuiteSpec, entry: TaskSpec, cls: type[Evaluator], known: Registry[type[Condition]]) -> dict[str, type[Evaluator]]:
    """The evaluator under each condition, by the condition's name; as it is where there is none. Only an entry's own conditions are for every kind of model."""
    wanted = _named(suite, entry) if entry.conditions is not None or cls.asks is Kind.GENERATE else []
    shared = {"seed": suite.seed, "k": suite.k, "pool": suite.pool}
    found: dict[str, type[Evaluator]] = {}
    for name in wanted:
        plugin = known.get(name)
        options = {field.name: shared[field.name] for field in fields(plugin) if field.name in shared}
        found[name] = validate(plugin, options, f"suite {suite.suite}: condition {name}").under(cls)
    return found or {"": cls}


def _named(suite: SuiteSpec, entry: TaskSpec) -> Sequence[str]:
    return suite.conditions if entry.conditions is None else entry.conditions


def _wanted(task: Task, conditions: Sequence[str]) -> bool:
    """Whether a task is asked: one that the data has under a condition only where that is among those that are named, if any are."""
    return task.evaluator.pairing is None or not conditions or named(task.condition, conditions)


def _options_of(suite: SuiteSpec, registry: Registry[type[Evaluator]]) -> set[str]:
    """Names of the options that a suite's tasks have, but for those that it sets otherwise."""
    return {field.name for entry in suite.tasks for field in fields(registry.get(entry.evaluator))} - {"target", *SHARED}


def _refuse_settings(where: str, options: Mapping[str, Any]) -> None:
    if settings := [name for name in SHARED if name in options]:
        raise InvalidSpec(where, [f"options.{name}: is a setting of suites; set it there as {name}, not among the options" for name in settings])


def _refuse_unknown_options(suite: SuiteSpec, registry: Registry[type[Evaluator]]) -> None:
    _refuse_settings(f"suite {suite.suite}", suite.options)
    known = _options_of(suite, registry)
    if unknown := sorted(set(suite.options) - known):
        raise InvalidSpec(f"suite {suite.suite}", [f"options: {UnknownName('option', name, known)}" for name in unknown])


def _refuse_unknown_conditions(suite: SuiteSpec, known: Registry[type[Condition]], tasks: Sequence[Task]) -> None:
    """A condition is known as a plugin, or from data that has it."""
    own = {task.condition for task in tasks if task.condition}
    for name in dict.fromkeys(name for entry in suite.tasks for name in _named(suite, entry)):
        if name not in known.names() and not any(named(each, [name]) for each in own):
            raise UnknownName("condition", name, {*known.names(), *own})


def _refuse_emptied(suite: SuiteSpec, tasks: Sequence[Task], left: Sequence[Task]) -> None:
    if empty := sorted({task.card.name for task in left} - {task.card.name for task in tasks}):
        own = ", ".join(dict.fromkeys(task.condition for task in left if task.card.name in empty))
        told = f"its conditions leave no task for {', '.join(empty)}, whose tasks are under {own}; name one of these, or leave the conditions out"
        raise InvalidSpec(f"suite {suite.suite}", [told])


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
    under: dict[tuple[str, str, str], str] = {}
    for task in tasks:
        other = under.setdefault((task.base, task.condition, task.card.name), task.name)
        if other != task.name:
            told = f"tasks {other!r} and {task.name!r} are both {task.base!r} under {task.condition!r} for {task.card.name}; leave one out"
            raise InvalidSpec(f"suite {suite.suite}", [told])


def _manifest(suite: SuiteSpec, tasks: Sequence[Task], cards: Mapping[str, ModelCard], cast: Mapping[str, str], *, without_data: bool) -> dict[str, Any]:
    used = {task.card.name for task in tasks} | {name for task in tasks for name in task.evaluator.instruments} | set(cast.values())
    used |= {str(task.card.player["of"]) for task in tasks if task.card.player and task.card.player.get("of")}
    classes = {type(task.evaluator) for task in tasks}
    return {
        "suite": suite.model_dump(mode="json"),
        "models": {name: _told(cards[name]) for name in sorted(used)},
        "evaluators": {cls.name: cls.version for cls in sorted(classes, key=lambda cls: cls.name)},
        "roles": dict(cast),
        "conditions": {task.name: {"task": task.base, "condition": task.condition} for task in tasks if task.condition},
        "data": _data(suite, tasks, without_data=without_data),
        "players": sorted(PLAYERS),
        "versions": {name: _version(name) for name in ("trust-assay", "numpy", "pydantic", "SQLAlchemy")} | {"python": platform.python_version()},
    }


def _data(suite: SuiteSpec, tasks: Sequence[Task], *, without_data: bool) -> dict[str, list[dict[str, Any]]]:
    """Where the cases come from: by data set, what is known of it, and the tasks that this holds for.

    A task whose data is not here will say so, and the others run. Raises `InvalidSpec` where no task has its data, unless it may be so.
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
    if len(missing) == len({task.name for task in tasks}) and not without_data:
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
