"""Which tensors a model takes and gives: the contract's table by kind, and what one server says of one model."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, Final

from tritonclient.grpc import model_config_pb2, service_pb2

from gateway import jsontext
from gateway.translation import BYTES, Translation
from kernel.contract import Kind, Sampling
from kernel.errors import BadReply, Unsupported

FP32: Final = "FP32"
UINT32: Final = "UINT32"
NUMBERS = (UINT32, "INT32", "UINT64", "INT64")
"""What a count of tokens may come as; models of ours give the first."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of the contract. `dims` are those of one request, without a batch dimension."""

    name: str
    dims: tuple[int, ...] = (1,)
    datatype: str = BYTES
    optional: bool = False


_ANY = (-1,)
_PAIR = (-1, -1)
_SAMPLING = Tensor("sampling_parameters", optional=True)
_EITHER = (Tensor("text_input", _ANY, optional=True), Tensor("image", _ANY, optional=True))
_REPORT = Tensor("report", optional=True)
_FINISH = Tensor("finish_reason", _ANY, optional=True)

INPUTS: dict[Kind, tuple[Tensor, ...]] = {
    Kind.GENERATE: (
        Tensor("text_input"),
        Tensor("image", _ANY, optional=True),
        Tensor("system", optional=True),
        Tensor("messages", optional=True),
        _SAMPLING,
    ),
    Kind.IMAGINE: (Tensor("text_input"), Tensor("negative_prompt", optional=True), _SAMPLING),
    Kind.EMBED: _EITHER,
    Kind.CLASSIFY: _EITHER,
    Kind.DETECT: (Tensor("image", _ANY), Tensor("text_input", _ANY, optional=True)),
    Kind.READ: (Tensor("image", _ANY),),
}
OUTPUTS: dict[Kind, tuple[Tensor, ...]] = {
    Kind.GENERATE: (
        Tensor("text_output", _ANY),
        _FINISH,
        Tensor("num_input_tokens", datatype=UINT32, optional=True),
        Tensor("num_output_tokens", datatype=UINT32, optional=True),
        _REPORT,
    ),
    Kind.IMAGINE: (Tensor("image", _ANY), _FINISH, _REPORT),
    Kind.EMBED: (Tensor("embedding", _PAIR, FP32),),
    Kind.CLASSIFY: (Tensor("scores", _PAIR, FP32), _REPORT),
    Kind.DETECT: (Tensor("detections", _ANY),),
    Kind.READ: (Tensor("detections", _ANY),),
}
OUTPUT_TYPES: dict[Kind, dict[str, str]] = {kind: {tensor.name: tensor.datatype for tensor in tensors} for kind, tensors in OUTPUTS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What the wire has to know of a model behind a server.

    model: its name there. batched: shapes lead with a batch dimension, ours is 1. inputs: what it takes, by our names. outputs: all it
    declares. classes: the names of the scores' columns. translation: set where its tensors are not the contract's.
    """

    model: str
    kind: Kind
    inputs: frozenset[str]
    outputs: frozenset[str]
    batched: bool = False
    decoupled: bool = False
    classes: tuple[str, ...] = ()
    translation: Translation | None = None
    templates: dict[tuple[tuple[str, int], ...], service_pb2.ModelInferRequest] = field(default_factory=dict, repr=False, compare=False)
    """Requests without contents, kept by `gateway.frames`."""

    def ignored(self, sampling: Sampling) -> list[str]:
        """The settings that were made and do not reach the model."""
        if "sampling_parameters" in self.inputs:
            return []
        return [name for name in sampling.as_dict() if self.translation is None or not self.translation.takes(name)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What a server says of a model. `faults` is empty when it fits the contract.

    accepts: the inputs, optional ones with "?". identity: changes with name, version and configuration.
    """

    signature: Signature
    backend: str
    version: str
    identity: str
    accepts: tuple[str, ...]
    faults: tuple[str, ...] = field(default=())


def of_kind(model: str, kind: Kind, **more: Any) -> Signature:
    """The signature of a model that takes and gives all that the contract has for its kind."""
    inputs, outputs = (frozenset(tensor.name for tensor in table[kind]) for table in (INPUTS, OUTPUTS))
    return Signature(model=model, kind=kind, inputs=inputs, outputs=outputs, **more)


def describe(config: model_config_pb2.ModelConfig, metadata: service_pb2.ModelMetadataResponse, kind: Kind | None = None) -> Description:
    """Read what Triton tells of a model. Raises `Unsupported` when the kind is told nowhere."""
    parameters = {name: value.string_value for name, value in config.parameters.items()}
    signature = Signature(
        model=config.name,
        kind=kind or _kind(config.name, parameters.get("kind")),
        inputs=frozenset(tensor.name for tensor in config.input),
        outputs=frozenset(tensor.name for tensor in config.output),
        batched=config.max_batch_size > 0,
        decoupled=config.model_transaction_policy.decoupled,
        classes=_classes(config.name, parameters.get("classes")),
    )
    optional = {tensor.name for tensor in config.input if tensor.optional}
    types = {tensor.name: tensor.datatype for tensor in (*metadata.inputs, *metadata.outputs)}
    version = max(metadata.versions, key=lambda text: (len(text), text), default="")
    identity = hashlib.sha256(version.encode() + b"\0" + config.SerializeToString(deterministic=True)).hexdigest()
    return Description(
        signature=signature,
        backend=config.backend or config.platform,
        version=version,
        identity=identity,
        accepts=tuple(tensor.name + "?" * tensor.optional for tensor in config.input),
        faults=tuple(faults(signature, optional, types)),
    )


def faults(signature: Signature, optional: set[str], types: dict[str, str]) -> list[str]:
    """Where a model leaves the contract, a line for each."""
    found = []
    inputs = {tensor.name: tensor for tensor in INPUTS[signature.kind]}
    outputs = {tensor.name: tensor for tensor in OUTPUTS[signature.kind]}
    for what, table, names in (("input", inputs, signature.inputs), ("output", outputs, signature.outputs)):
        for name, tensor in table.items():
            allowed = NUMBERS if tensor.datatype == UINT32 else (tensor.datatype,)
            if name not in names:
                if not tensor.optional:
                    found.append(f"{what} {name}: missing; a model of kind {signature.kind} has it")
            elif types.get(name, tensor.datatype) not in allowed:
                found.append(f"{what} {name}: is {types[name]}, the contract has {tensor.datatype}")
    found += [f"input {name}: not in the contract and not optional; nobody would send it" for name in sorted(signature.inputs - set(inputs) - optional)]
    if signature.kind in (Kind.EMBED, Kind.CLASSIFY) and not signature.inputs & {"text_input", "image"}:
        found.append("input: neither text_input nor image")
    return found


def _kind(model: str, named: str | None) -> Kind:
    try:
        return Kind(named or "")
    except ValueError:
        known = ", ".join(Kind)
        said = "says nothing of its kind" if not named else f"is of kind {named!r}"
        raise Unsupported(f"model {model!r} {said}; expected one of {known}, in the catalog or in the configuration's parameters") from None


def _classes(model: str, text: str | None) -> tuple[str, ...]:
    if not text:
        return ()
    try:
        names = jsontext.loads(text)
    except ValueError as error:
        raise BadReply(f"model {model!r}: the parameter classes: {error}") from None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadReply(f"model {model!r}: the parameter classes is no JSON list of texts")
    return tuple(names)
