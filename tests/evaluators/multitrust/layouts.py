"""MultiTrust's release in miniature: every query file and picture folder, in exactly the forms in which they are published."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image

ADVANCED = ("spatial", "temporal", "compare", "daily", "traffic", "causality", "math", "code", "translate")
KINDS = ("contrast", "dislocation", "mirror", "painting", "semantic")
RISKS = ("alcohol", "cigarette", "gun", "insulting_gesture", "knife")
STYLES = ("cartoon", "handmake", "painting", "sketch", "tattoo", "weather")
SENSORS = ("infrared", "lxray", "hxray", "mri", "ct", "remote", "driving")
TEXT_STYLES = ("base", "augment", "bible_p0", "bible_p0.6", "romantic_p0", "romantic_p0.6", "shake_p0", "shake_p0.6", "shake_w", "tweet_p0", "tweet_p0.6")
TOPICS = ("Age", "Gender", "Nationality", "Race", "Religion", "Socioeconomic")
GLUE = {
    "mnli": {"premise": "A boat is on the lake.", "hypothesis": "The lake is empty."},
    "mnli-mm": {"premise": "The shop is open.", "hypothesis": "The shop is closed."},
    "qnli": {"question": "When is it open?", "sentence": "It is open at nine.", "original_sentence": "It opens at nine."},
    "qqp": {"question1": "How are you?", "question2": "How do you do?"},
    "rte": {"sentence1": "She rows.", "sentence2": "She is in a boat."},
    "sst2": {"sentence": "a fine film"},
}
CATEGORIES = ("calm", "lively", "odd")
PROMPTS = 10
FLAGS = ("gender_presentation_masc", "gender_presentation_fem", "age_presentation_older", "age_presentation_middle", "age_presentation_young",
         "skin_tone_1_3", "skin_tone_4_6", "skin_tone_7_10")  # fmt: skip


@cache
def picture(number: int = 0, form: str = "PNG") -> bytes:
    """A small picture, another one for another number."""
    buffer = io.BytesIO()
    Image.new("RGB", (4 + number % 3, 3), (number % 256, 90, 200)).save(buffer, form)
    return buffer.getvalue()


def put(path: Path, data: bytes) -> Path:
    """A file, with the folders that it is in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def pictures(folder: Path, names: Iterable[str]) -> None:
    """A picture under each name."""
    for number, name in enumerate(names):
        put(folder / name, picture(number, "PNG" if name.endswith("png") else "JPEG"))


def array(path: Path, value: Any) -> None:
    put(path, json.dumps(value, indent=4).encode())


def lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    put(path, "".join(f"{json.dumps(row)}\n" for row in rows).encode())


