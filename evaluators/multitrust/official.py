"""The official runs of MultiTrust: every data set that a model is asked, where its rows and pictures are published, how it is asked and judged.

A run is one data set in one condition, by the name that the public code gives it, spelt as there. Numbers of rows are those of the release.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any, Literal, Self

from evaluators.measures.reference import Counting
from evaluators.multitrust.official_files import ADVANCED, SENSORS, STYLES
from kernel.benchmark import Listed

NAME = "thu-ml/MultiTrust"
EXAMINED = "84dc74754959e9f52b67c5185700f4f7fcd8c4df"
"""The commit whose rows and files were counted for this table."""

Condition = Literal["given", "text", "relevant", "color", "noise", "nature", "irrelevant"]
"""What stands beside the words: the picture that the question is about; none; one that fits the words; one that has nothing to do with them."""
KINDS: tuple[Condition, ...] = ("color", "nature", "noise")
"""Kinds of pictures that have nothing to do with the words; `irrelevant` is all of them in one run."""
DRAWN_BY_PAPER = 3
DRAWN_FOR_JAILBREAKS = 3
"""Pictures of each kind for a text of S.6, in either way of counting."""
TRUNCATED = 10
"""What the public code leaves of a run of S.6."""
POOL = "unrelated_images"
FONT = "fonts/FreeMonoBold.ttf"
VIZWIZ_QUESTIONS = "privacy/vizwiz-priv/Annotations/Vizwiz-Priv-QA-Private.json"

TASKS: Mapping[str, str] = {
    "T.1": "Basic World Understanding", "T.2": "Advanced Cognitive Inference", "T.3": "VQA under Instruction Enhancement",
    "T.4": "QA under Visual Assistance", "T.5": "Text Misleading VQA", "T.6": "Visual Confusion VQA", "T.7": "Visual Misleading QA",
    "S.1": "NSFW Image Description", "S.2": "Risk Identification", "S.3": "Toxic Content Generation", "S.4": "Plain Typographic Jailbreaking",
    "S.5": "Optimized Multimodal Jailbreaking", "S.6": "Cross-modal Influence on Jailbreaking",
    "R.1": "Image Captioning for Stylized Images", "R.2": "VQA for Sensor Style Images", "R.3": "Sentiment Analysis for OOD Texts",
    "R.4": "Image Captioning under Untarget Attack", "R.5": "Image Captioning under Target Attack", "R.6": "Textual Adversarial Attack",
    "F.1": "Stereotypical Content Generation", "F.2": "Agreement on Stereotypes", "F.3": "Classification of Stereotypes",
    "F.4": "Stereotype Query Test", "F.5": "Visual Preference Selection", "F.6": "Profession Competence Prediction",
    "F.7": "Preference Selection in QA",
    "P.1": "Visual Privacy Recognition", "P.2": "Privacy-Sensitive VQA Recognition", "P.3": "InfoFlow Expectation",
    "P.4": "PII Query with Visual Cues", "P.5": "Privacy Leakage in Vision", "P.6": "PII Leakage in Conversations",
}  # fmt: skip
"""The tasks by code, with the names that the paper gives them."""
ASPECTS: Mapping[str, str] = {"T": "truthfulness", "S": "safety", "R": "robustness", "F": "fairness", "P": "privacy"}

YES_NO, JUDGED = ("rule_yes_or_no_eval",), ("chatmodel_eval->rule_yes_or_no_eval",)
HARM = ("google_perspective_api_eval", "openai_moderation_api_eval", "rule_reject_template_eval")
JAILBREAK = ("harmbenchmodel_eval", "rule_reject_template_eval")
REFUSAL = ("rule_reject_template_eval", "classifer_reject_eval")
LEAKAGE = (*REFUSAL, "rule_contain_eval")
RATED = ("chatmodel_score->rule_yes_or_no_eval",)
ASKED_OF: Mapping[str, str] = {
    "chatmodel": "judge", "google": "toxicity", "openai": "moderation", "harmbenchmodel": "harmbench", "classifer": "refusal",
}  # fmt: skip
"""Who plays a step of a chain, by the beginning of its name; the other steps are rules."""


@dataclass(frozen=True, slots=True)
class Run:
    """One data set in one condition. rows: calls at one picture of each kind for a text; tokens: at most in a reply.

    queries, images: below the data's folder; no query where the pictures alone are asked about. chains: steps of judging, with arrows between.
    """

    task: str
    dataset: str
    condition: Condition
    rows: int
    tokens: int
    chains: tuple[str, ...]
    images: str
    queries: tuple[str, ...] = ()
    paper_tokens: int | None = None
    """Where the published numbers were made with another limit."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Whatever else tells it from the other runs of its task."""

    @property
    def aspect(self) -> str:
        """One of the five."""
        return ASPECTS[self.task[0]]

    @property
    def name(self) -> str:
        """What a suite calls it."""
        return f"multitrust.{self.aspect}/{self.dataset}"

    @property
    def unrelated(self) -> bool:
        """Whether its pictures come from the pool that all tasks share."""
        return self.condition in (*KINDS, "irrelevant")

    @property
    def roles(self) -> tuple[str, ...]:
        """Who judges."""
        steps = [step for chain in self.chains for step in chain.split("->")]
        return tuple(dict.fromkeys(role for step in steps for begins, role in ASKED_OF.items() if step.startswith(begins)))

    def calls(self, counting: Counting, k: int = 1) -> int:
        """How many times the model is asked. k: pictures of each unrelated kind for a text, in `corrected`."""
        if self.task == "S.6":
            return min(self.rows, TRUNCATED) if counting == "reference" else self.rows
        return self.rows * drawn_for(self, counting, k) if self.unrelated else self.rows

    def varied(self, **options: Any) -> Self:
        """The run with other options: `forced` of P.3, `force` of F.5, `data_type_id` of P.4."""
        return replace(self, options={**self.options, **options})

    def limit(self, counting: Counting) -> int:
        """The most tokens of a reply."""
        return self.paper_tokens or self.tokens if counting == "paper" else self.tokens


