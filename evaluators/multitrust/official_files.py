"""The query files and picture folders of the release: what a row of each has, and how many there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class File(NamedTuple):
    """A query file: the fields that its rows have, and how many rows the release has."""

    fields: tuple[str, ...]
    rows: int


_ASKED, _LABELLED, _SEEN = ("image", "query", "truth"), ("image_name", "gt_label"), ("image_name", "question", "answer")
_T, _S, _R, _F, _P = ("truthfulness", "safety", "robustness", "fairness", "privacy")
ADVANCED = {"spatial": 60, "temporal": 40, "compare": 100, "daily": 50, "traffic": 50, "causality": 40, "math": 80, "code": 40, "translate": 40}
STYLES = ("cartoon", "handmake", "painting", "sketch", "tattoo", "weather")
SENSORS = {"infrared": 200, "lxray": 186, "hxray": 100, "mri": 96, "ct": 99, "remote": 200, "driving": 180}
FLAGS = {
    "gender": ("gender_presentation_masc", "gender_presentation_fem"),
    "age": ("age_presentation_older", "age_presentation_middle", "age_presentation_young"),
    "skintone": ("skin_tone_1_3", "skin_tone_4_6", "skin_tone_7_10"),
}
"""The columns that tell of a person in F.6, by attribute; 1 where it holds."""

FILES: Mapping[str, File] = {
    f"{_T}/query_basic/query_d_existence.json": File(_ASKED, 250),
    f"{_T}/query_basic/query_d_attribute.json": File(_ASKED, 200),
    f"{_T}/query_basic/query_d_scene.json": File(_ASKED, 400),
    f"{_T}/query_basic/query_g_grounding.json": File(_ASKED, 50),
    f"{_T}/query_basic/query_g_ocr.json": File(_ASKED, 100),
    **{f"{_T}/query_advanced/query_d_{kind}.json": File(_ASKED, rows) for kind, rows in ADVANCED.items()},
    f"{_T}/query_instruction/query_g_factual.json": File(_ASKED, 100),
    f"{_T}/query_instruction/query_g_logic.json": File(_ASKED, 40),
    f"{_T}/query_text/query_g_assistance.json": File(_ASKED, 100),
    f"{_T}/query_misleading/query_g_mistext.json": File(_ASKED, 100),
    f"{_T}/query_misleading/query_d_confusion.json": File((*_ASKED, "kind"), 300),
    f"{_S}/real_toxicity_prompt/prompts_select.json": File(("prompt",), 80),
    f"{_S}/typographic_jailbreak/prompt_and_behavior_graph.csv": File(("id", "question", "image_path"), 100),
    f"{_S}/typographic_jailbreak/prompt_graph.csv": File(("id", "question", "image_path"), 100),
    f"{_S}/typographic_jailbreak/behavior_graph.csv": File(("id", "question", "image_path", "jailbreak_prompt"), 100),
    f"{_S}/mm-safety-bench-selected/mm-safety-bench-selected.json": File(("Question", "Prompt", "Image"), 168),
    f"{_S}/SafeBench_selected/safebench_selected.csv": File(("id", "question", "image_path"), 200),
    f"{_S}/crossmodal-jailbreak/text_jailbreak.csv": File(("id", "question", "jailbreak"), 50),
    **{f"{_R}/ood-artistic/label/{style}.json": File(_LABELLED, 100) for style in STYLES},
    **{f"{_R}/ood-sensor/label/{sensor}.json": File(_SEEN, rows) for sensor, rows in SENSORS.items()},
    f"{_R}/ood-text/label.json": File(("id", "sentence", "label"), 1000),
    f"{_R}/adv_nips/label.json": File(("image_name", "untarget", "target"), 100),
    f"{_R}/advglue/label.json": File(("idx", "label"), 738),
    f"{_R}/advglue_plus/label.json": File(("idx", "label"), 600),
    f"{_F}/stereo_statement.csv": File(("Number", "Stereo Statement", "Type"), 261),
    f"{_F}/stereo_classification.csv": File(("Number", "Sentence", "Label"), 300),
    f"{_F}/stereo_query.csv": File(("question",), 95),
    f"{_F}/preference.json": File(("prompt", "topic", "type"), 240),
    f"{_F}/profess_prediction.csv": File(("filename", "class1", *(flag for flags in FLAGS.values() for flag in flags)), 313),
    f"{_P}/vispr/sampled_vispr_test2017.jsonl": File(("image", "private"), 500),
    f"{_P}/vizwiz-priv/Annotations/Vizwiz-Priv-Recognition.json": File(("image", "private"), 800),
    f"{_P}/vispr/vispr_question_gpt4_generated_chosen.json": File(("image", "question", "private_qa"), 434),
    f"{_P}/vizwiz-priv/Annotations/Vizwiz-Priv-QA-Private.json": File(("image", "question", "private_qa"), 639),
    f"{_P}/confaide/prompts.txt": File(("prompt",), 98),
    f"{_P}/confaide/labels.txt": File(("label",), 98),
    f"{_P}/celeb/celebrities.csv": File(("Celebrity", "Title"), 100),
    f"{_P}/vispr/categorized/image_annotations.json": File(("SheetName", "Img Path", "Info Type", "Content"), 195),
    f"{_P}/enron-email/five_shot.json": File(("shots",), 3294),
}
"""The query files that runs read, by their paths below the data's folder. The set `base` of R.3 is not counted: no run asks it."""

FOLDERS: Mapping[str, int | None] = {
    "unrelated_images": 31,
    f"{_S}/nsfw": 250,
    f"{_S}/risk_identification": 100,
    f"{_S}/crossmodal-jailbreak/jailbreak_pos": 9,
    f"{_S}/crossmodal-jailbreak/jailbreak_neg": 9,
    f"{_F}/stereo_generation_images": 100,
    f"{_F}/stereo_query_images": 95,
    f"{_F}/vision_subjective_choice_images": 120,
    f"{_P}/confaide/imgs": 14,
}
"""Folders of which every picture is asked about, and how many pictures the release has in each."""
