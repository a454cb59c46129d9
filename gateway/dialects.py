"""Servers that differ from the contract, as tables.

kserve: the contract itself, on any server of the KServe v2 protocol; one without Triton's `ModelConfig` call is known by its metadata.
vllm: Triton's vLLM backend. It takes a prompt as the model's tokenizer gets it: no chat template, no system text, no earlier turns.
tensorrt_llm: the `llmapi` model of TensorRT-LLM's backend for Triton. A server of it sees pictures only with `multimodal: True` in
its model.yaml; without, it drops them in silence, and nothing that it tells of itself shows that.

A table of one's own is `tensors` of a catalog's entry: our names of tensors, and of settings of `Sampling`, with theirs.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from tritonclient.grpc import model_config_pb2, service_pb2

from gateway import jsontext, signature
from gateway.signature import INPUTS, OUTPUT_TYPES, OUTPUTS, Description
from gateway.translation import BYTES, FORMATS, LISTED, Translation, Typed
from kernel.contract import SAMPLING_NAMES, Kind
from kernel.errors import DeadlineExceeded, ModelError, Unavailable, Unsupported

STOP = "stop"
NO, YES = ("BOOL", b"\0"), ("BOOL", b"\1")
TENSORS: Mapping[Kind, frozenset[str]] = {kind: frozenset(tensor.name for tensor in (*INPUTS[kind], *OUTPUTS[kind])) for kind in Kind}
_MEDIA = ((b"\x89PNG\r\n\x1a\n", b"png"), (b"\xff\xd8\xff", b"jpeg"), (b"RIFF", b"webp"))
_TYPES = model_config_pb2.DataType


def data_uri(picture: bytes) -> bytes:
    """A picture as a `data:` URI, with the media type that its first bytes tell."""
    media = next((name for start, name in _MEDIA if picture.startswith(start)), b"png")
    return b"data:image/%b;base64,%b" % (media, base64.b64encode(picture))


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """A table; names are ours, then theirs.

    kind: the only kind it has. names: what is called otherwise; `own` are those that a catalog gave. fixed: what goes with every
    request, by their names, where the model has it; `needed`: what it must have. The rest as in `Translation`.
    """

    name: str
    kind: Kind | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    own: frozenset[str] = frozenset()
    listed: tuple[str, ...] = ()
    fixed: Mapping[str, Typed] = field(default_factory=dict)
    needed: frozenset[str] = frozenset()
    picture: Callable[[bytes], bytes] | None = None
    ordered: bool = True
    broken: Mapping[bytes, type[ModelError]] = field(default_factory=dict)

    def with_names(self, own: Mapping[str, str]) -> Dialect:
        """The same with names of one's own."""
        return replace(self, names={**self.names, **own}, own=frozenset(own)) if own else self

    def theirs(self, name: str) -> str:
        """Their name of a tensor of ours."""
        return self.names.get(name, name)


KSERVE = Dialect(name="kserve")
VLLM = Dialect(
    name="vllm",
    kind=Kind.GENERATE,
    listed=("n", "max_tokens", "temperature", "top_p", "seed", STOP),
    fixed={
        "stream": NO,
        "exclude_input_in_output": YES,
        "return_finish_reason": YES,
        "return_num_input_tokens": YES,
        "return_num_output_tokens": YES,
    },
    needed=frozenset({"exclude_input_in_output"}),
    picture=base64.b64encode,
    ordered=False,
    broken={b"abort": Unavailable, b"error": Unavailable},
)
TENSORRT_LLM = Dialect(
    name="tensorrt_llm",
    kind=Kind.GENERATE,
    names={"image": "image_url", **{name: f"sampling_param_{name}" for name in ("max_tokens", "temperature", "top_p", "seed", STOP)}},
    fixed={"streaming": NO, "sampling_param_exclude_input_from_output": YES, "return_finish_reason": YES},
    needed=frozenset({"sampling_param_exclude_input_from_output"}),
    picture=data_uri,
    ordered=False,
    broken={b"timeout": DeadlineExceeded, b"cancelled": Unavailable},
)
DIALECTS: Mapping[str, Dialect] = {dialect.name: dialect for dialect in (KSERVE, VLLM, TENSORRT_LLM)}


def names_of(kind: Kind | None) -> frozenset[str]:
    """What `tensors` may give a name of its own to, in a model of this kind or of any."""
    return TENSORS[kind].union(SAMPLING_NAMES) if kind else frozenset(SAMPLING_NAMES).union(*TENSORS.values())


def describe(
    config: model_config_pb2.ModelConfig | None, metadata: service_pb2.ModelMetadataResponse, kind: Kind | None = None, dialect: Dialect = KSERVE
) -> Description:
    """What a server tells of a model, where `config` is what only Triton tells. Raises `Unsupported` when the dialect does not fit."""
    kind = kind or dialect.kind
    config = config or _configuration(metadata, kind, dialect)
    plain = signature.describe(config, metadata, kind)
    return plain if dialect is KSERVE else _translated(plain, config, dialect)


