"""`assay results`, run as people run it, with a benchmark whose results an installed package reads and writes."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from kernel_runs import carry_out, plan_of
from small_package import install
from stranger import Session
from typer.testing import CliRunner, Result

from kernel.errors import UnknownName, UserError
from kernel.report import scorecard
from kernel.shell.cli import app
from kernel.store.store import Store

PACKAGE = """
import json
from dataclasses import dataclass, field, replace
from kernel.errors import InvalidSpec

@dataclass
class Found:
    stored: float
    ours: float = None
    agrees: bool = None
    why: str = ""
    rows: dict = field(default_factory=dict)
    metric: str = "accuracy/reference"
    model: str = "m\\x1b[31m"
    label: str = "small.one"
    perspective: str = "manners"
    modality: str = "image_to_text"
    scenario: str = "one"
    task: str = ""
    unit: str = "share"
    higher_is_better: bool = True

def read(folder, models=(), data=""):
    if not (folder / "numbers.json").is_file():
        raise InvalidSpec(str(folder), ["no results found"])
    for told in json.loads((folder / "numbers.json").read_text()):
        yield Found(**told)

def write(numbers, cases, out):
    out.mkdir()
    told = [[each.model, each.task, each.case, each.values, list(each.answers), each.gold] for each in cases]
    (out / "run.json").write_text(json.dumps([numbers, sorted(told)]))
    yield f"wrote {len(told)} cases"
"""


@pytest.fixture(autouse=True)
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COLUMNS", "160")
    return install(tmp_path, "small_results", PACKAGE, "[assay.results]\nsmall = small_results\n", monkeypatch)


def results(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["results", *arguments])


def tree(folder: Path, *numbers: dict) -> Path:
    """A folder of results."""
    (folder / "tree").mkdir()
    (folder / "tree" / "numbers.json").write_text(json.dumps(numbers))
    return folder / "tree"


SAME = {"stored": 0.5, "ours": 0.5, "agrees": True, "rows": {"a": 0.0, "b": 1.0}}
APART = {"stored": 0.9, "ours": 0.25, "agrees": False, "rows": {"a": 0.0, "b": 0.5}, "label": "small.two", "task": "two"}
ALONE = {"stored": 0.75, "why": "the judge has to be asked again", "label": "small.three", "task": "three"}


def test_results_that_agree_end_with_0(tmp_path: Path):
    done = results("import", "small", str(tree(tmp_path, SAME, ALONE)))

    assert done.exit_code == 0, done.output
    assert "2 numbers: 1 agree, 0 differ, 1 cannot be counted anew" in done.stdout
    assert "the judge has to be asked again" in done.stdout
    assert "m␛[31m" in done.stdout


def test_results_that_differ_end_with_1(tmp_path: Path):
    done = results("import", "small", str(tree(tmp_path, SAME, APART)))

    assert done.exit_code == 1
    assert "0.9" in done.stdout
    assert "1 agree, 1 differ" in done.stdout


def test_kept_results_stand_in_a_scorecard(tmp_path: Path):
    """Replies one by one where there are any, else the number itself, and beside ours what was stored where it differs."""
    done = results("import", "small", str(tree(tmp_path, SAME, APART, ALONE)), "--keep", "--store", str(tmp_path / "kept"))

    assert "kept as small-imported-" in done.stdout
    with Store(tmp_path / "kept", write=False) as opened:
        (run,) = opened.runs()
        card = scorecard(opened, run["run"])
    assert (run["suite"], run["status"]) == ("small-imported", "finished")
    assert [(line.task, line.metric, line.mean, line.planned) for line in card.lines] == [
        ("small.one", "accuracy/reference", 0.5, 2),
        ("small.two", "accuracy/reference", 0.25, 2),
        ("small.two", "accuracy/stored", 0.9, 2),
        ("small.three", "accuracy/reference", 0.75, 1),
    ]


def test_what_was_read_is_not_exported(tmp_path: Path):
    results("import", "small", str(tree(tmp_path, SAME)), "--keep", "--store", str(tmp_path / "kept"))
    with Store(tmp_path / "kept", write=False) as opened:
        (run,) = opened.runs()

    done = results("export", "small", run["run"], "--out", str(tmp_path / "out"), "--store", str(tmp_path / "kept"))

    assert isinstance(done.exception, UserError)
    assert "export a run of ours" in str(done.exception)


def test_a_run_is_handed_over_without_its_players(tmp_path: Path):
    """Numbers by model and task, and every case with its values, answers and gold."""
    plan = asyncio.run(plan_of("parrot", "gold", size=3))
    with Store(tmp_path / "kept", write=True) as opened:
        asyncio.run(carry_out(plan, opened, Session(None)))

    done = results("export", "small", "one", "--out", str(tmp_path / "out"), "--store", str(tmp_path / "kept"))

    assert done.exit_code == 0, done.output
    assert "wrote 3 cases" in done.stdout
    numbers, cases = json.loads((tmp_path / "out" / "run.json").read_text())
    assert numbers == {"parrot": {"stranger.echo": {"accuracy": 1.0, "length": 7.0}}}
    assert cases[0] == ["parrot", "stranger.echo", "case-0", {"accuracy": 1.0, "length": 7.0}, ["hello 0"], "hello 0"]


def test_a_benchmark_without_results_is_a_mistake_of_the_user(tmp_path: Path):
    with pytest.raises(UnknownName, match="no benchmark with results named 'smal'; did you mean 'small'"):
        raise results("import", "smal", str(tmp_path)).exception
