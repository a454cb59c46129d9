"""Looks at the files of a checkpoint before anything is loaded, and loads them: safetensors only, and nothing made up.

For a `model.py` in the model repository. It is the one module of the gateway that knows torch, and no other may import it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from kernel.errors import InvalidSpec

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
PICKLES = (".bin", ".ckpt", ".pickle", ".pkl", ".pt", ".pth")
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
AUTO = "auto"


def folder_of(checkpoint: str) -> Path:
    """The folder with a checkpoint's files; what is on the hub was brought here before. Raises `InvalidSpec`."""
    folder = Path(checkpoint).expanduser()
    if not folder.is_dir():
        raise InvalidSpec(checkpoint, ["no such folder; expected one with the files of a checkpoint"])
    return folder


def name_of(folder: Path) -> str:
    """What a report calls a checkpoint: its folder's name, or its name on the hub and the revision, and never a path of this machine."""
    folder = folder.resolve()
    if folder.parent.name == "snapshots" and folder.parents[1].name.startswith("models--"):
        return f"{folder.parents[1].name.removeprefix('models--').replace('--', '/')}@{folder.name}"
    return folder.name


def checked(checkpoint: str, folder: Path) -> dict[str, Any]:
    """What the checkpoint says of itself, after a look at its weights. Raises `InvalidSpec` with what is missing."""
    path = folder / CONFIG
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise InvalidSpec(checkpoint, [f"{path} is missing; a checkpoint of transformers has it"]) from None
    except ValueError as error:
        raise InvalidSpec(checkpoint, [f"{path} is not JSON: {error}"]) from None
    if faults := _faults_of_weights(folder):
        raise InvalidSpec(checkpoint, faults)
    return dict(config)


def _faults_of_weights(folder: Path) -> list[str]:
    if (folder / INDEX).is_file():
        shards = sorted(set(json.loads((folder / INDEX).read_text(encoding="utf-8"))["weight_map"].values()))
    elif (folder / WEIGHTS).is_file():
        shards = [WEIGHTS]
    else:
        pickles = ", ".join(sorted(path.name for path in folder.iterdir() if path.suffix in PICKLES))
        said = f"the weights are pickled, in {pickles}" if pickles else f"neither {WEIGHTS} nor {INDEX} is there"
        return [f"{said}; only safetensors are loaded: take a revision that has them, or convert it with save_pretrained"]
    return [fault for shard in shards if (fault := _fault_of_shard(folder / shard))]


def _fault_of_shard(path: Path) -> str | None:
    try:
        with safe_open(path, "pt"):
            return None
    except OSError:
        return f"{path.name} is missing; {INDEX} names it"
    except SafetensorError as error:
        return f"{path.name} is no whole file of safetensors: {error}; fetch it anew"


def placed(checkpoint: str, device: str, dtype: str) -> tuple[str, Any]:
    """The device, and the type of the numbers: with "auto" what was saved on a GPU, float32 on a CPU. Raises `InvalidSpec`."""
    if dtype not in (AUTO, *DTYPES):
        raise InvalidSpec(checkpoint, [f"dtype is {dtype!r}; expected one of {', '.join((AUTO, *DTYPES))}"])
    where = ("cuda" if torch.cuda.is_available() else "cpu") if device == AUTO else device
    if where != "cpu" and not (re.fullmatch(r"cuda(:\d+)?", where) and torch.cuda.is_available()):
        raise InvalidSpec(checkpoint, [f"device is {device!r}; expected auto, cpu, or where torch finds a GPU, cuda or cuda:0"])
    return where, DTYPES.get(dtype, torch.float32 if where == "cpu" else AUTO)


def loaded(checkpoint: str, of: Any, folder: Path, *, device: str, dtype: str, remote_code: bool, spare: Sequence[str] = ()) -> Any:
    """The network, ready to answer. Raises `InvalidSpec` where weights are missing, but for those that begin with `spare`."""
    where, number = placed(checkpoint, device, dtype)
    try:
        network, told = of.from_pretrained(
            folder, dtype=number, trust_remote_code=remote_code, use_safetensors=True, local_files_only=True, output_loading_info=True
        )
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        raise InvalidSpec(checkpoint, [f"cannot be loaded: {_line(error)}"]) from error
    missing = sorted(name for name in told["missing_keys"] if not name.startswith(tuple(spare)))
    if missing:
        listed = ", ".join(missing[:3]) + (", …" if missing[3:] else "")
        raise InvalidSpec(checkpoint, [f"{len(missing)} weights of {type(network).__name__} are not in it: {listed}; it would answer by chance"])
    return network.to(where).eval()


def part(checkpoint: str, of: Any, folder: Path, *, remote_code: bool, **more: Any) -> Any:
    """A configuration, tokenizer or processor of the checkpoint. Raises `InvalidSpec`."""
    try:
        return of.from_pretrained(folder, trust_remote_code=remote_code, local_files_only=True, **more)
    except (ImportError, OSError, ValueError) as error:
        raise InvalidSpec(checkpoint, [f"its {of.__name__.removeprefix('Auto').lower()} cannot be loaded: {_line(error)}"]) from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
