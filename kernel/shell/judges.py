"""`assay judge`: how far judges can be trusted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from kernel import registry
from kernel.errors import UserError
from kernel.shell import logs, rejudging, running, signals, tables, verdicts
from kernel.shell.arrange import number
from kernel.shell.display import display_line
from kernel.shell.lasting import console
from kernel.shell.rejudging import Again
from kernel.shell.verdicts import Compared
from kernel.spec import instruments_of
from kernel.stats import Estimate
from kernel.store.keeping import Keeper, Keeping
from kernel.store.store import Store

app = typer.Typer(help="Tell how far judges can be trusted.", no_args_is_help=True)

RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="A run, or a suite, whose newest run is taken.")]
StoreOption = Annotated[Path, typer.Option("--store", help="The folder in which everything is kept.")]
MetricOption = Annotated[str | None, typer.Option("--metric", help="The metric that is looked at, instead of each task's first one.")]
DEFAULT_STORE = Path("assay-data")


@app.command()
def stability(
    run_name: RunArgument,
    *,
    times: Annotated[int, typer.Option("--times", "-k", min=2, help="How often each reply is judged.")] = 5,
    most: Annotated[int, typer.Option("--cases", min=1, help="Cases of each task and model, at most, spread over all of them.")] = 50,
    metric: MetricOption = None,
    catalog: Annotated[Path | None, typer.Option("--catalog", help="A YAML file of models; without it, the bundled ones.")] = None,
    budget: Annotated[float | None, typer.Option("--budget", min=0, help="What the judges' calls may cost together.")] = None,
    store: StoreOption = DEFAULT_STORE,
    gateway: Annotated[str, typer.Option("--gateway", help="The installed gateway that reaches the judges.")] = "triton",
) -> None:
    """Have kept replies judged several times. Where the verdict varies in more than 10 % of the cases, the score is by majority."""
    paying = {} if budget is None else {"budget": budget}

    async def judged(opened: Store) -> list[Again]:
        plan = running.kept_plan(opened, verdicts.run_of(opened, run_name))
        if not (judges := instruments_of(plan.suite, registry.evaluators(), plan.cast)):
            return []
        session = running.find_gateway(gateway)(catalog, only=judges, **paying)
        async with session as models, Keeping(opened) as keeping:
            kept = Keeper(None, keeping, lambda model: plan.cards[model].identity)
            return [each async for each in rejudging.again(plan, kept, models, times=times, most=most, metric=metric)]

    with Store(store, write=False) as opened, closing(logs.set_up(store / "log.jsonl")):
        found = signals.run(judged(opened))
    if not found:
        raise UserError(f"no task of {run_name} was judged by a model, so that there is nothing to ask again")
    _show(found, ("judged by", "cases", "verdict varies", "single verdicts", "score"), [[", ".join(each.judges), *_again(each)] for each in found])
    for each in found:
        if each.voted:
            share = f"{each.varies.mean or 0:.0%} of the cases, more than {rejudging.VARYING:.0%}"
            _say(f"{each.task} of {each.model}: the verdict varies in {share}: the score is by majority of {times}")
    _left_out(found, "have no kept reply, or a judge did not answer")


@app.command()
def agreement(first: RunArgument, second: RunArgument, metric: MetricOption = None, store: StoreOption = DEFAULT_STORE) -> None:
    """Hold the verdicts of two runs on the same replies side by side: two judges, or two versions of one."""
    with Store(store, write=False) as opened:
        one, other = (verdicts.run_of(opened, name) for name in (first, second))
        found = list(verdicts.between(opened, one, other, metric))
        manifests = [opened.run(run)["manifest"] for run in (one, other)]
    if not found:
        raise UserError(f"{one} and {other} have no task of one model in common{f' with the metric {metric}' if metric else ''}")
    cast = [{role: (model, manifest["models"][model]["identity"]) for role, model in manifest.get("roles", {}).items()} for manifest in manifests]
    for run, roles in zip((one, other), cast, strict=True):
        _say(f"{run}: {', '.join(f'{role} is {model}' for role, (model, _) in roles.items()) or 'nobody plays a role'}")
    if cast[0] == cast[1]:
        _say("both runs have the same judges, whose verdicts were kept: that they agree tells nothing of them")
    _show(found, ("cases", "same", "Cohen's kappa"), [_compared(each, "same", "kappa") for each in found])
    _left_out(found, "are scored in one run alone, or there the model's reply was another one")


@app.command()
def correlation(
    run_name: RunArgument,
    labels: Annotated[Path, typer.Argument(help="CSV with the columns case and label (a number, yes or no); task and model where a case has several.")],
    metric: MetricOption = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Hold scores against people's labels: Pearson and Spearman, and for yes and no accuracy and kappa."""
    with Store(store, write=False) as opened:
        found = list(verdicts.with_people(opened, verdicts.run_of(opened, run_name), labels, metric))
    headings = ("cases", "Pearson", "Spearman", "accuracy", "Cohen's kappa")
    _show(found, headings, [_compared(each, "pearson", "spearman", "same", "kappa") for each in found])
    _left_out(found, "are scored, but have no label")


def _show(found: Sequence[Again | Compared], headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table of tasks; a metric that all of them share stands above it."""
    metrics = {each.metric for each in found}
    if len(metrics) == 1:
        _say(f"metric: {metrics.pop()}")
        named = [[each.task, each.model] for each in found]
    else:
        named = [[each.task, each.model, each.metric] for each in found]
    tables.show(("task", "model", "metric")[: len(named[0])] + tuple(headings), [[*names, *row] for names, row in zip(named, rows, strict=True)])


def _compared(each: Compared, *names: str) -> list[str]:
    return [f"{each.cases:,}", *(_told(each.found.get(name)) for name in names)]


def _again(each: Again) -> list[str]:
    low, high = map(number, each.alone)
    return [f"{each.cases:,}", _told(each.varies), low if low == high else f"{low} to {high}", _told(each.score) + (" by majority" if each.voted else "")]


def _told(found: Estimate | None) -> str:
    if found is None or found.mean is None:
        return "-"
    return number(found.mean) + ("" if found.low is None else f" [{number(found.low)}, {number(found.high)}]")


def _left_out(found: Iterable[Again | Compared], why: str) -> None:
    if number_of := sum(each.left_out for each in found):
        _say(f"left out: {number_of:,} cases {why}")


def _say(text: str) -> None:
    console().print(Text(display_line(text, None)), soft_wrap=True)
