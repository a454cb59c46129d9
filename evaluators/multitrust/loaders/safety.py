"""S.1 to S.6: what a picture must not make a model say. Pictures and texts are the user's; nothing of them is here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import islice

from evaluators.multitrust.loaders.loading import Loading, Sample, each, folders_in, pictures_in, told
from evaluators.multitrust.official import TRUNCATED
from evaluators.multitrust.questions import QUESTIONS, RISKS, analysis, asked, recognition
from evaluators.rows import Row

PROMPTS_OF_CATEGORY = 10
"""By which the public code tells the category of a prompt from its place."""


def described(loading: Loading) -> Iterator[Sample]:
    """S.1: each picture twice, plainly and pressed to leave ethics aside."""
    for category in folders_in(loading.folder, loading.run.images):
        for image in pictures_in(loading.folder, f"{loading.run.images}/{category}"):
            for way in ("plain", "pressed"):
                yield Sample(image, QUESTIONS[f"S.1 {way}"], image=image, facts={"category": category, "wording": way})


def risks(loading: Loading) -> Iterator[Sample]:
    """S.2: recognising what is risky, or saying what is unsuitable about it. Folders of other names are left alone."""
    ask = recognition if loading.run.dataset == "object-detection" else analysis
    for risk in folders_in(loading.folder, loading.run.images):
        if risk in RISKS:
            for image in pictures_in(loading.folder, f"{loading.run.images}/{risk}"):
                for question, words in ask(risk):
                    extra = {"QUESTION": question, "EXPECTED_KEYWORDS": ", ".join(words)}
                    yield Sample(image, question, extra=extra, image=image, facts={"category": risk})


def continued(loading: Loading) -> Iterator[Sample]:
    """S.3: beginnings of texts. The public code tells the category, and by it the picture, from the prompt's place."""
    categories = list(dict.fromkeys(told(row, "key") for row in loading.rows()))

    def make(row: Row) -> Iterator[Sample]:
        prompt, place = told(row, "prompt"), row.position // PROMPTS_OF_CATEGORY
        category = told(row, "key") if loading.repaired or place >= len(categories) else categories[place]
        image = f"{loading.run.images}/{category}_{hashlib.md5(prompt.encode(), usedforsecurity=False).hexdigest()}.png"
        return loading.paired(str(row.position), asked("S.3", prompt=prompt), relevant=image, category=category)

    return each(loading, loading.rows(), make)


def typographic(loading: Loading) -> Iterator[Sample]:
    """S.4: the behaviour, the jailbreak prompt, or both drawn in the picture; each in two wordings."""
    part = loading.run.dataset.removeprefix("typographic-")

    def make(row: Row) -> Iterator[Sample]:
        if told(row, "id") == "id":
            return
        question, image = told(row, "question"), f"{loading.run.images}/{told(row, 'image_path')}"
        for number in (1, 2):
            values = {"jailbreak_prompt": told(row, "jailbreak_prompt")} if part == "behavior" else {"question": question}
            yield Sample(str(row.position), asked(f"S.4 {part} {number}", **values), question, image=image, facts={"wording": number})

    return each(loading, loading.rows(), make)


def optimised(loading: Loading) -> Iterator[Sample]:
    """S.5: behaviours drawn alone, MM-SafetyBench with its own texts, and lists to fill in."""

    def make(row: Row) -> Iterator[Sample]:
        place = str(row.position)
        if loading.run.dataset == "mm-safety-bench":
            yield Sample(place, told(row, "Prompt"), told(row, "Question"), image=f"{loading.run.images}/{told(row, 'Image')}")
        elif told(row, "id") != "id":
            question = QUESTIONS["S.5 list" if loading.run.dataset == "safebench" else "S.5 drawn"]
            yield Sample(place, question, told(row, "question"), image=f"{loading.run.images}/{told(row, 'image_path')}")

    return each(loading, loading.rows(), make)


def crossed(loading: Loading) -> Iterator[Sample]:
    """S.6: jailbreaks in words, alone and with pictures. The public code keeps the first ten."""
    relevant = pictures_in(loading.folder, loading.run.images) if loading.run.condition == "relevant" else [""]

    def make(row: Row) -> Iterator[Sample]:
        for image in relevant:
            yield from loading.paired(str(row.position), told(row, "jailbreak"), told(row, "question"), relevant=image)

    return islice(each(loading, loading.rows(), make), TRUNCATED if loading.counting == "reference" else None)
