"""A store on PostgreSQL: several writers, a server that goes away, answers that are lost, and schemas that know nothing of each other."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
import stranger
from kernel_runs import carry_out, plan_of
from postgres_server import PostgresServer
from small_runs import all_after, batch, begun, write_shuffled

from kernel.contract import Deadline, Picture, Reply, Request
from kernel.errors import BadStore, StoreError
from kernel.store import base
from kernel.store import postgres as opened_postgres
from kernel.store.codec import dump_reply
from kernel.store.store import Batch, ReplyRow, Store

Opening = Callable[..., Store]

SCRIPT = Path(__file__).with_name("small_runs.py")
ROOT = Path(__file__).parents[3]


def writer(store: Store, url: str, schema: str, first: int, beyond: int, seed: int) -> subprocess.Popen[str]:
    command = [sys.executable, SCRIPT, url, schema, store.folder, *map(str, (first, beyond, seed))]
    return subprocess.Popen(list(map(str, command)), cwd=ROOT, env={"PYTHONPATH": f"{ROOT}:{':'.join(sys.path)}"}, stdout=-1, text=True)


def schema_of(store: Store) -> str:
    return store.place.rsplit(" ", 1)[1].rstrip(")")


def test_two_processes_write_a_run_and_a_third_misses_nothing(postgres: PostgresServer, opening: Opening):
    """Their ranges overlap, so that each also writes cases that the other wrote."""
    store = opening()
    begun(store)
    writers = [writer(store, postgres.url(), schema_of(store), first, first + 1_200, first) for first in (0, 800)]
    found, position = [], 0
    try:
        while True:
            ended = all(each.poll() is not None for each in writers)
            page = store.outcomes_after("one", position, 97)
            found += page.rows
            position = page.position
            if ended and page.whole:
                break
    finally:
        for each in writers:
            each.kill()
            each.communicate()

    assert [each.returncode for each in writers] == [0, 0]
    assert [row.position for row in found] == list(range(1, 2_001))
    assert len({row.outcome.case_id for row in found}) == 2_000
    assert sum(row.counts["scored"] for row in store.progress("one")) == 2_000


class Asked:
    """The stranger's gateway, counting."""

    def __init__(self) -> None:
        self.calls = 0
        self._asked = stranger.open_gateway()

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        self.calls += 1
        return await self._asked.infer(request, deadline=deadline)

    async def aclose(self) -> None: ...


async def test_a_run_ends_as_it_does_on_sqlite(opening: Opening, local: Store):
    """A second sitting asks nothing more on either."""
    store = opening()
    plan = await plan_of("parrot", "gold", size=300)
    asked = {}
    for each in (local, store):
        model = asked[each] = Asked()
        _, runner = await carry_out(plan, each, model)
        assert runner.finished
        await carry_out(plan, each, model)

    assert list(store.every_outcome("one")) == list(local.every_outcome("one"))
    assert asked[store].calls == asked[local].calls
    assert len(all_after(store)) == len(all_after(local)) == sum(sum(row.counts.values()) for row in store.progress("one"))


