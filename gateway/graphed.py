"""Local models that are served by their graphs or plans: what an entry may say, where these are, and what changes with them.

A model has that choice where its folder has a configuration for it, `configs/onnx.pbtxt` or `configs/tensorrt.pbtxt`. It is served with
that one in place of `config.pbtxt`. The files themselves are looked at where they are opened, by `gateway.engines`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

from gateway import jsontext
from gateway.digests import digest
from gateway.entry import Entry
from gateway.repository import BUNDLED, ModelFolder, filled_in, read_folder
from kernel.contract import Kind
from kernel.errors import InvalidSpec

DEFAULT = Path("assay-data") / "engines"
"""Below the working directory: where `assay engines` puts them by default."""
MANIFEST = "manifest.json"
PRECISION = "fp16"


class Graphed(Entry):
    """What an entry may say of graphs. engines: the folder in which every model has a folder of its graphs. precision: of the plans."""

    runtime: Literal["onnx", "tensorrt"] | None = None
    engines: str | None = None
    precision: Literal["fp32", "fp16", "bf16", "fp8"] | None = None


def plan_of(folder: Path, name: str, precision: str) -> Path:
    """Where the plan of a graph is."""
    return folder / f"{name}.{precision}.plan"


def beside(plan: Path) -> Path:
    """Where the record of a plan is."""
    return plan.with_name(f"{plan.name}.json")


def faults_of(entry: Graphed, source: Path) -> Iterator[str]:
    """What an entry says of graphs that its model's folder does not have, or that means nothing."""
    if entry.runtime is None:
        said = [name for name in ("engines", "precision") if getattr(entry, name) is not None]
        yield from (f"{name}: has no meaning without runtime; say runtime: onnx or runtime: tensorrt" for name in said)
    elif not (source / _config(entry.runtime)).is_file():
        able = sorted(path.parent.parent.name for path in BUNDLED.glob(f"*/{_config(entry.runtime)}"))
        yield f"runtime: {source.name} is served by torch or its own library alone; those with a choice are {', '.join(able)}"
        return
    else:
        said = [name for name in ("device", "dtype") if getattr(entry, name, None) is not None]
        yield from (f"{name}: has no meaning with runtime: graphs and plans have theirs; leave it out" for name in said)
    if entry.runtime == "onnx" and entry.precision is not None:
        yield "precision: is of plans; leave it out, or say runtime: tensorrt"


def read(name: str, entry: Graphed, source: Path, place: Path, kind: Kind | None = None) -> ModelFolder:
    """A model's folder as the entry wants it served. Relative paths begin at `place`. Raises `InvalidSpec` with the command for what is missing."""
    if entry.runtime is None:
        return read_folder(source, name, kind)
    made = read_folder(source, name, kind, config=_config(entry.runtime))
    out = DEFAULT.absolute() if entry.engines is None else (place / Path(entry.engines).expanduser()).resolve()
    precision = (entry.precision or PRECISION) if entry.runtime == "tensorrt" else ""
    told = [entry.runtime, precision, *(digest(path).hex() for path in _files(name, out / name, precision))]
    parameters = {"engines": str(out / name)} | ({"precision": precision} if precision else {})
    both = f"sha256:{hashlib.sha256(jsontext.dumps([made.files, told])).hexdigest()[:32]}"
    return replace(filled_in(made, parameters), identity=both)


def _config(runtime: str) -> str:
    return f"configs/{runtime}.pbtxt"


def _files(name: str, folder: Path, precision: str) -> list[Path]:
    """What tells of every byte of the graphs, and of the plans: each was written with the hashes of the others."""
    path = folder / MANIFEST
    export = f"make them with the catalog that has this entry: assay engines export {name} --out {folder.parent} --catalog CATALOG"
    try:
        graphs = json.loads(path.read_text(encoding="utf-8"))["graphs"]
        files = [file for graph in graphs.values() for file in graph["files"]]
    except FileNotFoundError:
        raise InvalidSpec(f"model {name}", [f"engines: no {MANIFEST} in {folder}, so its graphs were not exported; {export}"]) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidSpec(f"model {name}", [f"engines: {path} cannot be read ({type(error).__name__}); {export}"]) from None
    if missing := [file for file in files if not (folder / file).is_file()]:
        raise InvalidSpec(f"model {name}", [f"engines: {folder} lacks {', '.join(missing)}; {export}"])
    plans = [plan_of(folder, graph, precision) for graph in graphs] if precision else []
    if missing := [each.name for plan in plans for each in (plan, beside(plan)) if not each.is_file()]:
        build = f"build them on the GPU that is to run them: assay engines build {name} --out {folder.parent} --precision {precision}"
        raise InvalidSpec(f"model {name}", [f"engines: {folder} lacks {', '.join(missing)}; {build}"])
    return [path, *map(beside, plans)]
