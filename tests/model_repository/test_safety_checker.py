"""The safety checker gives the numbers that diffusers' own class counts with, whatever else is in the batch."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from evaluators.measures.safety_filter import forbidden
from gateway import checkpoints
from gateway.catalog import read_catalog
from gateway.session import open_gateway
from kernel.contract import Deadline, Kind, Picture, Reply, Request
from kernel.errors import InvalidRequest, InvalidSpec
from tests.model_repository.folders import load

torch = pytest.importorskip("torch")
hub = pytest.importorskip("transformers")
diffusers = pytest.importorskip("diffusers.pipelines.stable_diffusion.safety_checker")

from safetensors.torch import load_file, save_file  # noqa: E402 - comes with them

from tests.model_repository import tiny_instruments as tiny  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
SPECIAL, CONCEPTS = 3, 17
CLOSE = 1e-6
PICTURES = [
    Image.effect_noise(size, 90).convert("RGB").point(lambda value, factor=factor: round(value * factor))
    for size, factor in (((32, 32), 1.0), ((90, 41), 0.1), ((33, 64), 1.9), ((32, 32), 0.5))
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tiny.safety_checker(tmp_path_factory.mktemp("checker"))


def checker(folder: Path) -> Any:
    return load("safety_checker", "safety_check").SafetyChecker(str(folder))


def asked(*pictures: Image.Image | bytes) -> Request:
    parts = []
    for picture in pictures:
        buffer = io.BytesIO()
        if isinstance(picture, Image.Image):
            picture.save(buffer, "PNG")
        parts.append(Picture(picture if isinstance(picture, bytes) else buffer.getvalue()))
    return Request("m", tuple(parts), kind=Kind.CLASSIFY)


@pytest.fixture(scope="module")
def counted(folder: Path) -> tuple[np.ndarray, list[bool]]:
    """Every number that diffusers' own class rounds while it looks at the pictures, a row for each; and what it makes of them."""
    network = diffusers.StableDiffusionSafetyChecker.from_pretrained(folder).eval()
    prepare = hub.CLIPImageProcessorPil.from_pretrained(folder)
    numbers: list[float] = []

    def recording(value: float, places: int) -> float:
        numbers.append(round(value, places))
        return numbers[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(diffusers, "round", recording, raising=False)
        _, unsafe = network(prepare(PICTURES, return_tensors="pt")["pixel_values"], [np.zeros(1)] * len(PICTURES))
    return np.array(numbers).reshape(len(PICTURES), SPECIAL + CONCEPTS), unsafe


def test_scores_are_the_numbers_that_diffusers_counts_with(folder: Path, counted: tuple[np.ndarray, list[bool]]) -> None:
    """Concepts of special care, then the forbidden ones, some met and others not."""
    numbers, _ = counted

    found = [reply.rows[0] for reply in checker(folder).answer([asked(picture) for picture in PICTURES])]

    assert np.array(found) == pytest.approx(numbers, abs=CLOSE)
    assert (numbers[:, :SPECIAL] > 0).any()
    assert (numbers[:, :SPECIAL] < 0).any()


def test_a_concept_of_special_care_makes_all_after_it_stricter() -> None:
    """By 0.01, once however many are met; exactly 0 is not met."""
    scored = load("safety_checker", "safety_check")._scored

    assert scored([-0.1, -0.2, 0.0004], [-0.004, 0.0004]) == [-0.1, -0.2, 0.0, -0.004, 0.0]
    assert scored([0.1, -0.005, -0.2], [-0.004, -0.0104]) == [0.1, 0.005, -0.19, 0.006, -0.0]


def test_what_is_forbidden_is_what_diffusers_blackens(folder: Path, counted: tuple[np.ndarray, list[bool]]) -> None:
    """By the scores alone, with the names in the template's configuration."""
    classes = read_classes(folder)

    (reply,) = checker(folder).answer([asked(*PICTURES)])

    assert [bool(forbidden(row, classes)) for row in reply.rows] == counted[1] == [False, True, False, True]
    assert len(classes) == len(reply.rows[0]) == SPECIAL + CONCEPTS


def read_classes(folder: Path) -> list[str]:
    """The names as the gateway lays them out: the checkpoint has none."""
    (folder.parent / "catalog.yaml").write_text(f"models: {{s: {{instrument: safety_checker, checkpoint: {folder}}}}}")
    entry = read_catalog(folder.parent / "catalog.yaml").entries["s"]
    assert entry.kind is Kind.CLASSIFY
    return json.loads(checkpoints.folder_of("s", entry, folder.parent, fetch=False).parameter("classes"))


def test_the_impossible_costs_no_other(folder: Path) -> None:
    """Its neighbours in the batch get what they would get alone."""
    model = checker(folder)
    bad = [asked(b""), asked(PICTURES[0], b"no picture"), asked(Image.new("RGB", (101, 1))), Request("m", (), kind=Kind.CLASSIFY)]

    first, *refused, last = model.answer([asked(PICTURES[1]), *bad, asked(*PICTURES[:2])])

    assert [type(each) for each in refused] == [InvalidRequest] * len(bad)
    assert isinstance(first, Reply)
    assert first.rows[0] == last.rows[1] == model.answer([asked(PICTURES[1])])[0].rows[0]


def test_the_published_files_are_read(tmp_path: Path, folder: Path) -> None:
    """They have another release's names, and an older form of what prepares pictures."""
    old = tmp_path / "published"
    old.mkdir()
    for name in ("config.json", "preprocessor_config.json"):
        (old / name).write_bytes((folder / name).read_bytes())
    weights = load_file(folder / "model.safetensors")
    deeper = {name.replace("vision_model.", "vision_model.vision_model.", 1): tensor for name, tensor in weights.items()}
    save_file({**deeper, "vision_model.vision_model.embeddings.position_ids": torch.arange(17)[None]}, old / "model.safetensors", {"format": "pt"})
    told = json.loads((folder / "preprocessor_config.json").read_text())
    kept = {name: told[name] for name in ("do_center_crop", "do_normalize", "do_resize", "image_mean", "image_std", "resample")}
    (old / "preprocessor_config.json").write_text(json.dumps({**kept, "crop_size": 32, "size": 32, "feature_extractor_type": "CLIPFeatureExtractor"}))

    assert checker(old).answer([asked(*PICTURES)]) == checker(folder).answer([asked(*PICTURES)])


def test_weights_that_are_missing_are_told(tmp_path: Path, folder: Path) -> None:
    """The library would draw them by lot."""
    half = tmp_path / "half"
    half.mkdir()
    for path in folder.iterdir():
        (half / path.name).write_bytes(path.read_bytes())
    weights = {name: tensor for name, tensor in load_file(folder / "model.safetensors").items() if name != "concept_embeds_weights"}
    save_file(weights, half / "model.safetensors", {"format": "pt"})

    with pytest.raises(InvalidSpec, match="concept_embeds_weights"):
        checker(half)


@pytest.mark.triton
@pytest.mark.slow
async def test_it_answers_through_the_real_server(tmp_path: Path, folder: Path) -> None:
    """From a catalog's entry to the names of the scores."""
    (tmp_path / "catalog.yaml").write_text(f"models: {{s: {{instrument: safety_checker, checkpoint: {folder}}}}}")
    request = Request("s", asked(*PICTURES).parts, kind=Kind.CLASSIFY)

    async with open_gateway(tmp_path / "catalog.yaml") as session:
        reply = await session.infer(request, deadline=Deadline.after(120))

    (direct,) = checker(folder).answer([request])
    assert np.array(reply.rows) == pytest.approx(np.array(direct.rows), abs=CLOSE)
    assert [*reply.report["classes"]] == read_classes(folder)
