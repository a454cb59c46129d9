"""What MultiTrust's public code answered to recorded inputs, of evaluators, metrics, chains and logs.

A recording has a NaN as the text NaN. Of whoever was asked it has the answers, or tells in words how they are made.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from evaluators.measures.reference import Crash
from evaluators.measures.refusal_lists import REFUSAL_LISTS
from evaluators.multitrust.chains import boxes, chain, judged, told
from evaluators.multitrust.chains.metrics import METRICS
from evaluators.multitrust.chains.phrases import STEREOTYPE_ALIASES, TOPIC_ALIASES
from evaluators.multitrust.chains.published import REFUSAL_LIST

Answer = Callable[[Any], Any]
VALUES, MEAN = ("pred_no_op",), ("pred_no_op", "pred_mean")
CORRELATED: Mapping[str, Mapping[str, Any]] = {"pred_no_op": {}, "pearson_corr": {}, "failure": {}}
RATES = ("accuracy_score", "precision_score", "recall_score", "f1_score")


def _numbers(values: Sequence[Any]) -> list[Any]:
    return [math.nan if value == "NaN" else value for value in values]


def _answer(rule: Answer) -> Answer:
    """The same, with the bare name of the error in which the public code ends."""

    def answered(given: Any) -> Any:
        try:
            return rule(given)
        except Crash as crash:
            return crash.error

    return answered


# -- evaluators -----------------------------------------------------------------


def _samples(predictions: Sequence[Any], labels: Sequence[Any] | None = None, extras: Sequence[Any] | None = None) -> list[chain.Sample]:
    labels, extras = labels or [None] * len(predictions), extras or [None] * len(predictions)
    rows = zip(predictions, labels, extras, strict=True)
    return [{"content": "", "response": told, "target": label, "extra": extra} for told, label, extra in rows]


def _step(evaluator: str, metrics: Sequence[str] | Mapping[str, Any] = MEAN, *options: str) -> Answer:
    """One evaluator alone: its metrics by name. options: which fields of the recording are options of it."""

    def answer(given: Any) -> Any:
        wanted = metrics if isinstance(metrics, Mapping) else {metric: {} for metric in metrics}
        chosen = {name: given[name] for name in options}
        found = chain.results({evaluator: {**chosen, "metrics_cfg": wanted}}, _samples(given["preds"], given.get("labels")), {})
        return {key.partition(":")[2]: value for key, value in found.items()}

    return _answer(answer)


def _by_list(name: str) -> Answer:
    rule = _step("rule_reject_template_eval", MEAN, "reject_templates")
    return lambda given: rule({**given, "reject_templates": REFUSAL_LISTS[name].signs})


def _aliases(aliases: Mapping[str, Sequence[str]]) -> Answer:
    accepted = {name.lower(): forms for name, forms in aliases.items()}
    rule = _step("rule_contain_eval")

    def answer(given: Any) -> Any:
        gold = [given["gold"]] * len(given["preds"]) if isinstance(given["gold"], str) else given["gold"]
        return rule({**given, "labels": [accepted[name.lower().replace("_", "-")] for name in gold]})

    return answer


def _classified(evaluator: str) -> Answer:
    def answer(given: Any) -> Any:
        counted = given.get("label_fields") or judged.CLASSES[evaluator]
        return _told([judged.in_classes(label, counted) for label in given["classifier_labels"]])

    return _answer(answer)


def _told(values: list[Any], metrics: Sequence[str] = MEAN) -> dict[str, Any]:
    return {metric: METRICS[metric](None, values) for metric in metrics}


def _with_metrics(given: Any) -> Any:
    metrics = given["metrics"]
    wanted = metrics if isinstance(metrics, Mapping) else {name: {} for name in metrics}
    return _step("rule_yes_or_no_eval", wanted)(given)


def _worst_of(given: Any) -> Any:
    rows = given["scores_by_attribute_order"] if "scores_by_attribute_order" in given else given["scores_by_category_order"]
    return _told([judged.worst("", {"": row}.__getitem__) for row in (rows.values() if isinstance(rows, Mapping) else rows)])


def _service(given: Any) -> Any:
    scores = told.service(given["client"])
    return _told([judged.worst(text, scores) for text in given["preds"]], VALUES)


# -- chains ---------------------------------------------------------------------


def _chained(first: str, second: str) -> Answer:
    def answer(given: Any) -> Any:
        asked, judge = [], told.judge(given["judge"])

        def counting(prompt: str) -> str:
            asked.append(prompt)
            return judge(prompt)

        options = {"prompt_template": given["template"], "full_score": given.get("full_score", "100"), "test_noise": given.get("test_noise", False)}
        steps = {first: options, second: {"metrics_cfg": {"pred_mean": {}, "pred_no_op": {}}}}
        samples = _samples(given["preds"], given.get("labels"), given.get("extras"))
        return {"result": chain.results(steps, samples, {"judge": counting}), "n_judge_calls": len(asked)}

    return _answer(answer)


def _log(given: Any) -> Any:
    said = iter(_classes(given))
    steps = [dict(each) for each in given["evaluator_seq_cfgs"]]
    samples = [{"content": "", "target": None, "extra": None, **row} for row in given["responses"]]
    return chain.log(steps, samples, {"classifier": lambda _: next(said)})  # type: ignore[arg-type]


def _classes(given: Any) -> Iterator[str]:
    said = given.get("scripted_classifier", ())
    yield from (said[row["response"]] for row in given["responses"]) if isinstance(said, Mapping) else said


def _question(given: Any) -> Any:
    extras = given["extras"]
    return [judged.question(given["template"], "", None, extra or {}) for extra in (extras if isinstance(extras, list) else [extras])]


def _unknown_metric(given: Any) -> Any:
    return chain.results({given["evaluator"]: {"metrics_cfg": given["metrics_cfg"]}}, [], {})


# -- metrics --------------------------------------------------------------------


def _metric(name: str, *options: str) -> Answer:
    def answer(given: Any) -> Any:
        chosen = {option: given[option] for option in options if option in given}
        return METRICS[name](given.get("y_true"), _numbers(given["y_pred"]), **chosen)

    return _answer(answer)


def _list_sizes(_given: Any) -> Any:
    now, then = (REFUSAL_LISTS[REFUSAL_LIST[way]].signs for way in ("reference", "paper"))
    return {
        "head": len(now),
        "legacy": len(then),
        "only_in_head": sorted(set(now) - set(then)),
        "only_in_legacy": sorted(set(then) - set(now)),
    }


def _rates(given: Any) -> Any:
    return {name: METRICS[name](given["y_true"], given["y_pred"]) for name in RATES}


ANSWERS: dict[tuple[str, str], Answer] = {
    ("*", "chatmodel_eval(missing field)"): _answer(_question),
    ("*", "metrics_cfg unknown"): _answer(_unknown_metric),
    ("*", "pred_mean"): _metric("pred_mean"),
    ("*", "pred_sum"): _metric("pred_sum"),
    ("*", "rule_contain_eval(str label)"): _step("rule_contain_eval", VALUES),
    ("*", "supported_metrics"): lambda _given: sorted(METRICS),
    ("F.1", "rule_yes_or_no_eval(yes_template)"): _step("rule_yes_or_no_eval", MEAN, "yes_template"),
    ("F.3", "rule_contain_eval(stereotype class)"): _aliases(STEREOTYPE_ALIASES),
    ("F.3", "rule_contain_eval(stereotype topic)"): _aliases(TOPIC_ALIASES),
    ("F.4/F.5/F.7", "classifer_reject_eval"): _classified("classifer_reject_eval"),
    ("F.6", "rule_yes_or_no_eval(yes_template)"): _step("rule_yes_or_no_eval", MEAN, "yes_template"),
    ("F.7", "log file layout two evaluator sequences"): _answer(_log),
    ("P.1", "accuracy/precision/recall/f1"): _answer(_rates),
    ("P.3", "failure"): _metric("failure", "fails_num"),
    ("P.3", "pearson_corr"): _metric("pearson_corr", "nan_to_num"),
    ("P.3", "rule_match_and_score_eval"): _step("rule_match_and_score_eval", VALUES),
    ("P.3", "rule_match_and_score_eval(fail_id=0)"): _step("rule_match_and_score_eval", {**CORRELATED, "failure": {"fails_num": 0}}, "fail_id"),
    ("P.3", "rule_match_and_score_eval+pearson"): _step("rule_match_and_score_eval", CORRELATED),
    ("P.4/P.5/P.6", "classifer_follow_instruction_eval"): _classified("classifer_follow_instruction_eval"),
    ("P.4/P.5/P.6", "classifer_reject_eval"): _classified("classifer_reject_eval"),
    ("P.5", "rule_contain_eval fuzzy=True"): _step("rule_contain_eval", MEAN, "fuzzy_match"),
    ("P.6", "rule_contain_eval fuzzy=False"): _step("rule_contain_eval", MEAN, "fuzzy_match"),
    ("R.1", "chatmodel_score->rule_yes_or_no_eval"): _chained("chatmodel_score", "rule_yes_or_no_eval"),
    ("R.2", "chatmodel_score->rule_score_eval"): _chained("chatmodel_score", "rule_score_eval"),
    ("R.2", "rule_score_eval"): _step("rule_score_eval"),
    ("R.3", "rule_contain_exact_eval"): _step("rule_contain_exact_eval"),
    ("R.3", "rule_contain_exact_eval(int label)"): _step("rule_contain_exact_eval", VALUES),
    ("R.4", "chatmodel_score->rule_yes_or_no_eval"): _chained("chatmodel_score", "rule_yes_or_no_eval"),
    ("R.5", "chatmodel_score->rule_yes_or_no_eval"): _chained("chatmodel_score", "rule_yes_or_no_eval"),
    ("R.6", "rule_contain_adv_eval"): _step("rule_contain_adv_eval"),
    ("S.*/F.*/P.*", "reject keyword list sizes"): _list_sizes,
    ("S.*/F.*/P.*", "rule_reject_template_eval (HEAD list)"): _by_list("multitrust"),
    ("S.*/F.*/P.*", "rule_reject_template_eval (v0.1.0..v0.2.1 list)"): _by_list("multitrust-legacy"),
    ("S.*/F.*/P.*", "rule_reject_template_eval(custom)"): _step("rule_reject_template_eval", VALUES, "reject_templates"),
    ("S.1/S.3", "google_perspective_api_eval"): _answer(_worst_of),
    ("S.1/S.3", "google_perspective_api_eval(fallback)"): _answer(_service),
    ("S.1/S.3", "openai_moderation_api_eval"): _answer(_worst_of),
    ("S.1/S.3", "openai_moderation_api_eval(abort)"): _answer(_service),
    ("S.1/S.3", "openai_moderation_api_eval(fallback)"): _answer(_service),
    ("S.4/S.5/S.6", "harmbenchmodel_eval"): _answer(lambda given: _told([judged.succeeded(token) for token in given["classifier_first_token_text"]])),
    ("T.1", "iou_judge"): _metric("iou_judge"),
    ("T.1", "iou_judge.parse_box"): _answer(lambda given: boxes.parse(given["text"])),
    ("T.1", "log file omits all-falsy columns"): _answer(_log),
    ("T.1", "rule_yes_or_no_eval"): _with_metrics,
    ("T.2", "rule_yes_or_no_eval+accuracy_score"): _step("rule_yes_or_no_eval", ("pred_no_op", "accuracy_score")),
    ("T.3/T.4/T.5/T.7/S.2/F.1/T.1", "chatmodel_eval->rule_yes_or_no_eval"): _chained("chatmodel_eval", "rule_yes_or_no_eval"),
    ("T.6", "log file layout with subset"): _answer(_log),
    ("T.6", "rule_yes_or_no_eval(list preds)"): _step("rule_yes_or_no_eval", VALUES),
}
"""By the names of task and metric in the recordings."""
COMMAND_LINE = "the public code's own command line, which this software does not have"
EXCEPTIONS: Mapping[tuple[str, str], str] = {
    ("cli", "--cfg-options parsing"): COMMAND_LINE,
    ("cli", "merge_config"): COMMAND_LINE,
}
"""What is answered nowhere here, and why."""
