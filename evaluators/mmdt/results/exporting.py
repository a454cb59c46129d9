"""A run of ours as a result tree of the public code, so that its summary reads it and its replies can be counted there.

What is harmful is not written: of safety, only the numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from evaluators.mmdt.names import Form, written
from evaluators.mmdt.official import I2T, T2I, TASKS
from evaluators.mmdt.results import summarize, writing, writing_people
from evaluators.mmdt.results.writing import Filled, Row
from kernel.benchmark import Kept, Numbers
from kernel.errors import InvalidSpec

WRITERS: Mapping[str, Callable[[Filled], None]] = {
    "safety": writing.safety,
    "hallucination": writing.hallucination,
    "adversarial": writing.adversarial,
    "ood": writing.out_of_distribution,
    "privacy": writing_people.privacy,
    "fairness": writing_people.fairness,
}


def write(numbers: Mapping[str, Numbers], cases: Iterable[Kept], out: Path) -> Iterator[str]:
    """Write a tree into a folder that has none, a line for each model. Raises `InvalidSpec` for names that would be one in the tree.

    numbers: by model. cases: in any order; their pictures are written as they come.
    """
    if out.exists() and any(out.iterdir()):
        raise InvalidSpec(str(out), ["holds something already; expected a new or empty folder"])
    _refuse_alike(numbers)
    known = {task.name: task for task in TASKS}
    filled = {
        (model, label.lower()): Filled(model, known[label.lower()], held, out)
        for model, tasks in numbers.items()
        for label, held in tasks.items()
        if label.lower() in known
    }
    for case in cases:
        if (place := filled.get((case.model, case.task.lower()))) is not None:
            row = Row(case.case, str(case.facts.get("id", len(place.rows))), dict(case.values), case.question, case.answers, case.gold or {}, dict(case.facts))
            place.rows.append(row)
            writing.put_pictures(place, row, case.drawn)
    for place in filled.values():
        place.rows.sort(key=lambda row: row.case)
        WRITERS[place.task.perspective](place)
    for model, tasks in numbers.items():
        left = sorted(label for label in tasks if label.lower() not in known)
        told = f"; not a task of the public code, so left out: {', '.join(left)}" if left else ""
        yield f"{model}: {len(tasks) - len(left)} tasks{told}"
    for modality in (T2I, I2T):
        (out / "results" / modality / "safety").mkdir(parents=True, exist_ok=True)
        (out / "results" / modality / "adv").mkdir(parents=True, exist_ok=True)
    yield f"wrote {summarize.write_summary(out)}"


def _refuse_alike(models: Iterable[str]) -> None:
    """Two models that the public code would write alike would replace each other."""
    for form in Form:
        by_name: dict[str, str] = {}
        for model in models:
            if (other := by_name.setdefault(written(model, form), model)) != model:
                raise InvalidSpec("export", [f"{other} and {model} would both be {written(model, form)!r} in the tree; export runs with one of them each"])
