"""`assay models`, as people run it, with a stranger's catalog: what is shown, what is handed on, and what the exit code says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ASSAY = [sys.executable, "-c", "from kernel.shell.cli import main; main()"]
MODULE = """
from dataclasses import dataclass

from kernel.contract import Kind, ModelCard
from kernel.errors import InvalidSpec


@dataclass
class Added:
    name: str
    kind: object
    text: str
    made: bool


class Session:
    async def cards(self):
        return {"parrot": ModelCard(name="parrot", kind=Kind.GENERATE, backend="wood", state="not started", identity="p", accepts=("text_input",))}

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        print("was started")


def open_gateway(catalog, *, only=None, **more):
    return Session()


def sources(catalog=None):
    return {"parrot": f"the jungle \\x1b[31m{catalog}"}


def add(name, said, *, catalog, settings=()):
    if name == "wrong":
        raise InvalidSpec(str(catalog), ["no such parrot; name another"])
    return Added(name, None if name == "tool" else Kind.GENERATE, f"{name}: {said} {list(settings)}", name == "new")
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stranger's package, with a gateway and what it offers for its catalog."""
    folder = tmp_path_factory.mktemp("stranger")
    (folder / "aviary.py").write_text(MODULE)
    (folder / "aviary-1.0.dist-info").mkdir()
    (folder / "aviary-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: aviary\nVersion: 1.0\n")
    (folder / "aviary-1.0.dist-info" / "entry_points.txt").write_text("[assay.gateways]\naviary = aviary:open_gateway\n\n[assay.models]\naviary = aviary\n")
    return folder


def models(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(path), "COLUMNS": "200"}
    return subprocess.run([*ASSAY, "models", *arguments], env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("command", [[], ["list"]])
def test_the_catalog_is_a_table(command: list[str], path: Path) -> None:
    """Name, kind, state, and where each model comes from; foreign text moves nothing."""
    done = models(path, *command, "--gateway", "aviary", "--catalog", "ours.yaml")

    assert done.returncode == 0, done.stderr
    assert ["model", "kind", "state", "backend", "accepts", "from"] == done.stdout.split()[:6]
    assert "ours.yaml" in next(line for line in done.stdout.splitlines() if "parrot" in line)
    assert "\x1b" not in done.stdout
    assert "was started" not in done.stdout


def test_the_real_state_needs_a_start(path: Path) -> None:
    assert "was started" in models(path, "--gateway", "aviary", "--start").stdout


def test_what_was_added_is_shown_with_the_next_command(path: Path) -> None:
    """All that was said is handed on."""
    done = models(path, "add", "new", "wood=./parrot", "--set", "a=1", "--set", "b=2", "--catalog", "our models.yaml", "--gateway", "aviary")

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "added to our models.yaml, which is new and has the bundled models too: new: wood=./parrot ['a=1', 'b=2']",
        "next: assay run quickstart --catalog 'our models.yaml' -m new",
    ]


def test_what_no_suite_asks_is_shown_in_the_catalog(path: Path) -> None:
    done = models(path, "add", "tool", "wood=parrot", "--gateway", "aviary")

    assert done.stdout.splitlines() == ["added to catalog.yaml: tool: wood=parrot []", "next: assay models --catalog catalog.yaml --start"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["add", "wrong", "wood=parrot", "--gateway", "aviary"], "catalog.yaml: no such parrot; name another"),
        (["add", "new"], "kind=what"),
        (["add", "new", "wood=parrot", "--gateway", "nobody"], "no gateway with models named 'nobody'"),
        (["--catalog", "a.yaml", "list"], "options stand behind the command: assay models list --catalog"),
        (["ad"], "ad"),
    ],
)
def test_a_users_mistake_is_one_clear_line_and_exit_code_2(arguments: list[str], told: str, path: Path) -> None:
    done = models(path, *arguments)

    assert done.returncode == 2
    assert told in done.stderr.lower()
    assert len(done.stderr.strip().splitlines()) == 1
