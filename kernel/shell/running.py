"""The composition root of a run: suite, gateway, store and display are put together here and nowhere else."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from kernel import registry
from kernel.contract import Gateway, Kind, Model, ModelCard
from kernel.documents import parse, validate
from kernel.errors import InvalidSpec, UnknownName, UserError
from kernel.evaluator import Evaluator
from kernel.runner import Event, Outcome, Restored, Runner, TaskBegun, TaskEnded
from kernel.shell.foresee import Foreseen, Paying, foresee
from kernel.shell.progress import Progress
from kernel.spec import Plan, SuiteSpec, cast_of, differences, instruments_of, models_of, read_suite, resolve, with_options
from kernel.store.keeping import Keeping
from kernel.store.store import Store

Evaluators = registry.Registry[type[Evaluator]]


class Session(Gateway, AbstractAsyncContextManager["Session"], Protocol):
    """A gateway that is not started until it is entered; its cards can be read before."""

    @property
    def addresses(self) -> Mapping[str, str]:
        """Where other programs reach the models that it serves, as grpc://host:port, by name. Raises `GatewayError` when it serves none."""
        ...


@runtime_checkable
class Casting(Protocol):
    """A session whose catalog says who judges."""

    @property
    def roles(self) -> Mapping[str, str]:
        """Which model of the catalog plays which role, such as `judge`."""
        ...


@runtime_checkable
class Setting(Protocol):
    """A session whose catalog sets options of tasks."""

    @property
    def task_options(self) -> Mapping[str, Any]:
        """Options of all tasks that have them, where suite and task set nothing else."""
        ...


@runtime_checkable
class Remembering(Protocol):
    """A session that has calls which outlive it, such as a vendor's batches."""

    journals: Path | None
    """The folder in which it remembers them; to be set before the session is entered."""


class OpenGateway(Protocol):
    """What an entry point of the group `assay.gateways` is: catalog and the names that are needed, to a session."""

    def __call__(self, catalog: Path | None, *, only: Collection[str] | None = None, **more: Any) -> Session:
        """A session that is not started yet.

        more, and only where it is wanted: `described=True` opens to others what the models are, besides asking them, at `host` and
        `port`; `budget` is what the session's calls may cost together.
        """
        ...


def find_gateway(name: str = "triton") -> OpenGateway:
    """The gateway of that name. Raises `UnknownName`, or `InvalidSpec` when its packages are missing."""
    opened: OpenGateway = find_part("gateways", name)
    return opened


def find_part(part: str, name: str, *, of: str = "gateway", extra: str = "gateway") -> Any:
    """What the gateway, or another kind `of` plugin, of that name offers under the group `assay.<part>`.

    extra: what has to be installed for it. Raises `UnknownName`, or `InvalidSpec` when its packages are missing.
    """
    found = {point.name: point for point in entry_points(group=f"assay.{part}")}
    if name not in found:
        raise UnknownName(of if part == f"{of}s" else f"{of} with {part}", name, found)
    try:
        return found[name].load()
    except ImportError as error:
        raise InvalidSpec(f"{of} {name!r}", [f"{error}; install it: pip install 'trust-assay[{extra}]'"]) from error


def find_suite(name: str) -> SuiteSpec:
    """A suite by its path, or by the name under which an installed package offers it."""
    if name not in suite_names() and (name.endswith((".yaml", ".yml")) or "/" in name):
        return read_suite(Path(name))
    return installed_suite(name)


def suite_names() -> list[str]:
    """Names of the suites that installed packages offer."""
    return sorted({point.name for point in entry_points(group="assay.suites")})


def installed_suite(name: str) -> SuiteSpec:
    """The suite that an installed package offers under that name. Raises `UnknownName`."""
    found = {point.name: point for point in entry_points(group="assay.suites")}
    if name not in found:
        raise UnknownName("suite", name, found)
    return read_suite(found[name].load())


