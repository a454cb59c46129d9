"""Which graphs a model has: a model folder describes its own, a checkpoint is known by its architecture."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from gateway import checkpoints
from gateway.catalog import read_catalog
from gateway.checkpoints import Checkpoint
from gateway.engines.graph import Graph
from kernel.errors import InvalidSpec

OWN = "1/*_graphs.py"
"""Where a model folder describes its graphs: a module with a function `graphs`."""


def graphs_of(model: str, catalog: Path | None = None) -> list[Graph]:
    """The graphs of an entry of the catalog, or of a checkpoint's folder. Raises `InvalidSpec` where there are none, and `UnknownName`."""
    if "/" in model:
        return _of_checkpoint(Path(model).expanduser())
    opened = read_catalog(catalog)
    entry = opened.entry(model)
    if isinstance(entry, Checkpoint):
        found = checkpoints.find(model, entry, opened.path.parent, fetch=True).folder
        return _of_checkpoint(found) if found is not None else []
    folder = opened.folder(model)
    if folder is None:
        raise InvalidSpec(model, ["is not served by this machine, and has no networks to export; name a local model, or the folder of a checkpoint"])
    return _of_folder(model, folder)


def name_of(model: str) -> str:
    """What the folder of its graphs is called."""
    return Path(model).expanduser().resolve().name if "/" in model else model


def _of_folder(model: str, folder: Path) -> list[Graph]:
    described = sorted(folder.glob(OWN))
    if not described:
        raise InvalidSpec(model, [f"{folder} describes no graphs; expected a file {OWN} with a function graphs() that returns gateway.engines.graph.Graph"])
    if str(folder / "1") not in sys.path:
        sys.path.append(str(folder / "1"))
    return [graph for path in described for graph in importlib.import_module(path.stem).graphs()]


def _of_checkpoint(folder: Path) -> list[Graph]:
    if (folder / "model_index.json").is_file():
        from gateway.engines import of_diffusers  # noqa: PLC0415 - seconds, and only for pipelines

        return of_diffusers.graphs(folder)
    from gateway.engines import of_transformers  # noqa: PLC0415 - seconds, and only for checkpoints

    return of_transformers.graphs(folder)
