"""A pipeline's folder, looked at before anything of it is loaded: is it a text-to-image pipeline, and is every weight a safetensors file?

Diffusers and transformers give random values to weights that a file lacks, a safety checker's among them, and only log it. Here each
network is loaded by itself, so that what is missing is known and refused.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import torch
from diffusers import DiffusionPipeline, ModelMixin, OnnxRuntimeModel
from diffusers.pipelines.auto_pipeline import AUTO_TEXT2IMAGE_PIPELINES_MAPPING
from diffusers.pipelines.pipeline_loading_utils import ALL_IMPORTABLE_CLASSES, get_class_obj_and_candidates
from diffusers.utils import logging
from pipeline_settings import Settings
from transformers import PreTrainedModel

from kernel.errors import InvalidSpec

INDEX = "model_index.json"
LIBRARIES = ("diffusers", "transformers")
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
NAMED = 3
"""So many files or weights are named; of more there is only the number."""
FOREIGN = ("audio", "control", "frame", "gligen", "image_embeds", "images", "mask", "num_frames", "reference", "video")
"""How arguments begin of pipelines that need more than words, or make something else than pictures."""


@dataclass(frozen=True)
class Network:
    """A component with weights: its name in the pipeline, its class, and which variant of its files there is."""

    name: str
    made_by: type[ModelMixin | PreTrainedModel]
    variant: str | None
    weights: tuple[Path, ...]


@dataclass(frozen=True)
class PipelineFolder:
    """A folder that can be loaded."""

    path: Path
    networks: tuple[Network, ...]


def located(settings: Settings) -> Path:
    """The folder of the checkpoint, fetched from the hub where it is none. Raises `InvalidSpec`."""
    path = Path(settings.checkpoint).expanduser()
    if path.is_dir():
        return path
    if path.is_absolute() or settings.checkpoint.startswith((".", "~")) or settings.checkpoint.count("/") != 1:
        raise InvalidSpec(settings.checkpoint, ["no such folder, and no hub id either; expected a folder made by save_pretrained, or owner/name"])
    try:
        fetched = DiffusionPipeline.download(
            settings.checkpoint, revision=settings.revision, variant=settings.variant, use_safetensors=True, trust_remote_code=settings.remote_code
        )
    except Exception as error:
        raise InvalidSpec(settings.checkpoint, [f"no folder here, and cannot be fetched from the hub: {error}"]) from error
    return Path(fetched)


def examined(path: Path, settings: Settings) -> PipelineFolder:
    """The folder as something that can be loaded. Raises `InvalidSpec`, with every fault; nothing is unpickled and no foreign code is run."""
    index = _index(path, settings.checkpoint)
    faults = list(_wrong_pipeline(index, settings))
    named = {name: value for name, value in index.items() if _names_a_class(name, value)}
    networks = []
    for name, (library, made_by) in named.items():
        try:
            network = _component(path, name, str(library), str(made_by), settings)
        except ValueError as error:
            faults += error.args
        else:
            networks += [network] if network else []
    if not faults and settings.variant and not any(network.variant for network in networks):
        faults.append(f"variant: no file of the variant {settings.variant!r}; leave it out or name one that is there")
    if faults:
        raise InvalidSpec(settings.checkpoint, faults)
    return PipelineFolder(path, tuple(networks))


def loaded(folder: PipelineFolder, settings: Settings, dtype: torch.dtype) -> DiffusionPipeline:
    """The pipeline, with exactly the weights that are in its files. Raises `InvalidSpec`."""
    verbosity = logging.get_verbosity()
    # Diffusers prints a safety checker whole because it was loaded before the pipeline.
    logging.set_verbosity_error()
    try:
        networks = {network.name: _network(folder.path, network, dtype) for network in folder.networks}
        return DiffusionPipeline.from_pretrained(
            str(folder.path), **networks, dtype=dtype, use_safetensors=True, local_files_only=True, trust_remote_code=settings.remote_code
        )
    except Exception as error:
        raise InvalidSpec(settings.checkpoint, [f"cannot be loaded: {str(error).strip() or type(error).__name__}"]) from error
    finally:
        logging.set_verbosity(verbosity)


def _network(path: Path, network: Network, dtype: torch.dtype) -> torch.nn.Module:
    variant = {"variant": network.variant} if network.variant else {}
    name = "torch_dtype" if issubclass(network.made_by, ModelMixin) else "dtype"
    made, told = network.made_by.from_pretrained(
        str(path / network.name), use_safetensors=True, local_files_only=True, output_loading_info=True, **{name: dtype}, **variant
    )
    missing = sorted(told["missing_keys"])
    if missing:
        raise ValueError(f"{network.weights[0].relative_to(path)} lacks {_some(missing)}; fetch the file again, or save the pipeline anew")
    return made


def _index(path: Path, checkpoint: str) -> Mapping[str, Any]:
    try:
        index = json.loads((path / INDEX).read_text(encoding="utf-8"))
    except FileNotFoundError:
        there = sorted(each.name for each in path.iterdir())
        what = f"{INDEX} is missing; expected a folder made by a pipeline's save_pretrained, found {_some(there) or 'nothing'}"
        raise InvalidSpec(checkpoint, [what, *_pickled(path, "")]) from None
    except ValueError as error:
        raise InvalidSpec(checkpoint, [f"{INDEX} is no JSON: {error}"]) from None
    if not isinstance(index, dict) or "_class_name" not in index:
        raise InvalidSpec(checkpoint, [f"{INDEX} names no pipeline; expected _class_name in it"])
    return index


def _names_a_class(name: str, value: Any) -> bool:
    """A component is a library and a class; one that the pipeline is without has null for both."""
    return not name.startswith("_") and isinstance(value, list) and len(value) == 2 and all(isinstance(each, str) for each in value)


def _wrong_pipeline(index: Mapping[str, Any], settings: Settings) -> Iterator[str]:
    name = index["_class_name"]
    made_by = getattr(diffusers, name, None) if isinstance(name, str) else None
    if not (inspect.isclass(made_by) and issubclass(made_by, DiffusionPipeline)):
        if not (settings.remote_code and isinstance(name, list)):
            yield f"{INDEX}: diffusers {diffusers.__version__} has no pipeline {name!r}; code that a checkpoint brings needs remote_code: true"
        return
    yield from not_text_to_image(made_by)
    expected, _ = DiffusionPipeline._get_signature_keys(made_by)  # noqa: SLF001 - what from_pretrained itself asks
    lacking = sorted(set(expected) - set(index) - set(made_by._optional_components))  # noqa: SLF001
    if lacking:
        yield f"{INDEX}: {', '.join(lacking)} of {name} not named"


def not_text_to_image(made_by: type[DiffusionPipeline]) -> Iterator[str]:
    """Why pipelines of a class cannot be asked for a picture with words alone."""
    taken = inspect.signature(made_by.__call__).parameters
    bound = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    required = [name for name, each in taken.items() if each.default is inspect.Parameter.empty and each.kind not in bound]
    needed = [name for name in required if name not in ("self", "prompt")]
    foreign = [name for name in taken if name.startswith(FOREIGN) or (name == "image" and made_by not in AUTO_TEXT2IMAGE_PIPELINES_MAPPING.values())]
    makes = taken["output_type"].default if "output_type" in taken else None
    reasons = [f"it takes no {name}" for name in ("prompt", "generator") if name not in taken]
    reasons += [f"it takes {_some(sorted({*needed, *foreign}))}"] if needed or foreign else []
    reasons += ["it makes no pictures"] if makes != "pil" else []
    if reasons:
        served = "StableDiffusionPipeline, StableDiffusionXLPipeline, StableDiffusion3Pipeline, FluxPipeline, PixArtSigmaPipeline and their like"
        yield f"{made_by.__name__} is no text-to-image pipeline: {'; '.join(reasons)}; expected {served}"


def _component(path: Path, name: str, library: str, made_by: str, settings: Settings) -> Network | None:
    """The component if it has weights. Raises `ValueError`, an argument for each fault."""
    if not (path / name).is_dir():
        raise ValueError(f"{name}: the folder is missing; {INDEX} names it, of {library}.{made_by}")
    in_pipelines = hasattr(diffusers.pipelines, library)
    if library not in LIBRARIES and not in_pipelines:
        if settings.remote_code:
            return None
        what = f"{name}: {library}.{made_by} is of neither {' nor '.join(LIBRARIES)}; code that a checkpoint brings needs remote_code: true"
        raise ValueError(what)
    try:
        found, _ = get_class_obj_and_candidates(library, made_by, ALL_IMPORTABLE_CLASSES, diffusers.pipelines, in_pipelines)
    except (AttributeError, ValueError):
        raise ValueError(f"{name}: the installed {library} has no {made_by}") from None
    if issubclass(found, DiffusionPipeline | OnnxRuntimeModel):
        raise ValueError(f"{name}: {made_by} cannot be served; expected networks of torch")  # noqa: TRY004 - of the checkpoint, not of an argument
    if not issubclass(found, ModelMixin | PreTrainedModel):
        return None
    if not (path / name / "config.json").is_file():
        raise ValueError(f"{name}/config.json is missing")
    stem = "diffusion_pytorch_model" if issubclass(found, ModelMixin) else "model"
    return _weighed(path, name, found, stem, settings.variant)


def _weighed(path: Path, name: str, made_by: type[Any], stem: str, variant: str | None) -> Network:
    for each in dict.fromkeys((variant, None)):
        infix = f".{each}" if each else ""
        whole, index = path / name / f"{stem}{infix}.safetensors", path / name / f"{stem}.safetensors.index{infix}.json"
        if whole.is_file():
            return Network(name, made_by, each, (whole,))
        if index.is_file():
            shards = sorted({path / name / shard for shard in json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()})
            lacking = [str(shard.relative_to(path)) for shard in shards if not shard.is_file()]
            if lacking:
                raise ValueError(f"{_some(lacking)} missing; {index.relative_to(path)} names them")
            return Network(name, made_by, each, tuple(shards))
    others = sorted(each.name for each in (path / name).glob(f"{stem}*.safetensors"))
    there = f"; there is {_some(others)}: name its variant" if others else ""
    raise ValueError(f"{name}/{stem}.safetensors is missing{there}", *([] if others else _pickled(path, name)))


def _pickled(path: Path, name: str) -> list[str]:
    found = sorted(str(each.relative_to(path)) for each in (path / name).iterdir() if each.suffix in PICKLES)
    return [f"{_some(found)}: pickles are not loaded, for they can run code; save the pipeline as safetensors"] if found else []


def _some(names: list[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