def drawn_for(run: Run, counting: Counting, k: int) -> int:
    """How many pictures of each unrelated kind a text of a run is asked with."""
    if run.task == "S.6":
        return DRAWN_FOR_JAILBREAKS
    return {"paper": DRAWN_BY_PAPER, "reference": 1, "corrected": k}[counting]


CROSS_MODAL: Mapping[str, Condition] = {
    "text": "text", "image": "relevant", "unrelated-image-color": "color", "unrelated-image-nature": "nature", "unrelated-image-noise": "noise",
}  # fmt: skip
"""Conditions by what the names of most cross-modal data sets end in."""


def _truthfulness() -> Iterator[Run]:
    def basic(name: str, part: str, query: str, rows: int, chains: tuple[str, ...]) -> Run:
        return Run("T.1", name, "given", rows, 100, chains, f"truthfulness/basic_images/{part}", (f"truthfulness/query_basic/{query}.json",))

    yield basic("d-basic-object", "object", "query_d_existence", 250, YES_NO)
    yield basic("d-basic-attribute", "attribute", "query_d_attribute", 200, YES_NO)
    yield basic("d-basic-scene", "scene", "query_d_scene", 400, YES_NO)
    yield basic("g-basic-grounding", "grounding", "query_g_grounding", 50, ("chatmodel_eval",))
    yield basic("g-basic-ocr", "ocr", "query_g_ocr", 100, JUDGED)
    for kind, rows in ADVANCED.items():
        query = f"truthfulness/query_advanced/query_d_{kind}.json"
        yield Run("T.2", f"advanced-{kind}", "given", rows, 100, YES_NO, f"truthfulness/advanced_images/{kind}", (query,))
    for kind, rows in (("factual", 100), ("logic", 40)):
        query = f"truthfulness/query_instruction/query_g_{kind}.json"
        images = f"truthfulness/instruction_images/{kind}"
        yield Run("T.3", f"instruction-enhancement-{kind}", "given", 3 * rows, 500, JUDGED, images, (query,), options={"kind": kind})
    assistance, texts = ("truthfulness/query_text/query_g_assistance.json",), "truthfulness/text_images"
    for ending, condition in CROSS_MODAL.items():
        yield Run("T.4", f"visual-assistance-{ending}", condition, 100, 100, JUDGED, f"{texts}/assistance", assistance)
    misled, query = "truthfulness/misleading_images", "truthfulness/query_misleading"
    yield Run("T.5", "g-text-misleading", "given", 100, 100, JUDGED, f"{misled}/mistext", (f"{query}/query_g_mistext.json",))
    yield Run("T.6", "d-mis-visual-confusion", "given", 300, 100, YES_NO, misled, (f"{query}/query_d_confusion.json",))
    beside: dict[str, Condition] = {"none": "text", "assistance": "relevant", "misvisual": "relevant"}
    for ending, condition in (beside | {f"unrelated-image-{kind}": kind for kind in KINDS}).items():
        images = f"{texts}/{'misvisual' if ending == 'misvisual' else 'assistance'}"
        yield Run("T.7", f"g-text-{ending}", condition, 100, 100, JUDGED, images, assistance)


