"""What is in the store, as messages: runs, progress, outcomes. Text that a message cannot hold is made into text that it can."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from assay.v1 import evaluation_pb2, types_pb2
from kernel.store.rows import Progress, RunRow, Settled
from kernel.store.store import Store

State = evaluation_pb2.RunState
STATES: Mapping[str, Any] = {
    "pending": State.RUN_STATE_PENDING,
    "running": State.RUN_STATE_RUNNING,
    "interrupted": State.RUN_STATE_INTERRUPTED,
    "finished": State.RUN_STATE_FINISHED,
}
STATUSES: Mapping[str, Any] = {name: types_pb2.OutcomeStatus.Value(f"OUTCOME_STATUS_{name.upper()}") for name in ("scored", "failed", "unscored", "skipped")}
ENDED = ("interrupted", "finished")
"""States in which nothing more comes by itself."""
HIDDEN = "(a place on the server)"
_PLACES = re.compile(r"(?<![\w.<>/:@-])(?:/[\w.@+~-]+)+/?|\b(?:grpcs?|postgresql)://[^\s;,)'\"]+")


def run_message(row: RunRow, progress: Iterable[Progress] = (), manifest: Mapping[str, Any] | None = None) -> evaluation_pb2.Run:
    """A run, with its manifest and the progress of its tasks where they are given."""
    run = evaluation_pb2.Run(
        name=row.run,
        suite=clean(row.suite),
        state=STATES[row.state],
        create_time=moment(row.created),
        note=without_places(clean(row.note)),
        request_id=clean(row.request_id),
        tasks=map(progress_message, progress),
    )
    if manifest is not None:
        run.manifest.CopyFrom(struct_of(told_manifest(manifest)))
    return run


def progress_message(row: Progress) -> evaluation_pb2.TaskProgress:
    """How far a task is."""
    counts = {name: row.counts.get(name, 0) for name in STATUSES}
    return evaluation_pb2.TaskProgress(task=clean(row.task), model=clean(row.model), planned=row.planned, whole=row.planned is not None, **counts)


def outcome_message(row: Settled, details: Mapping[str, Any] | None = None) -> types_pb2.Outcome:
    """What became of a case."""
    outcome = row.outcome
    message = types_pb2.Outcome(
        task=clean(row.task),
        model=clean(row.model),
        case_id=clean(outcome.case_id),
        status=STATUSES[outcome.status],
        values=[types_pb2.MetricValue(metric=clean(metric), value=value) for metric, value in row.values.items()],
        reason=clean(outcome.reason),
        error=outcome.error or "",
        seconds=outcome.seconds,
    )
    if details is not None:
        message.details.CopyFrom(struct_of(details))
    return message


def details_of(store: Store, rows: Sequence[Settled]) -> list[dict[str, Any]]:
    """Question, gold answer, replies and record of outcomes; pictures by the digests under which the store keeps them."""
    keys = [[row.outcome.replies[at : at + 32] for at in range(0, len(row.outcome.replies), 32)] for row in rows]
    kept = store.kept(list({key for each in keys for key in each}))
    found = []
    for row, mine in zip(rows, keys, strict=True):
        replies = [kept[key] for key in mine if key in kept]
        said = {"texts": [text for reply in replies for text in reply.texts], "drawn": [drawn.digest for reply in replies for drawn in reply.pictures]}
        found.append({**json.loads(row.outcome.shown), "replies": said})
    return found


def moment(told: str) -> Timestamp:
    """A time of the store, ISO 8601."""
    stamp, when = Timestamp(), datetime.fromisoformat(told)
    stamp.FromDatetime(when if when.tzinfo is None else when.astimezone(UTC).replace(tzinfo=None))
    return stamp


def struct_of(told: Mapping[str, Any]) -> Struct:
    """Plain JSON as a message. Numbers that JSON cannot hold are told in words."""
    struct = Struct()
    struct.update(_plain(told))
    return struct


def clean(text: str) -> str:
    """Text that is valid UTF-8."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def without_places(text: str) -> str:
    """Text without paths and addresses of the server."""
    return _PLACES.sub(HIDDEN, text)


def told_manifest(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest without paths and addresses of the server."""
    told: dict[str, Any] = _without_places(manifest)
    return told


def _without_places(value: Any) -> Any:
    match value:
        case str():
            return without_places(value)
        case Mapping():
            return {name: _without_places(each) for name, each in value.items()}
        case list() | tuple():
            return [_without_places(each) for each in value]
    return value


def _plain(value: Any) -> Any:
    match value:
        case str():
            return clean(value)
        case Mapping():
            return {clean(str(name)): _plain(each) for name, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case float() if not math.isfinite(value):
            return str(value)
    return value
