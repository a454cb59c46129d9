"""A check: what is promised, how to find out whether it holds, and what to do where it does not.

A check is a function whose docstring is the promise. It returns what it found, in words, or `NotAsked`; it raises `Broken`, or lets
the model's own error through. pytest calls it as it is; `assay check` asks for a `Finding`.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, ParamSpec

import grpc.aio

from gateway import status
from kernel.errors import (
    AssayError,
    BadReply,
    Cancelled,
    DeadlineExceeded,
    InvalidRequest,
    ModelError,
    ModelFault,
    ModelNotFound,
    PermissionDenied,
    RateLimited,
    Unauthenticated,
    Unavailable,
    Unsupported,
)

P = ParamSpec("P")

_NO_KEY = "open inference, health, metadata and configuration to callers without a key, or give the key as a header of a catalog's entry (--catalog)"
MENDS: Mapping[type[ModelError], str] = {
    BadReply: "answer with the tensors, types, shapes and request id of the contract (proto/README.md)",
    Cancelled: "answer the call, or end it with the status that says why",
    DeadlineExceeded: "answer a small question within a minute; the server's log says what it waits for",
    InvalidRequest: "have it asked what it can answer: --text, or the parameter canary of its configuration",
    ModelFault: "see the model's log; it raised",
    ModelNotFound: "load the model, or give the name that it has on the server",
    PermissionDenied: _NO_KEY,
    RateLimited: "let calls wait in a queue; a limit that must be goes into the catalog as at_once",
    Unauthenticated: _NO_KEY,
    Unavailable: "start the server, and give its gRPC port, not its HTTP port; if it runs, its log says why it hung up",
    Unsupported: "declare what the model takes, and have it asked that: --kind, --text",
}
"""What to do about an error where an answer was due."""


class Weight(StrEnum):
    """How much a check weighs."""

    REQUIRED = "required"
    WISHED = "wished"
    TOLD = "told"


class Status(StrEnum):
    """How a check ended."""

    FITS = "fits"
    BROKEN = "does not fit"
    WANTING = "could be better"
    TOLD = "told"
    NOT_ASKED = "not asked"


class Broken(AssayError):
    """A promise that does not hold. `mend` where this breach wants another than the check names."""

    def __init__(self, found: str, mend: str | None = None) -> None:
        self.mend = mend
        super().__init__(found)


@dataclass(frozen=True, slots=True)
class NotAsked:
    """What a check returns that does not concern the model."""

    why: str


Found = str | NotAsked


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check found of a model; of the server itself where `model` is empty. `mend` is empty where nothing is to be done.

    found: may hold what the server said, unfiltered. address: of the server; a check does not know it, `check_server` puts it in.
    """

    model: str
    check: str
    status: Status
    found: str
    promise: str = ""
    required: bool = True
    mend: str = ""
    address: str = ""


@dataclass(frozen=True)
class Check(Generic[P]):
    """One promise, and the function that finds out."""

    ask: Callable[P, Awaitable[Found]]
    promise: str
    mend: str
    weight: Weight

    @property
    def name(self) -> str:
        """What the check is called, in words."""
        return self.__name__.replace("_", " ")

    @property
    def __name__(self) -> str:
        return self.ask.__name__

    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Found:
        """Find out. Raises `Broken`, or the `ModelError` that stood where an answer was due."""
        return await self.ask(*args, **kwargs)

    async def finding(self, model: str, *args: P.args, **kwargs: P.kwargs) -> Finding:
        """Find out, and tell it. Whatever the model does is told, not raised."""
        state, mend = Status.BROKEN if self.weight is Weight.REQUIRED else Status.WANTING, self.mend
        try:
            outcome = await self.ask(*args, **kwargs)
        except Broken as broken:
            found, mend = str(broken), broken.mend or self.mend
        except ModelError as error:
            found, mend = words(error), mend_of(error) or self.mend
        except Exception as error:  # noqa: BLE001 - a stranger's model may raise anything
            found, mend = f"it raised {type(error).__name__}, which is no ModelError: {error}", "raise a ModelError of kernel.errors"
        else:
            mend = ""
            if isinstance(outcome, NotAsked):
                state, found = Status.NOT_ASKED, outcome.why
            else:
                state, found = Status.TOLD if self.weight is Weight.TOLD else Status.FITS, outcome
        return Finding(model=model, check=self.name, status=state, found=found, promise=self.promise, required=self.weight is Weight.REQUIRED, mend=mend)


def check(mend: str, *, weight: Weight = Weight.REQUIRED) -> Callable[[Callable[P, Awaitable[Found]]], Check[P]]:
    """Makes a check of a function. `mend` says what to do where the promise does not hold."""

    def made(ask: Callable[P, Awaitable[Found]]) -> Check[P]:
        return Check(ask, " ".join((inspect.getdoc(ask) or "").split()), mend, weight)

    return made


def words(error: ModelError) -> str:
    """An error by its name, and what the other side said; here its operator reads it, so nothing of it is held back."""
    text = f"{status.name_of(error)}: {error}"
    cause = error.__cause__
    if isinstance(cause, grpc.aio.AioRpcError) and str(error) not in (said := cause.details() or ""):
        return f"{text} (the server said {cause.code().name}: {said})"
    return text


def mend_of(error: ModelError) -> str | None:
    """What to do about an error where an answer was due, where that can be told."""
    return next((MENDS[cls] for cls in type(error).__mro__ if cls in MENDS), None)
