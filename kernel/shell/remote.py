"""`assay --remote ADDRESS …`: the commands against a server, shown as they are shown here."""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, cast

import typer
from rich.text import Text
from typer.core import TyperGroup

from kernel.documents import parse
from kernel.errors import AssayError, InvalidSpec, UserError
from kernel.shell import running, signals, tables, terminal
from kernel.shell.display import display, display_line
from kernel.shell.lasting import console
from kernel.shell.progress import Progress

if TYPE_CHECKING:
    from assay.client import AsyncClient
    from assay.v1.evaluation_pb2 import Report, Run
    from assay.v1.types_pb2 import ModelKind

T = TypeVar("T")

OPTION = "address"
"""The parameter of `assay` that says which server."""
TOKEN = "ASSAY_TOKEN"  # noqa: S105  # the name of a variable
PATIENCE = 600.0
"""Seconds for which a watch waits for a server that went away."""
STATES = ("unknown", "pending", "running", "interrupted", "finished")
STATUSES = ("scored", "failed", "unscored", "skipped")

app = typer.Typer(no_args_is_help=True, add_completion=False)

RunArgument = Annotated[str, typer.Argument(metavar="RUN")]
ReportOption = Annotated[Path | None, typer.Option("--report", help="Write the page here when the run has ended.")]


class ServerError(AssayError):
    """The server could not do it, or cannot be reached."""


@dataclass(frozen=True, kw_only=True)
class Remote:
    """Which server, and how we get in. token_file: with the token alone in it; without one, the variable ASSAY_TOKEN counts."""

    address: str
    token_file: Path | None = None
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    insecure: bool = False

    @asynccontextmanager
    async def client(self) -> AsyncIterator[AsyncClient]:
        """The client. Raises `UserError` for what the caller got wrong, and `ServerError`."""
        try:
            from assay.client import AsyncClient, ServiceError, Tls  # noqa: PLC0415  # gRPC is for those who go elsewhere
        except ImportError as error:
            raise InvalidSpec("--remote", [f"{error}; install it: pip install 'trust-assay[client]'"]) from error
        tls = None if (self.ca, self.cert, self.key) == (None, None, None) else Tls(self.ca, self.cert, self.key)
        try:
            client = AsyncClient(self.address, _token(self.token_file), tls, insecure=self.insecure, patience=PATIENCE)
        except (OSError, ValueError) as error:
            raise UserError(f"--remote {self.address}: {error}") from None
        try:
            async with client:
                yield client
        except ServiceError as error:
            raise (UserError if error.code.name in _CALLERS else ServerError)(f"{self.address}: {error}") from None


class HereOrThere(TyperGroup):
    """The commands of this machine; with --remote, those that a server has."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name. Raises `UserError` for one that no server has."""
        here = super().get_command(ctx, cmd_name)
        if not ctx.params.get(OPTION):
            return here
        there = _there().get_command(ctx, cmd_name)
        if there is None and here is not None:
            raise UserError(f"{cmd_name} works on this machine alone; leave out --remote. Servers have: {', '.join(self.list_commands(ctx))}")
        return there

    def list_commands(self, ctx: Any) -> list[str]:
        """Their names."""
        return _there().list_commands(ctx) if ctx.params.get(OPTION) else super().list_commands(ctx)


def _there() -> TyperGroup:
    return cast("TyperGroup", typer.main.get_command(app))


_CALLERS = frozenset({
    "INVALID_ARGUMENT", "NOT_FOUND", "ALREADY_EXISTS", "FAILED_PRECONDITION", "PERMISSION_DENIED", "UNAUTHENTICATED", "UNIMPLEMENTED", "OUT_OF_RANGE",
})  # fmt: skip
"""Codes that speak of what was asked for."""