def _translated(plain: Description, config: model_config_pb2.ModelConfig, dialect: Dialect) -> Description:
    kind = plain.signature.kind
    inputs, outputs = ({tensor.name: _datatype(tensor) for tensor in tensors} for tensors in (config.input, config.output))
    if missing := list(_missing(dialect, kind, inputs, outputs)):
        raise Unsupported(f"model {config.name!r} does not speak the dialect {dialect.name!r} as the catalog has it: {'; '.join(missing)}")
    settings = {name: (tensor, inputs[tensor]) for name in SAMPLING_NAMES if (tensor := dialect.names.get(name, "")) in inputs}
    listed = dialect.listed if dialect.theirs(LISTED) in inputs else ()
    ours = {dialect.theirs(name): name for name in OUTPUT_TYPES[kind]}
    taken = {tensor.name for tensor in INPUTS[kind] if dialect.theirs(tensor.name) in inputs}
    translation = Translation(
        inputs=dialect.names,
        settings=settings,
        listed=listed,
        fixed={name: value for name, value in dialect.fixed.items() if name in inputs},
        picture=dialect.picture,
        ordered=dialect.ordered,
        outputs={theirs: OUTPUT_TYPES[kind][name] for theirs, name in ours.items()},
        ours=ours,
        broken=dialect.broken,
    )
    spoken = replace(plain.signature, inputs=frozenset(taken - {LISTED} if dialect.listed else taken), translation=translation)
    known = {dialect.theirs(name): name for name in taken}
    rest = inputs.keys() - known.keys() - dialect.fixed.keys() - {tensor for tensor, _ in settings.values()}
    seen = replace(spoken, inputs=frozenset(taken | rest), outputs=frozenset(ours.get(name, name) for name in outputs))
    types = {known.get(name, name): inputs[name] for name in inputs} | {ours.get(name, name): outputs[name] for name in outputs}
    optional = {tensor.name for tensor in config.input if tensor.optional}
    return replace(plain, signature=spoken, identity=_identity(plain.identity, dialect), faults=tuple(signature.faults(seen, optional, types)))


def _missing(dialect: Dialect, kind: Kind, inputs: Mapping[str, str], outputs: Mapping[str, str]) -> Iterator[str]:
    """What the model must have for this dialect, and has not."""
    for name in sorted(dialect.needed - inputs.keys()):
        yield f"it has no input {name!r}, without which answers repeat the prompt"
    for name in sorted(dialect.own):
        theirs = dialect.names[name]
        if name in OUTPUT_TYPES[kind]:
            if theirs not in outputs:
                yield f"tensors.{name}: it has no output {theirs!r}; it has {', '.join(sorted(outputs)) or 'none'}"
        elif theirs not in inputs:
            yield f"tensors.{name}: it has no input {theirs!r}; it has {', '.join(sorted(inputs)) or 'none'}"
    for name in SAMPLING_NAMES:
        datatype = inputs.get(dialect.names.get(name, ""), BYTES)
        if datatype not in ((BYTES,) if name == STOP else (BYTES, *FORMATS)):
            yield f"its input {dialect.names[name]!r} is {datatype}, in which {name} cannot be sent"


def _identity(plain: str, dialect: Dialect) -> str:
    """Another table may bring other answers from the same model."""
    table = jsontext.dumps([dialect.name, sorted(dialect.names.items())])
    return hashlib.sha256(plain.encode() + b"\0" + table).hexdigest()


def _configuration(metadata: service_pb2.ModelMetadataResponse, kind: Kind | None, dialect: Dialect) -> model_config_pb2.ModelConfig:
    """What Triton would tell, as far as metadata have it. They do not say what is optional; the contract does."""
    optional = {dialect.theirs(tensor.name) for tensor in INPUTS[kind] if tensor.optional} if kind else set()
    config = model_config_pb2.ModelConfig(name=metadata.name, platform=metadata.platform)
    for tensor in metadata.inputs:
        config.input.add(name=tensor.name, data_type=_type(tensor.datatype), dims=tensor.shape, optional=tensor.name in optional)
    for tensor in metadata.outputs:
        config.output.add(name=tensor.name, data_type=_type(tensor.datatype), dims=tensor.shape)
    return config


def _type(datatype: str) -> int:
    name = f"TYPE_{'STRING' if datatype == BYTES else datatype}"
    return int(_TYPES.Value(name)) if name in _TYPES.keys() else int(_TYPES.Value("TYPE_INVALID"))  # noqa: SIM118 - it is no mapping


def _datatype(tensor: model_config_pb2.ModelInput | model_config_pb2.ModelOutput) -> str:
    return str(_TYPES.Name(tensor.data_type)).removeprefix("TYPE_").replace("STRING", BYTES)
