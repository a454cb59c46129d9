"""Local models by their checkpoints: what an entry may say, where the checkpoint is, and the folder that Triton serves it from.

A checkpoint is a folder on this machine or a name on the Hugging Face hub, which is downloaded when it is first served. A template
in the model repository holds the code; an entry fills in its configuration. What is served has read nothing but safetensors.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import Field

from gateway import graphed, hub, jsontext, weights
from gateway.graphed import Graphed
from gateway.repository import BUNDLED, ModelFolder, filled_in, identity
from kernel.contract import Kind
from kernel.errors import InvalidSpec

HUB = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")
UNWANTED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.msgpack", "*.h5", "*.gguf", "*.onnx", "*.onnx_data", "*.ot", "*.tflite")
"""What is not downloaded: pickles, and weights in forms that are not read."""
WANTED = {"faces": ("*.onnx",)}
"""What a template reads of these all the same."""
OURS = {"at_once", "deadline", "batch", "instrument", "runtime", "engines", "precision"}
"""Keys of an entry that are not the template's."""

KINDS = {
    "transformers_model": Kind.GENERATE,
    "diffusers_model": Kind.IMAGINE,
    "embedder": Kind.EMBED,
    "classifier": Kind.CLASSIFY,
    "open_detector": Kind.DETECT,
    "faces": Kind.DETECT,
    "safety_checker": Kind.CLASSIFY,
}
"""What each template does."""

Positive = Annotated[int, Field(ge=1, le=2**31 - 1)]
Share = Annotated[float, Field(gt=0, lt=1)]


class Checkpoint(Graphed):
    """What every checkpoint may say. batch: how many requests are answered together at most."""

    named_by: ClassVar[str] = "checkpoint"
    revision: str | None = None
    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?)$")] | None = None
    dtype: Literal["auto", "float32", "bfloat16", "float16"] | None = None
    remote_code: bool = False
    batch: Annotated[int, Field(ge=1, le=4096)] | None = None

    @property
    def template(self) -> str:
        """The folder in the model repository that serves it."""
        raise NotImplementedError

    @property
    def kind(self) -> Kind:
        """What it does."""
        return KINDS[self.template]

    @property
    def source(self) -> str | None:
        """A folder, or a name on the hub."""
        value: str | None = getattr(self, self.named_by)
        return value

    def settings(self) -> dict[str, Any]:
        """What the template's class is made with, besides the checkpoint; only what was set."""
        told = self.model_dump(exclude_defaults=True, exclude={*OURS, self.named_by, "revision"})
        return {name: value for name, value in told.items() if value is not None}


class TransformersEntry(Checkpoint):
    """A language model, with or without eyes, through transformers."""

    named_by: ClassVar[str] = "transformers"
    transformers: str
    max_tokens: Positive | None = None
    most_pictures: Positive | None = None
    quantize: Literal["int8", "int4"] | None = None
    compile: bool = False

    @property
    def template(self) -> str:
        """The folder in the model repository that serves it."""
        return "transformers_model"


class DiffusersEntry(Checkpoint):
    """A text-to-image pipeline, through diffusers."""

    named_by: ClassVar[str] = "diffusers"
    diffusers: str
    variant: str | None = None
    scheduler: str | None = None
    steps: Annotated[int, Field(ge=1, le=1000)] | None = None
    guidance: Annotated[float, Field(ge=0, le=100)] | None = None
    width: Positive | None = None
    height: Positive | None = None
    most_pixels: Positive | None = None
    together: Annotated[int, Field(ge=1, le=256)] | None = None
    """Pictures in one call of the pipeline: more are faster and take more memory."""
    compile: bool = False

    @property
    def template(self) -> str:
        """The folder in the model repository that serves it."""
        return "diffusers_model"


class Tool(NamedTuple):
    """An instrument: the template that serves it, its usual checkpoint (`None`: there is no open one), and what is set for it."""

    template: str
    checkpoint: str | None
    settings: Mapping[str, Any] = {}


INSTRUMENTS: Mapping[str, Tool] = {
    "clip": Tool("embedder", "openai/clip-vit-base-patch32"),
    "siglip": Tool("embedder", "google/siglip2-base-patch16-224"),
    "text_embeddings": Tool("embedder", "sentence-transformers/all-MiniLM-L6-v2"),
    "grounding_dino": Tool("open_detector", "IDEA-Research/grounding-dino-base"),
    "owlv2": Tool("open_detector", "google/owlv2-base-patch16-ensemble"),
    "toxicity": Tool("classifier", "unitary/toxic-bert", {"activation": "sigmoid"}),
    "refusal": Tool("classifier", "LibrAI/longformer-action-ro", {"activation": "softmax"}),
    "unsafe_picture": Tool("classifier", "Falconsai/nsfw_image_detection", {"activation": "softmax"}),
    "safety_checker": Tool("safety_checker", "CompVis/stable-diffusion-safety-checker"),
    "faces": Tool("faces", "opencv/face_detection_yunet"),
    "face_attributes": Tool("classifier", None, {"activation": "none"}),
    "harmbench": Tool("transformers_model", "cais/HarmBench-Llama-2-13b-cls", {"max_tokens": 1}),
}


