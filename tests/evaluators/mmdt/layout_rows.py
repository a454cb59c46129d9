"""Rows of every configuration and split of MMDT's official data, with the fields that they have there; `layouts` writes them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from PIL import Image, ImageDraw

SEEN = ("identification", "attribute", "spatial", "count")
ASKED = (*SEEN, "action")


def picture(number: int = 0) -> bytes:
    """A small PNG, another one for every number."""
    image = Image.new("RGB", (24, 24), (250, 246, 232))
    ImageDraw.Draw(image).ellipse((4, 4, 12 + number % 10, 12 + number // 10 % 10), fill=(40, 70, 210))
    made = io.BytesIO()
    image.save(made, "PNG")
    return made.getvalue()


def text_to_image(each: int = 2) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Rows of every configuration and split of the text-to-image data."""
    made: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for split in ("vanilla", "transformed", "jailbreak"):
        made["safety", split] = [{"prompt": f"a {split} scene {number}", "task": "violence"} for number in range(each)]
    three = {"objects": "['cat', 'dog', 'bird']", "relations": "['left', 'above', 'right']"}
    drawn = {
        "identification": {"objects": "['cat', 'dog']"},
        "attribute": {"objects": "['cat']", "checking_question": "Is the cat black?"},
        "spatial": three,
        "count": {"objects": "{'cat': 2, 'dog': 1}"},
    }
    for split in ("natural", "distraction", "counterfactual"):
        more = {"visible_objects": "['cat']", "absent_objects": "['dog']"} if split == "counterfactual" else {}
        made["hallucination", split] = [
            {"id": f"{task}_{number}", "task": task, "prompt": f"two cats and a dog {number}", **drawn[task], **(more if task == "identification" else {})}
            for task in SEEN
            for number in range(each)
        ]
    misled = {"object": "cat", "attribute": "black", "number": "2", "relation_object": "dog", "spatial_relation": "left"}
    made["hallucination", "misleading"] = [{"id": str(n), "task": task, "prompt": f"no cat {n}", **misled} for task in SEEN for n in range(each)]
    made["hallucination", "ocr"] = [
        {"id": str(n), "task": task, "prompt": f"a sign that says stop {n}", "keyword": "stop"}
        for task in ("complex", "contradictory", "distortion", "misleading")
        for n in range(each)
    ]
    common = {"concept1": "cat", "concept2": "dog", "object": "cat"}
    for split in ("high_cooc", "low_cooc", "historical_bias"):
        targets = {"identification": "cat", "attribute": "black", "spatial": "left", "count": 2}
        made["hallucination", f"cooccurrence_{split}"] = [
            {"task": task, "prompt": f"a cat {n}", **common, "target": str(targets[task]), "label": "positive" if n % 2 == 0 else "negative", "count": "two"}
            for task in SEEN
            for n in range(each)
        ]
    made["privacy", "laion_1k"] = [{"idx": number, "prompt": f"a caption of picture {number}"} for number in range(each)]
    attacked = {"object": {}, "attribute": {"object": "cat"}, "spatial": {"object_a": "cat", "object_b": "dog"}}
    words = {"object": ("cat", "dog"), "attribute": ("black", "white"), "spatial": ("left of", "right of")}
    for split, more in attacked.items():
        origin, label = words[split]
        made["adv", split] = [{"id": n, "adv_prompt": f"a c@t {n}", "origin_word": origin, "label": label, **more} for n in range(each)]
    things: dict[str, list[dict[str, Any]]] = {
        "helpfulness": [],
        "count": [{"object": "cat", "counts": 2}],
        "spatial": [{"objs": ["cat", "dog"], "rel": ["left"]}],
        "color": [{"object": "cat", "color": "black"}],
        "size": [{"object1": "cat", "object2": "dog", "size": "larger"}],
    }
    for split in ("Shake_", "Paraphrase_", "original"):
        made["ood", split] = [
            {"id": f"{task}_{n}", "task": task, "meta_prompt": f"{split} a cat {n}", "vanilla_prompt": f"a cat {n}", "objects": objects}
            for task, objects in things.items()
            for n in range(each)
        ]
    return made


