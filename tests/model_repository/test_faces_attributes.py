"""A checkpoint made of FairFace's weights gives what their own network gives, number by number, through the classifier."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from evaluators.measures.faces import AGES, GENDERS, RACES, attributes
from kernel.contract import Kind, Picture, Request
from tests.model_repository.folders import load

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from training import fairface  # noqa: E402 - needs both

nn = torch.nn
CLOSE = 1e-4
WIDTHS = (4, 6, 8, 10)
DEPTHS = (3, 4, 6, 3)
FACES = [Image.effect_noise(size, 90).convert("RGB") for size in ((300, 300), (224, 224), (90, 130))]


class Block(nn.Module):
    """Two convolutions and a way around them, in torchvision's names."""

    def __init__(self, width: int, wider: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(width, wider, 3, stride, 1, bias=False), nn.BatchNorm2d(wider)
        self.conv2, self.bn2 = nn.Conv2d(wider, wider, 3, 1, 1, bias=False), nn.BatchNorm2d(wider)
        around = [nn.Conv2d(width, wider, 1, stride, bias=False), nn.BatchNorm2d(wider)]
        self.downsample = nn.Sequential(*around) if stride != 1 or width != wider else None

    def forward(self, x: Any) -> Any:
        inner = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return (inner + (x if self.downsample is None else self.downsample(x))).relu()


class ResNet(nn.Module):
    """He et al. (2016), with the names and the order of torchvision's ResNet-34, which FairFace uses; narrower."""

    def __init__(self, outputs: int = 18) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, WIDTHS[0], 7, 2, 3, bias=False), nn.BatchNorm2d(WIDTHS[0])
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        for stage, (width, wider, depth) in enumerate(zip((WIDTHS[0], *WIDTHS), WIDTHS, DEPTHS, strict=False), 1):
            blocks = [Block(width if not block else wider, wider, 2 if stage > 1 and not block else 1) for block in range(depth)]
            setattr(self, f"layer{stage}", nn.Sequential(*blocks))
        self.fc = nn.Linear(WIDTHS[-1], outputs)

    def forward(self, x: Any) -> Any:
        x = self.maxpool(self.bn1(self.conv1(x)).relu())
        for stage in range(1, 5):
            x = getattr(self, f"layer{stage}")(x)
        return self.fc(x.mean(dim=(2, 3)))


@pytest.fixture(scope="module")
def network() -> Any:
    """Random weights, and statistics as after a training."""
    torch.manual_seed(7)
    made = ResNet().eval()
    with torch.no_grad():
        for name, tensor in made.state_dict().items():
            if name.endswith(("running_var", "weight")) and tensor.ndim == 1:
                tensor.uniform_(0.5, 1.5)
            elif name.endswith(("running_mean", "bias")):
                tensor.normal_(0, 0.2)
    return made


def called(network: Any, face: Image.Image) -> np.ndarray:
    """FairFace's own preparation: squeezed to 224 pixels, and the numbers of ImageNet."""
    pixels = np.asarray(face.resize((224, 224), Image.Resampling.BILINEAR), dtype=np.float32) / 255
    pixels = (pixels - np.float32([0.485, 0.456, 0.406])) / np.float32([0.229, 0.224, 0.225])
    with torch.no_grad():
        return network(torch.from_numpy(pixels.transpose(2, 0, 1))[None])[0].numpy()


def asked(*faces: Image.Image) -> Request:
    parts = []
    for face in faces:
        buffer = io.BytesIO()
        face.save(buffer, "PNG")
        parts.append(Picture(buffer.getvalue()))
    return Request("m", tuple(parts), kind=Kind.CLASSIFY)


def classifier(folder: Path) -> Any:
    return load("classifier", "classification").Classifier(str(folder), activation="none")


def test_a_converted_checkpoint_gives_what_the_network_gives(tmp_path: Path, network: Any) -> None:
    """The logits of all groups; and their reading is FairFace's own: softmax and the greatest of each group."""
    fairface.save(network.state_dict(), fairface.CLASSES[7], tmp_path)
    model = classifier(tmp_path)

    (reply,) = model.answer([asked(*FACES)])

    for row, face in zip(reply.rows, FACES, strict=True):
        logits = called(network, face)
        assert np.array(row) == pytest.approx(logits, abs=CLOSE)
        told = attributes(row, model.classes)
        for group, names, part in (("race", RACES, logits[:7]), ("gender", GENDERS, logits[7:9]), ("age", AGES, logits[9:18])):
            shares = np.exp(part) / np.exp(part).sum()
            assert told[group].label == names[int(shares.argmax())]
            assert told[group].score == pytest.approx(shares.max(), abs=CLOSE)
    assert np.ptp(np.array(reply.rows), axis=0).max() > 100 * CLOSE


def test_of_the_network_for_four_races_the_first_four_are_kept(tmp_path: Path, network: Any) -> None:
    """FairFace uses no more of it."""
    fairface.save(network.state_dict(), fairface.CLASSES[4], tmp_path)
    model = classifier(tmp_path)

    (reply,) = model.answer([asked(FACES[0])])

    assert model.classes == ["race4/White", "race4/Black", "race4/Asian", "race4/Indian"]
    assert np.array(reply.rows[0]) == pytest.approx(called(network, FACES[0])[:4], abs=CLOSE)


def test_the_configuration_follows_from_the_weights(tmp_path: Path, network: Any) -> None:
    """Depths and widths, the names of the classes; and nothing is pickled."""
    fairface.save(network.state_dict(), fairface.CLASSES[7], tmp_path)

    told = json.loads((tmp_path / "config.json").read_text())

    assert (told["layer_type"], told["depths"], told["hidden_sizes"]) == ("basic", [3, 4, 6, 3], list(WIDTHS))
    assert told["id2label"]["7"] == "gender/Male"
    assert not list(tmp_path.glob("*.bin"))


def test_other_weights_are_refused(tmp_path: Path, network: Any) -> None:
    """A ResNet-50, too few outputs, a name that means nothing."""
    weights = network.state_dict()
    for wrong, fault in (
        ({**weights, "layer1.0.conv3.weight": weights["fc.weight"]}, "torchvision's names of a ResNet-34 with at least 18 outputs"),
        ({**weights, "fc.bias": weights["fc.bias"][:9]}, "9 outputs; expected"),
        ({}, "0 weights"),
        ({**weights, "extra.weight": weights["fc.weight"]}, r"a weight named 'extra\.weight'"),
    ):
        with pytest.raises(ValueError, match=fault):
            fairface.save(wrong, fairface.CLASSES[7], tmp_path)
