"""The embedder by graphs: vectors are those of the network. No plan was run on a GPU; they go through a double."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from kernel.contract import Kind, Picture, Request, Text
from kernel.errors import InvalidSpec
from tests.model_repository.folders import load

pytest.importorskip("torch")

from tests.model_repository import graphs_of, tiny_instruments

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")]
CLOSE = 1e-5


@pytest.fixture(scope="module", params=["clip", "sentences"])
def checkpoint(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A tiny checkpoint, and its graphs."""
    place = tmp_path_factory.mktemp("embedder")
    folder = getattr(tiny_instruments, request.param)(place / request.param)
    return folder, graphs_of.made(str(folder), place / "engines", folder.name)


def embedder(folder: Path, **more: Any) -> Any:
    return load("embedder", "embedding").Embedder(str(folder), **more)


def asked(model: Any) -> list[Request]:
    """More texts than the profile takes at once, of different lengths; and pictures of different sizes, where it sees."""
    texts = [Request("m", tuple(Text("red " * (number % 5)) for number in range(40)), Kind.EMBED), Request("m", (Text("a circle"),), Kind.EMBED)]
    if model._model.prepared is None:
        return texts
    pictures = []
    for size in ((32, 32), (90, 41)):
        buffer = io.BytesIO()
        Image.effect_noise(size, 90).convert("RGB").save(buffer, "PNG")
        pictures.append(Picture(buffer.getvalue()))
    return [*texts, Request("m", tuple(pictures), Kind.EMBED)]


@pytest.mark.parametrize("runtime", ["onnx", "tensorrt"])
def test_rows_are_those_of_the_network(checkpoint: tuple[Path, Path], runtime: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, engines = checkpoint
    monkeypatch.setattr("gateway.engines.plans.this_machine", lambda: graphs_of.PLAYED)
    model, graphs = embedder(folder), embedder(folder, runtime=runtime, engines=str(engines), precision=graphs_of.PRECISION)

    requests = asked(model)
    wanted, found = model.answer(requests), graphs.answer(requests)

    for one, other in zip(wanted, found, strict=True):
        assert np.array(other.rows) == pytest.approx(np.array(one.rows), abs=CLOSE)
    assert len({tuple(np.round(row, 4)) for reply in found for row in reply.rows}) >= 6


def test_graphs_of_another_model_are_refused(checkpoint: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(InvalidSpec, match="no graphs of elsewhere"):
        embedder(checkpoint[0], runtime="onnx", engines=str(tmp_path / "elsewhere"))
