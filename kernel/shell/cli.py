"""The command `assay`. Each command reads its arguments, calls one function, and shows what it returns."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from kernel import registry
from kernel.contract import Kind
from kernel.errors import AssayError, UserError
from kernel.report import scorecard as scorecard_of
from kernel.report import shown
from kernel.shell import benchmarks, checking, engines, foresee, judges, logs, models, redteam, remote, results, running, serve, signals, tables, terminal
from kernel.shell import data as datasets
from kernel.shell.display import display, display_line
from kernel.shell.lasting import console
from kernel.shell.progress import Progress
from kernel.store.store import Store

app = typer.Typer(cls=remote.HereOrThere, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.add_typer(engines.app, name="engines")
app.add_typer(redteam.app, name="redteam")
app.add_typer(datasets.app, name="data")
app.add_typer(models.app, name="models")
app.add_typer(judges.app, name="judge")
app.add_typer(results.app, name="results")
app.add_typer(serve.token, name="token")
app.command()(serve.serve)

CatalogOption = Annotated[Path | None, typer.Option("--catalog", help="A YAML file of models; without it, the bundled ones.")]
StoreOption = Annotated[Path, typer.Option("--store", help="The folder in which everything is kept.")]
ReportOption = Annotated[Path | None, typer.Option("--report", help="Write the page here when the run has ended.")]
DataOption = Annotated[str, typer.Option("--data", help="A folder with the benchmark's data; without it, what `assay data fetch` brought.")]
DEFAULT_STORE = Path("assay-data")
CASES_PER_TASK = 400
"""How many cases of each status the page takes of a task and model; more would make it slow to open."""


@app.callback()
def assay(
    context: typer.Context,
    *,
    address: Annotated[str | None, typer.Option("--remote", metavar="ADDRESS", help="Ask the server at host:port; with run, watch, runs and others.")] = None,
    token_file: Annotated[Path | None, typer.Option("--token-file", help="The file with the token; without it, the variable ASSAY_TOKEN counts.")] = None,
    ca: Annotated[Path | None, typer.Option("--ca", help="Who vouches for the server, in PEM: speaks TLS with it.")] = None,
    cert: Annotated[Path | None, typer.Option("--cert", help="Our own certificate in PEM, where the server wants one.")] = None,
    key: Annotated[Path | None, typer.Option("--key", help="The private key of --cert.")] = None,
    insecure: Annotated[bool, typer.Option("--insecure", help="Go to another machine without TLS.")] = False,
) -> None:
    """Tells whether multimodal models can be trusted."""
    if address is not None:
        context.obj = remote.Remote(address=address, token_file=token_file, ca=ca, cert=cert, key=key, insecure=insecure)
    elif token_file or ca or cert or key or insecure:
        raise UserError("--token-file, --ca, --cert, --key and --insecure go with --remote ADDRESS; add it, or leave them out")


@app.command()
def run(
    suite: Annotated[str, typer.Argument(help="The name of an installed suite, or a path to a YAML file.")],
    model: Annotated[list[str] | None, typer.Option("--model", "-m", help="Ask this model instead of the suite's; may be given again.")] = None,
    catalog: CatalogOption = None,
    store: StoreOption = DEFAULT_STORE,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the last unfinished run of this suite.")] = False,
    run_name: Annotated[str | None, typer.Option("--run", help="With --resume: the run to go on with.")] = None,
    at_once: Annotated[int | None, typer.Option("--at-once", min=1, max=4096, help="Calls in flight per model.")] = None,
    report: ReportOption = None,
    gateway: Annotated[str, typer.Option("--gateway", help="The installed gateway that reaches the models.")] = "triton",
    budget: Annotated[float | None, typer.Option("--budget", min=0, help="Stop before the call that would make this run cost more than this.")] = None,
    data: DataOption = "",
    sample: Annotated[bool, typer.Option("--sample", help="Run on the sample that comes with the suite, with bundled models and judges.")] = False,
    conditions: Annotated[str, typer.Option("--conditions", help="Ask each task under these, such as text,given,color,noise,nature.")] = "",
    k: Annotated[int | None, typer.Option("--k", min=1, help="Pictures drawn for each text, where a condition draws them.")] = None,
    pool: Annotated[str, typer.Option("--pool", help="The folder from which conditions draw pictures, instead of those made by rule.")] = "",
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="An option of all tasks that have it and do not set it; may be given again.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell calls, tokens and cost beforehand, and ask nothing.")] = False,
) -> None:
    """Run a suite, show its scorecard, and write the page if asked to."""
    spec = running.changed(running.find_suite(suite), model or [], at_once, data=data, sample=sample, conditions=conditions)
    spec = running.set_anew(spec, settings or [], k=k, pool=pool)
    if dry_run:
        foreseen = signals.run(running.foresee_suite(spec, catalog=catalog, gateway=gateway))
        tables.show(("task", "model", "calls", "tokens in", "tokens out, at most", "cost, at most"), foresee.rows(foreseen))
        return
    with Store(store, write=True) as opened, _logging(store), Progress() as progress:
        name = _last_unfinished(opened, spec.suite, run_name) if resume else None
        with _resumable():
            name, notes = signals.run(running.run_suite(spec, opened, progress, catalog=catalog, run=name, gateway=gateway, budget=budget))
    _conclude(store, name, notes, report)


@app.command()
def score(run_name: Annotated[str, typer.Argument(metavar="RUN")], store: StoreOption = DEFAULT_STORE, report: ReportOption = None) -> None:
    """Score the kept replies of a run anew, as a run of its own; no model is asked."""
    with Store(store, write=True) as opened, _logging(store), Progress() as progress:
        again, notes = signals.run(running.score_again(opened, run_name, progress))
    _conclude(store, again, notes, report)


@app.command()
def scorecard(
    run_name: Annotated[str, typer.Argument(metavar="RUN")],
    store: StoreOption = DEFAULT_STORE,
    every: Annotated[bool, typer.Option("--every", help="Every task of a large benchmark too, beside its own scores.")] = False,
) -> None:
    """Show the scorecard of a run."""
    with Store(store, write=False) as opened:
        terminal.scorecard(scorecard_of(opened, run_name, registry.benchmarks().get), console(), every=every)


@app.command()
def report(
    run_name: Annotated[str | None, typer.Argument(metavar="[RUN]", help="Without it, the newest run.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Where to write the page.")] = Path("report.html"),
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Write one self-contained HTML page of a run."""
    with Store(store, write=False) as opened:
        _write_page(opened, run_name or _newest(opened), out)


