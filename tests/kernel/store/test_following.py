"""Outcomes come by their place: each once, in one order, whoever writes and whenever is read."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from small_runs import all_after, batch, begun

from kernel.store import following
from kernel.store.rows import Progress
from kernel.store.store import Batch, Store


def test_what_is_written_later_comes_later(store: Store):
    one, two = begun(store)
    store.write(batch(one, ["b", "a"]))
    store.write(batch(two, ["a"]))
    store.write(batch(one, ["c"], None, "failed"))

    assert all_after(store) == [(1, "t", "b"), (2, "t", "a"), (3, "u", "a"), (4, "t", "c")]
    assert all_after(store, 3) == [(4, "t", "c")]
    assert all_after(store, 4) == []
    page = store.outcomes_after("one", 0, 1)
    assert (page.position, page.whole, page.rows[0].values, page.rows[0].model) == (1, False, {"accuracy": 1.0, "length": 1.0}, "m")
    assert store.outcomes_after("one", 3, 9).rows[0].values == {"accuracy": None, "length": None}


def test_a_case_written_again_keeps_its_place(store: Store):
    one, _ = begun(store)
    store.write(batch(one, ["a", "b"]))
    store.write(batch(one, ["b", "c", "c"], 0.0))

    assert all_after(store) == [(1, "t", "a"), (2, "t", "b"), (3, "t", "c")]
    assert store.values(one.task_id, "accuracy") == {"a": 1.0, "b": 1.0, "c": 0.0}
    assert store.progress("one") == [Progress("t", "m", None, {"scored": 3}), Progress("u", "m", None, {})]


def test_one_page_may_span_many_transactions_and_one_transaction_many_pages(store: Store):
    one, two = begun(store)
    store.write(batch(one, [f"many-{number:04}" for number in range(300)]))
    for number in range(40):
        store.write(batch(two, [f"few-{number:04}"]))

    for limit in (1, 7, 300, 1_000):
        found = all_after(store, limit=limit)
        assert [position for position, _, _ in found] == list(range(1, 341))
        assert len({each[1:] for each in found}) == 340


def test_filters_let_through_what_they_name(store: Store):
    one, two = begun(store)
    store.write(batch(one, ["a", "b"]))
    store.write(batch(two, ["a"], None, "failed"))

    assert all_after(store, tasks=["u"]) == [(3, "u", "a")]
    assert all_after(store, statuses=["failed"]) == [(3, "u", "a")]
    assert all_after(store, models=["other"]) == []
    assert all_after(store, tasks=["t"], statuses={"scored", "failed"}, models=["m"]) == [(1, "t", "a"), (2, "t", "b")]


def test_a_narrow_filter_ends_a_page_before_the_end(store: Store, monkeypatch: pytest.MonkeyPatch):
    """A call looks at a bounded number of outcomes and says how far it came."""
    monkeypatch.setattr(following, "LOOKED_AT", 20)
    one, two = begun(store)
    store.write(batch(one, [f"{number:04}" for number in range(100)]))
    store.write(batch(two, ["last"]))

    page = store.outcomes_after("one", 0, 10, tasks=["u"])

    assert (page.rows, page.position, page.whole) == ([], 20, False)
    assert all_after(store, tasks=["u"]) == [(101, "u", "last")]


def test_a_run_that_is_not_there_has_no_outcomes(store: Store):
    assert store.outcomes_after("nowhere", 0, 5) == ([], 0, True)
    assert store.progress("nowhere") == []


def test_runs_in_one_batch_have_places_of_their_own(store: Store):
    one, _ = begun(store)
    other, _ = begun(store, "two")
    both = [batch(one, ["a"]), batch(other, ["a", "b"])]
    store.write(Batch([], [row for each in both for row in each.outcomes], [row for each in both for row in each.scores]))

    assert all_after(store) == [(1, "t", "a")]
    assert all_after(store, run="two") == [(1, "t", "a"), (2, "t", "b")]


def test_progress_counts_by_status_and_tells_what_was_planned(store: Store):
    one, two = begun(store)
    store.write(batch(one, ["a", "b"]))
    store.write(batch(one, ["c"], None, "unscored"))
    store.write(batch(two, ["a"], None, "failed"))
    store.finish_task(two, 1)

    assert store.progress("one") == [Progress("t", "m", None, {"scored": 2, "unscored": 1}), Progress("u", "m", 1, {"failed": 1})]


def of_before(folder: Path) -> None:
    """Make of a store one that an older Assay wrote."""
    with sqlite3.connect(folder / "assay.db") as connection:
        for table in ("written", "counts", "leases", "requests"):
            connection.execute(f"drop table {table}")
    connection.close()


def test_a_store_of_before_is_read_as_it_is_and_continued(local: Store):
    """Outcomes without a place come by task and case id, for who only reads as for who goes on with the run."""
    one, two = begun(local)
    local.write(batch(two, ["b", "a"]))
    local.write(batch(one, ["c", "b"]))
    local.close()
    of_before(local.folder)
    expected = [(1, "t", "b"), (2, "t", "c"), (3, "u", "a"), (4, "u", "b")]

    with Store(local.folder, write=False) as reader:
        assert all_after(reader, limit=3) == expected
        assert all_after(reader, 2) == expected[2:]
        assert reader.progress("one")[1].counts == {"scored": 2}
        assert [row.run for row in reader.runs_page(None, 5)] == [reader.run_row("one").run] == reader.expired() == ["one"]
        assert reader.request("any") is None
        with Store(local.folder, write=True) as writer:
            assert all_after(writer, limit=3) == expected
            begun(writer)
            writer.write(batch(one, ["a"]))
        assert all_after(reader, limit=3) == [*expected, (5, "t", "a")]
        assert reader.progress("one")[0].counts == {"scored": 3}


def test_what_an_older_release_added_meanwhile_gets_its_place(local: Store):
    one, _ = begun(local)
    local.write(batch(one, ["b"]))
    with local.engine.begin() as connection:
        connection.exec_driver_sql("insert into outcomes select task_id, 'a', status, error, reason, found, seconds, cluster, shown, replies from outcomes")

    begun(local)

    assert all_after(local) == [(1, "t", "b"), (2, "t", "a")]
    assert local.progress("one")[0].counts == {"scored": 2}
