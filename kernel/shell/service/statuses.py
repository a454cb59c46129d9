"""What an error is to a caller: one table from the errors of Assay to codes of gRPC, with the details of `google.rpc`.

A caller reads our words where they speak of what it sent. What speaks of the server (its store, its models, a defect) is told in fixed words, and
of an exception that is none of ours nothing is told but the request's id.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from kernel.errors import (
    AssayError,
    BadReply,
    BadStore,
    Cancelled,
    DeadlineExceeded,
    EvaluatorError,
    GatewayError,
    InvalidRequest,
    InvalidSpec,
    ModelCrashed,
    ModelError,
    NewerStore,
    NotKept,
    QuotaExhausted,
    RateLimited,
    RoleUnfilled,
    StoreError,
    StoreInUse,
    Unavailable,
    Unbalanced,
    UnknownName,
    UserError,
)
from kernel.shell.service.limits import OverLimit
from kernel.shell.service.tokens import NoCaller, OutOfScope, TokensUnreadable

DOMAIN = "assay"
DETAILS_KEY = "grpc-status-details-bin"
REQUEST_ID_KEY = "x-request-id"
LONGEST_TEXT = 400
"""Characters of one text. Callers refuse metadata of more than 8 KiB, percent-encoded and in base64."""
DETAILS_LIMIT = 3072
"""Bytes of all details together."""
MOST_VIOLATIONS = 16

Code = grpc.StatusCode


class Ended(UserError):
    """The service ends a call that would go on. `retry_after` is in seconds."""

    def __init__(self, message: str, *, retry_after: float = 1.0) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class NoMethod(UserError):
    """The service has no such method."""

    def __init__(self) -> None:
        super().__init__("the service has no such method; look at the .proto files of its release")


class NotThere(UserError):
    """No such thing in the caller's namespace; the same words whether it is elsewhere or nowhere."""

    def __init__(self, what: str, name: str) -> None:
        self.what = what
        self.name = name
        super().__init__(f"no {what} named {name[:80]!r}")


class AlreadyThere(UserError):
    """A thing of that name exists, and is another."""

    def __init__(self, what: str, name: str, message: str) -> None:
        self.what = what
        self.name = name
        super().__init__(message)


class WrongState(UserError):
    """Not while things are as they are; says how they are and what to do."""


@dataclass(frozen=True)
class Violation:
    """A field by its path in the message, such as `items[3].scorer.options.k`, and what was found and expected there."""

    field: str
    description: str


class BadFields(UserError):
    """A message whose fields are not as they must be."""

    def __init__(self, violations: Iterable[Violation]) -> None:
        self.violations = tuple(violations)
        super().__init__("; ".join(f"{fault.field}: {fault.description}" if fault.field else fault.description for fault in self.violations))


_SERVER = "the server cannot do this just now; its operator finds the cause under the request's id"
_MODEL = "a model that this needs cannot answer; its operator finds the cause under the request's id"

TABLE: dict[type[AssayError], tuple[grpc.StatusCode, str]] = {
    UserError: (Code.INVALID_ARGUMENT, ""),
    BadFields: (Code.INVALID_ARGUMENT, ""),
    InvalidSpec: (Code.INVALID_ARGUMENT, ""),
    UnknownName: (Code.NOT_FOUND, ""),
    NoMethod: (Code.UNIMPLEMENTED, ""),
    NotThere: (Code.NOT_FOUND, ""),
    AlreadyThere: (Code.ALREADY_EXISTS, ""),
    WrongState: (Code.FAILED_PRECONDITION, ""),
    Ended: (Code.UNAVAILABLE, ""),
    NewerStore: (Code.INTERNAL, _SERVER),
    BadStore: (Code.INTERNAL, _SERVER),
    StoreInUse: (Code.UNAVAILABLE, _SERVER),
    StoreError: (Code.UNAVAILABLE, _SERVER),
    GatewayError: (Code.UNAVAILABLE, _SERVER),
    Unbalanced: (Code.INTERNAL, _SERVER),
    EvaluatorError: (Code.INTERNAL, "the evaluator failed; its operator finds the cause under the request's id"),
    NotKept: (Code.FAILED_PRECONDITION, ""),
    RoleUnfilled: (Code.FAILED_PRECONDITION, ""),
    NoCaller: (Code.UNAUTHENTICATED, ""),
    OutOfScope: (Code.PERMISSION_DENIED, ""),
    TokensUnreadable: (Code.UNAVAILABLE, ""),
    OverLimit: (Code.RESOURCE_EXHAUSTED, ""),
    ModelError: (Code.FAILED_PRECONDITION, _MODEL),
    InvalidRequest: (Code.INVALID_ARGUMENT, ""),
    QuotaExhausted: (Code.FAILED_PRECONDITION, _MODEL),
    RateLimited: (Code.UNAVAILABLE, _MODEL),
    Unavailable: (Code.UNAVAILABLE, _MODEL),
    DeadlineExceeded: (Code.DEADLINE_EXCEEDED, "no answer in time"),
    Cancelled: (Code.CANCELLED, "the call was given up"),
    ModelCrashed: (Code.INTERNAL, _MODEL),
    BadReply: (Code.INTERNAL, _MODEL),
    AssayError: (Code.INTERNAL, _SERVER),
}
"""By class, the nearest ancestor counts: the code, and the words told in place of the error's own; none where those are for the caller."""

