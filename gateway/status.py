"""One table between the errors of Assay and the status codes of gRPC, one to one, and how an error's name survives the way.

A model inside Triton can only send a code and a text, and Triton knows eight codes; so its text begins with
`[assay:RateLimited retry_after=2] `. Our own services send the same in trailing metadata. What Triton says in its own words
names paths, addresses and regions of shared memory: it goes to the log, and what the user reads is ours.
"""

from __future__ import annotations

import re
from typing import Any

import grpc
import structlog

from kernel.errors import (
    BadReply,
    Cancelled,
    DeadlineExceeded,
    InvalidRequest,
    ModelCrashed,
    ModelError,
    ModelFault,
    ModelNotFound,
    PermissionDenied,
    QuotaExhausted,
    RateLimited,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Unsupported,
    model_errors,
)

log = structlog.get_logger("assay.client")

Code = grpc.StatusCode
CODES: dict[type[ModelError], grpc.StatusCode] = {
    InvalidRequest: Code.INVALID_ARGUMENT,
    TooLarge: Code.OUT_OF_RANGE,
    ModelNotFound: Code.NOT_FOUND,
    Unauthenticated: Code.UNAUTHENTICATED,
    PermissionDenied: Code.PERMISSION_DENIED,
    Unsupported: Code.UNIMPLEMENTED,
    RateLimited: Code.RESOURCE_EXHAUSTED,
    QuotaExhausted: Code.FAILED_PRECONDITION,
    DeadlineExceeded: Code.DEADLINE_EXCEEDED,
    Cancelled: Code.CANCELLED,
    Unavailable: Code.UNAVAILABLE,
    ModelCrashed: Code.ABORTED,
    BadReply: Code.DATA_LOSS,
    ModelFault: Code.INTERNAL,
    ModelError: Code.UNKNOWN,
}
ERRORS = {code: error for error, code in CODES.items()}

TRITON_CODES = {
    Code.INVALID_ARGUMENT: "INVALID_ARG",
    Code.NOT_FOUND: "NOT_FOUND",
    Code.UNIMPLEMENTED: "UNSUPPORTED",
    Code.UNAVAILABLE: "UNAVAILABLE",
    Code.CANCELLED: "CANCELLED",
    Code.UNKNOWN: "UNKNOWN",
}
"""Names in `TritonError` of the codes that it knows; everything else goes as `INTERNAL`."""

NAME_KEY = "assay-error"
RETRY_KEY = "assay-retry-after"
LONGEST_TEXT = 2000


class ProcessDied(Unavailable):
    """The model's process died on the call, or had died before. On the wire and in the store it is an `Unavailable`."""


_PREFIX = re.compile(r"^(?:\[request id: [^\]]*\] )?\[assay:(?P<name>\w+)(?: retry_after=(?P<seconds>[\d.]+))?\] ?(?P<text>.*)$", re.DOTALL)
_SPEAKS_OF_THE_MACHINE = re.compile(r"/\w|\\\w|0x[0-9a-fA-F]{4}|\d+\.\d+\.\d+\.\d+|\[[0-9a-fA-F:]+\]:\d|:\d{2,5}\b|shm|shared memory", re.IGNORECASE)
_TEXTS: tuple[tuple[str, type[ModelError], str], ...] = (
    ("is not healthy", ProcessDied, "the model's process died"),
    ("has no available versions", Unavailable, "the model is being loaded"),
    ("is not ready", Unavailable, "the model is being loaded"),
    ("message larger than max", TooLarge, "over the size limit of a message"),
    ("protocol is restricted", Unauthenticated, "the server wants its key, and got none or a wrong one"),
    ("Exceeds maximum queue size", Unavailable, "the model's queue is full"),
    ("request timeout expired", DeadlineExceeded, "no answer in time; it waited in the server's queue"),
    ("certificate has expired", Unauthenticated, "the server's certificate has expired"),
    ("CERTIFICATE_VERIFY_FAILED", Unauthenticated, "the server's certificate is from nobody whom we trust; see tls.authority in the catalog"),
    ("Hostname Verification Check failed", Unauthenticated, "the server's certificate is for another name than the one we dialled"),
    ("WRONG_VERSION_NUMBER", Unauthenticated, "the server does not speak TLS there"),
    ("Failed to create security handshaker", Unauthenticated, "our certificate and key do not belong together, or are none"),
    ("failed to connect.*Socket closed", Unavailable, "the server hung up at once; it may speak TLS, or want a certificate of ours"),
)
"""What Triton and gRPC say, as patterns; the first that is found counts."""


def code_of(error: ModelError) -> grpc.StatusCode:
    """The code of an error; that of its nearest ancestor in the table."""
    return next(CODES[cls] for cls in type(error).__mro__ if cls in CODES)


def name_of(error: ModelError) -> str:
    """The name of an error; that of its nearest ancestor in the table."""
    return next(cls.__name__ for cls in type(error).__mro__ if cls in CODES)


def metadata_of(error: ModelError) -> tuple[tuple[str, str], ...]:
    """The trailing metadata that say which error it is."""
    more = () if error.retry_after is None else ((RETRY_KEY, f"{error.retry_after:g}"),)
    return ((NAME_KEY, name_of(error)), *more)


def text_of(error: ModelError) -> str:
    """The text of an error for Triton's own error type."""
    more = "" if error.retry_after is None else f" retry_after={max(0.0, error.retry_after):.3f}"
    return f"[assay:{name_of(error)}{more}] {str(error)[:LONGEST_TEXT]}"


def triton_code(error: ModelError) -> str:
    """The name of the nearest code in `TritonError`."""
    return TRITON_CODES.get(code_of(error), "INTERNAL")


def error_of(code: grpc.StatusCode, text: str, metadata: Any = (), *, model: str = "", identifier: str = "") -> ModelError:
    """The error that a failed call means."""
    told = {key: value for key, value in metadata or () if isinstance(value, str)}
    if NAME_KEY in told:
        return _named(told[NAME_KEY], code, told.get(RETRY_KEY), text)
    if match := _PREFIX.match(text):
        return _named(match["name"], code, match["seconds"], match["text"])
    return _foreign(code, text, model, identifier)


def _named(name: str, code: grpc.StatusCode, seconds: str | None, text: str) -> ModelError:
    cls = model_errors().get(name) or ERRORS.get(code, ModelFault)
    try:
        retry_after = None if seconds is None else float(seconds)
    except ValueError:
        retry_after = None
    return cls(text[:LONGEST_TEXT], retry_after=retry_after)


def _foreign(code: grpc.StatusCode, text: str, model: str, identifier: str) -> ModelError:
    """What Triton, gRPC or a server in between says in its own words."""
    log.debug("server_refused", code=code.name, text=text[:LONGEST_TEXT], model=model, request=identifier)
    for words, cls, ours in _TEXTS:
        if re.search(words, text):
            return cls(f"{model}: {ours}" if model else ours)
    cls = ERRORS.get(code, ModelFault)
    where = f"{model}: " if model else ""
    if cls is DeadlineExceeded:
        return cls(f"{where}no answer in time")
    if cls is ModelNotFound:
        return cls(f"{where}no such model behind the address")
    if cls is Unavailable:
        return cls(f"{where}the server cannot be reached just now")
    if _SPEAKS_OF_THE_MACHINE.search(text):
        return cls(f"{where}the server answered {code.name}; its words are in the log under request {identifier or 'without an id'}")
    return cls(f"{where}{text[:LONGEST_TEXT]}")