@app.command()
def runs(store: StoreOption = DEFAULT_STORE) -> None:
    """List the runs in the store, newest first."""
    with Store(store, write=False) as opened:
        rows = opened.runs()
    tables.show(("run", "suite", "begun", "status", "note"), [[str(value) for value in row.values()] for row in rows])


@app.command(name="list")
def list_(
    benchmark: Annotated[str | None, typer.Argument(help="A benchmark; without it, the names of all.")] = None,
    data: DataOption = "",
) -> None:
    """List the tasks of a benchmark: what each asks, how many rows it has, who judges, and what is missing here to run it."""
    installed = registry.benchmarks()
    if benchmark is None:
        tables.show(("benchmark", "title"), [[name, installed.get(name).title] for name in installed.names()])
        return
    rows, missing = benchmarks.table(installed.get(benchmark).listed(data))
    tables.show(benchmarks.HEADINGS, rows)
    for number, what in enumerate(missing, 1):
        console().print(Text(display(f"missing {number}: {what}")), soft_wrap=True)
    console().print(Text(f"{len(rows)} tasks"))


@app.command()
def crosscheck(
    benchmark: Annotated[str, typer.Argument(help="A benchmark.")],
    cases: Annotated[Path, typer.Argument(help="Recorded cases, a JSON object a line: task, metric, input, expected.")],
) -> None:
    """Hold `reference` mode against recorded answers of the benchmark's public code; exit 1 where one differs."""
    found = list(benchmarks.crosscheck(registry.benchmarks().get(benchmark), cases))
    differing = [each for each in found if each is not None and not each.left_out]
    for each in differing:
        told = f"line {each.line}: {each.task} {each.metric}\n  expected {each.expected}\n  found    {each.found}"
        console().print(Text(display(told)), soft_wrap=True)
    left_out = Counter((each.task, each.metric, each.left_out) for each in found if each is not None and each.left_out)
    for (task, metric, why), number in left_out.items():
        console().print(Text(display(f"left out {number}: {task} {metric}: {why}")), soft_wrap=True)
    total = len(found) - left_out.total()
    console().print(Text(f"{total - len(differing)} of {total} agree{f', {left_out.total()} left out' if left_out else ''}"))
    if differing:
        raise typer.Exit(1)


