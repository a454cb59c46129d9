"""A pipeline's folder, looked at before anything of it is loaded: is it a text-to-image pipeline, and is every weight a safetensors file?

Diffusers and transformers give random values to weights that a file lacks, a safety checker's among them, and only log it. Here each
network is loaded by itself, so that what is missing is known and refused.
"""

from __future__ import annotations

import inspect
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
from pipeline_settings import Settings, settings_of
from transformers import PreTrainedModel

from gateway.loading import check_room, whole
from gateway.weights import CONFIG, files, json_in, pickled, some
from kernel.errors import InvalidSpec

INDEX = "model_index.json"
LIBRARIES = ("diffusers", "transformers")
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


def look(checkpoint: str, folder: Path, settings: Mapping[str, Any], *, weighed: bool = True) -> None:
    """See that the pipeline can be served. Raises `InvalidSpec`. weighed: whether its weights are in the folder too."""
    told = settings_of({**settings, "checkpoint": checkpoint})
    if weighed:
        examined(folder, told)
    elif faults := list(_wrong_pipeline(_index(folder, checkpoint), told)):
        raise InvalidSpec(checkpoint, faults)


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
    checkpoint = settings.checkpoint
    check_room(checkpoint, [path for network in folder.networks for path in network.weights], str(settings.place), dtype)
    verbosity = logging.get_verbosity()
    # Diffusers prints a safety checker whole because it was loaded before the pipeline.
    logging.set_verbosity_error()
    try:
        networks = {
            each.name: whole(f"{checkpoint}/{each.name}", each.made_by, folder.path / each.name, dtype=dtype, variant=each.variant) for each in folder.networks
        }
        return DiffusionPipeline.from_pretrained(
            str(folder.path), **networks, dtype=dtype, use_safetensors=True, local_files_only=True, trust_remote_code=settings.remote_code
        )
    except InvalidSpec:
        raise
    except Exception as error:
        raise InvalidSpec(checkpoint, [f"cannot be loaded: {str(error).strip() or type(error).__name__}"]) from error
    finally:
        logging.set_verbosity(verbosity)


def _index(path: Path, checkpoint: str) -> Mapping[str, Any]:
    try:
        index = json_in(path / INDEX)
    except ValueError as error:
        raise InvalidSpec(checkpoint, [*error.args, *pickled(path)]) from None
    if "_class_name" not in index:
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
    reasons += [f"it takes {some(sorted({*needed, *foreign}))}"] if needed or foreign else []
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
    if not (path / name / CONFIG).is_file():
        raise ValueError(f"{name}/{CONFIG} is missing; fetch the pipeline again")
    stem = "diffusion_pytorch_model" if issubclass(found, ModelMixin) else "model"
    return _weighed(path, name, found, stem, settings.variant)


def _weighed(path: Path, name: str, made_by: type[Any], stem: str, variant: str | None) -> Network:
    """The component with its files, of the variant where there is one. Raises `ValueError`, an argument for each fault."""
    if variant and any((path / name).glob(f"{stem}*.{variant}.*")):
        return Network(name, made_by, variant, tuple(files(path / name, stem, variant, root=path)))
    return Network(name, made_by, None, tuple(files(path / name, stem, root=path)))
