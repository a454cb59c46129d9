"""The official tasks of MMDT: where the rows of each are published, which of them it takes, what they must hold, and who judges.

Numbers of rows are known from four kinds of evidence: `card`, the listing of the data set or of a preview copy of it; `code`, the public
code; `inferred` from the published results by arithmetic; `sister`, the video version of the benchmark, which has the same tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Literal, NamedTuple

from evaluators.rows import Wanted
from kernel.benchmark import Listed

T2I, I2T = "text_to_image", "image_to_text"
TEXT_TO_IMAGE = "AI-Secure/MMDecodingTrust-T2I"
IMAGE_TO_TEXT = "AI-Secure/MMDecodingTrust-I2T"
ORIGINALS = "alphapav/MMDecodingTrust-T2I-Privacy"
BESIDE = "files beside the data sets"
"""What the public code has in its own folders and the hub has not: the fairness prompts, who is in the pictures, where the street views are."""
REPOSITORIES = {T2I: (TEXT_TO_IMAGE, ORIGINALS, BESIDE), I2T: (IMAGE_TO_TEXT, BESIDE)}
"""The data sets of a modality, the main one first."""
GATED = (IMAGE_TO_TEXT,)

SEEN = ("identification", "attribute", "spatial", "count")
ASKED = (*SEEN, "action")
CO_OCCURRENCE = ("high_cooc", "low_cooc", "historical_bias")
STREET_VIEWS = {
    "Pri-SV-with-text": "single_image_text",
    "Pri-SV-without-text": "single_image_no_text",
    "Pri-4Loc-SV-with-text": "group_image_text",
    "Pri-4Loc-SV-without-text": "group_image_no_text",
}
STYLES = ("Van_Gogh", "oil_painting", "watercolour_painting")
CORRUPTIONS = ("gaussian_noise", "zoom_blur", "pixelate")
INDIVIDUAL = {"occupation": ("gender", "race", "age"), "education": ("gender", "race"), "activity": ("sex",)}
"""Attributes that individual fairness compares, by what the person in the prompt is or does."""


class Known(NamedTuple):
    """A number of rows, and what tells it."""

    rows: int
    by: Literal["card", "code", "inferred", "sister"]


@dataclass(frozen=True, slots=True)
class Source:
    """A split, and the fields that a row of it must have. picture: the field that holds the picture, if there is one."""

    repository: str
    config: str
    split: str
    fields: tuple[str, ...]
    picture: str = ""
    wanted: Wanted | None = None
    """The rows that a task takes; `None`: all."""
    known: Known | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """A task of the public code. sources: what is asked, one after another; beside: what is only needed to judge. roles: who judges.

    scored: whether the public code has a score for it.
    """

    perspective: str
    modality: str
    scenario: str
    task: str
    sources: tuple[Source, ...]
    roles: tuple[str, ...] = ()
    beside: tuple[Source, ...] = ()
    scored: bool = True

    @property
    def name(self) -> str:
        """What a suite calls it: the evaluator, and what tells the task from the others of it."""
        return "/".join(filter(None, (f"mmdt.{self.perspective}.{self.modality}", self.scenario.lower(), self.task.lower())))

    @property
    def rows(self) -> int | None:
        """How many rows it has, where that is known of all its sources."""
        known = [each.known for each in self.sources]
        return sum(each.rows for each in known if each) if all(known) else None


def _task(name: str) -> Wanted:
    return Wanted("task", name)


def _safety() -> Iterator[Task]:
    for scenario in ("vanilla", "transformed", "jailbreak"):
        yield Task("safety", T2I, scenario, "", (Source(TEXT_TO_IMAGE, "safety", scenario, ("prompt", "task")),), ("judge",))
    for scenario in ("typography", "illustration", "jailbreak"):
        source = Source(IMAGE_TO_TEXT, "safety", scenario, ("prompts", "scenario"), "image", known=Known(330, "card"))
        yield Task("safety", I2T, scenario, "", (source,), ("judge", "refusal"))


PAINTED: dict[str, dict[str, tuple[str, ...]]] = {
    "natural": {"identification": ("objects",), "attribute": ("checking_question",), "spatial": ("objects", "relations"), "count": ("objects",)},
    "counterfactual": {"identification": ("visible_objects", "absent_objects")},
    "misleading": {
        "identification": ("object",),
        "attribute": ("object", "attribute"),
        "spatial": ("object", "relation_object", "spatial_relation"),
        "count": ("object", "number"),
    },
    "high_cooc": {
        "identification": ("concept1", "concept2"),
        "attribute": ("target",),
        "spatial": ("concept1", "concept2", "target"),
        "count": ("object", "target"),
    },
    "low_cooc": {"count": ("object", "count")},
    "historical_bias": {"identification": ("target", "label"), "attribute": ("target", "label")},
}
"""Fields that judge a made picture, by scenario and task, beside `task` and `prompt`."""
PAINTED["distraction"] = PAINTED["natural"]
PAINTED["counterfactual"] = PAINTED["natural"] | PAINTED["counterfactual"]
PAINTED["low_cooc"] = PAINTED["high_cooc"] | PAINTED["low_cooc"]
PAINTED["historical_bias"] = PAINTED["high_cooc"] | PAINTED["historical_bias"]


def _hallucination_painted() -> Iterator[Task]:
    def source(split: str, task: str, fields: tuple[str, ...], known: Known | None) -> Source:
        return Source(TEXT_TO_IMAGE, "hallucination", split, ("task", "prompt", *fields), wanted=_task(task), known=known)

    known = Known(125, "inferred")
    for scenario, task in product(("natural", "distraction", "counterfactual", "misleading"), SEEN):
        ident = () if scenario == "misleading" else ("id",)
        sources = (source(scenario, task, (*ident, *PAINTED[scenario][task]), known),)
        yield Task("hallucination", T2I, scenario, task, sources, _who_sees(task))
    for task in ("complex", "contradictory", "distortion", "misleading"):
        yield Task("hallucination", T2I, "ocr", task, (source("ocr", task, ("keyword", "id"), known),), ("ocr",))
    for task in SEEN:
        parts = tuple(source(f"cooccurrence_{part}", task, PAINTED[part][task], None) for part in CO_OCCURRENCE)
        yield Task("hallucination", T2I, "cooccurrence", task, parts, _who_sees(task))


def _who_sees(task: str) -> tuple[str, ...]:
    return ("vqa",) if task in {"attribute", "color"} else ("detector",)


def _hallucination_answered() -> Iterator[Task]:
    def source(split: str, task: str, fields: tuple[str, ...], known: Known | None) -> Source:
        return Source(IMAGE_TO_TEXT, "hallucination", split, ("task", "question", *fields), "image", _task(task), known)

    hundred, more = Known(100, "inferred"), Known(125, "inferred")
    for scenario, tasks in (("natural", ASKED), ("distraction", ASKED), ("counterfactual", SEEN)):
        for task in tasks:
            sources = (source(scenario, task, ("id", "answer"), more if scenario == "counterfactual" else hundred),)
            yield Task("hallucination", I2T, scenario, task, sources, () if task == "spatial" else ("judge",))
    for task in ASKED:
        yield Task("hallucination", I2T, "misleading", task, (source("misleading", task, ("id", "keyword"), hundred),))
    for task in ("contradictory", "cooccur", "doc", "scene"):
        yield Task("hallucination", I2T, "ocr", task, (source("ocr", task, ("id", "keyword"), more),))
    few = {"action": {"high_cooc": 16, "low_cooc": 15, "historical_bias": 7}, "identification": {"historical_bias": 15}}
    for task in ASKED:
        rows = {"historical_bias": 7, **few.get(task, {})}
        known = {part: Known(rows[part], "inferred") if part in rows else None for part in CO_OCCURRENCE}
        parts = tuple(source(f"cooccurrence_{part}", task, ("target", "label"), known[part]) for part in CO_OCCURRENCE)
        yield Task("hallucination", I2T, "cooccurrence", task, parts)


def _fairness() -> Iterator[Task]:
    def prompts(split: str, fields: tuple[str, ...], known: int | None) -> tuple[Source]:
        return (Source(BESIDE, "fairness", split, ("fairness", *fields, "prompt"), known=Known(known, "sister") if known else None),)

    stereotypes = prompts("social_stereotype", ("domain", "details", "sensitive_attr"), 564)
    yield Task("fairness", T2I, "social_stereotype", "", stereotypes, ("face",))
    attributes = ("demographic attribute", "demographic attribute 1", "demographic attribute 2", "system_type", "details")
    for task, known in (("hiring", 320), ("finance", 64), ("education", 96)):
        yield Task("fairness", T2I, "decision_making", task, prompts(task, attributes, known), ("face",))
    yield Task("fairness", T2I, "overkill", "", prompts("overkill", ("details", "race", "race2", "gender"), 138), ("face",))
    for domain, compared in INDIVIDUAL.items():
        for attribute in compared:
            yield Task("fairness", T2I, "individual", f"{domain}/{attribute}", prompts("individual", (), None), ("clip",))

    people = Source(BESIDE, "fairness", "individual_people", ("name", "gender", "race", "age"), known=Known(32, "code"))
    yield Task("fairness", I2T, "individual", "", (Source(IMAGE_TO_TEXT, "fairness", "individual", (), "image", known=people.known),), beside=(people,))
    for scenario, task in (("social_stereotype", ""), *(("decision_making", each) for each in ("hiring", "finance", "education")), ("overkill", "")):
        yield Task("fairness", I2T, scenario, task, (Source(IMAGE_TO_TEXT, "fairness", task or scenario, (), "image"),), scored=False)


def _privacy() -> Iterator[Task]:
    originals = Source(ORIGINALS, "privacy", "laion_1k", ("idx", "prompt"), "image", known=Known(994, "card"))
    prompts = Source(TEXT_TO_IMAGE, "privacy", "laion_1k", ("idx", "prompt"))
    yield Task("privacy", T2I, "training", "laion_1k", (prompts,), ("clip",), (originals,))
    places = Source(BESIDE, "privacy", "label_sum", ("image_index", "country", "state_province", "city", "zipcode"), known=Known(456, "code"))
    for task, kind in STREET_VIEWS.items():
        views = Source(IMAGE_TO_TEXT, "privacy", "street_view", ("id", "type_street_view"), "image", Wanted("type_street_view", kind))
        yield Task("privacy", I2T, "location", task, (views,), beside=(places,))
    selfies = Source(IMAGE_TO_TEXT, "privacy", "selfies", ("id", "ethnicity", "label_selfies"), "image", known=Known(435, "card"))
    yield Task("privacy", I2T, "pii", "Selfies", (selfies,))


def _adversarial() -> Iterator[Task]:
    painted = {"object": (), "attribute": ("object",), "spatial": ("object_a", "object_b")}
    for task, fields in painted.items():
        yield Task("adversarial", T2I, "", task, (Source(TEXT_TO_IMAGE, "adv", task, ("id", "adv_prompt", "origin_word", "label", *fields)),), _who_sees(task))
    answered = {
        "object": (("origin_object",), 1064),
        "attribute": (("object", "origin_attribute"), 607),
        "spatial": (("object_a", "object_b", "origin_relation"), 277),
    }
    for task, (fields, rows) in answered.items():
        yield Task("adversarial", I2T, "", task, (Source(IMAGE_TO_TEXT, "adv", task, ("id", *fields, "label"), "image", known=Known(rows, "card")),))


def _out_of_distribution() -> Iterator[Task]:
    common = ("id", "task", "meta_prompt", "vanilla_prompt")
    for scenario, task in product(("Shake_", "Paraphrase_"), ("helpfulness", "count", "spatial", "color", "size")):
        source = Source(TEXT_TO_IMAGE, "ood", scenario, common if task == "helpfulness" else (*common, "objects"), wanted=_task(task))
        original = Source(TEXT_TO_IMAGE, "ood", "original", ("id", "task", "meta_prompt"), wanted=_task(task))
        helps = task == "helpfulness"
        yield Task("ood", T2I, scenario, task, (source,), ("clip",) if helps else _who_sees(task), (original,) if helps else ())
    for scenario, task in product((*STYLES, *CORRUPTIONS), ("identification", "count", "spatial", "attribute")):
        source = Source(IMAGE_TO_TEXT, "ood", scenario, ("img_id", "task", "question", "answer"), "image", _task(task))
        yield Task("ood", I2T, scenario, task, (source,), ("judge",))


TASKS = (
    *_safety(),
    *_hallucination_painted(),
    *_hallucination_answered(),
    *_fairness(),
    *_privacy(),
    *_adversarial(),
    *_out_of_distribution(),
)
"""Every task of the public code, in its order of perspectives."""


def listed(data: str = "") -> Iterator[Listed]:
    """Every task with what is here of its data. A number of rows is counted where the data is here, else what is known of it."""
    from evaluators.mmdt.data import open_data  # noqa: PLC0415  # which knows this table

    opened = open_data(data)
    for each in TASKS:
        missing = opened.missing(each)
        yield Listed(
            task=each.name,
            perspective=each.perspective,
            asks=each.modality,
            scenario=each.scenario,
            name=each.task,
            rows=each.rows if missing else sum(map(opened.count, each.sources)),
            roles=each.roles,
            missing=tuple(missing),
        )
