"""What a server owes before anything is asked of a model: health, and telling what it and its models are."""

from __future__ import annotations

from dataclasses import replace

from tritonclient.grpc import service_pb2

from gateway.conformance.check import MENDS, Broken, Found, Weight, check, words
from gateway.conformance.peer import Named, Peer
from gateway.dialects import KSERVE
from gateway.signature import FP32, INPUTS, OUTPUTS, Description, Signature, Tensor
from gateway.translation import LISTED, Translation
from kernel.contract import Kind
from kernel.errors import ModelError, Unavailable, Unsupported

_DECLARE = "declare the tensors of the kind as in proto/README.md, or give another kind (--kind, or in the catalog)"
_CONTRACT = Translation()
_LIKELY: dict[str, tuple[Kind, ...]] = {
    "text_output": (Kind.GENERATE,),
    "image": (Kind.IMAGINE,),
    "embedding": (Kind.EMBED,),
    "scores": (Kind.CLASSIFY,),
    "detections": (Kind.DETECT, Kind.READ),
}
"""The kinds that have an output of this name."""


@check(mend=MENDS[Unavailable])
async def is_live(peer: Peer) -> Found:
    """The server says that it is live."""
    if not (await peer.ask("ServerLive", service_pb2.ServerLiveRequest())).live:
        raise Broken("it says that it is not live", "see the server's log")
    return "live"


@check(mend="see the server's log; a model that could not be loaded may be why", weight=Weight.WISHED)
async def is_ready(peer: Peer) -> Found:
    """The server says that it is ready."""
    if not (await peer.ask("ServerReady", service_pb2.ServerReadyRequest())).ready:
        raise Broken("it says that it is not ready")
    return "ready"


@check(mend="answer ServerMetadata; then reports can say what was measured", weight=Weight.WISHED)
async def says_what_it_is(peer: Peer) -> Found:
    """The server tells its name and version."""
    try:
        answer = await peer.ask("ServerMetadata", service_pb2.ServerMetadataRequest())
    except ModelError as error:
        raise Broken(words(error)) from error
    return f"{answer.name or 'no name'} {answer.version}".strip()


@check(mend="load the model; the server's log says why it is not")
async def is_loaded(model: Named) -> Found:
    """The server says that the model is ready to be asked."""
    if not await model.ready():
        raise Broken("the server says that the model is not ready")
    return "ready"


@check(mend="answer ModelMetadata with the model's own name, inputs and outputs")
async def tells_its_tensors(model: Named) -> Found:
    """The metadata name the model, its inputs and its outputs."""
    metadata = await model.metadata()
    if metadata.name != model.name:
        raise Broken(f"asked for {model.name!r}, the metadata are of {metadata.name!r}")
    if not metadata.inputs or not metadata.outputs:
        raise Broken(f"{len(metadata.inputs)} inputs and {len(metadata.outputs)} outputs; expected some of both")
    return f"{', '.join(tensor.name for tensor in metadata.inputs)} → {', '.join(tensor.name for tensor in metadata.outputs)}"


@check(mend="answer ModelConfig as Triton does; without it, kind and canary have to be given, and no call is batched", weight=Weight.WISHED)
async def tells_its_configuration(model: Named) -> Found:
    """The configuration says what is optional, whether calls are batched, and of which kind the model is."""
    try:
        config = await model.config()
    except ModelError as error:
        raise Broken(words(error)) from error
    batches = f"batches of up to {config.max_batch_size}" if config.max_batch_size > 0 else "no batches"
    return f"{config.backend or config.platform or 'unknown backend'}, {batches}" + (", decoupled" if config.model_transaction_policy.decoupled else "")


