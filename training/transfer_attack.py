"""Make attacked pictures: changed by at most 16 of 255 a value so that what networks of the CLIP family see in them is something else.

    python -m training.transfer_attack PICTURES OUT --surrogate CHECKPOINT --surrogate CHECKPOINT

PICTURES is a folder of pictures, or a file of rows with `image` and, where the attack has a target, `target`: words that the picture
is to be taken for. Without one it is moved away from what it shows. CHECKPOINTs are folders of CLIP or SigLIP as transformers writes
them. MultiTrust attacks six networks together; of those its ConvNeXt is published for another library and cannot be used here.
Each network gets pictures as its own checkpoint wants them; with --as-published all get CLIP's mean and deviation, as in MultiTrust.
OUT gets a PNG for each picture, and attack.jsonl: how far each was changed, and how alike each network finds it to what it was aimed at.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.nn.functional import cosine_similarity, interpolate
from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

from evaluators.conditions.transfer import Array, TransferAttack
from evaluators.redteam.seeds import picture_of, read_seeds
from gateway.loading import folder_of, loaded, name_of, part
from kernel.errors import InvalidSpec

MEAN, SPREAD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
KNOWN = ("clip", "siglip")


class Surrogate:
    """A network that is attacked: what it sees in a picture, and how that rises."""

    def __init__(self, checkpoint: str, *, as_published: bool = False) -> None:
        folder = folder_of(checkpoint)
        self.name = name_of(folder)
        self.network = loaded(checkpoint, AutoModel, folder, device="auto", dtype="float32", remote_code=False).requires_grad_(False)
        if self.network.config.model_type not in KNOWN:
            raise InvalidSpec(checkpoint, [f"is a {self.network.config.model_type}; expected one of {', '.join(KNOWN)}"])
        self._words = part(checkpoint, AutoTokenizer, folder, remote_code=False)
        wanted = part(checkpoint, AutoImageProcessor, folder, remote_code=False, backend="pil")
        mean, spread = (MEAN, SPREAD) if as_published else (wanted.image_mean, wanted.image_std)
        self._mean, self._spread = (torch.tensor(values, device=self.network.device)[:, None, None] for values in (mean, spread))
        self._side = self.network.config.vision_config.image_size

    def seen(self, pictures: torch.Tensor) -> torch.Tensor:
        """A row for each picture with values from 0 to 1."""
        fitting = interpolate(pictures, (self._side, self._side), mode="bilinear", antialias=True)
        rows: torch.Tensor = self.network.get_image_features(pixel_values=(fitting - self._mean) / self._spread).pooler_output
        return rows

    def read(self, text: str) -> torch.Tensor:
        """The row of a text."""
        padding = "max_length" if self.network.config.model_type == "siglip" else True  # it was trained with every place taken
        longest = self.network.config.text_config.max_position_embeddings
        tokens = self._words([text], padding=padding, truncation=True, max_length=longest, return_tensors="pt").to(self.network.device)
        row: torch.Tensor = self.network.get_text_features(**tokens).pooler_output
        return row


class Aim:
    """What a surrogate is to see: as much as can be of a target, or as little as can be of the clean picture."""

    def __init__(self, surrogate: Surrogate, clean: Array, target: str) -> None:
        self.surrogate = surrogate
        self._sign = 1 if target else -1
        with torch.no_grad():
            self._row = surrogate.read(target) if target else surrogate.seen(self._tensor(clean[None]))

    def likeness(self, pictures: torch.Tensor) -> torch.Tensor:
        """How alike the surrogate finds each picture to the target, or to the clean picture: a cosine."""
        return cosine_similarity(self.surrogate.seen(pictures), self._row)

    def slope(self, pictures: Array) -> Array:
        """How what is to be climbed rises with every value of each picture."""
        given = self._tensor(pictures).requires_grad_()
        (found,) = torch.autograd.grad(self._sign * self.likeness(given).sum(), given)
        return np.asarray(found.cpu().numpy(), dtype=pictures.dtype)

    def measured(self, picture: Array) -> float:
        """The likeness of one picture."""
        with torch.no_grad():
            return float(self.likeness(self._tensor(picture[None])))

    def _tensor(self, pictures: Array) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(pictures, dtype=np.float32)).to(self.surrogate.network.device)


def attacked(picture: Image.Image, target: str, surrogates: Sequence[Surrogate], attack: TransferAttack, seed: int) -> tuple[Image.Image, dict[str, Any]]:
    """The changed picture as it is kept, in eight bits, and what is told of it."""
    values = np.asarray(picture.convert("RGB"))
    clean = (values.transpose(2, 0, 1) / np.float32(255)).astype(np.float32)
    aims = [Aim(surrogate, clean, target) for surrogate in surrogates]
    kept = np.rint(attack.run(clean, [aim.slope for aim in aims], seed) * 255).astype(np.uint8).transpose(1, 2, 0)
    changed = (kept.transpose(2, 0, 1) / np.float32(255)).astype(np.float32)
    alike = {aim.surrogate.name: [round(aim.measured(clean), 4), round(aim.measured(changed), 4)] for aim in aims}
    return Image.fromarray(kept), {"largest_change": int(np.abs(kept.astype(int) - values).max()), "alike_before_and_after": alike}


def main(arguments: Sequence[str] | None = None) -> None:
    """Attack every picture, write it, and tell of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--surrogate", action="append", required=True)
    parser.add_argument("--steps", type=int, default=TransferAttack().steps)
    parser.add_argument("--draws", type=int, default=TransferAttack().draws)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--as-published", action="store_true")
    given = parser.parse_args(arguments)
    surrogates = [Surrogate(checkpoint, as_published=given.as_published) for checkpoint in given.surrogate]
    attack = replace(TransferAttack(), steps=given.steps, draws=given.draws)
    given.out.mkdir(parents=True, exist_ok=True)
    with (given.out / "attack.jsonl").open("w", encoding="utf-8") as lines:
        for number, seed in enumerate(read_seeds(given.pictures, ["image"])):
            target, name = str(seed.get("target") or ""), f"{number:04}.png"
            made, told = attacked(picture_of(seed), target, surrogates, attack, given.seed + number)
            made.save(given.out / name)
            line = json.dumps({"id": seed["id"], "image": name, "target": target, "seed": given.seed + number, **told})
            print(line, file=lines, flush=True)
            print(line)


if __name__ == "__main__":
    main()
