"""Runs page by page, newest first."""

from __future__ import annotations

from sqlalchemy import update

from kernel.store.schema import runs
from kernel.store.store import Store


def filled(store: Store) -> None:
    """Seven runs, three of them of the same second; every other one of suite b."""
    for number in range(7):
        store.create_run(f"run-{number}", "ab"[number % 2], {})
        with store.engine.begin() as connection:
            connection.execute(update(runs).where(runs.c.run == f"run-{number}").values(created=f"2026-01-01T00:00:0{max(number - 2, 0)}+00:00"))
    store.set_state("run-1", "finished")
    store.set_state("run-2", "interrupted")
    store.take_lease("run-3", "a")


def pages(store: Store, limit: int, **filters: object) -> list[str]:
    found, after = [], None
    while page := store.runs_page(after, limit, **filters):
        assert len(page) <= limit
        found += [row.run for row in page]
        after = page[-1].created, page[-1].run
    return found


def test_every_run_is_on_one_page(store: Store):
    filled(store)
    expected = [f"run-{number}" for number in (6, 5, 4, 3, 2, 1, 0)]
    for limit in (1, 2, 3, 7, 100):
        assert pages(store, limit) == expected


def test_filters_hold_on_every_page(store: Store):
    filled(store)
    assert pages(store, 2, suite="b") == ["run-5", "run-3", "run-1"]
    assert pages(store, 2, states=["pending"]) == ["run-6", "run-5", "run-4", "run-0"]
    assert pages(store, 2, states=["running", "finished"], suite="b") == ["run-3", "run-1"]


def test_a_run_that_is_deleted_or_made_meanwhile_moves_no_other(store: Store):
    filled(store)
    last = store.runs_page(None, 3)[-1]
    store.delete_run(last.run)
    store.create_run("new", "a", {})

    assert [row.run for row in store.runs_page((last.created, last.run), 2)] == ["run-3", "run-2"]
