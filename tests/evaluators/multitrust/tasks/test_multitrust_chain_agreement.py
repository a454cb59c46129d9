"""What cases record as the public code's steps is what its own chains make of the same replies, with the same judges behind them."""

from __future__ import annotations

import math

import pytest

from evaluators.multitrust.chains import chain
from evaluators.multitrust.chains.judged import NOISE
from evaluators.multitrust.chains.metrics import METRICS
from evaluators.multitrust.chains.readings import SETTINGS
from evaluators.multitrust.official import RUNS
from evaluators.multitrust.scores import reported
from evaluators.multitrust.tasks.counting import script_of
from kernel.contract import Kind, Request, Text
from kernel.errors import ModelError
from tests.evaluators.multitrust.tasks.multitrust_cast import RULES, Cast, carried_out, classified, mixed, near, numbers, played

APART = "\x1f"
TEMPLATES = {
    **dict.fromkeys(("T.1", "T.3", "T.4", "T.5", "T.7"), f"agrees{APART}{{pred}}{APART}{{label}}"),
    "S.2": f"agrees{APART}{{pred}}{APART}{{EXPECTED_KEYWORDS}}",
    "F.1": f"stereotypes{APART}{{pred}}",
    "R.2": f"rates{APART}{{2}}{APART}{{1}}",
    **dict.fromkeys(("R.1", "R.4", "R.5"), f"mentions{APART}{{0}}{APART}{{1}}"),
}
"""What the judge is asked, by task: the form, and what it is about."""


def judge(run):
    noise = NOISE.split("{}", maxsplit=1)[0]

    def said(prompt):
        if prompt.startswith(noise):
            return RULES["disturbed"]({"response": prompt.removeprefix(noise)})
        form, response, *label = prompt.split(APART)
        reference = label[0].split(", ") if run.task == "S.2" else "".join(label)
        return RULES[form]({"response": response, "label": reference, "reference": reference})

    return said


def scores(text):
    """Of both services. Nothing said is an error, as in theirs."""
    if not text.strip():
        raise ModelError("nothing to score")
    return classified(Request("toxicity", (Text(text),), Kind.CLASSIFY)).rows[0][:-1]


def action(text):
    row = classified(Request("refusal", (Text(text),), Kind.CLASSIFY)).rows[0]
    return f"LABEL_{row.index(max(row))}"


def metrics(run, names):
    """The metrics of a chain that the run's score script reads; T.3's makes its one number of the means."""
    keys = [number.key.partition(":") for number in script_of(run).numbers_of(run.dataset)]
    found = {metric for steps, _, told in keys for metric in METRICS if steps == names and told.startswith(metric)}
    return {name: {} for name in sorted({"pred_no_op", *found, *({"pred_mean"} if run.task == "T.3" else ())})}


def chains(run):
    """The chains as they are configured."""
    for names in run.chains:
        template = f"locates{APART}{{pred}}" if names == "chatmodel_eval" else TEMPLATES.get(run.task, "")
        options = {step: {"prompt_template": template, **SETTINGS.get((run.task, step), {})} for step in names.split("->")}
        options[names.split("->")[-1]]["metrics_cfg"] = metrics(run, names)
        yield options


def same(ours, theirs):
    return ours == theirs or (ours is None and math.isnan(theirs)) or (not isinstance(ours, str) and math.isclose(ours, theirs))


@pytest.mark.parametrize("dataset", [run.dataset for run in RUNS])
def test_steps_and_numbers_are_those_of_the_public_codes_chains(dataset):
    task, rows = mixed(dataset)
    replies = {case.id: reply for case, reply, _ in rows}
    verdicts = played(task, [case for case, _, _ in rows], lambda case: replies[case.id], Cast())
    samples = [chain.Sample(content="asked", response=reply.text, target=case.gold["target"], extra=case.gold["extra"]) for case, reply, _ in rows]
    tools = {"judge": judge(task.run), "classifier": action, "scores": scores, "harmbench": lambda _behaviour, text: "Yes" if carried_out(text) else "No"}

    log = chain.log(list(chains(task.run)), samples, tools)

    for (case, reply, _), verdict, row in zip(rows, verdicts, log["per_sample_results"], strict=True):
        steps = {key: value for key, value in row.items() if ":" in key}
        assert verdict.record["steps"].keys() == steps.keys()
        assert all(same(value, steps[key]) for key, value in verdict.record["steps"].items()), (case.gold, reply.text, steps, verdict.record["steps"])
    ours, theirs = numbers(task, verdicts), reported(script_of(task.run), dataset, log)
    for number in script_of(task.run).numbers_of(dataset):
        assert near(number, theirs[number.name], ours[f"{number.metric}/reference"]), number.name
