"""What a call or an item ends with that brought no result, from status codes and the details of `google.rpc`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar, runtime_checkable

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import DecodeError, Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RequestInfo, RetryInfo
from google.rpc.status_pb2 import Status

_DETAILS = "grpc-status-details-bin"
_CODES: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}
_BROKEN = ("RST_STREAM", "Stream removed", "GOAWAY", "Internal error from Core")
_M = TypeVar("_M", bound=Message)


@runtime_checkable
class Ended(Protocol):
    """A call that is over, as grpc and grpc.aio raise it."""

    def code(self) -> grpc.StatusCode | None: ...  # noqa: D102
    def details(self) -> str | None: ...  # noqa: D102
    def trailing_metadata(self) -> Iterable[tuple[str, str | bytes]] | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Violation:
    """A field that is at fault, by its path in the request, and what is wrong with it."""

    field: str
    description: str


class ServiceError(Exception):
    """A call or an item that brought no result.

    code: the status, such as `grpc.StatusCode.NOT_FOUND`.
    violations: the fields at fault; empty where none is.
    reason: the server's own word for it, such as `RATE_LIMITED`; empty where it told none.
    request_id: by which the server's log knows the call; empty where it told none.
    retry_after: seconds after which it may be tried again; None where the server told none.
    """

    def __init__(self, code: grpc.StatusCode, message: str, details: Iterable[AnyMessage] = ()) -> None:
        details = list(details)
        self.code = code
        self.message = message
        self.violations = tuple(Violation(each.field, each.description) for bad in _those(BadRequest, details) for each in bad.field_violations)
        self.reason = next((each.reason for each in _those(ErrorInfo, details)), "")
        self.request_id = next((each.request_id for each in _those(RequestInfo, details)), "")
        self.retry_after = next((each.retry_delay.ToTimedelta().total_seconds() for each in _those(RetryInfo, details)), None)
        super().__init__(message, code)

    @classmethod
    def of_call(cls, error: grpc.RpcError) -> ServiceError:
        """What a call ended with. Details that cannot be read are left out."""
        if not isinstance(error, Ended):
            return cls(grpc.StatusCode.UNKNOWN, str(error))
        found = [value for name, value in error.trailing_metadata() or () if name == _DETAILS and isinstance(value, bytes)]
        try:
            details = Status.FromString(found[0]).details if found else ()
        except DecodeError:
            details = ()
        return cls(error.code() or grpc.StatusCode.UNKNOWN, error.details() or "", details)

    @classmethod
    def of_status(cls, status: Status) -> ServiceError:
        """What an item ended with: `ItemResult.error`."""
        return cls(_CODES.get(status.code, grpc.StatusCode.UNKNOWN), status.message, status.details)

    @property
    def broken(self) -> bool:
        """Whether the connection failed rather than the call, so that it may be made again as it is."""
        return self.code is grpc.StatusCode.UNAVAILABLE or any(word in self.message for word in _BROKEN)

    def __str__(self) -> str:
        fields = "".join(f"; {each.field}: {each.description}" for each in self.violations)
        return f"{self.code.name}: {self.message}{fields}" + (f" (request {self.request_id})" if self.request_id else "")


def _those(kind: type[_M], details: Iterable[AnyMessage]) -> list[_M]:
    """The details of one kind; what cannot be read is left out."""
    found = []
    for each in details:
        message = kind()
        try:
            if each.Unpack(message):
                found.append(message)
        except DecodeError:
            continue
    return found