def image_to_text(each: int = 2) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Rows of every configuration and split of the image-to-text data."""
    made: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for split in ("typography", "illustration", "jailbreak"):
        made["safety", split] = [{"scenario": "violence", "prompts": f"what is this {n}?", "image": picture(n), "attack": split} for n in range(each)]
    answers = {"identification": "a cat", "attribute": "black", "spatial": "left", "count": "{'cat': 2, 'dog': 1}", "action": "The cat sleeps."}

    def asked(tasks: Sequence[str], **more: Any) -> list[dict[str, Any]]:
        return [
            {"id": f"{task}_{n}", "task": task, "question": f"What of {task} {n}?", **{k: v(task, n) for k, v in more.items()}, "image": picture(n)}
            for task in tasks
            for n in range(each)
        ]

    for split, tasks in (("natural", ASKED), ("distraction", ASKED), ("counterfactual", SEEN)):
        made["hallucination", split] = asked(tasks, answer=lambda task, n: answers[task])
    made["hallucination", "misleading"] = asked(ASKED, keyword=lambda task, n: "cat")
    made["hallucination", "ocr"] = asked(("contradictory", "cooccur", "doc", "scene"), keyword=lambda task, n: "stop")
    for split in ("high_cooc", "low_cooc", "historical_bias"):
        labels = {"target": lambda task, n: "cat", "label": lambda task, n: "positive" if n % 2 == 0 else "negative"}
        made["hallucination", f"cooccurrence_{split}"] = [{key: held for key, held in row.items() if key != "id"} for row in asked(ASKED, **labels)]
    made["fairness", "individual"] = [{"image": picture(n)} for n in range(each)]
    for split in ("social_stereotype", "hiring", "finance", "education", "overkill"):
        pair = {"answer": "A", "race": "white", "race2": "black", "gender": "male", "system_type": split}
        made["fairness", split] = [{"image": picture(n), "image1": f"{n}a", "image2": f"{n}b", **pair} for n in range(each)]
    kinds = ("single_image_text", "single_image_no_text", "group_image_text", "group_image_no_text")
    made["privacy", "street_view"] = [{"id": f"index_1_{n}", "image": picture(n), "type_street_view": kind} for kind in kinds for n in range(each)]
    made["privacy", "selfies"] = [
        {"id": f"p{n}", "image": picture(n), "ethnicity": "caucasians", "label_selfies": f"caucasians age {20 + n}"} for n in range(each)
    ]
    words = {"object": ("cat", "dog"), "attribute": ("black", "white"), "spatial": ("above", "below")}
    for split, (origin, label) in words.items():
        blank = dict.fromkeys(("origin_attribute", "origin_object", "origin_relation"), "")
        common = {**blank, "object_a": "cat", "object_b": "dog", "object": "cat", "label": label, "surrogate_model": "m", "algorithm": "a"}
        common[f"origin_{'relation' if split == 'spatial' else split}"] = origin
        made["adv", split] = [{**common, "id": n, "image": picture(n)} for n in range(each)]
    for split in ("Van_Gogh", "oil_painting", "watercolour_painting", "gaussian_noise", "zoom_blur", "pixelate", "original"):
        rows = asked(("identification", "count", "spatial", "attribute"), answer=lambda task, n: answers[task])
        made["ood", split] = [{"img_id": row.pop("id"), **row} for row in rows]
    return made


def fairness_files(each: int = 2) -> dict[str, list[dict[str, Any]]]:
    """Rows of the files that the public code has in its own folder."""
    made: dict[str, list[dict[str, Any]]] = {}
    kind = "stats-based"
    nurse = {"domain": "occupation", "details": "nurse", "sensitive_attr": ["gender", "race", "age"]}
    made["social_stereotype"] = [{"fairness": kind, **nurse, "prompt": f"a nurse {n}"} for n in range(each)]
    for split in ("hiring", "finance", "education"):
        compared = {"demographic attribute": "gender", "demographic attribute 1": "male", "demographic attribute 2": "female"}
        made[split] = [{"fairness": kind, **compared, "system_type": split, "details": "pilot", "prompt": [f"one {n}", f"two {n}"]} for n in range(each)]
    made["overkill"] = [
        {"fairness": kind, "details": "samurai", "prompt": f"samurai {n}", "race": "Asian", "race2": "Asian", "gender": "male"} for n in range(each)
    ]
    made["individual"] = [{"fairness": "individual_fairness", "prompt": f"a photo of a teacher {n}"} for n in range(each)]
    labels = (("male", "black", "old"), ("male", "white", "young"), ("female", "black", "old"), ("female", "white", "young"))
    made["individual_people"] = [dict(zip(("name", "gender", "race", "age"), (f"Person {n}", *labels[n % 4]), strict=True)) for n in range(each)]
    return made
