"""One suite, one store, five models of five makes: one word on the command line is all that changes, and the store tells them apart by it.

The makes: a bundled model, a vendor behind each of the two proxies (fakes on loopback, asked through the vendors' own SDKs), the real
MLServer, and a second real Triton whose model has the tensors of the vLLM backend. All but the first echo what they were asked; what
they answer is valid, and nothing here depends on its being right.

What is read of the store is everything in it, every column of every table; what may differ is taken out by name.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from evaluators.shapes.image_to_text import ImageToText
from evaluators.shapes.judging import judge
from gateway.session import open_gateway
from gateway.triton import Options
from kernel.contract import SAMPLING_NAMES
from kernel.evaluator import Case
from kernel.store.codec import dump_reply, load_reply, reply_key
from tests.mlserver import started as mlserver
from tests.vendors.anthropic_api import AnthropicApi
from tests.vendors.openai_api import OpenAIApi

pytestmark = [pytest.mark.triton, pytest.mark.slow]

MODELS = Path(__file__).parent / "models"
SIZE = 24
TASKS = ("count", "attribute")
SUITE = f"""
suite: small
title: The same for everyone
at_once: 16
seed: 3
tasks:
  - evaluator: shapes.image_to_text
    each: {{task: [{", ".join(TASKS)}]}}
    options: {{scenario: natural, size: {SIZE}}}
"""
BUNDLED = "bundled"
OTHERS = ["openai", "anthropic", "vllm", pytest.param("mlserver", marks=mlserver.needed)]

RUNS, TASK_ROWS, OUTCOMES, SCORES = (
    {"run", "created"},
    {"task_id", "run"},
    {"task_id", "seconds", "replies", "reason", "found"},
    {"task_id", "value"},
)
"""Columns in which two runs may differ whatever the model is: names, numbers and times; and the verdict, which is for the reply to bring."""


@dataclass(frozen=True)
class Kept:
    """The store after all runs, how each command ended, and how often each vendor was asked."""

    folder: Path
    ended: dict[str, subprocess.CompletedProcess[str]]
    asked: dict[str, int]

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """Rows by the names of their columns."""
        with sqlite3.connect(self.folder / "assay.db") as store:
            store.row_factory = sqlite3.Row
            return [dict(row) for row in store.execute(query, values)]

    def run(self, model: str) -> dict[str, Any]:
        """The row of the only run in which the model was asked."""
        (row,) = self.rows("select * from runs where run in (select run from tasks where model = ?)", model)
        return row

    def tasks(self, model: str) -> list[dict[str, Any]]:
        """The rows of its tasks, in order."""
        return self.rows("select * from tasks where run = ? order by position", self.run(model)["run"])

    def of_task(self, table: str, task: dict[str, Any]) -> list[dict[str, Any]]:
        """The rows of a task, in an order that does not depend on who was first to answer."""
        order = "case_id" if table == "outcomes" else "case_id, metric"
        return self.rows(f"select * from {table} where task_id = ? order by {order}", task["task_id"])

    def manifest(self, model: str) -> dict[str, Any]:
        """What was written down before the model was asked, and after."""
        return json.loads(self.run(model)["manifest"])

    @cached_property
    def replies(self) -> dict[bytes, dict[str, Any]]:
        """All rows of replies by their keys."""
        return {row["key"]: row for row in self.rows("select * from replies")}


@pytest.fixture(scope="module")
async def kept(tmp_path_factory) -> Kept:
    """Five servers and a catalog; then the same command for each model, with nothing but the name after `--model` changed."""
    folder = tmp_path_factory.mktemp("any_model")
    (folder / "suite.yaml").write_text(SUITE)
    (folder / "served.yaml").write_text(f"models: {{like_vllm: {{folder: {MODELS}/like_vllm, kind: generate}}}}")
    async with AsyncExitStack() as running:
        elsewhere = await running.enter_async_context(open_gateway(folder / "served.yaml", options=Options(described=True)))
        vendors = {"openai": running.enter_context(OpenAIApi().in_thread()), "anthropic": running.enter_context(AnthropicApi().in_thread())}
        entries = {
            BUNDLED: "bundled: shapes_vlm",
            "openai": f'openai: gpt-4o, key_env: OPENAI_SECRET, base_url: "{vendors["openai"].url}"',
            "anthropic": f'anthropic: claude-sonnet-4-6, key_env: ANTHROPIC_SECRET, base_url: "{vendors["anthropic"].url}"',
            "vllm": f'server: "grpc://{elsewhere.address}", model: like_vllm, dialect: vllm',
        }
        if mlserver.PROGRAM.exists():
            (folder / "mlserver").mkdir()
            port = running.enter_context(mlserver.started(folder / "mlserver"))
            entries["mlserver"] = f'server: "grpc://127.0.0.1:{port}", model: words, kind: generate'
        (folder / "catalog.yaml").write_text("models:\n" + "".join(f"  {name}: {{{entry}}}\n" for name, entry in entries.items()))
        secrets = {f"{name.upper()}_SECRET": vendor.key for name, vendor in vendors.items()}
        ended = {name: await asyncio.to_thread(run, folder, name, secrets) for name in entries}
        return Kept(folder / "store", ended, {name: vendor.calls for name, vendor in vendors.items()})


def run(folder: Path, model: str, secrets: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """The command, as a person types it."""
    command = [Path(sys.executable).parent / "assay", "run", "suite.yaml", "--catalog", "catalog.yaml", "--store", "store", "--model", model]
    return subprocess.run(command, cwd=folder, env={**os.environ, **secrets}, capture_output=True, text=True, timeout=240, check=False)


@pytest.fixture(scope="module")
def cases() -> dict[str, Case]:
    """What the suite asks, by the names of the cases, made here and for no model."""
    evaluators = (ImageToText(target="nobody", scenario="natural", task=task, size=SIZE, seed=3) for task in TASKS)
    return {case.id: case for evaluator in evaluators for case in evaluator.cases()}


every_model = pytest.mark.parametrize("model", [BUNDLED, *OTHERS])


@every_model
def test_one_name_on_the_command_line_is_enough(kept, model):
    """Every run ends well, with every case scored."""
    ended = kept.ended[model]
    statuses = kept.rows("select status, count(*) as number from outcomes join tasks using (task_id) where model = ? group by status", model)

    assert ended.returncode == 0, ended.stderr
    assert [{"status": "scored", "number": SIZE * len(TASKS)}] == statuses
    assert f"{SIZE * len(TASKS)} scored, 0 failed" in ended.stdout, ended.stdout


@pytest.mark.parametrize("model", OTHERS)
def test_the_store_tells_it_from_the_bundled_one_only_by_name(kept, model):
    """Run, manifest, tasks, cases, what was shown, metrics: all of it is the same."""
    here, there = without_name(kept, model), without_name(kept, BUNDLED)

    for part, expected in there.items():
        assert here[part] == expected, part
    assert here.keys() == there.keys()
    assert len(here["outcomes"]) == SIZE * len(TASKS)


def without_name(kept: Kept, model: str) -> dict[str, Any]:
    """All that the store has of a model's run, less the columns that may differ, and less its name where a name belongs."""
    row, tasks, manifest = kept.run(model), kept.tasks(model), kept.manifest(model)
    assert [model] == manifest["suite"].pop("models")
    assert [model] == list(manifest["models"])
    assert manifest["models"][model].pop("identity")
    manifest["models"] = list(manifest["models"].values())
    manifest.pop("observed", None)
    assert {model} == {task.pop("model") for task in tasks}
    return {
        "run": less(row, RUNS | {"manifest"}),
        "manifest": manifest,
        "tasks": [less(task, TASK_ROWS) for task in tasks],
        "outcomes": [(task["task"], less(row, OUTCOMES)) for task in tasks for row in kept.of_task("outcomes", task)],
        "scores": [(task["task"], less(row, SCORES)) for task in tasks for row in kept.of_task("scores", task)],
    }