def _safety() -> Iterator[Run]:
    yield Run("S.1", "nsfw-image-description", "given", 500, 150, HARM, "safety/nsfw", paper_tokens=128)
    yield Run("S.2", "object-detection", "given", 300, 150, JUDGED, "safety/risk_identification")
    yield Run("S.2", "risk-analysis", "given", 200, 150, JUDGED, "safety/risk_identification")
    toxic, query = "safety/real_toxicity_prompt/images", ("safety/real_toxicity_prompt/prompts_select.json",)
    yield Run("S.3", "toxicity-prompt-text", "text", 80, 512, HARM, toxic, query)
    yield Run("S.3", "toxicity-prompt-unrelated", "irrelevant", 240, 512, HARM, toxic, query)
    yield Run("S.3", "toxicity-prompt-image", "relevant", 80, 512, HARM, toxic, query)
    drawn = "safety/typographic_jailbreak"
    for part in ("prompt-and-behavior", "prompt", "behavior"):
        name = f"{part.replace('-', '_')}_graph"
        yield Run("S.4", f"typographic-{part}", "given", 200, 512, JAILBREAK, f"{drawn}/{name}", (f"{drawn}/{name}.csv",))
    yield Run("S.5", "opimized-jailbreak-graphic", "given", 100, 512, JAILBREAK, f"{drawn}/behavior_graph", (f"{drawn}/behavior_graph.csv",))
    bench, safe = "safety/mm-safety-bench-selected", "safety/SafeBench_selected"
    yield Run("S.5", "mm-safety-bench", "given", 168, 512, JAILBREAK, bench, (f"{bench}/mm-safety-bench-selected.json",))
    yield Run("S.5", "safebench", "given", 200, 512, JAILBREAK, safe, (f"{safe}/safebench_selected.csv",))
    crossed = "safety/crossmodal-jailbreak"
    beside: dict[str, Condition] = {"text": "text", "unrelated": "irrelevant", "pos": "relevant", "neg": "relevant"}
    for part, condition in beside.items():
        rows = 50 if part == "text" else 450
        images = f"{crossed}/jailbreak_{'neg' if part == 'neg' else 'pos'}"
        yield Run("S.6", f"crossmodal-jailbreak-{part}", condition, rows, 512, JAILBREAK, images, (f"{crossed}/text_jailbreak.csv",))


def _robustness() -> Iterator[Run]:
    for style in STYLES:
        query = f"robustness/ood-artistic/label/{style}.json"
        yield Run("R.1", f"coco-o-{style}", "given", 100, 300, RATED, "robustness/ood-artistic/source", (query,))
    for sensor, rows in SENSORS.items():
        query = f"robustness/ood-sensor/label/{sensor}.json"
        yield Run("R.2", f"benchlmm-{sensor}", "given", rows, 200, ("chatmodel_score->rule_score_eval",), "robustness/ood-sensor/source", (query,))
    related = {"related-image" if ending == "image" else ending: condition for ending, condition in CROSS_MODAL.items()}
    for ending, condition in related.items():
        texts = "robustness/ood-text"
        yield Run("R.3", f"dt-{ending}", condition, 1000, 200, ("rule_contain_exact_eval",), f"{texts}/related", (f"{texts}/label.json",))
    for task, part in (("R.4", "clean"), ("R.4", "untarget"), ("R.5", "target")):
        yield Run(task, f"adv-{part}", "given", 100, 300, RATED, f"robustness/adv_nips/source/{part}", ("robustness/adv_nips/label.json",))
    for (dataset, rows), (ending, condition) in product((("advglue", 738), ("advglue-plus", 600)), related.items()):
        place = f"robustness/{dataset.replace('-', '_')}"
        yield Run("R.6", f"{dataset}-{ending}", condition, rows, 200, ("rule_contain_adv_eval",), f"{place}/related", (f"{place}/label.json",))


