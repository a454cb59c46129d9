"""The smallest question that a model of each kind can answer. A model that answered one is ready, whatever the server says.

A model's configuration may say `parameters { key: "canary" value { string_value: "…" } }`: the text to ask, or `none` for
a model whose every call costs money or minutes.
"""

from __future__ import annotations

import base64

from gateway.signature import Signature
from kernel.contract import Kind, Picture, Request, Sampling, Text

NONE = "none"
TEXT = "canary"
PICTURE = Picture(
    base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAIAAAAlC+aJAAAA0ElEQVR42u3ZwQ2DMAyFYbC6B4fuPxIHJgkDwKHYzw2W/xwr"
        "9eEvtloC6xhjqbxsKb4AAAAAAAAAAAAAAJi3Pkm5+7ZdP/weh/xCq/ZAc1t3qkQG+LF0OcNmVe/+lrgDkiIirbDp1QdzGv8P"
        "qLY/mGZvqD6S2XKEMrbfnczNXDlA3vz48hkhAAAAFANknGsj+YxQRUDeFDmSu45QRhN8mfbn68nTev8KqZoQydE8WnQfEuJb"
        "YBO3UNJAnk4/kRR4P8C9EAAAAAAAAAAAAIBOgBN1HlFjLutg4wAAAABJRU5ErkJggg=="
    )
)


def canary(model: str, signature: Signature, text: str | None) -> Request | None:
    """The question, or `None` where none may be asked."""
    if text == NONE:
        return None
    kind = signature.kind
    words, picture = (Text(text or TEXT),), (PICTURE,)
    sees, reads = "image" in signature.inputs, "text_input" in signature.inputs
    match kind:
        case Kind.GENERATE:
            return Request(model, words + picture if sees else words, kind, sampling=Sampling(max_tokens=1))
        case Kind.IMAGINE:
            return Request(model, words, kind, sampling=Sampling(n=1, steps=1, seed=0))
        case Kind.EMBED | Kind.CLASSIFY:
            return Request(model, picture if sees else words, kind)
        case Kind.DETECT:
            return Request(model, words + picture if reads else picture, kind)
        case Kind.READ:
            return Request(model, picture, kind)