@app.command()
def run(  # noqa: PLR0913  # typer's way to declare options
    *,
    context: typer.Context,
    suite: Annotated[str, typer.Argument(help="The name of a suite of the server, or a path to a YAML file of this machine.")],
    model: Annotated[list[str] | None, typer.Option("--model", "-m", help="Ask this model instead of the suite's; may be given again.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the last unfinished run of this suite.")] = False,
    run_name: Annotated[str | None, typer.Option("--run", help="With --resume: the run to go on with.")] = None,
    at_once: Annotated[int | None, typer.Option("--at-once", min=1, max=4096, help="Calls in flight per model.")] = None,
    report: ReportOption = None,
    budget: Annotated[float | None, typer.Option("--budget", min=0, help="Stop before the call that would make this run cost more than this.")] = None,
    sample: Annotated[bool, typer.Option("--sample", help="Run on the sample that comes with the suite, with bundled models and judges.")] = False,
    conditions: Annotated[str, typer.Option("--conditions", help="Ask each task under these, such as text,given,color,noise,nature.")] = "",
    k: Annotated[int | None, typer.Option("--k", min=1, help="Pictures drawn for each text, where a condition draws them.")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="An option of all tasks that have it.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", hidden=True)] = False,
) -> None:
    """Start a run at the server, follow it, show its scorecard, and write the page if asked to."""
    if dry_run:
        raise UserError("--dry-run asks no server; leave out --remote, with the same suite and catalog here")
    options = dict(map(running.setting, settings or []))

    async def begun(client: AsyncClient) -> Run:
        if resume:
            return await client.resume_run(run_name or await _last_of(client, suite))
        names = [name.strip() for name in conditions.split(",")] if conditions else []
        return await client.create_run(
            _source(suite), models=model or [], conditions=names, draws=k or 0, options=options or None, sample=sample, at_once=at_once or 0, budget=budget
        )

    _follow(context.obj, begun, report)


@app.command()
def resume(context: typer.Context, run_name: RunArgument, report: ReportOption = None) -> None:
    """Go on with a run that was interrupted, and follow it."""
    _follow(context.obj, lambda client: client.resume_run(run_name), report)


@app.command()
def watch(context: typer.Context, run_name: RunArgument, report: ReportOption = None) -> None:
    """Follow a run to its end, and show its scorecard."""
    _follow(context.obj, lambda client: client.get_run(run_name), report)


@app.command()
def cancel(context: typer.Context, run_name: RunArgument) -> None:
    """Stop a run; what it has is kept."""
    found = _ask(context.obj, lambda client: client.cancel_run(run_name))
    console().print(Text(f"{display_line(found.name)}: {STATES[found.state]}"))


@app.command()
def scorecard(
    context: typer.Context,
    run_name: RunArgument,
    *,
    every: Annotated[bool, typer.Option("--every", help="Every task of a large benchmark too, beside its own scores.")] = False,
) -> None:
    """Show the scorecard of a run."""

    async def found(client: AsyncClient) -> tuple[Run, Report]:
        return await client.get_run(run_name), await client.get_report(run_name)

    _show(*_ask(context.obj, found), every=every)


@app.command()
def report(
    context: typer.Context,
    run_name: Annotated[str | None, typer.Argument(metavar="[RUN]", help="Without it, the newest run.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Where to write the page.")] = Path("report.html"),
) -> None:
    """Write one self-contained HTML page of a run."""

    async def page(client: AsyncClient) -> bytes:
        return await _page(client, run_name or await _last_of(client))

    _write(_ask(context.obj, page), out)


@app.command()
def runs(context: typer.Context) -> None:
    """List the runs at the server, newest first."""
    found = _ask(context.obj, lambda client: _all(client.list_runs()))
    rows = [[each.name, each.suite, _begun(each), STATES[each.state], each.note] for each in found]
    tables.show(("run", "suite", "begun", "status", "note"), rows)


@app.command()
def models(context: typer.Context) -> None:
    """List the models of the server's catalog: kind, state, what they accept, and which roles they play."""
    found = _ask(context.obj, lambda client: _all(client.list_models()))
    rows = [[each.name, _kind(each.kind), each.state, " ".join(each.accepts), " ".join(each.roles)] for each in found]
    tables.show(("model", "kind", "state", "accepts", "roles"), rows)


@app.command(name="list")
def list_(context: typer.Context, suite: Annotated[str | None, typer.Argument(help="A suite; without it, the names of all.")] = None) -> None:
    """List the suites of the server, or the tasks of one."""
    found = {each.name: each for each in _ask(context.obj, lambda client: _all(client.list_suites()))}
    if suite is None:
        tables.show(("suite", "title"), [[each.name, each.title] for each in found.values()])
        return
    if suite not in found:
        raise UserError(f"the server has no suite named {suite!r}; it has {', '.join(found)}")
    tables.show(("task",), [[task] for task in found[suite].tasks])
    console().print(Text(f"{len(found[suite].tasks)} tasks"))


@app.command()
def score(run_name: RunArgument) -> None:
    """Not at a server: kept replies are scored anew where the store is."""
    raise UserError(f"score reads the replies of {run_name} in a store of this machine; leave out --remote, where the server's --store is")


