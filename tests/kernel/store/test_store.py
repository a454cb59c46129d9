"""The store keeps what it took, refuses what is no store, and finds what was damaged."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.contract import Detection, Finish, Picture, Reply
from kernel.errors import BadStore, NewerStore, StoreError, StoreInUse, Unbalanced, UnknownName
from kernel.store.artifacts import Artifacts
from kernel.store.codec import dump_reply, load_reply
from kernel.store.schema import outcomes, replies, scores
from kernel.store.store import Batch, OutcomeRow, ReplyRow, ScoreRow, Store

ROW = {"task": "t", "model": "m", "player": None, "perspective": "p", "chance": None, "metrics": [{"name": "accuracy"}]}


def begun(store: Store):
    store.begin_run("one", "suite", {})
    return store.begin_tasks("one", [ROW])[0]


def batch(task, case: str, value: float | None = 1.0, status: str = "scored") -> Batch:
    outcome = OutcomeRow(task.task_id, case, status, None, "", 1, 0.0, None, "{}", b"")
    return Batch([], [outcome], [ScoreRow(task.task_id, "accuracy", case, status, value)])


def test_writing_twice_changes_nothing(store: Store):
    """After an error of unknown effect, the same rows may be written again."""
    task = begun(store)
    store.write(batch(task, "a"))
    store.write(batch(task, "a", 0.0))

    store.finish_task(task, 1)

    assert store.sums(task.task_id, "accuracy") == [(1.0, 1, 1)]


@pytest.mark.parametrize(("row", "table"), [(ReplyRow, replies), (OutcomeRow, outcomes), (ScoreRow, scores)])
def test_rows_have_the_order_of_their_columns(row, table):
    """They go to the driver as tuples, so the order is what counts."""
    assert list(row._fields) == [column.name for column in table.columns]


@pytest.mark.parametrize("planned", [0, 1, 3])
def test_a_task_closes_only_in_balance(store: Store, planned: int):
    task = begun(store)
    store.write(batch(task, "a"))
    store.write(batch(task, "b", None, "failed"))

    with pytest.raises(Unbalanced, match=f"planned {planned}, outcomes 2"):
        store.finish_task(task, planned)
    store.finish_task(task, 2)

    assert store.tasks("one")[0].planned == 2


@pytest.mark.parametrize(("status", "value"), [("failed", 0.0), ("unscored", 1.0), ("skipped", 0.0), ("scored", None), ("odd", 1.0)])
def test_only_what_is_scored_has_a_value(store: Store, status: str, value: float | None):
    """The database itself refuses a failure with a number."""
    task = begun(store)
    with pytest.raises(StoreError, match="constraint"):
        store.write(batch(task, "a", value, status))


def test_one_process_writes(local: Store):
    with pytest.raises(StoreInUse, match="is written by process"):
        Store(local.folder, write=True)
    Store(local.folder, write=False).close()


def test_a_store_of_a_newer_release_is_refused_and_untouched(tmp_path: Path):
    Store(tmp_path, write=True).close()
    with sqlite3.connect(tmp_path / "assay.db") as connection:
        connection.execute("update meta set value = '99'")
    connection.close()

    for write in (True, False):
        with pytest.raises(NewerStore, match="schema 99, made by a newer Assay"):
            Store(tmp_path, write=write)


@pytest.mark.parametrize("content", [b"not a database at all, but long enough to look at", b"SQLite format 3\x00" + b"x" * 4096])
def test_what_is_no_store_is_refused(tmp_path: Path, content: bytes):
    (tmp_path / "assay.db").write_bytes(content)
    with pytest.raises(BadStore):
        Store(tmp_path, write=True)
    assert (tmp_path / "assay.db").read_bytes() == content


def test_a_strangers_database_is_refused(tmp_path: Path):
    with sqlite3.connect(tmp_path / "assay.db") as connection:
        connection.execute("create table theirs (x)")
    connection.close()
    with pytest.raises(BadStore, match="no Assay store"):
        Store(tmp_path, write=True)


def test_reading_what_is_not_there_makes_nothing(tmp_path: Path):
    with pytest.raises(BadStore, match="holds no store"):
        Store(tmp_path / "nowhere", write=False)
    assert not (tmp_path / "nowhere").exists()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be made"):
        Store(tmp_path / "file" / "store", write=True)


def test_a_database_that_was_moved_is_not_written_elsewhere(local: Store):
    """It stops with the path it lost and makes no empty one in its place."""
    task = begun(local)
    local.file.rename(local.folder / "elsewhere.db")

    with pytest.raises(StoreError, match="was moved, deleted or replaced"):
        local.write(batch(task, "a"))

    assert not local.file.exists()


def test_an_unknown_run_is_told_with_the_nearest(store: Store):
    store.begin_run("quickstart-1", "quickstart", {})
    with pytest.raises(UnknownName, match="did you mean 'quickstart-1'"):
        store.run("quikstart-1")


def test_a_flipped_bit_in_a_picture_is_found(tmp_path: Path):
    artifacts = Artifacts(str(tmp_path))
    digest = artifacts.keep(b"a picture")
    path = tmp_path / digest[:2] / digest
    path.write_bytes(b"b picture")

    with pytest.raises(StoreError, match="is damaged"):
        artifacts.get(digest)


def test_a_missing_picture_is_told(tmp_path: Path):
    with pytest.raises(StoreError, match="is missing"):
        Artifacts(str(tmp_path)).get("00" * 32)


def test_a_reply_whose_picture_is_gone_counts_as_not_kept(store: Store):
    reply = dump_reply(Reply(pictures=(Picture(b"p"),)), store.artifacts.keep)
    store.write(Batch([ReplyRow(b"k" * 32, "m", reply)], [], []))
    assert b"k" * 32 in store.kept([b"k" * 32])

    digest = Picture(b"p").digest
    (store.folder / "artifacts" / digest[:2] / digest).unlink()

    assert store.kept([b"k" * 32]) == {}


texts = st.text(st.characters(codec=None), max_size=20)
numbers = st.floats(allow_nan=False, allow_infinity=False)
any_reply = st.builds(
    Reply,
    texts=st.lists(texts, max_size=3).map(tuple),
    pictures=st.lists(st.builds(Picture, st.binary(max_size=8)), max_size=2).map(tuple),
    detections=st.lists(st.builds(Detection, texts, numbers, st.tuples(numbers, numbers, numbers, numbers), st.just({"size": "large"})), max_size=2).map(tuple),
    rows=st.lists(st.lists(numbers, max_size=3).map(tuple), max_size=2).map(tuple),
    finish=st.lists(st.sampled_from(Finish), max_size=2).map(tuple),
    input_tokens=st.none() | st.integers(0, 10**6),
    report=st.dictionaries(texts, texts, max_size=2),
)


@given(any_reply)
def test_any_reply_survives_the_store(reply: Reply):
    """Lone surrogates, control characters and all."""
    kept: dict[str, bytes] = {}

    def keep(data: bytes) -> str:
        digest = Picture(data).digest
        kept[digest] = data
        return digest

    assert load_reply(dump_reply(reply, keep), kept.__getitem__) == reply
