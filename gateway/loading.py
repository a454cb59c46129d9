"""Loads checkpoints: safetensors only, nothing made up, and nothing for which there is no room.

For a `model.py` in the model repository. It is the one module of the gateway that knows torch, and no other may import it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
import torch

from gateway import weights
from kernel.errors import InvalidSpec

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
AUTO = "auto"
HALF = 2
"""Bytes of a number in bfloat16 and float16."""
GB = 1e9
MEMORY_LIMIT = Path("/sys/fs/cgroup/memory.max")
"""Where a container is told how much it may have."""
checked = weights.checked


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


def placed(checkpoint: str, device: str, dtype: str) -> tuple[str, Any]:
    """The device, and the type of the numbers: with "auto" what was saved on a GPU, float32 on a CPU. Raises `InvalidSpec`."""
    faults = [] if dtype in (AUTO, *DTYPES) else [f"dtype is {dtype!r}; expected one of {', '.join((AUTO, *DTYPES))}"]
    where = ("cuda" if torch.cuda.is_available() else "cpu") if device == AUTO else device
    gpu = re.fullmatch(r"cuda(?::(\d+))?", where)
    if where != "cpu" and (gpu is None or int(gpu[1] or 0) >= torch.cuda.device_count()):
        faults.append(f"device is {device!r}; expected auto, cpu, or where torch finds a GPU, cuda or cuda:0; it finds {torch.cuda.device_count()} here")
    if faults:
        raise InvalidSpec(checkpoint, faults)
    return where, DTYPES.get(dtype, torch.float32 if where == "cpu" else AUTO)


def loaded(
    checkpoint: str, of: Any, folder: Path, *, device: str, dtype: str, remote_code: bool, spare: Sequence[str] = (), quantized: Any = None, **how: Any
) -> Any:
    """The network, ready to answer. Raises `InvalidSpec` where weights are missing, but for those that begin with `spare`, or there is no room.

    quantized: what the library is told of numbers in fewer bits than those of `dtype`, which are made of them on the device.
    """
    where, number = placed(checkpoint, device, dtype)
    check_room(checkpoint, weights.files(folder), where, number, quantized)
    how |= {} if quantized is None else {"quantization_config": quantized, "device_map": {"": where}}
    network = whole(checkpoint, of, folder, spare=spare, dtype=number, trust_remote_code=remote_code, **how)
    return (network if quantized is not None else network.to(where)).eval()


def whole(checkpoint: str, of: Any, folder: Path, *, spare: Sequence[str] = (), **how: Any) -> Any:
    """A network with exactly the weights of its files: the libraries fill in at random what is missing, and only log it. Raises `InvalidSpec`."""
    try:
        network, told = of.from_pretrained(folder, use_safetensors=True, local_files_only=True, output_loading_info=True, **how)
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        raise InvalidSpec(checkpoint, [f"cannot be loaded: {line(error)}"]) from error
    if missing := sorted(name for name in told["missing_keys"] if not name.startswith(tuple(spare))):
        said = f"{len(missing)} weights of {type(network).__name__} are not in it: {weights.some(missing)}"
        raise InvalidSpec(checkpoint, [f"{said}; it would answer by chance: fetch it again, or save it anew"])
    return network


def part(checkpoint: str, of: Any, folder: Path, *, remote_code: bool, **more: Any) -> Any:
    """A configuration, tokenizer or processor of the checkpoint. Raises `InvalidSpec`."""
    try:
        return of.from_pretrained(folder, trust_remote_code=remote_code, local_files_only=True, **more)
    except (ImportError, OSError, ValueError) as error:
        raise InvalidSpec(checkpoint, [f"its {of.__name__.removeprefix('Auto').lower()} cannot be loaded: {line(error)}"]) from error


def check_room(checkpoint: str, paths: Sequence[Path], where: str, number: Any, quantized: Any = None) -> None:
    """That the weights fit into the memory that is free just now. Raises `InvalidSpec` with both numbers and what would help."""
    held, width = _held(number, quantized)
    needed, there = weights.room(paths, width), free(where)
    if needed > there:
        said = f"its weights take {needed / GB:,.2f} GB in {held}, and {there / GB:,.2f} GB are free on {where}"
        raise InvalidSpec(checkpoint, [f"{said}; {'; '.join([*_helps(paths, where, needed, quantized), 'free some memory'])}"])


def free(where: str) -> int:
    """Bytes that may be had on a device just now; in a container no more than it may have."""
    if where != "cpu":
        return int(torch.cuda.mem_get_info(where)[0])
    there = int(psutil.virtual_memory().available)
    try:
        return min(there, int(MEMORY_LIMIT.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return there


def line(error: Exception) -> str:
    """An error of a library in one line; what needs the checkpoint's own code says how that is allowed."""
    own = "; where you trust it, say remote_code: true" if "trust_remote_code" in str(error) else ""
    return (" ".join(str(error).split())[:300] or type(error).__name__) + own


def _held(number: Any, quantized: Any) -> tuple[str, float | None]:
    """What numbers are held in, and their bytes; `None` for those that were stored."""
    if quantized is not None:
        return ("four bits", 0.5) if quantized.load_in_4bit else ("eight bits", 1)
    return ("the numbers that were stored", None) if number == AUTO else (str(number).removeprefix("torch."), number.itemsize)


def _helps(paths: Sequence[Path], where: str, needed: float, quantized: Any) -> Iterator[str]:
    if (half := weights.room(paths, HALF)) < needed:
        yield f"dtype: bfloat16 takes {half / GB:,.2f} GB"
    if where != "cpu":
        if quantized is None:
            yield f"quantize: int8, which a language model can have, takes {weights.room(paths, 1) / GB:,.2f} GB"
        yield "name another device"
    elif torch.cuda.is_available():
        yield "device: cuda has memory of its own"