def test_two_runs_that_keep_the_same_replies_do_not_stop_each_other(postgres: PostgresServer, opening: Opening):
    """They come to the same keys in different orders: a deadlock, if each locked them in its own."""
    stores = [opening() for _ in range(2)]
    for number, store in enumerate(stores):
        begun(store, f"run-{number}")
    keys = [bytes([number]) * 32 for number in range(100)]

    def keep(number: int) -> None:
        task = stores[number].tasks(f"run-{number}")[0]
        for turn in range(30):
            rows = [ReplyRow(key, "m", "{}") for key in (keys if (number + turn) % 2 else keys[::-1])]
            stores[number].write(batch(task, [f"{turn}"])._replace(replies=rows))

    threads = [threading.Thread(target=keep, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [len(all_after(stores[0], run=f"run-{number}")) for number in range(2)] == [30, 30]
    for store in stores:
        store.close()
    assert "deadlock detected" not in (postgres.folder / "log").read_text()


def test_connections_that_are_ended_in_the_middle_lose_nothing(postgres: PostgresServer, opening: Opening):
    store = opening()
    begun(store)
    process = writer(store, postgres.url(), schema_of(store), 0, 1_000, 1)
    ended = 0
    while process.poll() is None:
        ended += len(postgres.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'assay'"))
        store.progress("one")
        time.sleep(0.02)

    acknowledged = process.communicate()[0].split()

    assert process.returncode == 0
    assert ended > 10
    assert sorted(case for _, _, case in all_after(store)) == sorted(acknowledged) == [f"case-{number:05}" for number in range(1_000)]


@pytest.mark.slow
def test_a_server_that_crashes_and_comes_back_loses_nothing(postgres: PostgresServer, opening: Opening):
    store = opening()
    begun(store)
    process = writer(store, postgres.url(), schema_of(store), 0, 6_000, 2)
    acknowledged = []
    with process:
        for _ in range(2):
            acknowledged += process.stdout.readline().split()
            postgres.stop("immediate")
            postgres.start()
        acknowledged += process.stdout.read().split()

    assert process.returncode == 0
    assert sorted(case for _, _, case in all_after(store)) == sorted(acknowledged)
    assert len(acknowledged) == 6_000


class LosesAnswers:
    """A proxy that lets every third COMMIT through and ends the connection instead of passing the answer on."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.commits = self.lost = 0
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        """End all connections and take no more."""
        self._end(self._listening)
        self._threads[0].join()
        for pair in self._pairs:
            self._end(*pair)
        for thread in self._threads:
            thread.join()
        for each in (self._listening, *(one for pair in self._pairs for one in pair)):
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection(("127.0.0.1", self._to))
                self._pairs.append((client, server))
                losing = threading.Event()
                for target, pair in ((self._up, (client, server)), (self._down, (server, client))):
                    self._threads.append(threading.Thread(target=target, args=(*pair, losing)))
                    self._threads[-1].start()

    def _up(self, client: socket.socket, server: socket.socket, losing: threading.Event) -> None:
        with suppress(OSError):
            while data := client.recv(65_536):
                if b"COMMIT\x00" in data:
                    self.commits += 1
                    if self.commits % 3 == 0:
                        losing.set()
                server.sendall(data)
        self._end(client, server)

    def _down(self, server: socket.socket, client: socket.socket, losing: threading.Event) -> None:
        with suppress(OSError):
            while data := server.recv(65_536):
                if losing.is_set():
                    self.lost += 1
                    break
                client.sendall(data)
        self._end(client, server)

    def _end(self, *sockets: socket.socket) -> None:
        for each in sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def lossy(postgres: PostgresServer) -> Iterator[LosesAnswers]:
    with closing(LosesAnswers(postgres.port)) as proxy:
        yield proxy


def test_a_lost_answer_to_commit_doubles_nothing(postgres: PostgresServer, opening: Opening, lossy: LosesAnswers, capsys: pytest.CaptureFixture[str]):
    """Every third commit is done without the writer hearing of it; it writes again and finds it there."""
    store = opening()
    through = opening(url=postgres.url(port=lossy.port))

    write_shuffled(through, 0, 600, 3)

    acknowledged = capsys.readouterr().out.split()
    found = all_after(store)
    assert lossy.lost > 5
    assert [position for position, _, _ in found] == list(range(1, 601))
    assert sorted(case for _, _, case in found) == sorted(acknowledged)
    assert sum(row.counts["scored"] for row in store.progress("one")) == 600


def test_leases_and_requests_survive_lost_answers(postgres: PostgresServer, opening: Opening, lossy: LosesAnswers):
    opening()
    through = opening(url=postgres.url(port=lossy.port))
    for number in range(10):
        assert through.create_run(f"{number}", "suite", {}, request_id=f"r{number}").run == f"{number}"
        assert through.take_lease(f"{number}", "a")
        assert through.renew_lease(f"{number}", "a")
        assert through.set_state(f"{number}", "finished", owner="a")
        through.release_lease(f"{number}", "a")
        through.delete_run(f"{number}")
    assert lossy.lost > 5
    assert through.runs_page(None, 5) == []


def test_a_server_that_stays_away_is_told_after_a_while(opening: Opening, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(base, "PATIENCE", 0.5)
    with closing(LosesAnswers(postgres.port)) as proxy:
        store = opening(url=postgres.url(port=proxy.port))
        one, _ = begun(store)
    postgres.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'assay'")
    begun_at = time.monotonic()
    with pytest.raises(StoreError, match="what was acknowledged before is kept"):
        store.write(batch(one, ["a"]))
    with pytest.raises(StoreError):
        store.runs()
    assert time.monotonic() - begun_at < 5


def test_a_fault_that_stays_is_not_tried_again(opening: Opening):
    store = opening()
    one, _ = begun(store)
    began = time.monotonic()
    with pytest.raises(StoreError, match="only_what_is_scored_has_a_value"):
        store.write(batch(one, ["a"], None))
    assert time.monotonic() - began < 1


def test_a_schema_sees_nothing_of_another(postgres: PostgresServer, tmp_path: Path):
    one, two = postgres.new_schema(), f'{postgres.new_schema()}-odd "name"'
    with (
        Store(tmp_path / "one", write=True, url=postgres.url(), schema=one) as first,
        Store(tmp_path / "two", write=True, url=postgres.url(), schema=two) as second,
    ):
        task, _ = begun(first)
        reply = dump_reply(Reply(pictures=(Picture(b"p"),)), first.artifacts.keep)
        first.write(batch(task, ["a"])._replace(replies=[ReplyRow(b"k" * 32, "m", reply)]))

        assert (second.runs(), second.kept([b"k" * 32]), all_after(second)) == ([], {}, [])
        assert first.kept([b"k" * 32])[b"k" * 32].pictures == (Picture(b"p"),)
        assert begun(second)[0].task_id == 1
        assert all_after(second) == []


def test_long_names_of_namespaces_do_not_meet():
    """PostgreSQL cuts names, and two namespaces would become one."""
    names = ["a" * 63, "a" * 62 + "b", "a" * 57, "default", "a" * 40]
    schemas = {opened_postgres.schema_of(name) for name in names}
    assert len(schemas) == len(names)
    assert all(len(schema) <= 63 for schema in schemas)
    assert "assay_default" in schemas


def test_who_only_reads_writes_nothing(opening: Opening, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(base, "PATIENCE", 0.2)
    writing = opening()
    one, _ = begun(writing)
    reading = opening(write=False)
    assert [row["run"] for row in reading.runs()] == ["one"]
    with pytest.raises(StoreError, match="read-only"):
        reading.begin_run("two", "suite", {})
    writing.write(batch(one, ["a"]))
    assert len(all_after(reading)) == 1


def test_what_is_no_store_is_refused(postgres: PostgresServer, tmp_path: Path):
    schema = postgres.new_schema()
    with pytest.raises(BadStore, match="holds no store"):
        Store(tmp_path, write=False, url=postgres.url(), schema=schema)
    postgres.execute(f"create schema {schema}; create table {schema}.theirs (x int)")
    with pytest.raises(BadStore, match="no Assay store"):
        Store(tmp_path, write=True, url=postgres.url(), schema=schema)
    with pytest.raises(BadStore, match="longer than 63 bytes"):
        Store(tmp_path, write=True, url=postgres.url(), schema="a" * 64)


@pytest.mark.parametrize("url", ["mysql://secret@nowhere/x", "not an address secret", "sqlite:///x.db"])
def test_other_addresses_are_refused_without_a_word_of_the_password(url: str, tmp_path: Path):
    with pytest.raises(BadStore) as caught:
        Store(tmp_path, write=True, url=url)
    assert "secret" not in str(caught.value)


def test_a_server_that_is_not_there_is_told_without_the_password(postgres: PostgresServer, tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(StoreError, match="cannot be opened") as caught:
        Store(tmp_path, write=True, url=f"postgresql://somebody:secret@127.0.0.1:{port}/x")
    assert "secret" not in str(caught.value)


def test_a_driver_that_is_missing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(BadStore, match=r"needs PostgreSQL's driver .* pip install 'trust-assay\[service\]'"):
        Store(tmp_path, write=True, url="postgresql://127.0.0.1:1/x")


def test_a_server_without_a_connection_left_is_waited_for(postgres: PostgresServer, opening: Opening):
    import psycopg

    store = opening()
    one, _ = begun(store)
    store.engine.dispose()
    taken = []
    with suppress(psycopg.OperationalError):
        while True:
            taken.append(psycopg.connect(postgres.url()))
    release = threading.Timer(1.0, lambda: [each.close() for each in taken])
    release.start()

    store.write(batch(one, ["a"]))

    release.join()
    assert len(all_after(store)) == 1


def test_two_servers_may_make_the_store_at_once(postgres: PostgresServer, tmp_path: Path):
    schema, line = postgres.new_schema(), threading.Barrier(6)
    opened: list[Store] = []

    def make() -> None:
        line.wait()
        opened.append(Store(tmp_path, write=True, url=postgres.url(), schema=schema))

    threads = [threading.Thread(target=make) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in opened:
        store.close()
    assert len(opened) == 6


def test_text_is_sorted_as_on_the_other_kind(store: Store):
    one, _ = begun(store)
    names = ["a", "B", "_", "é", "ab", "a b", "Z", "😀", "\uffff"]
    store.write(batch(one, names))
    assert [row["case_id"] for row in store.cases(one.task_id, "accuracy")] == sorted(names)


def test_where_cases_come_from_is_read_whatever_else_is_in_them(store: Store):
    """PostgreSQL would refuse to look into such JSON."""
    one, _ = begun(store)
    made = batch(one, ["a#noise", "b"])
    shown = ['{"question":"\\u0000 \\ud800","facts":{"condition":{"name":"noise","case":"a"}}}', '{"facts":{}}']
    rows = [row._replace(shown=text) for row, text in zip(made.outcomes, shown, strict=True)]
    store.write(Batch([], rows, made.scores))
    assert store.origins(one.task_id) == {"a#noise": ("a", "a"), "b": ("b", "b")}
