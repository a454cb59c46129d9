"""`assay results`: results that a benchmark's public code wrote, read and counted anew, and runs of ours in that code's own files."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from kernel.benchmark import Kept, Result, Trees
from kernel.errors import UserError
from kernel.report import scorecard, shown
from kernel.shell import tables
from kernel.shell.display import display_line
from kernel.shell.lasting import console
from kernel.shell.running import find_part, new_run
from kernel.store.store import Batch, OutcomeRow, ScoreRow, Store, TotalRow

app = typer.Typer(help="Read the results of a benchmark's public code, or write ours as that code does.", no_args_is_help=True)

BenchmarkArgument = Annotated[str, typer.Argument(help="An installed benchmark, such as mmdt.")]
StoreOption = Annotated[Path, typer.Option("--store", help="The folder in which everything is kept.")]
DEFAULT_STORE = Path("assay-data")
WHOLE = "as stored"
"""The one case of a task whose replies are not told one by one."""


@app.command("import")
def import_(
    benchmark: BenchmarkArgument,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the public code was run, or its result folder.")],
    *,
    model: Annotated[list[str] | None, typer.Option("--model", help="The whole name of a model that is meant; may be given again.")] = None,
    data: Annotated[str, typer.Option("--data", help="A folder with the benchmark's data, for what cannot be counted without it.")] = "",
    keep: Annotated[bool, typer.Option("--keep", help="Keep the numbers as a run, so that they stand in a scorecard.")] = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Read stored results, count their replies anew, and tell where the two differ; exit 1 where they do."""
    found = list(find_trees(benchmark).read(folder, model or (), data))
    tables.show(("model", "perspective", "asks", "scenario", "task", "counted", "stored", "ours", "agrees", "why not"), map(_row, found))
    agreed, apart = (sum(each.agrees is verdict for each in found) for verdict in (True, False))
    console().print(Text(f"{len(found)} numbers: {agreed} agree, {apart} differ, {len(found) - agreed - apart} cannot be counted anew"))
    if keep:
        with Store(store, write=True) as opened:
            console().print(Text(f"kept as {keep_results(opened, benchmark, folder, found)}"))
    if apart:
        raise typer.Exit(1)


@app.command()
def export(
    benchmark: BenchmarkArgument,
    run: Annotated[str, typer.Argument(metavar="RUN", help="A kept run.")],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="A new folder; the public code's summary is run in it.")],
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Write a run as the public code writes its results, and the summary that it makes of them. Null players are left out."""
    trees = find_trees(benchmark)
    with Store(store, write=False) as opened:
        if (imported := opened.run(run)["manifest"].get("imported")) is not None:
            raise UserError(f"{run} was read from {imported['folder']}, where its files are; export a run of ours")
        numbers: dict[str, dict[str, dict[str, float | None]]] = {}
        for line in scorecard(opened, run).lines:
            if line.player is None and line.own is not None:
                numbers.setdefault(line.model, {}).setdefault(line.own, {})[line.metric] = line.mean
        for told in trees.write(numbers, kept_cases(opened, run), out):
            console().print(Text(display_line(told, None)), soft_wrap=True)


def find_trees(benchmark: str) -> Trees:
    """What reads and writes the results of a benchmark. Raises `UnknownName`, or `InvalidSpec` where it cannot be imported."""
    found: Trees = find_part("results", benchmark, of="benchmark", extra="evaluators")
    return found


def kept_cases(store: Store, run: str) -> Iterator[Kept]:
    """The cases of a run, but those of null players, with what was said, painted and recorded."""
    tasks = {(task.task, task.model): task for task in store.tasks(run)}
    values = {
        key: {metric["name"]: store.values(task.task_id, metric["name"]) for metric in task.metrics} for key, task in tasks.items() if task.player is None
    }
    for each in shown(store, run):
        if (held := values.get((each.task, each.model))) is not None:
            worth = {metric: by_case[each.case] for metric, by_case in held.items() if each.case in by_case}
            yield Kept(each.task, each.model, each.case, worth, each.question, each.answers, each.drawn, each.gold, each.facts)


def keep_results(store: Store, benchmark: str, folder: Path, results: Sequence[Result]) -> str:
    """Put read results into the store, as a run of its own with its name. A number that is only stored is a task's only case."""
    run = new_run(f"{benchmark}-imported")
    by_task: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        by_task.setdefault((result.label, result.model), []).append(result)
    manifest = {"suite": {"suite": f"{benchmark}-imported", "benchmark": benchmark}, "imported": {"folder": str(folder.absolute())}}
    store.begin_run(run, f"{benchmark}-imported", manifest)
    rows = [
        {"task": task, "model": model, "player": None, "perspective": held[0].perspective, "chance": None, "metrics": [_metric(each, "") for each in held]}
        for (task, model), held in by_task.items()
    ]
    for task in store.begin_tasks(run, rows):
        held = by_task[task.task, task.model]
        values = {each.metric: _values(each) for each in held}
        cases = list(dict.fromkeys(case for found in values.values() for case in found))
        outcomes = [_outcome(task.task_id, case, held) for case in cases]
        scores = [_score(task.task_id, metric, case, found.get(case)) for metric, found in values.items() for case in cases]
        store.write(Batch([], outcomes, scores))
        stored = [TotalRow(_metric(each, "stored"), each.stored, None, None, "") for each in held if each.agrees is False]
        store.finish_task(task, len(cases), stored)
    store.end_run(run, "finished")
    return run


def _values(result: Result) -> Mapping[str, float]:
    """What stands for a number: the replies one by one, or else the number itself."""
    if result.rows:
        return result.rows
    value = result.stored if result.ours is None else result.ours
    return {} if value is None or math.isnan(value) else {WHOLE: value}


def _metric(result: Result, instead: str) -> dict[str, Any]:
    """instead: what the number is called that the tree has."""
    name = f"{result.metric.rpartition('/')[0]}/{instead}" if instead else result.metric
    return {"name": name, "unit": result.unit, "higher_is_better": result.higher_is_better}


def _outcome(task_id: int, case: str, held: Sequence[Result]) -> OutcomeRow:
    """A case of a task, with how it was counted."""
    reason = "; ".join(dict.fromkeys(each.why or "counted anew" for each in held))
    told = json.dumps({"question": "", "pictures": [], "gold": None, "facts": {"imported": True}})
    return OutcomeRow(task_id, case, "scored", None, reason, 1, 0.0, None, told, b"")


def _score(task_id: int, metric: str, case: str, value: float | None) -> ScoreRow:
    return ScoreRow(task_id, metric, case, "unscored" if value is None else "scored", value)


def _row(result: Result) -> list[str]:
    verdict = {True: "yes", False: "no", None: ""}[result.agrees]
    place = [result.model, result.perspective, result.modality, result.scenario, result.task, result.metric.rpartition("/")[0]]
    return [*place, _shown(result.stored), _shown(result.ours), verdict, result.why]


def _shown(value: float | None) -> str:
    """With all the places that tell two numbers apart."""
    return "-" if value is None else f"{value:.6g}"
