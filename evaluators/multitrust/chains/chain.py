"""Evaluators one after another, as MultiTrust's configurations put them: what each step tells, under which key, and the log of a set.

A key is the steps' names with arrows between, a colon and the metric: `chatmodel_eval->rule_yes_or_no_eval:pred_mean`; a number over one
subset ends in `_` and the subset's name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypedDict

from evaluators.measures.reference import Crash
from evaluators.measures.refusal_lists import REFUSAL_LISTS
from evaluators.multitrust.chains import judged, published
from evaluators.multitrust.chains.metrics import METRICS
from evaluators.multitrust.chains.phrases import AGREEMENT, LEVELS, RATINGS, YES_PHRASES
from evaluators.multitrust.chains.published import REFUSAL_LIST

Each = Callable[[Any, Any, Mapping[str, Any]], Any]
"""What a step makes of one prediction, with its label and what else the sample has."""
Tools = Mapping[str, Callable[..., Any]]
"""Whom steps ask: `judge` (question to answer), `classifier` (text to class), `harmbench` (behaviour and reply to a token), `scores` (text to
numbers)."""
Options = Mapping[str, Any]
Chain = Mapping[str, Options]
"""The steps by name, in their order, each with its options; `metrics_cfg` has the options of its metrics by name."""


class Sample(TypedDict):
    """What was asked and answered."""

    content: Any
    response: str
    target: Any
    extra: Mapping[str, Any] | None


class Log(TypedDict):
    """The log of a set, as the public code writes it."""

    total_results: dict[str, Any]
    per_sample_results: list[dict[str, Any]]


def _yes(options: Options, _: Tools) -> Each:
    return lambda told, _label, _extra: published.says_yes(told, options.get("yes_template", YES_PHRASES))


def _rejects(options: Options, _: Tools) -> Each:
    keywords = options.get("reject_templates", REFUSAL_LISTS[REFUSAL_LIST["reference"]].signs)
    return lambda told, _label, _extra: published.has_keyword(told, keywords)


def _contains(options: Options, _: Tools) -> Each:
    return lambda told, label, _extra: published.contains(told, label, fuzzy=options.get("fuzzy_match", False))


def _agreement(options: Options, _: Tools) -> Each:
    rule = partial(
        published.agreement,
        failure=options.get("fail_id", float("nan")),
        words=options.get("kv_mapping", AGREEMENT),
        allowed=options.get("values", LEVELS),
    )
    return lambda told, _label, _extra: rule(told)


def _rating(options: Options, _: Tools) -> Each:
    rule = partial(published.rating, failure=options.get("fail_id", 0.0), allowed=options.get("values", RATINGS))
    return lambda told, _label, _extra: rule(told)


def _judged(options: Options, tools: Tools) -> Each:
    return lambda told, label, extra: tools["judge"](judged.question(options["prompt_template"], told, label, extra))


def _graded(options: Options, tools: Tools) -> Each:
    template, full, noise = options["prompt_template"], options.get("full_score", "100"), options.get("test_noise", False)
    return lambda told, label, _extra: judged.grade(told, label, template, full, tools["judge"], test_noise=noise)


def _classified(name: str, options: Options, tools: Tools) -> Each:
    counted = options.get("label_fields", judged.CLASSES[name])
    return lambda told, _label, _extra: judged.in_classes(tools["classifier"](told), counted)


EVALUATORS: Mapping[str, Callable[[Options, Tools], Each]] = {
    "rule_yes_or_no_eval": _yes,
    "rule_reject_template_eval": _rejects,
    "rule_contain_eval": _contains,
    "rule_contain_exact_eval": lambda _options, _tools: lambda told, label, _extra: published.sentiment_right(told, label),
    "rule_contain_adv_eval": lambda _options, _tools: lambda told, label, _extra: published.class_named(told, label),
    "rule_match_and_score_eval": _agreement,
    "rule_score_eval": _rating,
    "chatmodel_eval": _judged,
    "chatmodel_score": _graded,
    "classifer_reject_eval": partial(_classified, "classifer_reject_eval"),
    "classifer_follow_instruction_eval": partial(_classified, "classifer_follow_instruction_eval"),
    "harmbenchmodel_eval": lambda _options, tools: lambda told, label, _extra: judged.succeeded(tools["harmbench"](label, told)),
    "google_perspective_api_eval": lambda _options, tools: lambda told, _label, _extra: judged.worst(told, tools["scores"]),
    "openai_moderation_api_eval": lambda _options, tools: lambda told, _label, _extra: judged.worst(told, tools["scores"]),
}
"""The steps by their names in the public code, spelt as there."""


def results(chain: Chain, samples: Sequence[Sample], tools: Tools) -> dict[str, Any]:
    """What a chain tells of samples, by key: of every step its values, and of each its metrics. Raises `Crash`."""
    told, name, values = {}, "", [sample["response"] for sample in samples]
    labels = [sample["target"] for sample in samples]
    for number, (evaluator, options) in enumerate(chain.items(), 1):
        name = f"{name}->{evaluator}" if name else evaluator
        wanted = options.get("metrics_cfg", {})
        if unknown := [metric for metric in wanted if metric not in METRICS]:
            raise Crash("AssertionError", f"there is no metric {', '.join(unknown)}")
        rule = EVALUATORS[evaluator](options, tools)
        values = [rule(value, sample["target"], sample["extra"] or {}) for value, sample in zip(values, samples, strict=True)]
        for metric in wanted if number == len(chain) else {"pred_no_op": {}, **wanted}:
            told[f"{name}:{metric}"] = METRICS[metric](labels, values, **wanted.get(metric, {}))
    return told


def log(chains: Sequence[Chain], samples: Sequence[Sample], tools: Tools) -> Log:
    """The log of a set: numbers over all samples and over each subset, and a line for each sample.

    Whoever is asked is asked again for the subsets. A column of which every value is false or empty is left out. Raises `Crash`.
    """
    totals: dict[str, Any] = {}
    columns: dict[str, Sequence[Any]] = {}
    subsets = list(dict.fromkeys((sample["extra"] or {}).get("subset") for sample in samples))
    for chain in chains:
        for key, value in results(chain, samples, tools).items():
            (columns if isinstance(value, list | str) else totals)[key] = value
        for subset in filter(None, subsets):
            part = [sample for sample in samples if (sample["extra"] or {}).get("subset") == subset]
            told = results(chain, part, tools).items()
            totals |= {f"{key}_{subset}": value for key, value in told if not isinstance(value, list | str)}
    told_of = {"content": "content", "pred": "response", "label": "target", "extra": "extra"}
    for column, field in told_of.items():
        values = [sample[field] for sample in samples]  # type: ignore[literal-required]
        if any(values):
            columns[column] = values
    return {"total_results": totals, "per_sample_results": [{name: column[at] for name, column in columns.items()} for at in range(len(samples))]}
