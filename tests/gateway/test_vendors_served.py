"""Vendors' models as people use them: a catalog, the real Triton, the vendors' real SDKs, and a vendor on loopback that misbehaves."""

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from gateway.session import open_gateway
from kernel.contract import Deadline, Kind, Request, Text
from kernel.errors import InvalidSpec, Unauthenticated
from tests.vendors import anthropic_api, openai_api
from tests.vendors.anthropic_api import AnthropicApi
from tests.vendors.openai_api import OpenAIApi

pytestmark = [pytest.mark.triton, pytest.mark.slow]

SUITE = """
suite: small
models: [it]
at_once: 32
tasks:
  - evaluator: shapes.image_to_text
    options: {scenario: natural, task: count, size: 96}
"""
CASES = 96
CUT = 7


@dataclass(frozen=True)
class Maker:
    """A vendor's server, what it can do besides answering, and how a catalog names its model."""

    api: type
    behaviours: Any
    entry: str
    overloaded: Any

    def stormy(self, number):
        """Of five calls one finds the vendor overloaded, and of fifty one is cut in the middle."""
        if number % 50 == CUT:
            return self.behaviours.broken_off()
        return self.overloaded if number % 5 == 2 else self.behaviours.answers()


MAKERS = {
    "openai": Maker(OpenAIApi, openai_api, "openai: gpt-4o", openai_api.fails(503, "overloaded")),
    "anthropic": Maker(AnthropicApi, anthropic_api, "anthropic: claude-sonnet-4-6", anthropic_api.fails(529, "overloaded_error", "Overloaded")),
}


one_vendor = pytest.mark.parametrize("maker", [MAKERS["anthropic"]], ids=["anthropic"])


@pytest.fixture(params=MAKERS.values(), ids=MAKERS)
def maker(request):
    """Each vendor in turn."""
    return request.param


