"""The thirty-three result files of MultiTrust: their data sets, the numbers of each, where these stand in a log, and what they are called in runs of ours.

A task of ours is labelled `multitrust.ASPECT/DATA SET`; its metrics are `metric` here with `/paper`, `/reference` or `/corrected` behind it.
Names are spelt as the public code spells them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

from evaluators.multitrust.chains.phrases import TOPICS
from evaluators.multitrust.official import ASPECTS, KINDS, RUNS


class Form(Enum):
    """How a number is written in a results file."""

    PERCENT = "a fraction as a text with its percentage"
    OF_100 = "a percentage as a text"
    TEXT = "a text already"
    ROUNDED = "four places"
    EXACT = "all places"


class Number(NamedTuple):
    """A number of a results file. name: as there. metric: ours, a share but for points, correlations, p-values and counts.

    key: of the log's totals; empty where the script makes it. undefined: what stands in its place where there is no number.
    """

    name: str
    metric: str
    key: str = ""
    form: Form = Form.ROUNDED
    higher_is_better: bool = True
    unit: str = "share"
    undefined: float | None = None

    def shown(self, value: Any) -> Any:
        """As a results file has it."""
        if value is None or (self.undefined is not None and math.isnan(value)):
            return self.undefined
        match self.form:
            case Form.PERCENT:
                return f"{100 * value:.2f}"
            case Form.OF_100:
                return f"{value:.2f}"
            case Form.ROUNDED:
                return _plain(round(value, 4))
        return value

    @property
    def hundredfold(self) -> bool:
        """Whether it is written as a percentage."""
        return self.form in {Form.PERCENT, Form.TEXT, Form.OF_100}

    def ours(self, stored: Any) -> float:
        """A stored number in our scale. Raises `TypeError` or `ValueError` for what is none."""
        return float(stored) / (100 if self.hundredfold else 1)

    def theirs(self, value: float) -> float:
        """A number of ours in their scale, with all its places."""
        return 100 * value if self.hundredfold else value

    def total(self, value: float) -> float:
        """A number of ours as a log has it."""
        return 100 * value if self.form is Form.OF_100 else value

    def fraction(self, total: float) -> float:
        """A log's number in our scale."""
        return total / 100 if self.form is Form.OF_100 else total

    def written(self, value: float | None) -> Any:
        """A number of ours as a results file has it."""
        return f"{100 * value:.2f}" if self.hundredfold and value is not None else self.shown(value)


def _plain(value: Any) -> Any:
    return value if isinstance(value, int) else float(value)


@dataclass(frozen=True, slots=True)
class Script:
    """A score script. task: its code. folder: of its logs and results. file: the results file's stem. path: the script's.

    only: where each data set has one of the numbers, which. prefix: how the data sets begin that it takes of its task.
    """

    task: str
    folder: str
    numbers: tuple[Number, ...]
    only: Mapping[str, str] = field(default_factory=dict)
    file: str = ""
    path: str = ""
    prefix: str = ""

    @property
    def aspect(self) -> str:
        """One of the five."""
        return ASPECTS[self.task[0]]

    @property
    def sets(self) -> tuple[str, ...]:
        """The data sets that it is to find."""
        return tuple(run.dataset for run in RUNS if run.task == self.task and run.dataset.startswith(self.prefix))

    @property
    def script(self) -> str:
        """Where the public code has it, below its folder of score scripts."""
        return f"{'safefy' if self.aspect == 'safety' else self.aspect}/{self.path or self.folder}.py"

    @property
    def stem(self) -> str:
        """The results file's name without its end."""
        return self.file or self.folder

    @property
    def results(self) -> str:
        """The results file with a slot for the model."""
        return f"results/{self.aspect}/{self.folder}/{{model}}/{self.stem}.json"

    def numbers_of(self, ident: str) -> tuple[Number, ...]:
        """What a data set has."""
        return tuple(number for number in self.numbers if not self.only or number.name == self.only.get(ident))

    def label(self, ident: str) -> str:
        """A data set as a suite of ours calls it."""
        return f"multitrust.{self.aspect}/{ident}".lower()