def _fairness() -> Iterator[Run]:
    yield Run("F.1", "stereo-generation", "given", 100, 100, JUDGED, "fairness/stereo_generation_images", paper_tokens=200)
    statements, contained = ("fairness/stereo_statement.csv",), ("rule_contain_eval",)
    parts = (
        ("F.2", "stereo-agreement", 261, YES_NO, "fairness/stereo_images", statements),
        ("F.3", "stereo-classification", 300, contained, "fairness/stereo_classification_images", ("fairness/stereo_classification.csv",)),
        ("F.3", "stereo-topic-classification", 261, contained, "fairness/stereo_images", statements),
        ("F.4", "stereo-query", 95, REFUSAL, "fairness/stereo_query_images", ("fairness/stereo_query.csv",)),
    )
    for (task, name, rows, chains, images, query), (ending, condition) in product(parts, CROSS_MODAL.items()):
        yield Run(task, f"{name}-{ending}", condition, rows, 100, chains, images, query)
    preferences = ("fairness/preference.json",)
    seen, shown = "fairness/vision_subjective_choice_images", "fairness/subjective_choice_images"
    yield Run("F.5", "vision-preference", "given", 120, 100, REFUSAL, seen, preferences, options={"force": False})
    people = ("fairness/profess_prediction.csv",)
    for name in ("profession-pred", "profession-pred-with-description"):
        described = {"described": name.endswith("description")}
        yield Run("F.6", name, "given", 313, 100, YES_NO, "fairness/profession_images", people, options=described)
    for block, (ending, condition) in product(("plain", "force"), CROSS_MODAL.items()):
        name = f"subjective-preference-{block}-{ending}"
        yield Run("F.7", name, condition, 120, 100, REFUSAL, shown, preferences, options={"force": block == "force"})


def _privacy() -> Iterator[Run]:
    vispr, vizwiz, images = "privacy/vispr", "privacy/vizwiz-priv", "privacy/vispr/test2017"
    yield Run("P.1", "vispr-recognition", "given", 500, 50, YES_NO, images, (f"{vispr}/sampled_vispr_test2017.jsonl",))
    filled = f"{vizwiz}/Filling_Images"
    yield Run("P.1", "vizwiz-recognition", "given", 800, 50, YES_NO, filled, (f"{vizwiz}/Annotations/Vizwiz-Priv-Recognition.json",))
    yield Run("P.2", "vispr-recognition-pri-query", "given", 434, 50, YES_NO, images, (f"{vispr}/vispr_question_gpt4_generated_chosen.json",))
    flows = ("privacy/confaide/prompts.txt", "privacy/confaide/labels.txt")
    for ending, condition in CROSS_MODAL.items():
        scored = ("rule_match_and_score_eval",)
        yield Run("P.3", f"confaide-{ending}", condition, 98, 50, scored, "privacy/confaide/imgs", flows, 150, {"forced": True})
    chains = (*REFUSAL, "classifer_follow_instruction_eval")
    for wanted, named, employed in product(("email", "phone", "address"), (True, False), (True, False)):
        asked = f"personal-{wanted}-{'name' if named else 'wo-name'}-{'occupation' if employed else 'wo-occupation'}"
        options = {"data_type_id": asked}
        yield Run("P.4", f"celebrities-{asked}", "given", 100, 200, chains, "privacy/celeb/imgs", ("privacy/celeb/celebrities.csv",), options=options)
    for name in ("vispr-leakage", "vispr-leakage-protected"):
        leaks, protected = (f"{vispr}/categorized/image_annotations.json",), {"protected": name.endswith("protected")}
        yield Run("P.5", name, "given", 195, 150, LEAKAGE, f"{vispr}/categorized", leaks, options=protected)
    emails = ("privacy/enron-email/five_shot.json",)
    for ending, condition in CROSS_MODAL.items():
        for shown in ("oneinfo", "typeinfo", "allinfo") if condition == "relevant" else ("",):
            name = "-".join(filter(None, ("enron-email", ending, shown)))
            yield Run("P.6", name, condition, 100, 150, LEAKAGE, "", emails, options={"shown": shown})


RUNS = (*_truthfulness(), *_safety(), *_robustness(), *_fairness(), *_privacy())
"""Every run that the public scripts make for a model, in the order of the tasks."""
OPTIONAL = tuple(
    Run("P.2", name, "given", 639, 50, YES_NO, f"privacy/vizwiz-priv/{images}", (VIZWIZ_QUESTIONS,), options={"outlined": outlined})
    for name, images, outlined in (
        ("vizwiz-recognition-pri-query", "Filling_Images", False),
        ("vizwiz-drawline-recognition-pri-query", "Image_draw_line", True),
    )
)
"""Runs that the public code can make and no script of it does."""
BY_DATASET: Mapping[str, Run] = {run.dataset: run for run in (*RUNS, *OPTIONAL)}


def listed(data: str = "") -> Iterator[Listed]:
    """Every run with what is here of its data."""
    from evaluators.multitrust.data import open_data  # noqa: PLC0415  # which knows this table

    opened = open_data(data)
    for run in RUNS:
        missing = opened.missing(run)
        rows = run.rows if missing else opened.count(run)
        yield Listed(
            task=run.name,
            perspective=run.aspect,
            asks="image_to_text",
            scenario=run.task,
            name=run.dataset,
            rows=rows,
            roles=run.roles,
            missing=tuple(missing),
        )
