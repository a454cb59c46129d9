"""What the documents promise is there, and what is there is in the documents."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

import pytest

from kernel.shell.cli import app

ROOT = Path(__file__).parents[1]
FILES = sorted(path.relative_to(ROOT) for folder in ("kernel", "gateway", "evaluators", "training") for path in (ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("path", [path for path in FILES if path.name != "__init__.py"], ids=str)
def test_every_file_has_its_line_in_the_architecture(path: Path):
    assert f"`{path.name}`" in (ROOT / "ARCHITECTURE.md").read_text()


@pytest.mark.parametrize("command", [command.name or command.callback.__name__ for command in app.registered_commands])
def test_every_command_is_in_the_readme(command: str):
    assert f"assay {command}" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("name", [point.name for point in entry_points(group="assay.evaluators") if point.name.startswith("shapes.")])
def test_every_evaluator_of_ours_is_in_the_architecture(name: str):
    assert f"`{name}`" in (ROOT / "ARCHITECTURE.md").read_text()


@pytest.mark.parametrize("folder", sorted(path.parent.name for path in (ROOT / "model_repository").glob("*/config.pbtxt")))
def test_every_model_has_a_card_and_its_line(folder: str):
    assert (ROOT / "model_repository" / folder / "README.md").is_file()
    assert folder in (ROOT / "README.md").read_text() + (ROOT / "ARCHITECTURE.md").read_text()
