"""What became of items, as messages."""

from __future__ import annotations

from google.rpc.code_pb2 import Code
from google.rpc.error_details_pb2 import BadRequest
from google.rpc.status_pb2 import Status

from assay.v1.scoring_pb2 import ItemResult
from assay.v1.types_pb2 import (
    OUTCOME_STATUS_FAILED,
    OUTCOME_STATUS_SCORED,
    OUTCOME_STATUS_SKIPPED,
    OUTCOME_STATUS_UNSCORED,
    MetricValue,
)
from kernel.judging import Verdict
from kernel.shell.service.faults import Fault

LONGEST = 2000
"""Characters of a reason."""
STATUSES = {
    "scored": OUTCOME_STATUS_SCORED,
    "failed": OUTCOME_STATUS_FAILED,
    "unscored": OUTCOME_STATUS_UNSCORED,
    "skipped": OUTCOME_STATUS_SKIPPED,
}


def scored(ident: str, verdict: Verdict, metrics: tuple[str, ...]) -> ItemResult:
    """The result of an item that was judged."""
    values = verdict.values
    told = [MetricValue(metric=name, value=values.get(name)) for name in metrics]
    return ItemResult(id=ident, status=STATUSES[verdict.status], values=told, reason=_sendable(verdict.reason), answer_found=verdict.found)


def refused(ident: str, fault: Fault, place: str) -> ItemResult:
    """The result of an item that could not be scored. place: the item's path in its message, such as `items[3]`."""
    error = Status(code=Code.Value(fault.code), message=_sendable(str(fault)))
    if violations := [BadRequest.FieldViolation(field=f"{place}.{path}", description=_sendable(told)) for path, told in fault.faults if path]:
        error.details.add().Pack(BadRequest(field_violations=violations))
    return ItemResult(id=ident, error=error)


def _sendable(text: str) -> str:
    """Text that a message takes: no lone surrogates, bounded."""
    return (text if text.isascii() else text.encode("utf-8", "backslashreplace").decode())[:LONGEST]
