"""The Triton repository of a catalog: a private folder of links, in which every model has its name of the catalog.

What a model is, without starting anything, is read from its `config.pbtxt`: kind, inputs, backend; and its identity is a
hash over its files, so that other weights are another model.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2, service_pb2

from gateway.digests import digest
from gateway.signature import Description, describe
from kernel.contract import Kind
from kernel.errors import InvalidSpec, ModelError

BUNDLED = Path(__file__).resolve().parent.parent / "model_repository"
CONFIG = "config.pbtxt"
CACHE = "__pycache__"
PROXIES = {"anthropic", "openai", "openai_images", "openai_moderation", "perspective"}
"""Folders in the model repository that host a vendor's models; an entry of its own says which."""
TEMPLATES = {"transformers_model", "diffusers_model", "embedder", "classifier", "open_detector", "faces", "safety_checker"}
"""Folders in the model repository that serve a checkpoint; an entry of its own says which."""
LONGEST_SECONDS = 60.0
LOADING_SECONDS = 300.0
MOST_SECONDS = 2 * 86_400.0


@dataclass(frozen=True)
class ModelFolder:
    """What a folder of Triton's layout says of its model.

    files: a hash over its files. identity: the same, but for a vendor's model, which is what the vendor says it is.
    secrets: what is laid beside it as private files; its configuration has their paths under these names.
    """

    source: Path
    description: Description
    identity: str
    files: str
    config: model_config_pb2.ModelConfig
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    def parameter(self, name: str) -> str | None:
        """A parameter of its configuration."""
        return self.config.parameters[name].string_value if name in self.config.parameters else None


@dataclass(frozen=True)
class LaidOut:
    """A model in the private repository: what it is, and where Triton sees it.

    longest_seconds: how long its longest call may take before it counts as hung. loading_seconds: how long it may load.
    processes: how many serve it, as far as that is known beforehand.
    """

    name: str
    model: ModelFolder
    folder: Path
    longest_seconds: float
    loading_seconds: float
    processes: int


def bundled_names() -> list[str]:
    """The models that come with Assay."""
    return sorted({path.parent.name for path in BUNDLED.glob(f"*/{CONFIG}")} - PROXIES - TEMPLATES)


def read_folder(source: Path, name: str, kind: Kind | None = None, *, config: str = CONFIG) -> ModelFolder:
    """Read a model's folder, whose model is to be called `name`. config: its configuration there. Raises `InvalidSpec`."""
    path = source / config
    told = model_config_pb2.ModelConfig()
    try:
        text_format.Parse(path.read_text(encoding="utf-8"), told)
    except OSError as error:
        raise InvalidSpec(str(path), [f"cannot be read: {error.strerror}; a model folder of Triton needs it"]) from None
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise InvalidSpec(str(path), [f"no configuration of a Triton model: {error}"]) from None
    told.name = name
    try:
        description = describe(told, service_pb2.ModelMetadataResponse(), kind)
    except ModelError as error:
        raise InvalidSpec(str(path), [str(error)]) from None
    files = identity(source)
    return ModelFolder(source, description, files, files, told)


def filled_in(folder: ModelFolder, parameters: Mapping[str, str]) -> ModelFolder:
    """The folder with these parameters in its configuration, and described anew."""
    for name, value in parameters.items():
        folder.config.parameters[name].string_value = value
    return replace(folder, description=describe(folder.config, service_pb2.ModelMetadataResponse(), folder.description.signature.kind))


def identity(source: Path) -> str:
    """A hash over the names and bytes of all files of a model, but what Python leaves there."""
    hasher = hashlib.sha256()
    for path in sorted(source.rglob("*")):
        if path.is_file() and CACHE not in path.parts:
            name = path.relative_to(source).as_posix().encode()
            hasher.update(b"%d:%s%d:" % (len(name), name, path.stat().st_size))
            hasher.update(digest(path))
    return f"sha256:{hasher.hexdigest()[:32]}"


def lay_out(name: str, model: ModelFolder, repository: Path) -> LaidOut:
    """Put a model into the repository under its name of the catalog. Raises `InvalidSpec`."""
    folder = repository / name
    folder.mkdir(parents=True)
    for path in sorted(model.source.iterdir()):
        if path.name not in (CONFIG, CACHE):
            (folder / path.name).symlink_to(path.resolve())
    for secret, text in model.secrets.items():
        _write_private(folder / secret, text)
        model.config.parameters[secret].string_value = str(folder / secret)
    (folder / CONFIG).write_text(text_format.MessageToString(model.config, as_utf8=True), encoding="utf-8")
    groups = sum(max(1, group.count) for group in model.config.instance_group)
    return LaidOut(
        name=name,
        model=model,
        folder=folder,
        longest_seconds=_seconds(model, "longest_seconds", LONGEST_SECONDS),
        loading_seconds=_seconds(model, "loading_seconds", LOADING_SECONDS),
        processes=(groups or 1) if model.config.backend == "python" else 0,
    )


def _write_private(path: Path, text: str) -> None:
    """For this user's eyes only, from its first moment."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def _seconds(model: ModelFolder, parameter: str, default: float) -> float:
    said = model.parameter(parameter)
    try:
        seconds = default if said is None else float(said)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds <= MOST_SECONDS:
        raise InvalidSpec(str(model.source / CONFIG), [f"parameters: {parameter} is {said!r}; expected seconds, more than 0"])
    return seconds