async def run_suite(
    suite: SuiteSpec,
    store: Store,
    progress: Progress,
    *,
    catalog: Path | None = None,
    run: str | None = None,
    gateway: str = "triton",
    budget: float | None = None,
) -> tuple[str, list[str]]:
    """Run a suite, or go on with `run`. Its name, and notes on what could not be done."""
    plan, session = await _planned(suite, catalog, gateway, budget)
    if isinstance(session, Remembering):
        session.journals = store.folder / "batches"
    if isinstance(session, Paying):
        progress.spent = partial(getattr, session, "spent")
    if run is not None:
        refuse_other_plan(run, store.run(run)["manifest"], plan.manifest)
    run = run or new_run(suite.suite)
    return run, await _carry_out(plan, run, plan.manifest, store, progress, session)


async def foresee_suite(suite: SuiteSpec, *, catalog: Path | None = None, gateway: str = "triton") -> list[Foreseen]:
    """What a run of the suite would ask, and what it would cost at most. Nothing is started."""
    plan, session = await _planned(suite, catalog, gateway, None, without_data=True)
    return foresee(plan, session.estimate if isinstance(session, Paying) else lambda _: None)


async def _planned(suite: SuiteSpec, catalog: Path | None, gateway: str, budget: float | None, *, without_data: bool = False) -> tuple[Plan, Session]:
    evaluators = registry.evaluators()
    if not models_of(suite):
        raise InvalidSpec(f"suite {suite.suite}", ["names no model; give one with --model"])
    opening = find_gateway(gateway)
    suite, cast = by_catalog(suite, evaluators, opening(catalog, only=()))
    paying = {} if budget is None else {"budget": budget}
    session = opening(catalog, only=models_of(suite) | instruments_of(suite, evaluators, cast), **paying)
    return resolve(suite, evaluators, await session.cards(), cast, without_data=without_data), session


def by_catalog(suite: SuiteSpec, evaluators: Evaluators, session: Gateway) -> tuple[SuiteSpec, dict[str, str]]:
    """The suite with the options of a session's catalog under its own, and who plays its roles by the two. Raises `InvalidSpec`."""
    suite = with_options(suite, evaluators, session.task_options if isinstance(session, Setting) else {})
    return suite, cast_of(suite, evaluators, session.roles if isinstance(session, Casting) else {})


async def score_again(store: Store, run: str, progress: Progress) -> tuple[str, list[str]]:
    """Score the kept replies of `run` anew, as a run of its own. No model is asked."""
    plan = kept_plan(store, run)
    again = new_run(plan.suite.suite)
    told = {**plan.manifest, "scored_from": run}
    return again, await _carry_out(plan, again, told, store, progress, nullcontext())


def kept_plan(store: Store, run: str) -> Plan:
    """The plan of a run, by its manifest alone: models are as they were then, whoever is there now. Raises `UnknownName` and `InvalidSpec`."""
    manifest = store.run(run)["manifest"]
    suite = validate(SuiteSpec, manifest["suite"], f"the manifest of {run}")
    cards = {name: _card_of(name, told) for name, told in manifest["models"].items()}
    return resolve(suite, registry.evaluators(), cards, manifest.get("roles", {}))


def new_run(suite: str) -> str:
    """A name for a run: the suite, the time, and three bytes of chance."""
    return f"{suite}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def changed(suite: SuiteSpec, models: Sequence[str], at_once: int | None, *, data: str = "", sample: bool = False, conditions: str = "") -> SuiteSpec:
    """The suite with other models or conditions, for every task that names none itself, other data, or another number of calls in flight.

    sample: with the sample that it has, its models and judges. Raises `InvalidSpec` where it has none.
    """
    more: dict[str, Any] = {}
    if sample:
        if suite.sample is None or data:
            raise InvalidSpec(f"suite {suite.suite}", ["has no sample" if suite.sample is None else "--sample brings its own data; leave --data out"])
        more = {"data": suite.sample.data, "models": suite.sample.models, "roles": {**suite.roles, **suite.sample.roles}}
    more |= {"models": list(models)} if models else {}
    more |= {"at_once": at_once} if at_once else {}
    more |= {"conditions": [name.strip() for name in conditions.split(",")]} if conditions else {}
    more |= {"data": _absolute(data)} if data else {}
    return _with(suite, more)


