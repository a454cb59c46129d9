"""shapes_vlm by its graphs: what torch answers, token by token, while requests join and leave a running batch.

Through ONNX Runtime for real, and as plans through the double of TensorRT; no plan was run on a GPU.
"""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path
from typing import Any

import pytest

from evaluators.scenes import png, sample
from evaluators.shapes.questions import colour_of, shape_of
from gateway import graphed
from gateway.graphed import Graphed
from gateway.repository import BUNDLED
from gateway.triton import Options, Triton
from kernel.contract import Deadline, Picture, Reply, Request, Sampling, Text
from kernel.errors import InvalidRequest
from tests.model_repository.folders import load

pytest.importorskip("torch")

from tests.model_repository import graphs_of

pytestmark = pytest.mark.slow
MODEL = "shapes-vlm"


def asked(scenes_seed: int, /, **sampling: Any) -> Request:
    """About a drawn scene, which is missing in every fourth."""
    rng = random.Random(scenes_seed)
    scene = sample(rng)
    question = (colour_of if scenes_seed % 2 else shape_of)(scene, rng) or colour_of(scene, rng)
    parts = (Text(question.text), Picture(png(scene, 96))) if scenes_seed % 4 else (Text(question.text),)
    return Request(MODEL, parts, sampling=Sampling(**sampling))


GREEDY = [asked(seed) for seed in range(1, 6)]
BY_LOT = [asked(seed, n=1 + seed % 3, temperature=5.0, top_p=0.95, seed=seed) for seed in range(6, 10)]
REQUESTS = [*GREEDY, *BY_LOT]


def told(reply: Reply) -> tuple[Any, ...]:
    return reply.texts, reply.finish, reply.input_tokens, reply.output_tokens


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return graphs_of.made(MODEL, tmp_path_factory.mktemp("engines"))


@pytest.fixture(scope="module")
def by_torch() -> list[tuple[Any, ...]]:
    """Each alone."""
    respondent = load("shapes_vlm", "respondent").Respondent()
    return [told(respondent.answer([request])[0]) for request in REQUESTS]


@pytest.fixture(params=["onnx", "tensorrt"])
async def respondent(request: pytest.FixtureRequest, folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gateway.engines.plans.this_machine", lambda: graphs_of.PLAYED)
    made = load("shapes_vlm", "graph_respondent").GraphRespondent(request.param, str(folder), graphs_of.PRECISION)
    yield made
    await made.aclose()


async def all_of(respondent: Any, requests: list[Request]) -> list[Any]:
    return await asyncio.gather(*(respondent.infer(each, deadline=Deadline.after(300)) for each in requests), return_exceptions=True)


async def test_alone_every_answer_is_torchs(respondent: Any, by_torch: list[tuple[Any, ...]]) -> None:
    """Greedy ones and those drawn by the same seeds."""
    alone = [await respondent.infer(each, deadline=Deadline.after(300)) for each in REQUESTS]

    assert [told(each) for each in alone] == by_torch
    assert {each.report["runtime"] for each in alone} <= {"onnx", "tensorrt"}


async def test_together_every_answer_is_torchs(respondent: Any, by_torch: list[tuple[Any, ...]]) -> None:
    """In one batch that they leave as they are done, and arriving while others are written."""
    together = await all_of(respondent, REQUESTS)
    late = []
    for each in REQUESTS:
        late.append(asyncio.create_task(respondent.infer(each, deadline=Deadline.after(300))))
        await asyncio.sleep(0.02)

    assert [told(each) for each in together] == by_torch
    assert [told(await each) for each in late] == by_torch


async def test_a_short_answer_does_not_wait_for_a_long_one(respondent: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in steps of the decoder, slowed down so that a busy machine is fast enough: a word or two come and go while 64 are written."""
    real = respondent.rows.step
    monkeypatch.setattr(respondent.rows, "step", lambda: time.sleep(0.03) or real())
    long = asyncio.create_task(respondent.infer(asked(1, temperature=100.0, seed=1, max_tokens=64), deadline=Deadline.after(300)))
    while respondent.rows.steps < 3:  # noqa: ASYNC110 - of another thread
        await asyncio.sleep(0.001)
    short = await respondent.infer(GREEDY[0], deadline=Deadline.after(300))
    after, still_written = respondent.rows.steps, not long.done()

    assert short.output_tokens <= 2
    assert (await long).output_tokens > 20
    assert still_written
    assert after < respondent.rows.steps


async def test_the_impossible_costs_no_other(respondent: Any, by_torch: list[tuple[Any, ...]]) -> None:
    bad = [Request(MODEL, (Text(" "),)), Request(MODEL, (Text("What?"), Picture(b"no picture"))), asked(1, n=33)]

    first, *refused, last = await all_of(respondent, [REQUESTS[0], *bad, REQUESTS[1]])

    assert [type(each) for each in refused] == [InvalidRequest] * 3
    assert [told(first), told(last)] == by_torch[:2]


@pytest.mark.triton
async def test_through_the_real_server_it_answers_as_torch_does(folder: Path, by_torch: list[tuple[Any, ...]]) -> None:
    """With `configs/onnx.pbtxt` in the place of `config.pbtxt`, as `--model-config-name=onnx` would have it."""
    model = graphed.read(MODEL, Graphed(runtime="onnx", engines=str(folder.parent)), BUNDLED / "shapes_vlm", folder)
    server = Triton({MODEL: model}, Options())
    try:
        client = (await server.open()).models[MODEL].client
        answers = await asyncio.gather(*(client.infer(each, deadline=Deadline.after(300)) for each in REQUESTS))
    finally:
        await server.aclose()

    assert [told(each) for each in answers] == by_torch
    assert {each.report["runtime"] for each in answers} == {"onnx"}