@check(mend='say it with --kind and in the catalog, or in the configuration: parameters { key: "kind" value: { string_value: "…" } }')
async def is_of_a_known_kind(model: Named) -> Found:
    """The kind of the model is told by its configuration, or by whoever asks."""
    try:
        description, _ = await replace(model, dialect=KSERVE).describe()
    except Unsupported as error:
        outputs = [tensor.name for tensor in (await model.metadata()).outputs]
        likely = [likely for output in outputs for likely in _LIKELY.get(output, ())]
        hint = f"; its outputs are those of {' or '.join(likely)}" if likely else ""
        raise Broken(f"{error}{hint}") from error
    return f"{description.signature.kind}" + (" (as you say)" if model.kind else "")


@check(mend="give the entry the `dialect` and the `tensors` that the server has")
async def speaks_its_dialect(model: Named) -> Found:
    """The model has the tensors by which its entry in the catalog would have it asked."""
    try:
        await model.describe()
    except Unsupported as error:
        raise Broken(f"{error}") from error
    return ", ".join([model.dialect.name, *(f"{name} as {model.dialect.names[name]}" for name in sorted(model.dialect.own))])


@check(mend="serve the same version with the same configuration at every address, or give this one an entry of its own")
async def is_the_same_everywhere(model: Named, address: str, expected: Description) -> Found:
    """Every address of an entry serves the same model; from one that does not, no answer is taken."""
    description, _ = await model.describe()
    if description.identity != expected.identity:
        raise Broken(f"its version or configuration differs from what {address} serves")
    return f"as at {address}"


@check(mend=_DECLARE)
async def has_the_tensors_of_its_kind(model: Named) -> Found:
    """Inputs and outputs have the names and types that the contract has for the kind."""
    description, _ = await model.describe()
    if description.faults:
        raise Broken("; ".join(description.faults))
    kind, known = description.signature.kind, _known(description.signature)
    left = [tensor.name for tensor in (*INPUTS[kind], *OUTPUTS[kind]) if tensor.name not in known]
    return f"all but the optional {', '.join(left)}" if left else "all, the optional ones too"


@check(mend=f"{_DECLARE}; a number of elements that may differ is -1")
async def has_the_shapes_of_its_kind(model: Named) -> Found:
    """Tensors have the dimensions of the contract, and one more in front where calls are batched."""
    signature = (await model.describe())[0].signature
    metadata = await model.metadata()
    spoken = signature.translation or _CONTRACT
    inputs = {spoken.inputs.get(tensor.name, tensor.name): tensor for tensor in INPUTS[signature.kind]}
    theirs = {ours: name for name, ours in spoken.ours.items()}
    outputs = {theirs.get(tensor.name, tensor.name): tensor for tensor in OUTPUTS[signature.kind]}
    wrong = [_misshapen("input", tensor, inputs[tensor.name], batched=signature.batched) for tensor in metadata.inputs if tensor.name in inputs]
    wrong += [_misshapen("output", tensor, outputs[tensor.name], batched=signature.batched) for tensor in metadata.outputs if tensor.name in outputs]
    if found := [fault for fault in wrong if fault]:
        raise Broken("; ".join(found))
    return "with a batch dimension in front" if signature.batched else "without a batch dimension"


def _known(signature: Signature) -> set[str]:
    """The tensors that the model has, by our names, in whatever way they are sent."""
    spoken = signature.translation or _CONTRACT
    return {*signature.inputs, *(spoken.ours.get(name, name) for name in signature.outputs), *([LISTED] if spoken.listed else ())}


def _misshapen(what: str, told: service_pb2.ModelMetadataResponse.TensorMetadata, tensor: Tensor, *, batched: bool) -> str | None:
    """What keeps requests from being sent in these dimensions, or numbers from being read in them. Texts that come back are counted, whatever their shape."""
    if what == "output" and tensor.datatype != FP32:
        return None
    expected = [-1] * batched + list(tensor.dims)
    dims = list(told.shape)
    fits = len(dims) == len(expected) and (what == "output" or all(size in (-1, 1) for size in dims))
    return None if fits else f"{what} {told.name}: has the dimensions {dims}, the contract has {expected}"