class InstrumentEntry(Checkpoint):
    """A model that benchmarks score with, by the name of what it does."""

    instrument: str
    checkpoint: str | None = None
    box_threshold: Share | None = None
    text_threshold: Share | None = None
    activation: Literal["softmax", "sigmoid", "none"] | None = None
    normalize: bool | None = None
    max_length: Positive | None = None
    longest_side: Positive | None = None
    weights: str | None = None

    @property
    def template(self) -> str:
        """The folder in the model repository that serves it."""
        return INSTRUMENTS[self.instrument].template

    @property
    def source(self) -> str | None:
        """A folder, or a name on the hub."""
        return self.checkpoint or INSTRUMENTS[self.instrument].checkpoint

    def settings(self) -> dict[str, Any]:
        """What the template's class is made with, besides the checkpoint."""
        return {**INSTRUMENTS[self.instrument].settings, **super().settings()}


@dataclass(frozen=True)
class Found:
    """Where a checkpoint is, `None` while it is only on the hub; and what changes whenever its files do."""

    folder: Path | None
    identity: str


def faults_of(entry: Checkpoint, place: Path) -> Iterator[str]:
    """What is wrong with an entry of the right shape. Relative paths begin at `place`."""
    if isinstance(entry, InstrumentEntry) and entry.instrument not in INSTRUMENTS:
        yield f"instrument: {entry.instrument!r} is none; expected one of {', '.join(INSTRUMENTS)}"
        return
    yield from graphed.faults_of(entry, BUNDLED / entry.template)
    if entry.source is None:
        yield "checkpoint: missing; this instrument has no open one, name a folder"
    elif (folder := local(entry, place)) is not None:
        if not folder.is_dir():
            yield f"{entry.named_by}: no folder {folder}; expected a checkpoint's folder, or a name on the hub such as org/name"
        elif entry.revision is not None:
            yield "revision: has no meaning with a folder; leave it out"
    elif HUB.fullmatch(entry.source) is None:
        yield f"{entry.named_by}: {entry.source!r:.80} is neither a folder nor a name on the hub such as org/name"


def local(entry: Checkpoint, place: Path) -> Path | None:
    """The folder that an entry names by its path; `None` where it names a model of the hub."""
    source = entry.source or ""
    if not (source.startswith(("/", "./", "../", "~")) or source in (".", "..")):
        return None
    return (place / Path(source).expanduser()).resolve()


def folder_of(name: str, entry: Checkpoint, place: Path, *, fetch: bool) -> ModelFolder:
    """The template's folder with the entry in its configuration. Raises `InvalidSpec`.

    fetch: whether a checkpoint that is only on the hub is downloaded; else its folder cannot be served yet.
    """
    made = graphed.read(name, entry, BUNDLED / entry.template, place)
    found = find(name, entry, place, fetch=fetch)
    settings = entry.settings()
    told = {"template": made.identity, "checkpoint": found.identity, **dict(sorted(settings.items()))}
    parameters = {"checkpoint": str(found.folder or entry.source), **{key: _plain(value) for key, value in settings.items()}}
    if found.folder is not None and entry.kind is Kind.CLASSIFY and made.parameter("classes") is None:
        parameters["classes"] = jsontext.dumps(classes_of(name, found.folder)).decode()
    if entry.template == "transformers_model" and found.folder is not None and not weights.sees(found.folder):
        _take_away(made.config.input, "image")
    if entry.batch is not None and made.config.max_batch_size:
        made.config.max_batch_size = entry.batch
    return replace(filled_in(made, parameters), identity=f"checkpoint:{hashlib.sha256(jsontext.dumps(told)).hexdigest()[:32]}")


def find(name: str, entry: Checkpoint, place: Path, *, fetch: bool) -> Found:
    """Where the checkpoint is. Raises `InvalidSpec` where it cannot be had."""
    source = entry.source or ""
    if (own := local(entry, place)) is not None:
        return Found(own, identity(own))
    import huggingface_hub  # noqa: PLC0415 - half a second, for those who name a model of the hub
    from huggingface_hub.errors import LocalEntryNotFoundError  # noqa: PLC0415

    unwanted = [*(set(UNWANTED) - set(WANTED.get(entry.template, ()))), *([] if entry.remote_code else ["*.py"])]
    ask: dict[str, Any] = {"repo_id": source, "revision": entry.revision, "ignore_patterns": unwanted}
    with hub.asked(f"model {name}", entry.named_by, source, entry.revision):
        try:
            folder = Path(huggingface_hub.snapshot_download(**ask, local_files_only=True))
        except LocalEntryNotFoundError:
            if not fetch:
                return Found(None, f"{source}@{huggingface_hub.HfApi().model_info(source, revision=entry.revision).sha}")
            folder = Path(huggingface_hub.snapshot_download(**ask))
    return Found(folder, f"{source}@{folder.name}")


def classes_of(name: str, folder: Path) -> list[str]:
    """The class names of a classifier's checkpoint, by their numbers. Raises `InvalidSpec`."""
    try:
        told = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        labels = {int(number): str(label) for number, label in told["id2label"].items()}
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise InvalidSpec(f"model {name}", [f"{folder / 'config.json'}: no class names ({type(error).__name__}); expected id2label in it"]) from None
    if sorted(labels) != list(range(len(labels))):
        raise InvalidSpec(f"model {name}", [f"{folder / 'config.json'}: id2label has the numbers {sorted(labels)[:8]}; expected 0, 1, 2 and so on"])
    return [labels[number] for number in range(len(labels))]


def _take_away(tensors: Any, name: str) -> None:
    """A tensor that the template has and this checkpoint has no use for."""
    del tensors[[tensor.name for tensor in tensors].index(name)]


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else jsontext.dumps(value).decode()
