"""What a request and a reply mean, and the one shape of everything that answers: `Model`.

The bytes of the same contract are in `gateway.wire`, which alone knows both. Text is Unicode; a picture is the encoded
file (PNG, JPEG or WebP), never base64 and never a path.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, Protocol

MESSAGE_LIMIT = 64 * 1024 * 1024
"""Bytes that one request or reply may have on the wire, on both sides."""


class Kind(StrEnum):
    """What a model does; a request names the kind it wants."""

    GENERATE = "generate"
    IMAGINE = "imagine"
    EMBED = "embed"
    CLASSIFY = "classify"
    DETECT = "detect"
    READ = "read"


class Finish(StrEnum):
    """Why an answer ended. Only `STOP` and `LENGTH` are answers of the model's own choosing."""

    STOP = "stop"
    LENGTH = "length"
    CONTENT_FILTER = "content_filter"
    REFUSAL = "refusal"


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of text in a request."""

    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    """An encoded picture: the bytes of a PNG, JPEG or WebP file."""

    data: bytes = field(repr=False)

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes, in hexadecimal; the name under which the store keeps the picture."""
        return hashlib.sha256(self.data).hexdigest()


Part = Text | Picture


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier turn of a conversation. `role` is "user" or "assistant"."""

    role: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How to sample; `None` leaves the choice to the model. Sizes are in pixels."""

    n: int | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] | None = None
    steps: int | None = None
    guidance: float | None = None
    width: int | None = None
    height: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """The settings that were made, by name; what is `None` is left out."""
        made = ((name, getattr(self, name)) for name in SAMPLING_NAMES)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in made if value is not None}


SAMPLING_NAMES = tuple(f.name for f in fields(Sampling))
DEFAULT_SAMPLING = Sampling()


@dataclass(frozen=True, slots=True)
class Request:
    """One question to one model of the catalog."""

    model: str
    parts: tuple[Part, ...]
    kind: Kind = Kind.GENERATE
    system: str | None = None
    history: tuple[Turn, ...] = ()
    negative: str | None = None
    sampling: Sampling = DEFAULT_SAMPLING

    @property
    def text(self) -> str:
        """The text parts, joined by a newline."""
        if len(self.parts) == 1 and isinstance(only := self.parts[0], Text):
            return only.text
        return "\n".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """The picture parts, in order."""
        return tuple(part for part in self.parts if isinstance(part, Picture))

    def digest(self) -> str:
        """SHA-256 over everything that can change the answer, except which model is asked."""
        hasher = hashlib.sha256()
        self.hash_into(hasher)
        return hasher.hexdigest()

    def hash_into(self, hasher: Any) -> None:
        """Give a hash of `hashlib` what `digest` stands on."""
        hasher.update(self.kind.encode())
        for part in self.parts:
            if isinstance(part, Text):
                data = part.text.encode("utf-8", "surrogatepass")
                hasher.update(b"t%d:%b" % (len(data), data))
            else:
                hasher.update(b"p%d:" % len(part.data))
                hasher.update(part.data)
        if self.system is not None or self.history or self.negative is not None or self.sampling != DEFAULT_SAMPLING:
            rest = [self.system, [[t.role, t.text] for t in self.history], self.negative, self.sampling.as_dict()]
            hasher.update(b"|" + json.dumps(rest, sort_keys=True).encode())


@dataclass(frozen=True, slots=True)
class Detection:
    """One thing found in a picture: `box` is x0, y0, x1, y1 in pixels. For OCR, `label` is the text that was read."""

    label: str
    score: float
    box: tuple[float, float, float, float]
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a model answered. Which fields are filled depends on the kind of the request.

    texts: generate, one per sample. pictures: imagine, one per sample. detections: detect and read.
    rows: embed (embeddings) and classify (scores), one row per input. finish: one per sample.
    report: what the model says of itself: name as answered, parameters not honoured, cost, class names.
    """

    texts: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    detections: tuple[Detection, ...] = ()
    rows: tuple[tuple[float, ...], ...] = ()
    finish: tuple[Finish, ...] = ()
    input_tokens: int | None = None
    output_tokens: int | None = None
    report: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The first text; empty when there is none."""
        return self.texts[0] if self.texts else ""


class Deadline:
    """A moment after which nobody waits any more: made once at the edge, passed down, asked `remaining()`."""

    __slots__ = ("at", "clock")

    def __init__(self, at: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.at = at
        self.clock = clock

    @classmethod
    def after(cls, seconds: float, clock: Callable[[], float] = time.monotonic) -> Deadline:
        """The moment `seconds` from now."""
        return cls(clock() + seconds, clock)

    def extend(self, seconds: float) -> None:
        """Move the moment on: so long the call stood in a line of our own, and nobody worked on it."""
        self.at += seconds

    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.at - self.clock())


class Model(Protocol):
    """Everything that answers a request. Wrappers (limits, retries, the store's keeper) and fakes have this shape too."""

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        """Answer, or raise a `kernel.errors.ModelError`; never later than the deadline by more than a second."""
        ...

    async def aclose(self) -> None:
        """Let go of everything that is held. Calling it twice does no harm."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """What is known of a model of the catalog.

    identity: changes whenever the answers may change (name, version, hash of files); part of every reply's key. Empty
    where it could not be learned; such a model is not asked.
    state: "ready", "loading", "unavailable" or "not started". accepts: names of the inputs, optional ones with "?".
    player: set when this entry is a null player, which the kernel plays itself: its keys of the catalog.
    at_once: how many calls have to be in flight where that is the model's to say: it collects them.
    why: why nothing could be learned of it.
    """

    name: str
    kind: Kind | None
    backend: str
    state: str
    identity: str
    accepts: tuple[str, ...] = ()
    player: Mapping[str, Any] | None = None
    at_once: int | None = None
    why: str = ""


class Gateway(Model, Protocol):
    """A `Model` that routes to every model of a catalog by `Request.model`."""

    async def cards(self) -> Mapping[str, ModelCard]:
        """All models of the catalog, by name."""
        ...
