"""A model whose tensors are not the contract's: what `gateway.wire` says in ours becomes theirs, and back.

`gateway.dialects` makes one for a model of a server that differs. Whoever keeps to the contract pays nothing for it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway import jsontext, layout, sampling
from kernel.contract import DEFAULT_SAMPLING, Sampling
from kernel.errors import InvalidRequest, ModelError

BYTES = "BYTES"
_NUMERIC = ("BOOL", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64", "FP32", "FP64")
FORMATS: Mapping[str, str] = {datatype: f"<{code}" for datatype, code in zip(_NUMERIC, "?bhiqBHIQfd", strict=True)}
"""How one number of a datatype is packed."""
LISTED = "sampling_parameters"
_NO_END = b"None"

Typed = tuple[str, bytes]
"""A datatype, and the raw contents of a tensor with one element of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """What differs.

    inputs: their names of our tensors. settings: their tensor and its datatype for a setting of `Sampling` of its own. listed: the
    settings that go as JSON, in a tensor that is never left out. fixed: what goes with every request, by their names. picture: how
    a picture is sent. ordered: whether the order of a request's parts is told. outputs: what is read, by their names, with the
    datatype. ours: our names of outputs. broken: ends that are no answers.
    """

    inputs: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    listed: tuple[str, ...] = ()
    fixed: Mapping[str, Typed] = field(default_factory=dict)
    picture: Callable[[bytes], bytes] | None = None
    ordered: bool = True
    outputs: Mapping[str, str] = field(default_factory=dict)
    ours: Mapping[str, str] = field(default_factory=dict)
    broken: Mapping[bytes, type[ModelError]] = field(default_factory=dict)

    def asked(self, tensors: dict[str, list[bytes]], parameters: dict[str, str | int], made: Sampling) -> tuple[dict[str, list[bytes]], dict[str, Typed]]:
        """Their tensors of texts, and those of numbers. Raises `InvalidRequest` for a setting that their datatype cannot hold."""
        if self.picture is not None and "image" in tensors:
            tensors["image"] = [self.picture(data) for data in tensors["image"]]
        if self.listed:
            tensors[LISTED] = [sampling.encode(made, self.listed)]
        if not self.ordered:
            parameters.pop(layout.PARAMETER, None)
        theirs = {self.inputs.get(name, name): elements for name, elements in tensors.items()}
        typed = dict(self.fixed)
        if self.settings and made != DEFAULT_SAMPLING:
            sampling.encode(made)  # for its bounds
            for name, value in made.as_dict().items():
                if name in self.settings:
                    self._set(name, value, theirs, typed)
        return theirs, typed

    def answered(self, tensors: Mapping[str, Any]) -> Mapping[str, Any]:
        """Our tensors. Raises a `ModelError` for an answer that was broken off."""
        found = {self.ours.get(name, name): value for name, value in tensors.items()}
        for end in found.get("finish_reason", ()):
            if end in self.broken:
                raise self.broken[end](f"the server broke the answer off: {end.decode()}")
            if end == _NO_END:
                del found["finish_reason"]
                break
        return found

    def takes(self, setting: str) -> bool:
        """Whether a setting of `Sampling` reaches the model."""
        return setting in self.settings or setting in self.listed

    def _set(self, name: str, value: Any, theirs: dict[str, list[bytes]], typed: dict[str, Typed]) -> None:
        tensor, datatype = self.settings[name]
        if datatype == BYTES:
            if elements := [text.encode() for text in value] if isinstance(value, list) else [jsontext.dumps(value)]:
                theirs[tensor] = elements
            return
        try:
            typed[tensor] = (datatype, struct.pack(FORMATS[datatype], value))
        except (struct.error, OverflowError):
            raise InvalidRequest(f"{name} is {value!r}; the server takes it as {datatype}, which cannot hold that") from None
