"""A process that dies under its calls, on a real server: who is asked again, and who is blamed."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from gateway.policy import Retrying
from gateway.repository import read_folder
from gateway.supervised import Supervised
from gateway.triton import Options, Triton
from kernel.contract import Deadline, Request, Text
from kernel.errors import ModelCrashed

FOLDER = Path(__file__).parent.parent / "models" / "hosted_faulty"

pytestmark = [pytest.mark.triton, pytest.mark.slow]


@pytest.fixture
async def faulty():
    """The caretaker of a model that breaks on command, in a server of its own."""
    triton = Triton({"hosted_faulty": read_folder(FOLDER, "hosted_faulty")}, Options())
    try:
        supervisor = await triton.open()
        yield supervisor.models["hosted_faulty"]
    finally:
        await triton.aclose()


async def test_calls_that_a_dead_process_had_are_asked_again_and_the_killer_is_blamed(faulty):
    """Triton itself never answers what a hosted model had when it died; whoever kills it three times ends as crashed."""
    model = Retrying(Supervised(faulty.client, faulty.watch))
    faulty.watch.circuit.died = lambda: False  # four deaths are what this is about; its pause would only take time

    def ask(text):
        return model.infer(Request("hosted_faulty", (Text(text),)), deadline=Deadline.after(60))

    calls = [asyncio.create_task(ask(f"wait 0.{number}")) for number in range(5, 9)]
    await asyncio.sleep(0.2)
    os.kill(min(faulty.watch.pids), signal.SIGKILL)
    replies = await asyncio.gather(*calls)

    assert [f"wait 0.{number}" for number in range(5, 9)] == [reply.text for reply in replies]
    with pytest.raises(ModelCrashed, match="died 3 times on this request"):
        await ask("exit")