_SPEAKS_OF_THE_MACHINE = re.compile(r"(?<![\w.<])/\w|\b[A-Za-z]:\\|0x[0-9a-fA-F]{6}|\b\d{1,3}(?:\.\d{1,3}){3}\b|\]:\d{2,5}\b|Traceback")
_FAULT = re.compile(r"(?:line \d+: )?(?P<field>[A-Za-z_][\w.\[\]-]*): (?P<description>.+)", re.DOTALL)


def code_of(error: BaseException) -> grpc.StatusCode:
    """The code of an error; INTERNAL where it is none of ours."""
    return next((TABLE[cls][0] for cls in type(error).__mro__ if cls in TABLE), Code.INTERNAL)


def speaks_of_the_server(error: BaseException) -> bool:
    """Whether its words are for the log alone, because it is ours and speaks of the server and not of what was sent."""
    return isinstance(error, (StoreError, NewerStore, BadStore, StoreInUse, GatewayError, Unbalanced, TokensUnreadable))


def violations_of(error: InvalidSpec, under: str = "") -> tuple[Violation, ...]:
    """The faults of a document as those of the field `under` of a message that held it."""
    found = []
    for fault in error.faults:
        match = _FAULT.fullmatch(fault)
        path = ".".join(part for part in (under, match["field"] if match else "") if part)
        found.append(Violation(path, match["description"] if match else fault))
    return tuple(found)


def status_of(error: BaseException, request_id: str = "") -> status_pb2.Status:
    """What the caller is told of an error, within what metadata may hold."""
    told = status_pb2.Status(code=code_of(error).value[0], message=_message(error))
    for detail in _details(error, request_id):
        packed = told.details.add()
        packed.Pack(detail)
        if told.ByteSize() > DETAILS_LIMIT:
            told.details.pop()
    return told


def metadata_of(told: status_pb2.Status, request_id: str) -> tuple[tuple[str, str | bytes], ...]:
    """The trailing metadata of a call that ends with this status."""
    return ((DETAILS_KEY, told.SerializeToString()), (REQUEST_ID_KEY, request_id))


def _message(error: BaseException) -> str:
    fixed = next((TABLE[cls][1] for cls in type(error).__mro__ if cls in TABLE), None)
    if fixed is None:
        return "internal error; its cause stands in the server's log under the request's id"
    if isinstance(error, InvalidSpec):
        return _safe("; ".join(error.faults))
    return fixed or _safe(str(error))


def _safe(text: str) -> str:
    if _SPEAKS_OF_THE_MACHINE.search(text):
        return "this cannot be read as what was expected; the words for it stand in the server's log under the request's id"
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"


def _details(error: BaseException, request_id: str) -> Iterable[Message]:
    if request_id:
        yield error_details_pb2.RequestInfo(request_id=request_id)
    if not isinstance(error, AssayError):
        return
    yield error_details_pb2.ErrorInfo(reason=_reason(error), domain=DOMAIN)
    if (seconds := getattr(error, "retry_after", None)) is not None or code_of(error) is Code.UNAVAILABLE:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromMilliseconds(int(1000 * (1.0 if seconds is None else max(0.0, seconds))))
        yield retry
    if isinstance(error, OverLimit):
        yield error_details_pb2.QuotaFailure(violations=[error_details_pb2.QuotaFailure.Violation(subject=error.limit, description=_safe(str(error)))])
    if isinstance(error, (UnknownName, NotThere, AlreadyThere)):
        yield error_details_pb2.ResourceInfo(
            resource_type=getattr(error, "what", ""), resource_name=_safe(getattr(error, "name", "")), description=_safe(str(error))
        )
    violations = error.violations if isinstance(error, BadFields) else violations_of(error) if isinstance(error, InvalidSpec) else ()
    if violations:
        yield _bad_request(violations)


def _bad_request(violations: tuple[Violation, ...]) -> error_details_pb2.BadRequest:
    """As many as there is room for, the last telling of the rest."""
    room = max(40, DETAILS_LIMIT // 2 // min(len(violations), MOST_VIOLATIONS))
    bad = error_details_pb2.BadRequest()
    for violation in violations[:MOST_VIOLATIONS]:
        bad.field_violations.add(field=_within(violation.field, room // 3), description=_within(_safe(violation.description), room))
    if (more := len(violations) - MOST_VIOLATIONS) > 0:
        bad.field_violations.add(description=f"and {more:,} more")
    return bad


def _within(text: str, room: int) -> str:
    """At most so many bytes of UTF-8."""
    data = text.encode("utf-8", "replace")
    return text if len(data) <= room else data[: room - 3].decode("utf-8", "ignore") + "…"


def _reason(error: AssayError) -> str:
    """The name of the class, as `INVALID_SPEC`; of one that is not in the table, that of its nearest ancestor which is."""
    name = next(cls.__name__ for cls in type(error).__mro__ if cls in TABLE)
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper()