def set_anew(suite: SuiteSpec, settings: Sequence[str], *, k: int | None = None, pool: str = "") -> SuiteSpec:
    """The suite with other options, each as NAME=VALUE, where no task sets them itself, and with other pictures for conditions. Raises `InvalidSpec`."""
    more: dict[str, Any] = {"options": suite.options | dict(map(setting, settings))}
    more |= {"k": k} if k is not None else {}
    more |= {"pool": _absolute(pool)} if pool else {}
    return _with(suite, more)


def _with(suite: SuiteSpec, more: Mapping[str, Any]) -> SuiteSpec:
    return validate(SuiteSpec, {**suite.model_dump(), **more}, f"suite {suite.suite}")


def _absolute(folder: str) -> str:
    return str(Path(folder).expanduser().absolute())


def setting(text: str) -> tuple[str, Any]:
    """Name and value of what `--set` says. Raises `InvalidSpec`."""
    name, equals, written = text.partition("=")
    where = f"--set {text}"
    if not name or not equals:
        raise InvalidSpec(where, ["expected NAME=VALUE, such as size=10"])
    value = parse(written.encode(), where)[0] if written.strip() else ""
    if isinstance(value, dict | list):
        raise InvalidSpec(where, ["expected one value; put it in quotes if it is one text, or write lists and mappings into the suite"])
    return name, value


async def _carry_out(
    plan: Plan, run: str, manifest: Mapping[str, Any], store: Store, progress: Progress, opening: AbstractAsyncContextManager[Gateway | None]
) -> list[str]:
    """Run the plan. Its beginning and its end are written down, the end whatever happens, short of a kill."""
    notes = ["stopped before the end"]
    progress.total = _total(plan)
    async with Keeping(store) as keeping:
        await keeping.call(store.begin_run, run, plan.suite.suite, manifest)
        try:
            async with opening as models:
                notes = await carry_out(plan, run, keeping, models, partial(_show, progress))
        finally:
            await keeping.flush()
            await keeping.call(store.end_run, run, "interrupted" if notes else "finished", "; ".join(notes))
    return notes


async def carry_out(plan: Plan, run: str, keeping: Keeping, models: Model | None, tell: Callable[[Event], None]) -> list[str]:
    """Run what has no outcome yet of a run that is begun; notes on what could not be done.

    What came of it is on disk when this ends, in whatever way. Raises `StoreError`.
    """
    runner = Runner(plan, run, keeping, models)
    try:
        async for event in runner.events():
            tell(event)
    finally:
        await keeping.flush()
        await keeping.call(keeping.store.observe, run, runner.observed)
    return runner.notes


def _show(progress: Progress, event: Event) -> None:
    match event:
        case Outcome():
            progress.outcome(event.task, event.model, event.status)
        case TaskBegun():
            progress.start(event.task, event.model, event.planned)
        case Restored():
            progress.restore(event.task, event.model, event.number)
        case TaskEnded():
            progress.finish(event.task, event.model)


def _total(plan: Plan) -> int | None:
    """All cases of a plan, if every evaluator knows how many it has."""
    numbers = [task.evaluator.how_many() for task in plan.tasks]
    return None if None in numbers else sum(number for number in numbers if number is not None)


def refuse_other_plan(run: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Raises `UserError` where a run cannot go on by another plan than its own, told by their manifests."""
    if changes := differences(old, new):
        told = "; ".join(changes[:3]) + (" and more" if changes[3:] else "")
        raise UserError(f"{run} cannot be resumed, its plan has changed: {told}; start a new run, kept replies are reused")


def _card_of(name: str, told: Mapping[str, Any]) -> ModelCard:
    kind = Kind(told["kind"]) if told["kind"] else None
    return ModelCard(name=name, kind=kind, backend="kept", state="not asked", identity=told["identity"], player=told["player"])


async def cards(session: Session, *, start: bool) -> Mapping[str, ModelCard]:
    """The cards of a session, of the started models if `start`."""
    if not start:
        return await session.cards()
    async with session as models:
        return await models.cards()
