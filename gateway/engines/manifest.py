"""What stands beside graphs and plans: where they came from, what they take and give, and how exact they are."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from gateway.engines.graph import Dims, Sizes, shape
from gateway.graphed import MANIFEST
from kernel.errors import InvalidSpec


class Record(BaseModel):
    """What is read from a file that anybody may have changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Tensor(Record):
    """A tensor of a graph. type: as ONNX Runtime calls it, "tensor(float)"."""

    name: str
    type: str
    dims: Dims


class Trial(Record):
    """The sizes that a graph was checked at, and its largest errors against torch."""

    sizes: dict[str, int]
    absolute: float
    relative: float


class Graph(Record):
    """An exported graph. files: SHA-256 by name, the graph first. axes: least, usual and most. sample: inputs with torch's outputs."""

    files: dict[str, str]
    opset: int
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    axes: dict[str, tuple[int, int, int]]
    tolerance: float
    streamed: bool
    trials: tuple[Trial, ...]
    sample: str

    @property
    def worst(self) -> Trial:
        """The trial with the largest error, relative to its values."""
        return max(self.trials, key=lambda trial: trial.relative)

    @property
    def digest(self) -> str:
        """One hash for all files."""
        return hashlib.sha256("".join(self.files.values()).encode()).hexdigest()

    def profile(self) -> dict[str, tuple[tuple[int, ...], ...]]:
        """The least, usual and most shape of every input."""
        reach: list[Sizes] = [{name: axis[index] for name, axis in self.axes.items()} for index in range(3)]
        return {each.name: tuple(shape(each.dims, sizes) for sizes in reach) for each in self.inputs}


class Manifest(Record):
    """All graphs of a model. made_with: versions of the libraries."""

    model: str
    made_with: dict[str, str]
    graphs: dict[str, Graph]

    def write(self, folder: Path) -> None:
        """Beside the graphs."""
        (folder / MANIFEST).write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")


def read_manifest(model: str, folder: Path) -> Manifest:
    """The manifest of a model's graphs, whose files are as they were. Raises `InvalidSpec` with the command that mends it."""
    path, again = folder / MANIFEST, command("export", model, folder)
    try:
        found = Manifest.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise InvalidSpec(str(folder), [f"no graphs of {model}: no {MANIFEST}; make them: {again}"]) from None
    except (OSError, ValidationError) as error:
        raise InvalidSpec(str(path), [f"cannot be read ({type(error).__name__}); make it anew: {again}"]) from None
    faults = [fault for graph in found.graphs.values() for fault in _changed(folder, graph.files)]
    if faults:
        raise InvalidSpec(str(folder), [*faults, f"make the graphs anew: {again}"])
    return found


def _changed(folder: Path, files: Mapping[str, str]) -> list[str]:
    faults = []
    for name, wanted in files.items():
        path = folder / name
        if not path.is_file():
            faults.append(f"{name} is missing")
        elif (found := sha256(path)) != wanted:
            faults.append(f"{name} is not what was exported: its SHA-256 is {found:.12}…, the manifest has {wanted:.12}…")
    return faults


def sha256(path: Path) -> str:
    """Of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def command(verb: str, model: str, folder: Path, *more: Any) -> str:
    """How to make what is in a model's folder."""
    return " ".join(["assay", "engines", verb, model, "--out", str(folder.parent), *map(str, more)])