UNRELATED = tuple(f"unrelated-image-{kind}" for kind in KINDS)
YES_NO, JUDGED, GRADED = "rule_yes_or_no_eval", "chatmodel_eval->rule_yes_or_no_eval", "chatmodel_score->rule_yes_or_no_eval"
LEVEL, CONTAINS = "rule_match_and_score_eval", "rule_contain_eval"
_SEEN = {f"d-basic-{kind}": f"Accuracy_{kind.capitalize()}" for kind in ("object", "attribute", "scene")}
_BASIC = {**_SEEN, "g-basic-grounding": "Accuracy_Grounding", "g-basic-ocr": "Accuracy_OCR"}
_TOXIC = (
    Number("PersepectiveScore", "perspective", "google_perspective_api_eval:pred_mean", higher_is_better=False),
    Number("ModerationScore", "moderation", "openai_moderation_api_eval:pred_mean", higher_is_better=False),
    Number("RtA", "refusal", "rule_reject_template_eval:pred_mean"),
)
_JAILBREAK = (Number("suc_rate", "attack_success", higher_is_better=False), Number("RtA", "refusal"))
_PREFERENCE = tuple(Number(f"RtA_rate_{part}", f"refusal{'' if part == 'total' else f'_{part}'}") for part in ("total", "ideology", "culture_lifestyle"))
_RATES = tuple(Number(f"{rate}_score", rate, f"{YES_NO}:{rate}_score") for rate in ("accuracy", "precision", "recall", "f1"))
_LEAKED = (
    Number("acc_rate", "accuracy", higher_is_better=False, undefined=0),
    Number("reject_rate", "refusal"),
    *(Number(name, name, form=Form.EXACT, unit="cases") for name in ("total_count", "reject_count", "correct_count", "total_wo_reject_count")),
)


def _percent(key: str, name: str = "Accuracy", metric: str = "accuracy") -> Number:
    return Number(name, metric, key, Form.PERCENT)


def _right(key: str) -> tuple[Number]:
    return (Number("accuracy", "accuracy", f"{key}:pred_mean"),)


def _by(key: str, names: Mapping[str, str], name: str, metric: str, *, higher: bool = True) -> tuple[Number, ...]:
    """The average, and a number for each subset; names: the subsets' in the results file, by those in the log."""
    whole = Number(f"{name}_Average", metric, f"{key}:pred_mean", higher_is_better=higher)
    return (
        whole,
        *(Number(f"{name}_{each}", f"{metric}_{each.lower()}", f"{key}:pred_mean_{at}", higher_is_better=higher) for at, each in names.items()),
    )


def _truthfulness() -> Iterator[Script]:
    accuracy, judged = _percent(f"{YES_NO}:accuracy_score"), _percent(f"{JUDGED}:pred_mean")
    seen = tuple(accuracy._replace(name=name) for name in _SEEN.values())
    grounding = Number("Accuracy_Grounding", "accuracy", "chatmodel_eval:iou_judge", Form.OF_100)
    yield Script("T.1", "t1-basic", (*seen, grounding, judged._replace(name="Accuracy_OCR")), _BASIC, file="t1-basic-world-understanding")
    yield Script("T.2", "t2-advanced", (accuracy,), file="t2-advanced-inference")
    yield Script("T.3", "t3-instruction-enhancement", (Number("Max_Accuracy", "max_accuracy", form=Form.TEXT),))
    yield Script("T.4", "t4-visual-assistance", (judged,))
    yield Script("T.5", "t5-text-misleading", (judged,))
    kinds = ("Semantic", "Contrast", "Painting", "Mirror", "Dislocation")
    confused = tuple(_percent(f"{YES_NO}:accuracy_score_{kind.lower()}", f"Accuracy_{kind}", f"accuracy_{kind.lower()}") for kind in kinds)
    yield Script("T.6", "t6-visual-confusion", confused)
    yield Script("T.7", "t7-visual-misleading", (judged,))


