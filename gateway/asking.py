"""A request's meaning as named tensors, and back. Half of `gateway.wire`; the other half is `gateway.answering`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from gateway import jsontext, layout, sampling
from gateway.signature import INPUTS, Signature
from kernel.contract import DEFAULT_SAMPLING, Kind, Part, Picture, Request, Text, Turn
from kernel.errors import InvalidRequest, Unsupported

T = TypeVar("T")

_JOINED = (Kind.GENERATE, Kind.IMAGINE)
_ROLES = ("user", "assistant")


def tensors_of(request: Request, signature: Signature) -> tuple[dict[str, list[bytes]], dict[str, str | int]]:
    """The tensors and parameters of a request. Raises `InvalidRequest` or `Unsupported`."""
    if request.kind is not signature.kind:
        raise Unsupported(f"model {request.model!r} is of kind {signature.kind}, the request wants {request.kind}")
    parameters: dict[str, str | int] = {}
    tensors = _joined(request, parameters) if request.kind in _JOINED else _separate(request, parameters)
    if request.system is not None:
        tensors["system"] = [_utf8(request.system)]
    if request.history:
        tensors["messages"] = [_messages(request.history)]
    if request.negative is not None:
        tensors["negative_prompt"] = [_utf8(request.negative)]
    if request.sampling != DEFAULT_SAMPLING and "sampling_parameters" in signature.inputs:
        tensors["sampling_parameters"] = [sampling.encode(request.sampling)]
    for name in tensors:
        if name not in signature.inputs:
            raise Unsupported(f"model {request.model!r} takes no {name}; it takes {', '.join(sorted(signature.inputs))}")
    return tensors, parameters


def _joined(request: Request, parameters: dict[str, str | int]) -> dict[str, list[bytes]]:
    """Kinds that take one text, and pictures beside it."""
    parts = request.parts
    if len(parts) == 1 and type(parts[0]) is Text:
        return {"text_input": [_utf8(parts[0].text)]}
    tensors = {"text_input": [_utf8(request.text)]}
    if not parts or type(parts[0]) is not Text or any(type(part) is Text for part in parts[1:]):
        parameters[layout.PARAMETER] = layout.describe(parts)
    if pictures := [part.data for part in parts if type(part) is Picture]:
        tensors["image"] = pictures
    return tensors


def _separate(request: Request, parameters: dict[str, str | int]) -> dict[str, list[bytes]]:
    """Kinds that take any number of texts or pictures, each an element of its own."""
    kind = request.kind
    texts = [_utf8(part.text) for part in request.parts if type(part) is Text]
    pictures = [part.data for part in request.parts if type(part) is Picture]
    if kind in (Kind.EMBED, Kind.CLASSIFY) and bool(texts) == bool(pictures):
        raise InvalidRequest(f"{len(texts)} texts and {len(pictures)} pictures; {kind} takes either texts or pictures")
    if kind in (Kind.DETECT, Kind.READ) and not pictures:
        raise InvalidRequest(f"no picture; {kind} takes at least one")
    tensors = {name: elements for name, elements in (("text_input", texts), ("image", pictures)) if elements}
    if texts and pictures and any(type(part) is Picture for part in request.parts[: len(texts)]):
        parameters[layout.PARAMETER] = layout.describe(request.parts)
    return tensors


def request_of(tensors: Mapping[str, list[bytes]], parameters: Mapping[str, Any], signature: Signature) -> Request:
    """The request that `tensors_of` made these of. Raises `InvalidRequest`."""
    _check_that_nothing_is_missing(tensors, signature.kind)
    texts = [_text("text_input", element) for element in tensors.get("text_input", ())]
    pictures = tensors.get("image", [])
    described = parameters.get(layout.PARAMETER)
    if described is None:
        parts: tuple[Part, ...] = (*map(Text, texts), *map(Picture, pictures))
    else:
        described = str(described)
        if signature.kind in _JOINED:
            texts = list(layout.split(_one("text_input", texts), described))
        parts = layout.arrange(texts, pictures, described)
    single = {name: _one(name, tensors[name]) for name in ("system", "messages", "negative_prompt", "sampling_parameters") if name in tensors}
    return Request(
        model=signature.model,
        parts=parts,
        kind=signature.kind,
        system=_text("system", single["system"]) if "system" in single else None,
        history=_turns(single["messages"]) if "messages" in single else (),
        negative=_text("negative_prompt", single["negative_prompt"]) if "negative_prompt" in single else None,
        sampling=sampling.decode(single["sampling_parameters"]) if "sampling_parameters" in single else DEFAULT_SAMPLING,
    )


def _check_that_nothing_is_missing(tensors: Mapping[str, list[bytes]], kind: Kind) -> None:
    """Triton counts a request's inputs and does not look which they are, so an optional one passes for one that must be there."""
    for tensor in INPUTS[kind]:
        if not tensor.optional and tensor.name not in tensors:
            raise InvalidRequest(f"{tensor.name} is missing; {kind} takes it")
    if kind in (Kind.EMBED, Kind.CLASSIFY) and not tensors.keys() & {"text_input", "image"}:
        raise InvalidRequest(f"neither text_input nor image; {kind} takes one of them")


def _messages(history: Sequence[Turn]) -> bytes:
    for turn in history:
        if turn.role not in _ROLES:
            raise InvalidRequest(f"a turn of the role {turn.role!r}; expected one of {', '.join(_ROLES)}")
        _utf8(turn.text)
    return jsontext.dumps([{"role": turn.role, "content": turn.text} for turn in history])


def _turns(data: bytes) -> tuple[Turn, ...]:
    try:
        turns = tuple(Turn(turn["role"], turn["content"]) for turn in jsontext.loads(data))
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidRequest(f"messages: {error}; expected a JSON list of objects with role and content") from None
    for turn in turns:
        if turn.role not in _ROLES or not isinstance(turn.text, str):
            raise InvalidRequest(f"messages: a turn of the role {turn.role!r}; expected {' or '.join(_ROLES)}, and a text")
    return turns


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequest(f"the text has half a surrogate pair at character {error.start}, which is no UTF-8") from None


def _text(name: str, data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"{name}: byte {error.start} is not UTF-8") from None


def _one(name: str, elements: Sequence[T]) -> T:
    if len(elements) != 1:
        raise InvalidRequest(f"{name} has {len(elements)} elements; expected 1")
    return elements[0]
