"""The tool moves pictures as it says, on two small networks with weights by lot: the likeness goes the right way, and the bound holds in the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from kernel.errors import InvalidSpec
from tests.model_repository import tiny_instruments

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from evaluators.conditions.transfer import TransferAttack  # noqa: E402
from training import transfer_attack  # noqa: E402 - needs both

QUICK = TransferAttack(steps=6, draws=3)


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("surrogates")
    return [str(tiny_instruments.clip(folder / "clip")), str(tiny_instruments.siglip(folder / "siglip"))]


@pytest.fixture(scope="module")
def surrogates(checkpoints: list[str]) -> list[Any]:
    return [transfer_attack.Surrogate(each) for each in checkpoints]


@pytest.fixture(scope="module")
def picture() -> Image.Image:
    return Image.frombytes("RGB", (5, 5), np.random.default_rng(1).bytes(75)).resize((40, 48), Image.Resampling.BICUBIC)


@pytest.fixture(scope="module")
def towards(surrogates: Any, picture: Image.Image) -> tuple[Image.Image, dict[str, Any]]:
    return transfer_attack.attacked(picture, "a red circle", surrogates, QUICK, 0)


@pytest.fixture(scope="module")
def away(surrogates: Any, picture: Image.Image) -> tuple[Image.Image, dict[str, Any]]:
    return transfer_attack.attacked(picture, "", surrogates, QUICK, 0)


@pytest.mark.parametrize(("which", "rises"), [("towards", True), ("away", False)])
def test_every_network_is_moved_the_right_way_within_the_bound(picture: Image.Image, request: pytest.FixtureRequest, which: str, rises: bool):
    made, told = request.getfixturevalue(which)
    change = np.abs(np.asarray(made).astype(int) - np.asarray(picture)).max()
    assert made.size == picture.size
    assert 8 <= change == told["largest_change"] <= 16
    for before, after in told["alike_before_and_after"].values():
        assert after > before + 0.01 if rises else after < before - 0.01


def test_noise_of_the_same_size_does_not_do_it(surrogates: Any, picture: Image.Image, away: Any):
    """The bound alone takes the likeness down less than the attack does."""
    clean = np.asarray(picture).transpose(2, 0, 1).astype(np.float32) / 255
    signs = np.random.default_rng(0).choice([-1, 1], clean.shape).astype(np.float32)
    noisy = np.clip(clean + 16 / 255 * signs, 0, 1).astype(np.float32)
    by_noise = [transfer_attack.Aim(each, clean, "").measured(noisy) for each in surrogates]
    assert sum(after for _, after in away[1]["alike_before_and_after"].values()) < sum(by_noise) - 0.01


def test_the_slope_is_the_likeness_s_own(surrogates: Any, picture: Image.Image):
    """A small step along it changes the likeness by as much as it says; away from the clean picture, the slope is the other way round."""
    clean = np.asarray(picture).transpose(2, 0, 1).astype(np.float32) / 255
    aim = transfer_attack.Aim(surrogates[0], clean, "a red circle")
    slope = aim.slope(clean[None])[0].astype(float)
    step = 0.05 * slope / np.linalg.norm(slope)
    rise = aim.measured((clean + step).astype(np.float32)) - aim.measured((clean - step).astype(np.float32))
    assert rise == pytest.approx(2 * (slope * step).sum(), rel=0.1)


def test_the_command_writes_pictures_and_what_it_did(checkpoints: list[str], picture: Image.Image, tmp_path: Path):
    picture.save(tmp_path / "one.png")
    (tmp_path / "rows.jsonl").write_text(json.dumps({"id": "first", "image": "one.png", "target": "a tree"}) + "\n")
    surrogates = [argument for each in checkpoints for argument in ("--surrogate", each)]
    transfer_attack.main([str(tmp_path / "rows.jsonl"), str(tmp_path / "out"), *surrogates, "--steps", "2", "--draws", "2", "--as-published"])
    (line,) = (tmp_path / "out" / "attack.jsonl").read_text().splitlines()
    told = json.loads(line)
    assert (told["id"], told["image"], told["target"], told["seed"]) == ("first", "0000.png", "a tree", 0)
    assert sorted(told["alike_before_and_after"]) == ["clip", "siglip"]
    with Image.open(tmp_path / "out" / "0000.png") as made:
        assert 1 <= np.abs(np.asarray(made).astype(int) - np.asarray(picture)).max() == told["largest_change"] <= 16


def test_other_networks_are_refused(tmp_path: Path):
    folder = tiny_instruments.siglip2(tmp_path / "naflex")
    with pytest.raises(InvalidSpec, match="is a siglip2; expected one of clip, siglip"):
        transfer_attack.Surrogate(str(folder))