def _follow(remote: Remote, begin: Callable[[AsyncClient], Awaitable[Run]], report: Path | None) -> None:
    """Begin a run, follow it, and end as the local command does: with the scorecard, the page, and 1 where it is not whole."""
    names: list[str] = []

    async def followed(client: AsyncClient) -> tuple[Run, Report, bytes]:
        begun = await begin(client)
        names.append(begun.name)
        with Progress() as progress:
            await _watch(client, begun.name, progress)
        page = b"" if report is None else await _page(client, begun.name)
        return await client.get_run(begun.name), await client.get_report(begun.name), page

    try:
        ended, told, page = _ask(remote, followed)
    except (signals.Stopped, ServerError):
        if names:
            again = f"assay --remote {remote.address}"
            _say(f"the run goes on at the server; follow it with: {again} watch {names[0]}, stop it with: {again} cancel {names[0]}")
        raise
    _show(ended, told)
    if report is not None:
        _write(page, report)
    if ended.note or STATES[ended.state] != "finished":
        _say(f"{ended.name} is not whole: {ended.note or STATES[ended.state]}")
        raise typer.Exit(1)


async def _watch(client: AsyncClient, name: str, progress: Progress) -> None:
    """Follow a run to its end. What it had before counts as from before."""
    counted: dict[tuple[str, str], dict[str, int]] = {}
    first, ended = True, set()
    cost = 0.0
    progress.spent = lambda: cost
    async for response in client.watch(name, progress_only=True):
        cost = response.cost if response.HasField("cost") else cost
        for task in response.run.tasks:
            key = (task.task, task.model)
            if key not in counted:
                counted[key] = defaultdict(int)
                progress.start(*key, task.planned if task.HasField("planned") else None)
                if first and (before := sum(getattr(task, status) for status in STATUSES)):
                    counted[key] = {status: getattr(task, status) for status in STATUSES}
                    progress.restore(*key, before)
            for status in STATUSES:
                for _ in range(getattr(task, status) - counted[key].get(status, 0)):
                    progress.outcome(*key, status)
                counted[key][status] = getattr(task, status)
            if task.whole and key not in ended:
                ended.add(key)
                progress.finish(*key)
        first = first and not response.run.tasks


def _ask(remote: Remote, asked: Callable[[AsyncClient], Awaitable[T]]) -> T:
    async def answered() -> T:
        async with remote.client() as client:
            return await asked(client)

    return signals.run(answered())


async def _all(pages: AsyncIterator[T]) -> list[T]:
    return [each async for each in pages]


async def _last_of(client: AsyncClient, suite: str = "") -> str:
    """The newest run, of a suite where one is told. Raises `UserError` where there is none."""
    named = _source(suite) if suite else ""
    wanted = named if isinstance(named, str) else str(named.get("suite", ""))
    async for each in client.list_runs(suite=wanted):
        return str(each.name)
    raise UserError(f"the server has no run{f' of {wanted}' if wanted else ''} yet; run a suite first")


async def _page(client: AsyncClient, name: str) -> bytes:
    return bytes((await client.get_report(name, parts=["page"])).page)


def _source(suite: str) -> str | Mapping[str, Any]:
    """The name of a suite, or what stands in a file of this machine. Raises `InvalidSpec`."""
    if not suite.endswith((".yaml", ".yml")) and "/" not in suite:
        return suite
    try:
        found = parse(Path(suite).read_bytes(), suite)[0]
    except OSError as error:
        raise InvalidSpec(suite, ["no such file" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}"]) from None
    if not isinstance(found, dict):
        raise InvalidSpec(suite, ["is no mapping; expected a suite"])
    return found


def _show(ended: Run, told: Report, *, every: bool = False) -> None:
    from kernel.shell.reported import scorecard_of  # noqa: PLC0415  # messages are for those who go elsewhere

    terminal.scorecard(scorecard_of(ended, told), console(), every=every)


def _begun(each: Run) -> str:
    from kernel.shell.reported import begun  # noqa: PLC0415  # as above

    return begun(each)


def _kind(number: ModelKind.ValueType) -> str:
    from kernel.shell.reported import kind  # noqa: PLC0415  # as above

    return kind(number)


def _write(page: bytes, out: Path) -> None:
    try:
        out.write_bytes(page)
    except OSError as error:
        raise UserError(f"{out} cannot be written: {error.strerror}") from None
    console().print(Text(f"wrote {out}"))


def _token(file: Path | None) -> str | None:
    if file is None:
        return os.environ.get(TOKEN) or None
    try:
        return file.read_text("ascii").strip()
    except (OSError, ValueError) as error:
        raise UserError(f"--token-file {file} cannot be read: {getattr(error, 'strerror', None) or 'it is no token'}") from None


def _say(text: str) -> None:
    console(sys.stderr).print(Text(display(text)), soft_wrap=True)
