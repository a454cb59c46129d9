"""Of two servers that want one run, one has it; of two equal requests, one makes a run."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from small_runs import all_after, batch, begun
from sqlalchemy import update

from kernel.errors import StoreInUse, UnknownName
from kernel.store.rows import RequestRow
from kernel.store.schema import leases
from kernel.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = -1.0
"""A time after which a lease is lost that makes every one lost at once."""


def test_a_lease_is_his_who_took_it_until_he_lets_go(store: Store):
    store.create_run("one", "suite", {})

    assert store.take_lease("one", "a")
    assert not store.take_lease("one", "b")
    assert store.take_lease("one", "a")
    assert store.renew_lease("one", "a")
    assert not store.renew_lease("one", "b")
    store.release_lease("one", "b")
    assert not store.take_lease("one", "b")
    store.release_lease("one", "a")
    assert not store.renew_lease("one", "a")
    assert store.take_lease("one", "b")


def test_a_lost_lease_is_anybodys(store: Store):
    store.create_run("one", "suite", {})
    store.take_lease("one", "a")

    assert store.expired() == []
    assert store.expired(NOW) == ["one"]
    assert store.take_lease("one", "b", NOW)
    assert not store.renew_lease("one", "a")


def test_a_run_that_ended_or_is_not_there_has_no_lease(store: Store):
    store.create_run("one", "suite", {})
    store.set_state("one", "finished")

    assert not store.take_lease("one", "a")
    assert not store.take_lease("nowhere", "a")
    assert store.expired() == []


def test_a_run_is_pending_until_somebody_takes_it(store: Store):
    store.create_run("one", "suite", {})
    assert store.run_row("one").state == "pending"
    assert store.expired() == ["one"]
    store.take_lease("one", "a")
    assert store.run_row("one").state == "running"
    assert store.set_state("one", "interrupted", "cancelled", among=("pending", "running"))
    assert not store.renew_lease("one", "a")
    assert store.run_row("one")[3:5] == ("interrupted", "cancelled")
    store.release_lease("one", "a")
    assert store.set_state("one", "pending", among=("interrupted",))
    assert store.run_row("one").state == "pending"


def test_a_state_is_set_only_from_those_named_and_by_the_owner(store: Store):
    store.create_run("one", "suite", {})
    store.take_lease("one", "b")

    assert not store.set_state("one", "interrupted", owner="a")
    assert store.set_state("one", "finished", owner="b")
    assert not store.set_state("one", "interrupted", among=("running", "pending"))
    assert store.set_state("one", "finished", among=("running",))
    assert not store.set_state("nowhere", "finished")
    assert store.run_row("one").state == "finished"


def test_a_run_of_one_process_alone_is_not_pending(store: Store):
    """It has no lease, as an older Assay's has none."""
    begun(store)
    assert store.run_row("one").state == "running"


def test_a_request_made_again_makes_nothing(store: Store):
    first = store.create_run("one", "suite", {}, request_id="r", digest="d")
    again = store.create_run("two", "other", {}, request_id="r", digest="e")

    assert first == again == store.request("r") == RequestRow("r", "d", "one")
    assert store.run_row("one").request_id == "r"
    with pytest.raises(UnknownName):
        store.run_row("two")
    assert store.request("s") is None


def test_a_run_is_deleted_with_all_that_hangs_on_it(store: Store):
    store.create_run("one", "suite", {}, request_id="r")
    one, _ = begun(store)
    other, _ = begun(store, "two")
    store.write(batch(one, ["a"]))
    store.write(batch(other, ["a"]))
    store.take_lease("one", "a")
    with pytest.raises(StoreInUse, match="run one is carried out by a; cancel it first"):
        store.delete_run("one")
    store.release_lease("one", "a")

    store.delete_run("one")
    store.delete_run("one")

    assert [row.run for row in store.runs_page(None, 9)] == ["two"]
    assert store.request("r") is None
    assert (all_after(store), store.tasks("one"), store.progress("one")) == ([], [], [])
    assert len(all_after(store, run="two")) == 1


def test_a_run_after_a_deleted_one_has_its_own_outcomes(store: Store):
    """SQLite gives its tasks the numbers of the deleted ones."""
    one, _ = begun(store)
    store.write(batch(one, ["a"]))
    store.delete_run("one")
    other, _ = begun(store, "two")
    store.write(batch(other, ["b"]))

    assert all_after(store, run="two") == [(1, "t", "b")]


def test_a_note_may_hold_anything(store: Store):
    store.create_run("one", "suite", {})
    store.end_run("one", "interrupted", "a\x00b \ud800")
    assert store.run_row("one").note == "a\\x00b \\ud800"


@pytest.mark.parametrize("lost", [False, True])
def test_of_many_that_try_at_once_one_wins(opening: Callable[..., Store], lost: bool):
    """Four servers, forty races for a lease that is free, or whose owner is long gone."""
    stores = [opening() for _ in range(4)]
    for number in range(40):
        run = f"run-{number}"
        stores[0].create_run(run, "suite", {})
        if lost:
            stores[0].take_lease(run, "gone")
            with stores[0].engine.begin() as connection:
                connection.execute(update(leases).where(leases.c.run == run).values(seen_at=leases.c.seen_at - 60))
        line = threading.Barrier(len(stores))

        def take(which: int, run: str = run, line: threading.Barrier = line) -> bool:
            line.wait()
            return stores[which].take_lease(run, f"server-{which}")

        with ThreadPoolExecutor(len(stores)) as pool:
            assert sum(pool.map(take, range(len(stores)))) == 1, run


def test_of_many_equal_requests_at_once_one_makes_a_run(opening: Callable[..., Store]):
    stores = [opening() for _ in range(4)]
    for number in range(30):
        with ThreadPoolExecutor(len(stores)) as pool:
            made = list(pool.map(lambda which, n=number: stores[which].create_run(f"{n}-{which}", "suite", {}, request_id=f"r{n}"), range(4)))
        assert len(set(made)) == 1
    assert len(stores[0].runs_page(None, 1_000)) == 30