@app.command()
def up(
    catalog: CatalogOption = None,
    model: Annotated[list[str] | None, typer.Option("--model", "-m", help="Serve only this one.")] = None,
    host: Annotated[str, typer.Option("--host", help="Where to listen; others than this machine reach only what is asked for here.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="0 takes a free one.")] = 0,
) -> None:
    """Keep the models of the catalog running for others, until a signal ends it."""
    session = running.find_gateway()(catalog, only=model or None, described=True, host=host, port=port)

    async def serve() -> None:
        async with session as models:
            cards, served = await models.cards(), session.addresses
            for card in cards.values():
                where = f" at {served[card.name]}" if card.name in served else ""
                console().print(Text(f"{card.name}: {card.kind or 'player'}, {card.state}{where}"))
            console().print(Text(f"serving at {' and '.join(dict.fromkeys(served.values()))}; end with Ctrl-C"))
            await asyncio.Event().wait()

    with _logging(None):
        signals.run(serve())


@app.command()
def check(
    address: Annotated[str, typer.Argument(help="The server: grpc://host:port. With --catalog, the name of a `server:` entry.")],
    model: Annotated[str | None, typer.Argument(help="The model's name there; without it, every model that the server lists.")] = None,
    catalog: Annotated[Path | None, typer.Option("--catalog", help="The YAML file of models that has the entry.")] = None,
    kind: Annotated[Kind | None, typer.Option("--kind", help="What the model does, where the server does not tell.")] = None,
    text: Annotated[str | None, typer.Option("--text", help="What to ask it, instead of the canary of its configuration.")] = None,
    thorough: Annotated[bool, typer.Option("--thorough", help="Also send messages of up to 64 MB.")] = False,
    gateway: Annotated[str, typer.Option("--gateway", help="The installed gateway whose checks are run.")] = "triton",
) -> None:
    """Check a server against the contract: what fits, what does not, and how to mend it. Each model is asked about eighty small questions."""
    more = {} if catalog is None else {"catalog": catalog}
    findings = checking.find_check(gateway)(address, model, **more, kind=kind, text=text, thorough=thorough)
    with closing(logs.set_up(Path(os.devnull))):
        if not signals.run(checking.show(findings, address)):
            raise typer.Exit(1)


def main() -> None:
    """The entry point: every error of ours is one line, with its own exit code."""
    try:
        ended = app(standalone_mode=False)
    except signals.Stopped as stopped:
        sys.exit(stopped.code)
    except AssayError as error:
        _say(f"{type(error).__name__}: {error}")
        sys.exit(error.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(130)
    except Exception as error:
        if hasattr(error, "exit_code") and hasattr(error, "format_message"):  # click's own: a wrong option or argument
            _say(error.format_message())
            sys.exit(error.exit_code)
        raise
    sys.exit(ended or 0)  # typer hands over the code of its `Exit`, it does not raise it


def _say(text: str) -> None:
    console(sys.stderr).print(Text(display(text)), soft_wrap=True)


@contextmanager
def _logging(store: Path | None) -> Iterator[None]:
    stream = logs.set_up(None if store is None else store / "log.jsonl")
    try:
        yield
    finally:
        if store is not None:
            stream.close()


@contextmanager
def _resumable() -> Iterator[None]:
    """When something ends the run early, say how to go on."""
    try:
        yield
    except (signals.Stopped, AssayError) as error:
        if not isinstance(error, UserError):
            again = [*sys.argv[1:], *(["--resume"] if "--resume" not in sys.argv else [])]
            _say(f"stopped; go on with: assay {shlex.join(again)}")
        raise


def _last_unfinished(store: Store, suite: str, wanted: str | None) -> str:
    if wanted is not None:
        return str(store.run(wanted)["run"])
    for row in store.runs():
        if row["suite"] == suite:
            return str(row["run"])
    raise UserError(f"the store {store.folder} holds no run of {suite} to go on with; leave out --resume")


def _newest(store: Store) -> str:
    if not (rows := store.runs()):
        raise UserError(f"the store {store.folder} holds no run yet; run a suite first")
    return str(rows[0]["run"])


def _conclude(store: Path, name: str, notes: list[str], report: Path | None) -> None:
    """Scorecard and page, and a non-zero end when the run is not whole."""
    with Store(store, write=False) as opened:
        terminal.scorecard(scorecard_of(opened, name, registry.benchmarks().get), console())
        if report is not None:
            _write_page(opened, name, report)
    if notes:
        _say(f"{name} is not whole: {'; '.join(map(display_line, notes))}")
        raise typer.Exit(1)


def _write_page(store: Store, name: str, path: Path) -> None:
    from kernel.shell import html  # noqa: PLC0415  # Pillow and jinja2 are for those who want a page

    html.write(scorecard_of(store, name, registry.benchmarks().get), shown(store, name, per_task=CASES_PER_TASK), path)
    console().print(Text(f"wrote {path}"))