def table(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    put(path, buffer.getvalue().encode())


def write_release(root: Path, each: int = 2) -> Path:
    """Every query file, with `each` rows where a number is free, and every picture that they name."""
    for write in (write_pool, write_truthfulness, write_safety, write_robustness, write_fairness, write_privacy):
        write(root, each)
    return root


def write_pool(root: Path, _each: int = 2) -> None:
    kinds = (("color", "png"), ("noise", "png"), ("nature", "jpeg"))
    pictures(root / "unrelated_images", [f"{kind}_{number}.{form}" for kind, form in kinds for number in range(1, 11)])


def write_truthfulness(root: Path, each: int = 2) -> None:
    root = root / "truthfulness"

    def asked(images: str, query: str, truths: Sequence[str], **more: Any) -> None:
        rows = [{"id": at, "image": f"{at}.png", "query": f"Question {at}?", "truth": truths[at % len(truths)], **more} for at in range(each)]
        array(root / f"{query}.json", rows)
        pictures(root / images, [row["image"] for row in rows])

    for query, part in (("existence", "object"), ("attribute", "attribute"), ("scene", "scene")):
        asked(f"basic_images/{part}", f"query_basic/query_d_{query}", ("Yes", "No"))
    asked("basic_images/grounding", "query_basic/query_g_grounding", ("[0.1, 0.2, 0.5, 0.6]",))
    asked("basic_images/ocr", "query_basic/query_g_ocr", ("OPEN", "EXIT"))
    for kind in ADVANCED:
        asked(f"advanced_images/{kind}", f"query_advanced/query_d_{kind}", ("Yes", "No"))
    for kind in ("factual", "logic"):
        asked(f"instruction_images/{kind}", f"query_instruction/query_g_{kind}", ("[six] is right", "four"))
    asked("text_images/assistance", "query_text/query_g_assistance", ("six", "four"))
    pictures(root / "text_images/misvisual", [f"{at}.png" for at in range(each)])
    asked("misleading_images/mistext", "query_misleading/query_g_mistext", ("red", "blue"))
    confused = [{"image": f"{kind}/{at}.png", "query": "Is it so?", "truth": ("Yes", "No")[at % 2], "kind": kind} for kind in KINDS for at in range(each)]
    array(root / "query_misleading/query_d_confusion.json", confused)
    pictures(root / "misleading_images", [row["image"] for row in confused])


def write_safety(root: Path, each: int = 2) -> None:
    root = root / "safety"
    for category in CATEGORIES[:2]:
        pictures(root / "nsfw" / category, [f"{at}.jpg" for at in range(each)])
    for risk in (*RISKS, "other"):
        pictures(root / "risk_identification" / risk, [f"{at}.jpg" for at in range(each)])
    toxic = root / "real_toxicity_prompt"
    prompts = {category: [f"The {category} beginning {at}" for at in range(PROMPTS)] for category in CATEGORIES}
    array(toxic / "prompts_select.json", prompts)
    hashed = [f"{category}_{hashlib.md5(prompt.encode()).hexdigest()}.png" for category, some in prompts.items() for prompt in some]
    pictures(toxic / "images", hashed)
    for name in ("prompt_and_behavior_graph", "prompt_graph", "behavior_graph"):
        place = root / "typographic_jailbreak"
        rows = [{"id": at, "question": f"harmless act {at}", "image_path": f"{at}.png"} for at in range(each)]
        rows.append({"id": "id", "question": "question", "image_path": "image_path"})
        table(place / f"{name}.csv", [{**row, "jailbreak_prompt": "Be cheerful."} for row in rows] if name == "behavior_graph" else rows)
        pictures(place / name, [f"{at}.png" for at in range(each)])
    bench, listed = root / "mm-safety-bench-selected", root / "SafeBench_selected"
    array(bench / "mm-safety-bench-selected.json", {str(at): {"Question": f"q{at}", "Prompt": f"p{at}", "Image": f"SD/{at}.jpg"} for at in range(each)})
    pictures(bench, [f"SD/{at}.jpg" for at in range(each)])
    table(listed / "safebench_selected.csv", [{"id": at, "question": f"q{at}", "image_path": f"{at}.png"} for at in range(each)])
    pictures(listed, [f"{at}.png" for at in range(each)])
    crossed = root / "crossmodal-jailbreak"
    table(crossed / "text_jailbreak.csv", [{"id": at, "question": f"q{at}", "jailbreak": f"Be cheerful. q{at}"} for at in range(each)])
    for side in ("pos", "neg"):
        pictures(crossed / f"jailbreak_{side}", [f"{at}.png" for at in range(1, 10)])


def write_robustness(root: Path, each: int = 2) -> None:
    root = root / "robustness"
    for style in STYLES:
        rows = [{"image_name": f"{style}_{at}.jpg", "gt_label": ["boat", "lake"]} for at in range(each)]
        lines(root / f"ood-artistic/label/{style}.json", rows)
        pictures(root / "ood-artistic/source", [row["image_name"] for row in rows])
    for sensor in SENSORS:
        rows = [{"image_id": at, "image_name": f"{sensor}/{at}.png", "question": "What is it?\nBe short.", "answer": at} for at in range(each)]
        lines(root / f"ood-sensor/label/{sensor}.json", rows)
        pictures(root / "ood-sensor/source", [row["image_name"] for row in rows])
    sentences = [{"id": at, "sentence": f"A film, number {at}.", "label": str(at % 2)} for at in range(each)]
    array(root / "ood-text/label.json", dict.fromkeys(TEXT_STYLES, sentences))
    pictures(root / "ood-text/related", [f"{at}.png" for at in range(each)])
    lines(root / "adv_nips/label.json", [{"image_name": f"{at}.png", "untarget": ["dog"], "target": ["car"]} for at in range(each)])
    for part in ("clean", "untarget", "target"):
        pictures(root / "adv_nips/source" / part, [f"{at}.png" for at in range(each)])
    for place in ("advglue", "advglue_plus"):
        array(root / place / "label.json", {task: [{"idx": at, "label": at % 2, **texts} for at in range(each)] for task, texts in GLUE.items()})
        pictures(root / place / "related", [f"{task}/{at}.png" for task in GLUE for at in range(each)])


def write_fairness(root: Path, each: int = 2) -> None:
    root = root / "fairness"
    pictures(root / "stereo_generation_images", [f"{at}.jpg" for at in range(each)])
    statements = [{"Number": at, "Stereo Statement": f"Squares are tidy, {at}.", "Type": topic} for topic in TOPICS for at in range(1, each + 1)]
    table(root / "stereo_statement.csv", statements)
    pictures(root / "stereo_images", [f"{row['Type'].lower()}/{row['Number']}.png" for row in statements])
    labels = ("stereotype", "anti-stereotype", "unrelated")
    classes = [{"Number": at, "Sentence": f"Squares, {at}.", "Label": labels[at % 3]} for at in range(1, each + 2)]
    table(root / "stereo_classification.csv", classes)
    pictures(root / "stereo_classification_images", [f"{row['Number']}.png" for row in classes])
    table(root / "stereo_query.csv", [{"question": f"Are squares tidy, {at}?"} for at in range(1, 12)])
    pictures(root / "stereo_query_images", [f"{at}.png" for at in range(1, 12)])
    choices = [
        {"prompt": f"p{at}", "topic": "ideology" if at % 120 < 80 else "culture/lifestyle", "type": "plain" if at < 120 else "force"} for at in range(240)
    ]
    array(root / "preference.json", choices)
    for place in ("vision_subjective_choice_images", "subjective_choice_images/choice_a_images", "subjective_choice_images/choice_b_images"):
        pictures(root / place, [f"{at}.png" for at in range(1, 121)])
    table(root / "profess_prediction.csv", [person(at) for at in range(each)])
    pictures(root / "profession_images", [f"{at}.jpg" for at in range(each)])


def person(number: int) -> dict[str, Any]:
    """A row of F.6, with one flag of each attribute."""
    held = {FLAGS[number % 2], FLAGS[2 + number % 3], FLAGS[5 + number % 3]}
    return {"filename": f"{number}.jpg", "class1": "nurse", **{flag: int(flag in held) for flag in FLAGS}}


def write_privacy(root: Path, each: int = 2) -> None:
    root = root / "privacy"
    shown = [{"image": f"{at}.jpg", "private": at % 2} for at in range(each)]
    lines(root / "vispr/sampled_vispr_test2017.jsonl", shown)
    array(root / "vizwiz-priv/Annotations/Vizwiz-Priv-Recognition.json", shown)
    asked = [{"image": row["image"], "question": f"What is it, {answer}?", "private_qa": answer} for row in shown for answer in (1, 0)]
    array(root / "vispr/vispr_question_gpt4_generated_chosen.json", asked)
    array(root / "vizwiz-priv/Annotations/Vizwiz-Priv-QA-Private.json", asked)
    for place in ("vispr/test2017", "vizwiz-priv/Filling_Images", "vizwiz-priv/Image_draw_line"):
        pictures(root / place, [row["image"] for row in shown])
    put(root / "confaide/prompts.txt", "".join(f"A clerk tells a friend, {at}.\n" for at in range(16)).encode())
    put(root / "confaide/labels.txt", "".join(f"{-40.0 + 5 * at}\n" for at in range(16)).encode())
    pictures(root / "confaide/imgs", [f"{at}.png" for at in range(14)])
    people = [{"Celebrity": name, "Title": title, "Url": "nowhere"} for name, title in (("Ann Bee", "Actress"), ("Cy Dee Eff", "Director"))]
    table(root / "celeb/celebrities.csv", people)
    pictures(root / "celeb/imgs", ["Ann_Bee.jpeg", "Cy_Dee_Eff.jpeg"])
    leaks = [{"SheetName": "Phone", "Img Path": f"{at}.jpg", "Info Type": "phone number", "Content": ["555-01", "55501"]} for at in range(each)]
    lines(root / "vispr/categorized/image_annotations.json", leaks)
    pictures(root / "vispr/categorized/Phone", [f"{at}.jpg" for at in range(each)])
    groups = {f"k{at}@example.org": [[f"n{at}{who}@example.org", f"Name {at} {who}"] for who in range(5)] for at in range(12)}
    array(root / "enron-email/five_shot.json", groups)
