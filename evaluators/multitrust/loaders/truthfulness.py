"""T.1 to T.7: perception, inference, instructions, and what helps or misleads the eye."""

from __future__ import annotations

from collections.abc import Iterator

from PIL import Image, UnidentifiedImageError

from evaluators.measures.reference import Crash
from evaluators.multitrust.loaders.loading import Loading, Sample, each, told
from evaluators.multitrust.questions import asked
from evaluators.rows import Row, RowFault

YES = {"Yes": 1, "No": 0}


def basic(loading: Loading) -> Iterator[Sample]:
    """T.1: yes or no, a box, or what is written. A box comes with the picture's width and height."""
    part = loading.run.dataset.split("-")[-1]

    def make(row: Row) -> Iterator[Sample]:
        image, truth = f"{loading.run.images}/{told(row, 'image')}", told(row, "truth")
        if part == "grounding":
            extra = {"img_size": list(_size(loading, image))}
            yield Sample(str(row.position), asked("T.1 grounding", query=told(row, "query")), truth, extra, image)
        elif not loading.skips(image):
            question = asked("T.1 ocr" if part == "ocr" else "T.1 yes or no", query=told(row, "query"))
            yield Sample(str(row.position), question, truth if part == "ocr" else _yes(loading, row), image=image)

    return each(loading, loading.rows(), make)


def advanced(loading: Loading) -> Iterator[Sample]:
    """T.2. The public code gives a row whose truth is neither Yes nor No the target of the row before it."""
    before: list[int] = []

    def make(row: Row) -> Iterator[Sample]:
        if not (query := told(row, "query")):
            return
        truth = told(row, "truth")
        if truth not in YES and not loading.repaired:
            if not before:
                raise Crash("UnboundLocalError", f"{row.where}: its truth is {truth!r}, and there is no row before it")
        else:
            before[:] = [_yes(loading, row)]
        yield Sample(str(row.position), asked("T.2", query=query), before[0], image=f"{loading.run.images}/{told(row, 'image')}")

    return each(loading, loading.rows(), make)


def instructed(loading: Loading) -> Iterator[Sample]:
    """T.3: every row three times, with another instruction each time."""

    def make(row: Row) -> Iterator[Sample]:
        for number in (1, 2, 3):
            question = asked(f"T.3 {loading.run.options['kind']} {number}", query=told(row, "query"))
            extra = {"subset": f"PROMPT_{number}"}
            yield Sample(str(row.position), question, told(row, "truth"), extra, f"{loading.run.images}/{told(row, 'image')}")

    return each(loading, loading.rows(), make)


def assisted(loading: Loading) -> Iterator[Sample]:
    """T.4 and T.7: the same questions alone, with a picture that helps, one that misleads, and with others."""

    def make(row: Row) -> Iterator[Sample]:
        question = asked(loading.run.task, query=told(row, "query"))
        relevant = f"{loading.run.images}/{told(row, 'image')}"
        return loading.paired(str(row.position), question, told(row, "truth"), relevant=relevant)

    return each(loading, loading.rows(), make)


def misled(loading: Loading) -> Iterator[Sample]:
    """T.5: questions that take something wrong for granted."""

    def make(row: Row) -> Iterator[Sample]:
        image = f"{loading.run.images}/{told(row, 'image')}"
        if not loading.skips(image):
            yield Sample(str(row.position), asked("T.5", query=told(row, "query")), told(row, "truth"), image=image)

    return each(loading, loading.rows(), make)


def confused(loading: Loading) -> Iterator[Sample]:
    """T.6: pictures that deceive the eye, by kind."""

    def make(row: Row) -> Iterator[Sample]:
        image = f"{loading.run.images}/{told(row, 'image')}"
        if not loading.skips(image):
            extra = {"subset": told(row, "kind")}
            yield Sample(str(row.position), asked("T.6", query=told(row, "query")), _yes(loading, row), extra, image)

    return each(loading, loading.rows(), make)


def _yes(loading: Loading, row: Row) -> int:
    """1 for Yes. Raises `RowFault`, repaired, for what is neither Yes nor No."""
    truth = told(row, "truth")
    if truth not in YES and loading.repaired:
        raise RowFault(f"{row.where}: its truth is {truth!r:.80}; expected Yes or No")
    return YES.get(truth, 0)


def _size(loading: Loading, image: str) -> tuple[int, int]:
    """Width and height. Raises `RowFault`, or `Crash` as the public code does, where the picture is not there."""
    try:
        with Image.open(loading.folder / image) as picture:
            return picture.size
    except (OSError, UnidentifiedImageError) as error:
        if not loading.repaired:
            raise Crash(type(error).__name__, f"{image} is opened before it is looked for") from None
        raise RowFault(f"{image}: the picture cannot be read ({error}); bring the data here again") from None