class Place:
    """A folder with suite, catalog and store, in which `assay run` is a program of its own."""

    def __init__(self, folder: Path, entry: str, url: str, key: str, more: str = ""):
        self.folder, self.key = folder, key
        (folder / "suite.yaml").write_text(SUITE)
        self.catalog = folder / "catalog.yaml"
        self.catalog.write_text(f"models:\n  it: {{{entry}, key_env: VENDOR_KEY, base_url: '{url}'{more}}}\n")

    command = (Path(sys.executable).parent / "assay", "run", "suite.yaml", "--catalog", "catalog.yaml", "--store", "store")

    def run(self, *more: str) -> subprocess.CompletedProcess:
        command, environment = [*self.command, *more], {**os.environ, "VENDOR_KEY": self.key}
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=240, check=False)

    def start(self) -> subprocess.Popen:
        environment = {**os.environ, "VENDOR_KEY": self.key}
        return subprocess.Popen(self.command, cwd=self.folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def manifest(self) -> dict:
        with sqlite3.connect(self.folder / "store" / "assay.db") as store:
            return json.loads(store.execute("select manifest from runs").fetchone()[0])

    def count(self, table: str) -> int:
        with sqlite3.connect(self.folder / "store" / "assay.db") as store:
            return store.execute(f"select count(*) from {table}").fetchone()[0]


def test_a_storm_costs_nothing_and_nobody_is_asked_twice(maker, tmp_path):
    """Overload and cut lines: every case is scored, and what was answered once is not asked again."""
    with maker.api(maker.stormy).in_thread() as api:
        place = Place(tmp_path, maker.entry, api.url, api.key)
        ended = place.run()

    assert 0 == ended.returncode, ended.stderr
    assert "96 scored, 0 failed" in ended.stdout
    assert CASES == place.count("outcomes") == place.count("replies")
    cut = sum(number % 50 == CUT for number in range(1, api.calls + 1))
    assert CASES == api.paid - cut  # the vendor had answered those, and the line died first
    assert api.calls > CASES * 1.2
    assert place.manifest()["observed"]["it"]["model"]


@one_vendor
def test_a_budget_stops_the_run_and_more_money_goes_on(maker, tmp_path):
    """The vendor's own count of the calls stays below the budget; the second sitting asks the rest and nothing twice."""
    with maker.api().in_thread() as api:
        place = Place(tmp_path, maker.entry, api.url, api.key, ", price: {input: 3.0, output: 15.0}, max_tokens: 64")
        told = place.run("--dry-run")
        asked_before = api.calls
        first = place.run("--budget", "0.02")
        paid = api.paid
        second = place.run("--resume", "--budget", "10")

    assert (0, 0) == (told.returncode, asked_before)
    assert "96" in told.stdout
    assert 1 == first.returncode
    assert "QuotaExhausted" in first.stderr
    assert 0 < paid < CASES
    assert 0 == second.returncode, second.stderr
    assert CASES == api.paid == place.count("replies")


@one_vendor
def test_a_vendor_that_is_down_stops_the_run_not_its_cases(maker, tmp_path):
    """No case fails for it: the run ends with what it has, and goes on when the vendor is back."""
    back = False

    def script(number):
        return maker.behaviours.answers() if back or number <= 10 else maker.overloaded

    with maker.api(script).in_thread() as api:
        place = Place(tmp_path, maker.entry, api.url, api.key)
        first = place.run()
        tries = api.calls
        back = True
        second = place.run("--resume")

    assert 1 == first.returncode
    assert "Down" in first.stderr
    assert "0 failed" in first.stdout
    assert tries < 200
    assert 0 == second.returncode, second.stderr
    assert CASES == api.paid == place.count("outcomes")


def test_the_key_is_in_no_byte_that_leaves(maker, tmp_path):
    """A vendor that repeats the key in its errors: not in output, store, log, page; not in any process's environment or command line."""
    seen = []

    def script(number):
        seen.extend(_everything_of_our_processes())
        return maker.behaviours.answers() if number > 3 else maker.behaviours.repeats_the_key()

    with maker.api(script).in_thread() as api:
        place = Place(tmp_path, maker.entry, api.url, api.key)
        ended = place.run("--report", "page.html")
        place.run("--resume", "--report", "page.html")

    written = [path for path in tmp_path.rglob("*") if path.is_file() and api.key.encode() in path.read_bytes()]
    assert [] == written
    assert api.key not in ended.stdout + ended.stderr
    assert len(seen) > 3
    assert not [name for name, text in seen if api.key.encode() in text and not name.startswith("assay run")]


def _everything_of_our_processes():
    """Command line and environment of every process below this one; that of `assay run` itself has the key, where the user put it."""
    for process in psutil.Process().children(recursive=True):
        try:
            line = " ".join(process.cmdline())
            name = "assay run" if "assay run" in line.replace("/assay ", "assay ") else line[:60]
            yield name, Path(f"/proc/{process.pid}/environ").read_bytes() + line.encode()
        except (OSError, psutil.Error):
            continue


def test_batches_outlive_the_run_that_submitted_them(maker, tmp_path):
    """`kill -9` between submission and answer: the resumed run submits nothing again, and every case gets its own answer."""
    with maker.api(polls=10**9).in_thread() as api:
        place = Place(tmp_path, maker.entry, api.url, api.key, ", mode: batch, gather_seconds: 1, poll_seconds: 0.2, price: {input: 1.5, output: 7.5}")
        with place.start() as first:
            until = time.monotonic() + 60
            while not api.batches and time.monotonic() < until:
                time.sleep(0.1)
            first.kill()
        submitted = list(api.batches)
        kept = place.count("outcomes")
        api.polls = 0
        second = place.run("--resume")

    assert (1, 0) == (len(submitted), kept)
    assert 0 == second.returncode, second.stderr
    assert "96 scored, 0 failed" in second.stdout
    assert submitted == list(api.batches)
    assert (CASES, 0) == (api.paid, api.calls)
    with sqlite3.connect(tmp_path / "store" / "assay.db") as store:
        questions = dict(store.execute("select hex(replies), shown from outcomes"))
        replies = {key: json.loads(reply) for key, reply in store.execute("select hex(key), reply from replies")}
    assert all(json.loads(shown)["question"] == replies[key]["texts"][0] for key, shown in questions.items())
    assert all(reply["report"]["cost"] > 0 for reply in replies.values())


def test_a_batch_needs_a_place_in_which_it_is_remembered(maker, tmp_path, monkeypatch):
    """Without one it could be paid twice, so `assay up` refuses it."""
    monkeypatch.setenv("VENDOR_KEY", maker.api.__name__)
    place = Place(tmp_path, maker.entry, "http://127.0.0.1:9", "key", ", mode: batch")

    async def enter():
        async with open_gateway(place.catalog):
            pass

    with pytest.raises(InvalidSpec, match="works in assay run"):
        asyncio.run(enter())


@one_vendor
async def test_a_wrong_key_and_a_missing_one(maker, tmp_path, monkeypatch):
    """The one is told by the vendor and stops the model; the other before anything is started."""
    with maker.api().in_thread() as api:
        place = Place(tmp_path, maker.entry, api.url, api.key)
        monkeypatch.setenv("VENDOR_KEY", "sk-something-else-that-is-wrong")
        async with open_gateway(place.catalog) as session:
            with pytest.raises(Unauthenticated) as caught:
                await session.infer(Request("it", (Text("hello"),)), deadline=Deadline.after(30))
        monkeypatch.delenv("VENDOR_KEY")
        with pytest.raises(InvalidSpec, match="VENDOR_KEY is not set"):
            async with open_gateway(place.catalog):
                pass

    assert "something-else" not in str(caught.value)


async def test_pictures_are_made_through_the_same_contract(tmp_path, monkeypatch):
    """OpenAI's image models are of the kind `imagine`."""
    monkeypatch.setenv("VENDOR_KEY", openai_api.KEY)
    with OpenAIApi().in_thread() as api:
        place = Place(tmp_path, "openai: gpt-image-1, kind: imagine", api.url, api.key, ", price: {picture: 0.04}")
        async with open_gateway(place.catalog) as session:
            reply = await session.infer(Request("it", (Text("a red circle"),), Kind.IMAGINE), deadline=Deadline.after(60))

    assert reply.pictures[0].data.startswith(b"\x89PNG")
    assert reply.report["cost"] == pytest.approx(0.04, abs=0.001)
