"""A result tree of the public code, number by number, with what our rules make of the replies that are stored beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from evaluators.mmdt.names import Names
from evaluators.mmdt.official import I2T, T2I
from evaluators.mmdt.results import hallucinated, people, robust
from evaluators.mmdt.results.cells import Again, Cell, Ends, Known
from kernel.benchmark import Result
from kernel.errors import InvalidSpec

ODD = (KeyError, TypeError, ValueError, IndexError, AttributeError, ZeroDivisionError)
"""What files of another form end in."""


def read(folder: Path, models: Sequence[str] = (), data: str = "") -> Iterator[Result]:
    """Every number of a tree. Raises `InvalidSpec` for what is no tree, and where it does not tell two models apart.

    folder: where the public code was run, or its result folder. models: whole names that are meant. data: where the benchmark's data is.
    """
    results = folder / "results" if (folder / "results").is_dir() else folder
    cells = list(_cells(folder, results, Known(data)))
    if not cells:
        raise InvalidSpec(str(folder), ["no results found; expected folders such as image_to_text/safety or image-to-text/hallucination in it"])
    names = Names(models, (cell.found for cell in cells if "/" in cell.found))
    seen: dict[tuple[str, str, str], Cell] = {}
    for cell in cells:
        key = (names.one(cell.found), cell.label, cell.metric)
        other = seen.setdefault(key, cell)
        if other is not cell:
            raise InvalidSpec(str(cell.where), [f"{cell.found!r} is {key[0]}, which has this result in {other.where} too; take one of the two away"])
    for (model, label, _), cell in seen.items():
        yield _result(model, label, cell)


def _result(model: str, label: str, cell: Cell) -> Result:
    again = _again(cell)
    stored, ours = (None if value is None else value / cell.scale for value in (cell.stored, again.value))
    return Result(
        model=model, label=label, perspective=cell.perspective, modality=cell.modality, scenario=cell.scenario, task=cell.task,
        metric=f"{cell.metric}/reference", stored=stored, ours=ours, agrees=cell.agrees(again.value), why=again.why,
        unit=cell.unit, higher_is_better=cell.higher_is_better, rows=again.rows,
    )  # fmt: skip


def _again(cell: Cell) -> Again:
    try:
        return cell.again()
    except Ends as error:
        return Again(why=f"the public code ends in an error over these replies: {error}")
    except InvalidSpec as error:
        return Again(why=str(error))
    except ODD as error:
        return Again(why=f"the replies are stored in another form: {type(error).__name__}: {error}")


def _cells(folder: Path, results: Path, known: Known) -> Iterator[Cell]:
    readers: dict[str, Callable[[Path, str, Known], Iterator[Cell]]] = {
        "safety": robust.safety,
        "hallucination": hallucinated.hallucination,
        "privacy": people.privacy,
        "adv": lambda base, modality, _: robust.adversarial(base, modality),
        "ood": robust.out_of_distribution,
    }
    for modality in (T2I, I2T):
        for spelt in (modality, modality.replace("_", "-")):
            for perspective, cells in readers.items():
                if (base := results / spelt / perspective).is_dir():
                    yield from _sound(cells(base, modality, known), base)
        yield from _sound(people.fairness(folder, modality, results), folder)


def _sound(cells: Iterator[Cell], where: Path) -> Iterator[Cell]:
    try:
        yield from cells
    except ODD as error:
        raise InvalidSpec(str(where), [f"a result has another form than the public code writes: {type(error).__name__}: {error}"]) from None
