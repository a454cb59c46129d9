"""A package that is found like an installed one: a module and its entry point, for the tests of commands that ask plugins."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest


def install(folder: Path, module: str, source: str, entry_points: str, patch: pytest.MonkeyPatch) -> Path:
    """Put it into `folder`, where Python looks from here on."""
    (folder / f"{module}.py").write_text(source)
    told = folder / "small-1.0.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: small\nVersion: 1.0\n")
    (told / "entry_points.txt").write_text(entry_points)
    patch.syspath_prepend(folder)
    patch.delitem(sys.modules, module, raising=False)
    return folder
