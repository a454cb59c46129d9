"""F.1 to F.7: stereotypes, preferences, and who is held to be fit for a profession."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

from evaluators.multitrust.chains.phrases import STEREOTYPE_ALIASES, TOPIC_ALIASES
from evaluators.multitrust.loaders.loading import Loading, Sample, each, pictures_in, told
from evaluators.multitrust.official_files import FLAGS
from evaluators.multitrust.questions import QUESTIONS, asked
from evaluators.rows import Row, RowFault

BLOCK = 120
"""Preferences of each block: the plain ones, then the forced ones."""
SAID: Mapping[str, tuple[str, ...]] = {"gender": ("male", "female"), "age": ("older", "middle", "young"), "skintone": ("light", "medium", "dark")}
"""What the flags of a person mean, in the order of their columns."""


def shown(loading: Loading) -> Iterator[Sample]:
    """F.1: every picture of a folder."""
    for image in pictures_in(loading.folder, loading.run.images):
        yield Sample(image, QUESTIONS["F.1"], image=image)


def stated(loading: Loading) -> Iterator[Sample]:
    """F.2 and the topics of F.3: statements; empty ones are left out."""
    topics = loading.run.task == "F.3"

    def make(row: Row) -> Iterator[Sample]:
        if not (statement := told(row, "Stereo Statement")):
            return
        topic = told(row, "Type")
        question = asked("F.3 topic", sentence=statement) if topics else asked("F.2", statement=statement)
        target = _aliases(row, TOPIC_ALIASES, topic) if topics else None
        relevant = f"{loading.run.images}/{topic.lower()}/{told(row, 'Number')}.png"
        yield from loading.paired(str(row.position), question, target, {"subset": topic}, relevant)

    return each(loading, loading.rows(), make)


def classified(loading: Loading) -> Iterator[Sample]:
    """F.3: sentences that are a stereotype, its opposite, or neither."""
    if "topic" in loading.run.dataset:
        return stated(loading)

    def make(row: Row) -> Iterator[Sample]:
        if not (sentence := told(row, "Sentence")):
            return
        label = told(row, "Label")
        target, relevant = _aliases(row, STEREOTYPE_ALIASES, label), f"{loading.run.images}/{told(row, 'Number')}.png"
        yield from loading.paired(str(row.position), asked("F.3 class", sentence=sentence), target, {"subset": label}, relevant)

    return each(loading, loading.rows(), make)


def queried(loading: Loading) -> Iterator[Sample]:
    """F.4: question k with picture k. The public code pairs them as they are listed (here in natural order), and drops questions when pictures are missing."""
    images = pictures_in(loading.folder, loading.run.images) if loading.run.condition == "relevant" or loading.counting == "reference" else []
    numbered = {image.rsplit("/", 1)[1].rsplit(".", 1)[0]: image for image in images}

    def make(row: Row) -> Iterator[Sample]:
        relevant = numbered.get(str(row.position + 1), f"{loading.run.images}/{row.position + 1}.png")
        if loading.counting == "reference":
            relevant = images[row.position]
        return loading.paired(str(row.position), told(row, "question"), relevant=relevant)

    return each(loading, islice(loading.rows(), len(images) if loading.counting == "reference" else None), make)


def chosen(loading: Loading) -> Iterator[Sample]:
    """F.5: two options side by side in a picture; the rows of the plain block, by number. The public code pairs them as the pictures are listed."""
    listed = pictures_in(loading.folder, loading.run.images) if loading.counting == "reference" else None
    wording = "F.5 forced" if loading.run.options["force"] else "F.5 free"

    def make(row: Row) -> Iterator[Sample]:
        topic = told(row, "topic")
        image = listed[row.position] if listed is not None else f"{loading.run.images}/{row.position + 1}.png"
        yield Sample(str(row.position), asked(wording, topic=topic), extra={"subset": topic}, image=image)

    return each(loading, islice(loading.rows(), BLOCK if listed is None else min(BLOCK, len(listed))), make)


def preferred(loading: Loading) -> Iterator[Sample]:
    """F.7: the same choices in words. The public code asks all ten runs in words alone."""
    rows = list(loading.rows())
    topics = [row.fields.get("topic") for row in rows]
    forced = loading.run.options["force"]

    def make(row: Row) -> Iterator[Sample]:
        number = row.position % BLOCK
        topic = told(row, "topic") if loading.repaired else topics[number]
        if loading.counting == "reference":
            yield Sample(str(number), told(row, "prompt"), extra={"subset": topic})
            return
        option = loading.chance("F.7", number, *(() if loading.repaired else (loading.run.dataset,))).choice("ab")
        relevant = f"{loading.run.images}/choice_{option}_images/{number + 1}.png"
        yield from loading.paired(str(number), told(row, "prompt"), None, {"subset": topic}, relevant, option=option)

    return each(loading, rows[BLOCK : 2 * BLOCK] if forced else rows[:BLOCK], make)


def employed(loading: Loading) -> Iterator[Sample]:
    """F.6. The public code gathers the flags in three lists, in which a row that lacks one, or has two, shifts all that follow."""
    rows = list(loading.rows())
    wording = "F.6 described" if loading.run.options["described"] else "F.6 plain"

    def make(row: Row) -> Iterator[Sample]:
        said = _one_of_each(row) if loading.repaired else {name: values[row.position] for name, values in gathered.items()}
        text = asked(wording, profession=told(row, "class1"), **said)
        yield Sample(str(row.position), text, extra=said, image=f"{loading.run.images}/{told(row, 'filename')}")

    if loading.repaired:
        return each(loading, rows, make)
    gathered = {name: [value for row in rows for value in _flagged(row, name)] for name in FLAGS}
    return each(loading, rows[: min(map(len, gathered.values()))], make)


def _flagged(row: Row, attribute: str) -> list[str]:
    return [said for column, said in zip(FLAGS[attribute], SAID[attribute], strict=True) if _is_one(row, column)]


def _one_of_each(row: Row) -> dict[str, str]:
    found = {name: _flagged(row, name) for name in FLAGS}
    if wrong := [f"{len(values)} of {name}" for name, values in found.items() if len(values) != 1]:
        raise RowFault(f"{row.where}: it has {', '.join(wrong)}; expected one flag of each")
    return {name: values[0] for name, values in found.items()}


def _is_one(row: Row, column: str) -> bool:
    try:
        return float(told(row, column) or 0) == 1
    except ValueError:
        raise RowFault(f"{row.where}: field {column!r} is {row.fields[column]!r:.40}; expected 0 or 1") from None


def _aliases(row: Row, known: Mapping[str, tuple[str, ...]], name: str) -> list[str]:
    if name not in known:
        raise RowFault(f"{row.where}: it is labelled {name!r:.60}; expected one of {', '.join(known)}")
    return list(known[name])
