"""What the public code's loaders of MultiTrust, and its makers of pictures, gave for recorded trees of files.

The tree is written anew from what was recorded of it, and read in `reference` mode by the loaders that read the release. Where only a number of
rows was recorded, the rows are numbered. Paths begin with `data/`, as there.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from evaluators.measures.reference import Crash
from evaluators.multitrust.loaders.conversations import ALPHABETS, FUSED
from evaluators.multitrust.loaders.loading import Loading, Sample, pool
from evaluators.multitrust.official import BY_DATASET, KINDS, POOL, Run
from evaluators.multitrust.pictures import Lettering, colour, file_name, noise
from evaluators.multitrust.recorded_trees import TREES
from evaluators.multitrust.tree_files import put

Tell = Callable[[Sequence[Sample], Any], Any]

VARIED: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "celebrities address-wo-name-occupation": ("celebrities-personal-email-name-occupation", {"data_type_id": "address-wo-name-occupation"}),
    "celebrities personal-email-name-occupation": ("celebrities-personal-email-name-occupation", {}),
    "celebrities personal-phone-wo-name-wo-occupation": ("celebrities-personal-phone-wo-name-wo-occupation", {}),
    "vision-preference force_prompt=False": ("vision-preference", {"force": False}),
    "vision-preference force_prompt=True": ("vision-preference", {"force": True}),
}
"""Recorded runs whose names are not those of the scored ones: the run that they are like, and the options that differ."""


def _run(name: str) -> Run:
    like, options = VARIED.get(name, (name, {}))
    return replace(BY_DATASET[like], dataset=name).varied(**options)


def answered(name: str, tell: Tell, given: Any) -> Any:
    """What a loader gives for a recorded tree."""
    from evaluators.multitrust.data import LOADERS  # noqa: PLC0415  # which knows the loaders

    run = _run(name)
    with tempfile.TemporaryDirectory(prefix="assay-multitrust-") as made:
        root = Path(made)
        for kind in KINDS:
            for number in range(1, 11):
                put(root / POOL / f"{kind}_{number}.png")
        try:
            TREES[run.task](root, run, given)
            return tell(list(LOADERS[run.task](Loading(root, run, "reference"))), given)
        except Crash as crash:
            return {"error": crash.error}


def _kind(sample: Sample) -> str:
    return "ImageTxtSample" if sample.pictured else "TxtSample"


def _one(sample: Sample, contains: Sequence[str] = ()) -> dict[str, Any]:
    """A sample as it is recorded; of a picture that is drawn by lot, only that there is one."""
    told = {"kind": _kind(sample), "target": sample.target, "extra": sample.extra}
    if sample.image and not sample.drawn:
        told["image"] = f"data/{sample.image}"
    if contains:
        told["prompt_contains"] = {part: part in sample.text for part in contains}
    return told


def _each(samples: Sequence[Sample], _given: Any) -> list[dict[str, Any]]:
    return [_one(sample) for sample in samples]


def _existence(samples: Sequence[Sample], _given: Any) -> list[dict[str, Any]]:
    return [_one(sample, ("Is there a",)) for sample in samples]


def _behaviours(samples: Sequence[Sample], _given: Any) -> list[dict[str, Any]]:
    return [_one(sample, ("describe a harmless act", "JB")) for sample in samples]


def _people(samples: Sequence[Sample], given: Any) -> list[dict[str, Any]]:
    contains = (given["csv"][0][0], "actress", "her", "his", "personal", "email address", "phone number", "home address")
    return [_one(sample, contains) for sample in samples]


def _worded(samples: Sequence[Sample], _given: Any) -> list[dict[str, Any]]:
    return [_one(sample) | {"text": sample.text} for sample in samples]


def _placed(samples: Sequence[Sample], _given: Any) -> list[dict[str, Any]]:
    return [{"image": f"data/{sample.image}" if sample.image else None, "target": sample.target} for sample in samples]


def _number(samples: Sequence[Sample], _given: Any) -> dict[str, Any]:
    return {"n": len(samples)}


def _targets(samples: Sequence[Sample], given: Any) -> dict[str, Any]:
    return _number(samples, given) | {"targets": [sample.target for sample in samples]}


def _crossed(samples: Sequence[Sample], given: Any) -> dict[str, Any]:
    return _targets(samples, given) | {"kinds": sorted({_kind(sample) for sample in samples})}


def _risks(samples: Sequence[Sample], given: Any) -> dict[str, Any]:
    return {
        "n": len(samples),
        "n_by_class": {name: sum(sample.facts["category"] == name for sample in samples) for name in given["folders"]},
        "extra_keys": sorted({key for sample in samples for key in sample.extra or {}}),
        "question_equals_prompt": all((sample.extra or {})["QUESTION"] == sample.text for sample in samples),
    }


def _continued(samples: Sequence[Sample], _given: Any) -> dict[str, Any]:
    drawn = [sample.drawn["kind"] for sample in samples[:3] if sample.drawn]
    eleventh = samples[10] if len(samples) > 10 else None
    return {
        "n": len(samples),
        "first": _one(samples[0]),
        "eleventh_image": f"data/{eleventh.image}" if eleventh and eleventh.image and not eleventh.drawn else None,
        "pool_types_of_first_three": drawn or None,
    }


def _preferred(samples: Sequence[Sample], _given: Any) -> dict[str, Any]:
    return {
        "n": len(samples),
        "kinds": sorted({_kind(sample) for sample in samples}),
        "first_text": samples[0].text,
        "last_text": samples[-1].text,
        "n_ideology": sum((sample.extra or {})["subset"] == "ideology" for sample in samples),
    }


def _conversations(samples: Sequence[Sample], _given: Any) -> dict[str, Any]:
    kinds = list(dict.fromkeys(sample.facts["kind"] for sample in samples))
    return {
        "n": len(samples),
        "n_per_type": len(samples) // len(kinds),
        "target_is_list": all(isinstance(sample.target, list) for sample in samples),
        "format_ok": {kind: all(_made_up(kind, value) for sample in samples if sample.facts["kind"] == kind for value in sample.target) for kind in kinds},
        "gt_in_prompt": all(value in sample.text for sample in samples for value in sample.target),
    }


def _made_up(kind: str, value: str) -> bool:
    """Whether a detail has the length and the characters of its kind."""
    if kind in ALPHABETS:
        letters, length = ALPHABETS[kind]
        return len(value) == length and set(value) <= set(letters)
    return value in FUSED if kind == "address" else "@" in value


def _pool(kind: str, given: Any) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="assay-multitrust-") as made:
        root = Path(made)
        for name in given["files"]:
            put(root / POOL / name)
        return [f"data/{path}" for path in pool(root, kind)]


def _lettered(given: Any) -> dict[str, Any]:
    words = Lettering.of(given["text"], Path(f"{given['font'].replace(' Sans Mono ', 'SansMono-')}.ttf"), given["font_size"], given["max_width"])
    return {"wrapped": words.text, "lines": words.counted, "image_size": list(words.picture(given["max_width"]).size)}


def _pixels(given: Any) -> list[list[list[int]]]:
    made: list[list[list[int]]] = np.asarray(noise(tuple(given["size"]), Random(given["python_random_seed"]))).tolist()
    return made


def _filled(given: Any) -> list[int]:
    picture = colour(tuple(given["size"]), Random(given["python_random_seed"]))
    return list(np.asarray(picture)[0, 0].tolist())


TOLD: Mapping[str, Tell] = {
    "T.1": _each, "T.2": _each, "T.3": _each, "T.4": _each, "T.5": _each, "T.6": _each, "T.7": _each,
    "S.1": _number, "S.2": _risks, "S.3": _continued, "S.4": _behaviours, "S.5": _each, "S.6": _crossed,
    "R.1": _each, "R.2": _worded, "R.3": _each, "R.4": _each, "R.5": _each, "R.6": _each,
    "F.1": _targets, "F.2": _each, "F.3": _each, "F.4": _number, "F.5": _each, "F.6": _each, "F.7": _preferred,
    "P.1": _each, "P.2": _each, "P.3": _placed, "P.4": _people, "P.5": _each, "P.6": _conversations,
}  # fmt: skip
"""What is recorded of the samples of a task."""
RECORDED = (
    "d-basic-attribute", "d-basic-object", "d-basic-scene", "g-basic-grounding", "g-basic-ocr", "advanced-math",
    "instruction-enhancement-factual", "instruction-enhancement-logic", "visual-assistance-image", "visual-assistance-text",
    "visual-assistance-unrelated-image-color", "g-text-misleading", "d-mis-visual-confusion", "g-text-assistance", "g-text-misvisual", "g-text-none",
    "nsfw-image-description", "object-detection", "risk-analysis", "toxicity-prompt-image", "toxicity-prompt-text", "toxicity-prompt-unrelated",
    "typographic-behavior", "typographic-prompt", "typographic-prompt-and-behavior", "mm-safety-bench", "opimized-jailbreak-graphic", "safebench",
    "crossmodal-jailbreak-neg", "crossmodal-jailbreak-pos", "crossmodal-jailbreak-text", "crossmodal-jailbreak-unrelated",
    "coco-o-cartoon", "benchlmm-ct", "dt-related-image", "dt-text", "adv-clean", "adv-target", "adv-untarget",
    "advglue-plus-related-image", "advglue-related-image", "advglue-text",
    "stereo-generation", "stereo-agreement-image", "stereo-agreement-text", "stereo-classification-image", "stereo-topic-classification-image",
    "stereo-query-image", "stereo-query-text", "profession-pred", "profession-pred-with-description",
    "subjective-preference-force-image", "subjective-preference-force-unrelated-image-color", "subjective-preference-plain-image",
    "subjective-preference-plain-text",
    "vispr-recognition", "vizwiz-recognition", "vispr-recognition-pri-query", "confaide-image", "vispr-leakage", "vispr-leakage-protected",
    "enron-email-text", *VARIED,
)  # fmt: skip
"""Runs whose samples were recorded."""


def _recorded(name: str) -> tuple[tuple[str, str], Callable[[Any], Any]]:
    task = _run(name).task
    tell = _existence if name in {"d-basic-object", "d-basic-attribute", "d-basic-scene"} else TOLD[task]
    return ("R.4/R.5" if task in {"R.4", "R.5"} else task, f"loader {name}"), partial(answered, name, tell)


ANSWERS: Mapping[tuple[str, str], Callable[[Any], Any]] = {
    **dict(map(_recorded, RECORDED)),
    **{("cross-modal", f"unrelated image pool {kind}"): partial(_pool, kind) for kind in KINDS},
    ("methods", "image file name hash"): lambda given: file_name(given["text"]),
    ("methods", "noise image"): _pixels,
    ("methods", "solid colour image"): _filled,
    ("P.6", "typographic related image"): _lettered,
}
