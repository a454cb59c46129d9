"""A server of `Scoring` on loopback, with a caller who may do everything, and what calls of it answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc.aio
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct, Value
from google.rpc.code_pb2 import Code
from google.rpc.error_details_pb2 import BadRequest
from google.rpc.status_pb2 import Status

from assay.v1 import scoring_pb2 as pb
from assay.v1.scoring_pb2_grpc import ScoringStub, add_ScoringServicer_to_server
from kernel.contract import MESSAGE_LIMIT
from kernel.shell.service.calls import Calls
from kernel.shell.service.engine import Engine
from kernel.shell.service.limits import Limiter, Limits
from kernel.shell.service.metrics import Metrics
from kernel.shell.service.scorers import Scorers
from kernel.shell.service.scoring import Scoring
from kernel.shell.service.tokens import Anyone

LIMITS = Limits(items_per_second=0, bytes_per_second=0)


@dataclass
class Served:
    """A stub, and what is behind it."""

    stub: ScoringStub
    channel: grpc.aio.Channel
    address: str
    metrics: Metrics


@asynccontextmanager
async def served(scorers: Scorers) -> AsyncIterator[Served]:
    """A server with these scorers, for the time of a test."""
    metrics = Metrics()
    server = grpc.aio.server(interceptors=[Calls(Anyone(), Limiter(LIMITS), metrics)], options=[("grpc.max_receive_message_length", MESSAGE_LIMIT + 64 * 1024)])
    add_ScoringServicer_to_server(Scoring(Engine(), scorers, metrics), server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    try:
        async with grpc.aio.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
            yield Served(ScoringStub(channel), channel, address, metrics)
    finally:
        await server.stop(None)


def item(ident: str, scorer: str = "test.same", *, options: Any = None, reference: Any = None, facts: Any = None, **more: Any) -> pb.Item:
    """An item; a reply where nothing else is said."""
    if not more.keys() & {"reply", "drawn", "output"}:
        more["reply"] = "right"
    more.pop("output", None)
    made = pb.Item(id=ident, **more)
    if scorer:
        made.scorer.name = scorer
        if options is not None:
            made.scorer.options.CopyFrom(ParseDict(options, Struct()))
    if reference is not None:
        made.reference.CopyFrom(ParseDict(reference, Value()))
    if facts is not None:
        made.facts.CopyFrom(ParseDict(facts, Struct()))
    return made


def told(status: Status) -> tuple[str, list[str]]:
    """The code of a status and the fields that it names."""
    bad = BadRequest()
    return Code.Name(status.code), [field.field for detail in status.details if detail.Unpack(bad) for field in bad.field_violations]


def refusal(error: grpc.aio.AioRpcError) -> tuple[str, list[str]]:
    """The same of a call that was refused as a whole."""
    details = next((value for key, value in error.trailing_metadata() or () if key == "grpc-status-details-bin"), b"")
    return error.code().name, told(Status.FromString(details))[1]
