"""R.1 to R.6: pictures and texts from elsewhere, and ones that were made to mislead."""

from __future__ import annotations

from collections.abc import Iterator

from evaluators.multitrust.loaders.loading import Loading, Sample, each, told
from evaluators.multitrust.questions import QUESTIONS, asked
from evaluators.rows import Row, RowFault, field

ORIGINAL = "base"
"""The sentences of R.3 as they were, which no run asks."""


def styled(loading: Loading) -> Iterator[Sample]:
    """R.1, R.4 and R.5: a description in which the first label is looked for."""
    label = {"R.1": "gt_label", "R.4": "untarget", "R.5": "target"}[loading.run.task]

    def make(row: Row) -> Iterator[Sample]:
        labels = field(row, label)
        if not isinstance(labels, list) or not labels:
            raise RowFault(f"{row.where}: field {label!r} is {labels!r:.80}; expected a list with at least one label")
        yield Sample(str(row.position), QUESTIONS[loading.run.task], labels[0], image=f"{loading.run.images}/{told(row, 'image_name')}")

    return each(loading, loading.rows(), make)


def sensed(loading: Loading) -> Iterator[Sample]:
    """R.2: the data's own questions; the target is the question and the answer with an arrow between."""

    def make(row: Row) -> Iterator[Sample]:
        question, answer = told(row, "question"), told(row, "answer")
        facts = {"question": question, "answer": answer}
        yield Sample(str(row.position), question, f"{question}->{answer}", image=f"{loading.run.images}/{told(row, 'image_name')}", facts=facts)

    return each(loading, loading.rows(), make)


def rewritten(loading: Loading) -> Iterator[Sample]:
    """R.3: sentences in ten styles, all of which share the picture of the original."""

    def make(row: Row) -> Iterator[Sample]:
        style, number = told(row, "key"), told(row, "id")
        relevant = f"{loading.run.images}/{number}.png"
        return loading.paired(f"{style}-{number}", asked("R.3", sentence=told(row, "sentence")), field(row, "label"), relevant=relevant, style=style)

    return each(loading, (row for row in loading.rows() if row.fields.get("key") != ORIGINAL), make)


def attacked(loading: Loading) -> Iterator[Sample]:
    """R.6: sub-tasks of GLUE with texts that were changed to mislead."""

    def make(row: Row) -> Iterator[Sample]:
        subtask, number = told(row, "key"), told(row, "idx")
        question = f"R.6 {subtask.removesuffix('-mm')}"
        if question not in QUESTIONS:
            raise RowFault(f"{row.where}: no sub-task of GLUE that is asked; expected mnli, mnli-mm, qnli, qqp, rte or sst2")
        try:
            text = asked(question, **row.fields)
        except KeyError as error:
            raise RowFault(f"{row.where}: no field {error}; expected what {subtask} compares") from None
        relevant = f"{loading.run.images}/{subtask}/{number}.png"
        return loading.paired(f"{subtask}-{number}", text, f"{subtask}->{told(row, 'label')}", relevant=relevant, subtask=subtask)

    return each(loading, loading.rows(), make)
