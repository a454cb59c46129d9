"""`assay redteam`, run as people run it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from kernel.errors import RoleUnfilled, UserError
from kernel.shell import redteam, running
from tests.evaluators.redteam.trigrams import Trigrams

ASSAY = [sys.executable, "-c", "from kernel.shell.cli import main; main()", "redteam"]


def assay(*arguments: str | Path) -> Result:
    return CliRunner().invoke(redteam.app, list(map(str, arguments)))


def test_the_list_has_every_generator_and_what_it_needs(tmp_path: Path):
    done = subprocess.run([*ASSAY, "list"], capture_output=True, text=True, timeout=60, check=False, env={"COLUMNS": "250"}, cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert "image_to_text.safety.typography" in done.stdout
    assert "clip (needed)" in done.stdout
    assert "Faces of subjects of six domains" in done.stdout


def test_a_split_is_made_and_made_the_same_again(seeds_for, tmp_path: Path):
    name = "image_to_text.hallucination.distraction"
    for place in ("once", "again"):
        done = assay("make", name, "--seeds", seeds_for(name), "--out", tmp_path / place, "--seed", 7, "--set", "task=spatial", "--set", "keep=3")
        assert done.exit_code == 0, done.output
        assert "distraction-00000-of-00001.parquet\n3 rows" in done.output
    once, again = (tmp_path / place / "MMDecodingTrust-I2T" / "hallucination" / "distraction-00000-of-00001.parquet" for place in ("once", "again"))

    assert once.read_bytes() == again.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nothing"], "no generator named 'nothing'"),
        (["image_to_text.safety.typography"], "makes rows from seeds; name their file: --seeds FILE"),
        (["image_to_text.safety.typography", "--seeds", "none.csv"], "none.csv: no such file"),
        (["text_to_image.fairness.decision_making", "--set", "sistem=hiring"], "sistem'; did you mean 'system'?"),
        (["text_to_image.fairness.individual", "--set", "sead=1"], "no option of text_to_image.fairness.individual named 'sead'; known: none"),
        (["text_to_image.fairness.decision_making", "--set", "system=sport"], "system: input should be 'hiring'"),
        (["text_to_image.fairness.individual", "--set", "seed"], "expected a name and a value, such as --set keep=100"),
        (["text_to_image.adv.greedy", "--seeds", "{seeds}"], "asks models and none is there; expected one for clip"),
    ],
)
def test_a_users_mistake_is_refused_and_nothing_is_written(arguments: list[str], told: str, seeds_for, tmp_path: Path):
    given = [each.format(seeds=seeds_for(arguments[0])) for each in arguments]
    done = assay("make", *given, "--out", tmp_path / "out")

    assert isinstance(done.exception, UserError)
    assert told in str(done.exception)
    assert not (tmp_path / "out").exists()


class Session(Trigrams):
    """A gateway of this process, not a real one: it has roles and tells which models were wanted."""

    opened: list = []

    def __init__(self, catalog: Path, *, only) -> None:
        super().__init__()
        self.roles = {"clip": "our-clip"} if catalog.name == "catalog.yaml" else {}
        self.opened.append((only, self))

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.aclose()


def test_a_catalogs_roles_say_which_models_help(seeds_for, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(running, "find_gateway", lambda name: Session)
    name = "text_to_image.adv.character"
    arguments = ["make", name, "--seeds", str(seeds_for(name)), "--out", str(tmp_path), "--set", "all_rows=true"]
    done = assay(*arguments, "--catalog", "catalog.yaml")
    assert done.exit_code == 0, done.output

    only, session = Session.opened[-1]
    assert only == {"our-clip"}
    assert {request.model for request in session.asked} == {"our-clip"}
    assert json.loads((tmp_path / "MMDecodingTrust-T2I" / "adv" / "object.json").read_text())[0]["algorithm"] == "character"

    without = assay(*arguments, "--catalog", "empty.yaml")
    assert isinstance(without.exception, RoleUnfilled)
    assert "no model plays the clip" in str(without.exception)
