"""Small runs that the store's tests write, also as a process of its own: `python small_runs.py URL SCHEMA FOLDER FIRST BEYOND SEED`."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable
from pathlib import Path

from kernel.store.store import Batch, OutcomeRow, ScoreRow, Store, TaskRow

ROW = {"task": "t", "model": "m", "player": None, "perspective": "p", "chance": None, "metrics": [{"name": "accuracy"}, {"name": "length"}]}
ROWS = [ROW, {**ROW, "task": "u"}]


def begun(store: Store, run: str = "one") -> list[TaskRow]:
    """Two tasks of a run."""
    store.begin_run(run, "suite", {})
    return store.begin_tasks(run, ROWS)


def batch(task: TaskRow, cases: Iterable[str], value: float | None = 1.0, status: str = "scored") -> Batch:
    """Outcomes with two values each."""
    names = list(cases)
    outcomes = [OutcomeRow(task.task_id, case, status, None, "", 1, 0.0, None, "{}", b"") for case in names]
    return Batch([], outcomes, [ScoreRow(task.task_id, metric, case, status, value) for case in names for metric in ("accuracy", "length")])


def all_after(store: Store, position: int = 0, run: str = "one", limit: int = 7, **filters: object) -> list[tuple[int, str, str]]:
    """Position, task and case of everything after a position, page by page."""
    found = []
    while True:
        page = store.outcomes_after(run, position, limit, **filters)
        assert len(page.rows) <= limit
        found += [(row.position, row.task, row.outcome.case_id) for row in page.rows]
        position = page.position
        if page.whole:
            return found


def write_shuffled(store: Store, first: int, beyond: int, seed: int) -> None:
    """Write the cases of that range in any order, a few at a time, and say each batch on standard output once it is kept."""
    drawn = random.Random(seed)
    tasks = begun(store)
    cases = [(number % 2, f"case-{number:05}") for number in range(first, beyond)]
    drawn.shuffle(cases)
    while cases:
        some = [cases.pop() for _ in range(min(len(cases), drawn.randint(1, 40)))]
        made = [batch(tasks[which], [case]) for which, case in some]
        store.write(Batch([], [row for each in made for row in each.outcomes], [row for each in made for row in each.scores]))
        print(" ".join(case for _, case in some), flush=True)


if __name__ == "__main__":
    url, schema, folder, *numbers = sys.argv[1:]
    with Store(Path(folder), write=True, url=url, schema=schema) as opened:
        write_shuffled(opened, *map(int, numbers))
