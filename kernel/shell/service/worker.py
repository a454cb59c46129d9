"""A further process of `assay serve`: scores by itself, and passes on what belongs to the first one."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack, closing

import grpc.aio

from assay.v1.scoring_pb2_grpc import add_ScoringServicer_to_server
from kernel.shell import logs, signals
from kernel.shell.running import find_gateway
from kernel.shell.service import tracing, transport
from kernel.shell.service.calls import Calls
from kernel.shell.service.front import Front
from kernel.shell.service.limits import Limiter
from kernel.shell.service.metrics import Metrics
from kernel.shell.service.passing import passing
from kernel.shell.service.processes import READY, Order, die_with
from kernel.shell.service.reaching import CATALOG, Kept
from kernel.shell.service.serving import EVALUATION, SERVICES, SOCKET, callers_of, log_of, scoring_of, told_metrics


def main() -> None:
    """What the process does: its order comes through standard input, and standard output tells that it answers."""
    order = Order.read(sys.stdin.buffer.read())
    die_with(order.parent)
    with closing(logs.set_up(log_of(order.settings))):
        try:
            signals.run(work(order))
        except signals.Stopped:
            sys.exit(0)


async def work(order: Order) -> None:
    """Serve until this is cancelled; then drain."""
    settings = order.settings
    tracing.set_up()
    metrics = Metrics()
    judges = Kept(find_gateway(settings.gateway), order.folder / CATALOG, order.kept, settings.catalog, order.others)
    async with AsyncExitStack() as ending:
        ending.enter_context(told_metrics(settings, metrics, order.number))
        ending.push_async_callback(judges.aclose)
        keeper = await ending.enter_async_context(grpc.aio.insecure_channel(f"unix:{order.folder / SOCKET}", options=transport.OPTIONS))
        front = Front(Calls(callers_of(settings), Limiter(settings.limits), metrics), metrics, shared=True)
        front.server.add_generic_rpc_handlers([passing(EVALUATION, keeper)])
        add_ScoringServicer_to_server(scoring_of(judges, order.roles, metrics)[0], front.server)
        transport.join(front.server, settings)
        await front.start(SERVICES)
        sys.stdout.buffer.write(READY)
        sys.stdout.buffer.flush()
        try:
            await asyncio.Event().wait()
        finally:
            await front.drain()