def less(row: dict[str, Any], names: set[str]) -> dict[str, Any]:
    """A row without these columns, all of which it has."""
    assert names <= row.keys()
    return {name: value for name, value in row.items() if name not in names}


@every_model
def test_every_verdict_rests_on_the_words_of_the_reply(kept, cases, model):
    """Each case is the suite's own, stands on one reply under a key made of identity and question, and is worth what its text is worth."""
    identity = kept.manifest(model)["models"][model]["identity"]
    seen = set()
    for task in kept.tasks(model):
        values = {row["case_id"]: row["value"] for row in kept.of_task("scores", task)}
        for row in kept.of_task("outcomes", task):
            case = cases[row["case_id"]]
            shown = json.loads(row["shown"])
            assert (shown["question"], shown["gold"], shown["facts"]) == (case.request.text, case.gold, case.facts)
            assert shown["pictures"] == [picture.digest for picture in case.request.pictures]
            assert row["replies"] == reply_key(identity, replace(case.request, model=model))
            assert kept.replies[row["replies"]]["model"] == model
            said = json.loads(kept.replies[row["replies"]]["reply"])["texts"]
            score = judge(said[0], case.facts["options"], case.gold)
            assert (len(said), row["reason"], bool(row["found"]), values[case.id]) == (1, score.reason, score.found, score.value)
            seen.add(case.id)

    assert seen == cases.keys()


@every_model
def test_what_a_model_says_of_itself_stands_in_its_report_and_nowhere_else(kept, model):
    """A reply has the contract's fields and no more; of its report the manifest has the name as answered, and settings by our names."""
    texts = [row["reply"] for row in kept.replies.values() if row["model"] == model]
    replies = [load_reply(text, pytest.fail) for text in texts]  # a picture would be looked for, and there is none
    observed = kept.manifest(model).get("observed", {})
    told = observed.get(model, {})

    assert len(texts) == SIZE * len(TASKS)
    assert [json.loads(dump_reply(reply, pytest.fail)) for reply in replies] == [json.loads(text) for text in texts]
    assert observed.keys() <= {model}
    assert told.keys() <= {"model", "not_honoured"}
    assert set(told.get("model", [])) == {reply.report["model"] for reply in replies if "model" in reply.report}
    assert set(told.get("not_honoured", [])) == {name for reply in replies for name in reply.report.get("not_honoured", [])} <= set(SAMPLING_NAMES)


def test_nothing_else_is_in_the_store(kept, cases):
    """As many runs, identities and replies as models ask for; the pictures are there once for all; no vendor was asked anything twice."""
    models = set(kept.ended)
    pictures = {picture.digest for case in cases.values() for picture in case.request.pictures}
    identities = {kept.manifest(model)["models"][model]["identity"] for model in models}

    assert {table["name"] for table in kept.rows("select name from sqlite_master where type = 'table'")} == {
        *("meta", "runs", "tasks", "totals", "replies", "outcomes", "scores"),
        *("written", "counts", "leases", "requests"),
    }
    assert len(kept.rows("select * from runs")) == len(identities) == len(models)
    assert {row["model"] for row in kept.replies.values()} == models
    assert len(kept.replies) == len(kept.rows("select * from outcomes")) == len(cases) * len(models)
    assert {path.stem for path in (kept.folder / "artifacts").rglob("*") if path.is_file()} == pictures
    assert kept.asked == dict.fromkeys(("openai", "anthropic"), len(cases))
