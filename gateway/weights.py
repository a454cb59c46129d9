"""A checkpoint's files, looked at before anything is loaded: what it says of itself, its weights, and the room they take.

Weights are safetensors and nothing else, and only their heads are read. It knows no torch: an entry of a catalog can be looked at without.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from kernel.errors import InvalidSpec

CONFIG = "config.json"
STEM = "model"
PICKLES = (".bin", ".ckpt", ".pickle", ".pkl", ".pt", ".pth")
PROCESSORS = ("preprocessor_config.json", "processor_config.json")
EYES = ("vision_config", "vq_config")
"""Parts of a configuration that a network which sees has."""
CONVERTED = ("F64", "F32", "F16", "BF16")
"""What is held in the numbers that are asked for; whatever is stored otherwise stays as it is."""
NAMED = 3
"""So many files or weights are named; of more there is only the number."""


def json_in(path: Path) -> dict[str, Any]:
    """The object in a JSON file. Raises `ValueError` with what is wrong with it."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise ValueError(f"{path.name} is missing; a checkpoint as its library saves it has it") from None
    except ValueError as error:
        raise ValueError(f"{path.name} is not JSON: {error}; fetch it again") from None
    if not isinstance(told, dict):
        raise ValueError(f"{path.name} is a JSON {type(told).__name__}; expected an object, fetch it again")  # noqa: TRY004 - of a file, not of an argument
    return told


def checked(checkpoint: str, folder: Path) -> dict[str, Any]:
    """What a checkpoint of transformers says of itself, after a look at its weights. Raises `InvalidSpec` with every fault."""
    told: dict[str, Any] = {}
    faults: list[str] = []
    try:
        told = json_in(folder / CONFIG)
    except ValueError as error:
        faults += error.args
    try:
        files(folder)
    except ValueError as error:
        faults += error.args
    if faults:
        raise InvalidSpec(checkpoint, faults)
    return told


def sees(folder: Path) -> bool:
    """Whether a checkpoint of transformers has a part for pictures, or a processor that may be for some."""
    try:
        told = json_in(folder / CONFIG)
    except ValueError:
        return True
    return any(told.get(name) for name in EYES) or any((folder / name).is_file() for name in PROCESSORS)


def files(folder: Path, stem: str = STEM, variant: str | None = None, root: Path | None = None) -> list[Path]:
    """The files with the weights, each whole as far as its head tells. Raises `ValueError`, an argument for each fault.

    root: the folder from which files are named in a fault.
    """
    infix = f".{variant}" if variant else ""
    whole, index = folder / f"{stem}{infix}.safetensors", folder / f"{stem}.safetensors.index{infix}.json"
    if whole.is_file():
        found = [whole]
    elif index.is_file():
        try:
            found = sorted({folder / str(name) for name in json_in(index)["weight_map"].values()})
        except (KeyError, AttributeError):
            raise ValueError(f"{_named(index, root)} has no weight_map; expected one of weights and files, fetch it again") from None
    else:
        raise ValueError(*_absent(folder, whole, index, root))
    if faults := [*_lacking([each for each in found if not each.is_file()], index, root), *_cut_short(found, root)]:
        raise ValueError(*faults)
    return found


def room(paths: Sequence[Path], width: float | None = None) -> float:
    """Bytes that weights take, with so many for each of their numbers, or as they are stored."""
    from safetensors import safe_open  # noqa: PLC0415 - where checkpoints are served it is installed

    total = 0.0
    for path in paths:
        with safe_open(path, "np") as file:
            for name in file.keys():  # noqa: SIM118 - no dict
                weight = file.get_slice(name)
                numbers = 1
                for size in weight.get_shape():
                    numbers *= size
                total += numbers * (width if width and weight.get_dtype() in CONVERTED else _stored(weight.get_dtype()))
    return total


def some(names: Sequence[str]) -> str:
    """The first few names, and how many there are besides."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


def pickled(folder: Path, root: Path | None = None) -> list[str]:
    """The refusal of a folder's pickles, which could run code when they are read; none where there are none."""
    found = sorted(_named(path, root) for path in folder.iterdir() if path.suffix in PICKLES)
    mend = "only safetensors are loaded: take a revision that has them, or convert it with save_pretrained"
    return [f"the weights are pickled, in {some(found)}; {mend}"] if found else []


def _absent(folder: Path, whole: Path, index: Path, root: Path | None) -> list[str]:
    if refusal := pickled(folder, root):
        return refusal
    others = sorted(_named(path, root) for path in folder.glob("*.safetensors"))
    mend = f"found {some(others)}: name its variant, or fetch what is missing" if others else "fetch the checkpoint again"
    return [f"neither {_named(whole, root)} nor {_named(index, root)} is there; {mend}"]


def _lacking(paths: Sequence[Path], index: Path, root: Path | None) -> Iterator[str]:
    if paths:
        verb, them = ("is", "it") if len(paths) == 1 else ("are", "them")
        yield f"{some([_named(each, root) for each in paths])} {verb} missing; {_named(index, root)} names {them}, fetch {them} again"


def _cut_short(paths: Sequence[Path], root: Path | None) -> Iterator[str]:
    from safetensors import SafetensorError, safe_open  # noqa: PLC0415 - where checkpoints are served it is installed

    for path in paths:
        try:
            if path.is_file():
                with safe_open(path, "np"):
                    pass
        except SafetensorError as error:
            yield f"{_named(path, root)} is no whole file of safetensors: {error}; fetch it again"


def _stored(dtype: str) -> int:
    bits = re.search(r"\d+", dtype)
    return max(1, int(bits[0]) // 8) if bits else 1


def _named(path: Path, root: Path | None) -> str:
    return str(path.relative_to(root)) if root else path.name
