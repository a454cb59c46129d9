"""Make a checkpoint of FairFace's published weights: a ResNet-34 of transformers in safetensors, which the classifier serves.

    python -m training.fairface res34_fair_align_multi_7_20190809.pt FOLDER
    python -m training.fairface res34_fair_align_multi_4_20190809.pt FOLDER --races 4

FairFace (Kärkkäinen and Joo, 2021) publishes pickles with torchvision's names. Of the network for seven races all 18 outputs are
kept: race, gender, age; of the one for four, the first four, which are all that is used of it. In the catalog:
`{instrument: face_attributes, checkpoint: FOLDER}`; `evaluators.measures.faces` cuts the faces out and reads the answer.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
import transformers as hub
from PIL import Image

from evaluators.measures.faces import AGES, GENDERS, RACES, RACES_4

CLASSES = {
    7: [*(f"race/{name}" for name in RACES), *(f"gender/{name}" for name in GENDERS), *(f"age/{name}" for name in AGES)],
    4: [f"race4/{name}" for name in RACES_4],
}
NAMES = (
    (r"conv1\.", "resnet.embedder.embedder.convolution."),
    (r"bn1\.", "resnet.embedder.embedder.normalization."),
    (r"layer(\d)\.(\d+)\.conv(\d)\.", "resnet.encoder.stages.{0}.layers.{1}.layer.{2}.convolution."),
    (r"layer(\d)\.(\d+)\.bn(\d)\.", "resnet.encoder.stages.{0}.layers.{1}.layer.{2}.normalization."),
    (r"layer(\d)\.(\d+)\.downsample\.0\.", "resnet.encoder.stages.{0}.layers.{1}.shortcut.convolution."),
    (r"layer(\d)\.(\d+)\.downsample\.1\.", "resnet.encoder.stages.{0}.layers.{1}.shortcut.normalization."),
    (r"fc\.", "classifier.1."),
)
"""torchvision's names, which count stages and layers from 1 and blocks from 0, and transformers', which count all from 0."""
SIDE = 224
MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def save(weights: Mapping[str, torch.Tensor], classes: Sequence[str], folder: Path) -> None:
    """Write the checkpoint. Raises `ValueError` for weights that are not a ResNet's of basic blocks."""
    network = hub.ResNetForImageClassification(_configuration(weights, classes))
    renamed = {_renamed(name): tensor for name, tensor in weights.items()}
    renamed |= {name: renamed[name][: len(classes)] for name in ("classifier.1.weight", "classifier.1.bias")}
    network.load_state_dict(renamed)
    network.save_pretrained(folder)
    # FairFace squeezes what it cuts out to this size, whatever its proportions.
    pictures = hub.ViTImageProcessorPil(size={"height": SIDE, "width": SIDE}, resample=Image.Resampling.BILINEAR, image_mean=MEAN, image_std=SPREAD)
    pictures.save_pretrained(folder)


def _configuration(weights: Mapping[str, torch.Tensor], classes: Sequence[str]) -> hub.ResNetConfig:
    stages = [[name for name in weights if re.fullmatch(rf"layer{stage}\.\d+\.conv1\.weight", name)] for stage in range(1, 5)]
    if not all(stages) or any("conv3" in name for name in weights) or len(weights.get("fc.bias", ())) < len(classes):
        outputs = len(weights.get("fc.bias", ()))
        raise ValueError(f"{len(weights)} weights, {outputs} outputs; expected torchvision's names of a ResNet-34 with at least {len(classes)} outputs")
    return hub.ResNetConfig(
        layer_type="basic",
        embedding_size=len(weights["conv1.weight"]),
        hidden_sizes=[len(weights[names[0]]) for names in stages],
        depths=[len(names) for names in stages],
        id2label=dict(enumerate(classes)),
        label2id={name: number for number, name in enumerate(classes)},
    )


def _renamed(name: str) -> str:
    for pattern, new in NAMES:
        if found := re.match(pattern, name):
            stage, block, layer = (*map(int, found.groups()), 1, 1)[:3] if found.groups() else (1, 0, 1)
            return new.format(stage - 1, block, layer - 1) + name[found.end() :]
    raise ValueError(f"a weight named {name!r}; expected those of a ResNet of basic blocks, as torchvision names them")


def main() -> None:
    """Read the pickle as weights alone, and write the folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pickle", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--races", type=int, choices=sorted(CLASSES), default=7)
    given = parser.parse_args()
    save(torch.load(given.pickle, map_location="cpu", weights_only=True), CLASSES[given.races], given.folder)


if __name__ == "__main__":
    main()
