"""Imports the plain classes of a model's folder, as Triton's stub does: with the version's folder on the path."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

from gateway.repository import BUNDLED


def load(model: str, module: str) -> ModuleType:
    """A module of a bundled model."""
    folder = str(BUNDLED / model / "1")
    if folder not in sys.path:
        sys.path.append(folder)
    return importlib.import_module(module)
