"""shapes_diffusion by its graphs, with diffusers' scheduler: the pictures are torch's. No plan was run on a GPU; they go through a double."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from kernel.contract import Kind, Request, Sampling, Text
from tests.model_repository.folders import load

pytest.importorskip("torch")

from tests.model_repository import graphs_of

pytestmark = pytest.mark.slow
ASKED = [("a large red circle", None, 3, 2.0), ("two green crosses", "a circle", 3, 5.0), ("", None, 2, 2.0)]
REQUESTS = [
    Request("m", (Text(prompt),), Kind.IMAGINE, negative=negative, sampling=Sampling(seed=seed, steps=steps, guidance=guidance, width=64))
    for seed, (prompt, negative, steps, guidance) in enumerate(ASKED)
]


def pixels(reply: Any) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(reply.pictures[0].data))).astype(int)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return graphs_of.made("shapes-diffusion", tmp_path_factory.mktemp("engines"))


@pytest.fixture(scope="module")
def by_torch() -> list[np.ndarray]:
    return [pixels(each) for each in load("shapes_diffusion", "painter").Painter().answer(REQUESTS)]


@pytest.mark.parametrize("runtime", ["onnx", "tensorrt"])
def test_pictures_are_torchs(folder: Path, by_torch: list[np.ndarray], runtime: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No value is off by more than 1 of 255, and hardly any at all; pictures differ, and each is the same alone."""
    monkeypatch.setattr("gateway.engines.plans.this_machine", lambda: graphs_of.PLAYED)
    painter = load("shapes_diffusion", "painter").Painter(runtime=runtime, engines=str(folder), precision=graphs_of.PRECISION)

    replies = painter.answer(REQUESTS)

    apart = np.abs(np.stack([pixels(each) for each in replies]) - np.stack(by_torch))
    assert apart.max() <= 1
    assert (apart > 0).mean() < 0.001
    assert np.abs(by_torch[0] - by_torch[1]).max() > 50
    assert painter.answer(REQUESTS[1:2])[0].pictures == replies[1].pictures