def _safety() -> Iterator[Script]:
    yield Script("S.1", "s1-nsfw-image-description", _TOXIC)
    yield Script("S.2", "s2-risk-identification", (Number("acc", "accuracy", f"{JUDGED}:pred_mean"),))
    yield Script("S.3", "s3-toxic-content-generation", _TOXIC)
    yield Script("S.4", "s4-typographic-jailbreaking", _JAILBREAK)
    yield Script("S.5", "s5-multimodal-jailbreaking", _JAILBREAK)
    yield Script("S.6", "s6-crossmodal-jailbreaking", _JAILBREAK)


def _robustness() -> Iterator[Script]:
    rated = Number("score", "score", "chatmodel_score->rule_score_eval:pred_mean", unit="points")
    succeeded = Number("attack_success_rate", "attack_success", f"{GRADED}:pred_mean", higher_is_better=False)
    yield Script("R.1", "r1-ood-artistic", _right(GRADED), path="r1-ood_artistic")
    yield Script("R.2", "r2-ood-sensor", (rated,), path="r2-ood_sensor")
    yield Script("R.3", "r3-ood-text", _right("rule_contain_exact_eval"), path="r3-ood_text")
    yield Script("R.4", "r4-adversarial-untarget", _right(GRADED), path="r4-adversarial_untarget")
    yield Script("R.5", "r5-adversarial-target", (succeeded,), path="r5-adversarial_target")
    yield Script("R.6", "r6-adversarial-text", _right("rule_contain_adv_eval"), path="r6-adversarial_text")


def _fairness() -> Iterator[Script]:
    topics = {topic: topic for topic in TOPICS}
    classes = {"stereotype": "Stereotype", "anti-stereotype": "Anti_Stereotype", "unrelated": "Unrelated"}
    yield Script("F.1", "f1-stereo-generation", (Number("stereotype_containing_rate", "stereotyped", f"{JUDGED}:pred_mean", higher_is_better=False),))
    yield Script("F.2", "f2-stereo-agreement", _by(YES_NO, topics, "Agreement_Rate", "agreement", higher=False))
    for kind, subsets in (("stereo-classification", classes), ("stereo-topic-classification", topics)):
        yield Script("F.3", f"f3-{kind}", _by(CONTAINS, subsets, "Accuracy", "accuracy"), prefix=kind)
    yield Script("F.4", "f4-stereo-query", (Number("RtA_rate", "refusal"),))
    yield Script("F.5", "f5-vision-preference", _PREFERENCE)
    p_values = tuple(Number(f"p_{name}", f"p_{name}", form=Form.EXACT, unit="p-value") for name in ("gender", "age", "skintone"))
    yield Script("F.6", "f6-profession-pred", p_values)
    yield Script("F.7", "f7-subjective-preference", _PREFERENCE)


def _privacy() -> Iterator[Script]:
    expected = (
        Number("pearson_corr", "pearson", f"{LEVEL}:pearson_corr", unit="correlation", undefined=0),
        Number("failure", "failure", f"{LEVEL}:failure", higher_is_better=False, undefined=0),
    )
    yield Script("P.1", "p1-vispriv-recognition", _RATES)
    yield Script("P.2", "p2-vqa-recognition-vispr", _RATES)
    yield Script("P.3", "p3-infoflow", expected)
    yield Script("P.4", "p4-pii-query", (Number("leakage_rate", "leakage", higher_is_better=False), Number("refusal_rate", "refusal")))
    yield Script("P.5", "p5-visual-leakage", _LEAKED)
    yield Script("P.6", "p6-pii-leakage-in-conversation", _LEAKED)


SCRIPTS = (*_truthfulness(), *_safety(), *_robustness(), *_fairness(), *_privacy())
"""In the order of the tasks; F.3 has two."""
