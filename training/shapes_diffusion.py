"""Train `shapes_diffusion`, the bundled text-to-image model, from nothing.

    python -m training.shapes_diffusion [--steps N] [--resume]

Seeded and resumable: the batch of a step depends on the seed and the step's number only. Progress goes to
`training/logs/shapes_diffusion.log`, the curve to `training/curves/shapes_diffusion.json`, checkpoints and sample grids
to `--work` (not in git), and the finished pipeline to `model_repository/shapes_diffusion/1/pipeline`.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import random
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import DPMSolverMultistepScheduler, PixArtTransformer2DModel
from PIL import Image
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast, T5Config, T5EncoderModel

from evaluators.scenes import draw
from training.muon import Muon
from training.shapes_prompts import example, vocabulary

ROOT = Path(__file__).resolve().parents[1]
MODEL = ROOT / "model_repository" / "shapes_diffusion" / "1"
sys.path.insert(0, str(MODEL))

from shapes_pipeline import LONGEST, ShapesPipeline  # noqa: E402 - it lives in the folder of the model

LOG = ROOT / "training" / "logs" / "shapes_diffusion.log"
CURVE = ROOT / "training" / "curves" / "shapes_diffusion.json"

SIDE, PATCH = 64, 8
WIDTH, DEPTH, HEADS = 160, 6, 5
TEXT_WIDTH, TEXT_DEPTH = 96, 2
UNPROMPTED = 0.1
"""Share of examples without a prompt: what classifier-free guidance needs."""
UNKNOWN = 0.01
"""Share of prompt words replaced by the unknown token, so that words never seen do little harm."""
NOISE_MEAN, NOISE_SPREAD = 1.2, 1.1
"""Of the logarithm of noise to picture. Above zero: what stands where is decided in strong noise."""
FAINTEST = 0.5
"""Least noise that the weight of the loss takes into account."""
EMA = 0.995
WEIGHTS = {"transformer": "diffusion_pytorch_model.safetensors", "text_encoder": "model.safetensors"}

WATCHED = (
    "a large red circle", "a small blue square", "a yellow star", "a medium green triangle",
    "a pink cross", "a large purple diamond", "a picture of a cyan square", "an orange circle",
    "a large red circle left of a small blue square", "a green star above a pink cross", "two blue triangles",
    "three red stars", "a yellow circle and a purple square", "the word STOP",
    "a red circle and the word MILK", "a cyan cross right of an orange diamond",
)  # fmt: skip


def build() -> ShapesPipeline:
    """The untrained pipeline."""
    transformer = PixArtTransformer2DModel(
        num_attention_heads=HEADS,
        attention_head_dim=WIDTH // HEADS,
        in_channels=3,
        out_channels=3,
        num_layers=DEPTH,
        cross_attention_dim=WIDTH,
        caption_channels=TEXT_WIDTH,
        sample_size=SIDE,
        patch_size=PATCH,
        use_additional_conditions=False,
    )
    torch.nn.init.zeros_(transformer.proj_out.weight)
    torch.nn.init.ones_(transformer.proj_out.bias)
    tokenizer = build_tokenizer()
    text_encoder = T5EncoderModel(
        T5Config(
            vocab_size=len(tokenizer),
            d_model=TEXT_WIDTH,
            d_kv=24,
            num_heads=4,
            d_ff=4 * TEXT_WIDTH,
            num_layers=TEXT_DEPTH,
            dropout_rate=0.0,
            feed_forward_proj="gelu",
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
    )
    scheduler = DPMSolverMultistepScheduler(prediction_type="sample", use_flow_sigmas=True, flow_shift=6.0, solver_order=2, final_sigmas_type="zero")
    return ShapesPipeline(transformer, scheduler, text_encoder, tokenizer)


def build_tokenizer() -> PreTrainedTokenizerFast:
    """One token a word, lower case; what it does not know is `<unk>`."""
    words = ["<pad>", "</s>", "<unk>", *vocabulary()]
    inner = Tokenizer(models.WordLevel({word: index for index, word in enumerate(words)}, unk_token="<unk>"))
    inner.normalizer = normalizers.Lowercase()
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    inner.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=inner, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=LONGEST)


def batch(seed: int, step: int, size: int) -> tuple[list[str], torch.Tensor]:
    """Prompts and pictures (in -1..1) of a step."""
    rng = random.Random(f"{seed}:{step}")
    prompts, pictures = [], []
    for _ in range(size):
        made = example(rng)
        words = ["~" if rng.random() < UNKNOWN else word for word in made.prompt.split()]
        prompts.append("" if rng.random() < UNPROMPTED else " ".join(words))
        pictures.append(np.asarray(draw(made.scene, SIDE)))
    stacked = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)
    return prompts, stacked.float() / 127.5 - 1


def loss_of(pipeline: ShapesPipeline, prompts: list[str], clean: torch.Tensor, noise: torch.Generator) -> torch.Tensor:
    """Error of the predicted clean picture, weighted as the error of the velocity would be."""
    ratio = torch.exp(NOISE_MEAN + NOISE_SPREAD * torch.randn(len(clean), generator=noise)).to(clean.device)
    time_ = (ratio / (1 + ratio)).view(-1, 1, 1, 1)
    noisy = (1 - time_) * clean + time_ * torch.randn(clean.shape, generator=noise).to(clean.device)
    states, mask = pipeline.encode(prompts, shortest=True)
    found = pipeline.transformer(
        noisy,
        encoder_hidden_states=states,
        encoder_attention_mask=mask,
        timestep=time_.flatten() * 1000,
        return_dict=False,
    )[0]
    each = (found - clean).square().mean(dim=(1, 2, 3)) / time_.flatten().clamp_min(FAINTEST).square()
    return each.mean()


def learning_rate(step: int, steps: int, peak: float) -> float:
    """Linear warm-up, a cosine down to a hundredth."""
    warm = min(1.0, (step + 1) / 200)
    return peak * warm * (0.01 + 0.99 * (0.5 + 0.5 * math.cos(math.pi * step / steps)))


def build_optimisers(networks: torch.nn.Module, peak: float) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the transformer, AdamW for all else."""
    matrices, others = [], []
    for name, parameter in networks.named_parameters():
        inside = "transformer_blocks" in name and parameter.ndim == 2
        (matrices if inside and "table" not in name else others).append(parameter)
    return [
        Muon(matrices, lr=peak, weight_decay=0.01),
        torch.optim.AdamW(others, lr=peak, betas=(0.9, 0.98), weight_decay=0.01),
    ]


class Training:
    """Networks, their moving average and the optimiser; all that a checkpoint holds."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        torch.manual_seed(options.seed)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.pipeline = build().to(self.device)
        self.networks = torch.nn.ModuleDict({"transformer": self.pipeline.transformer, "text_encoder": self.pipeline.text_encoder}).train()
        self.average = copy.deepcopy(self.networks).eval().requires_grad_(requires_grad=False)
        self.optimisers = build_optimisers(self.networks, options.peak)
        self.step = 0
        self.seconds = 0.0
        self.curve: list[dict[str, Any]] = []

    def run(self) -> None:
        """Train to the last step, with a checkpoint and a grid of samples on the way."""
        options = self.options
        started, before, losses = time.monotonic(), self.seconds, []
        while self.step < options.steps:
            losses.append(self._one())
            self.seconds = before + time.monotonic() - started
            if self.step % options.every == 0 or self.step == options.steps:
                self._tell(sum(losses) / len(losses))
                losses.clear()
            if self.step % options.keep_every == 0 or self.step == options.steps:
                self._keep()
        self._finish()

    def _one(self) -> float:
        prompts, pictures = batch(self.options.seed, self.step, self.options.batch)
        noise = torch.Generator().manual_seed(self.options.seed * 1_000_003 + self.step)
        loss = loss_of(self.pipeline, prompts, pictures.to(self.device), noise)
        self.networks.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.networks.parameters(), 1.0)
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(self.step, self.options.steps, self.options.peak)
            optimiser.step()
        self.step += 1
        decay = min(EMA, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for kept, now in zip(self.average.parameters(), self.networks.parameters(), strict=True):
                kept.lerp_(now, 1 - decay)
        return loss.item()

    def _tell(self, loss: float) -> None:
        left = self.seconds / self.step * (self.options.steps - self.step)
        line = f"step {self.step}/{self.options.steps} loss {loss:.4f} {self.seconds:.0f} s, {left:.0f} s left"
        LOG.parent.mkdir(parents=True, exist_ok=True)
        with LOG.open("a", encoding="utf-8") as log:
            log.write(line + "\n")
        print(line, flush=True)
        self.curve.append({"step": self.step, "loss": round(loss, 4), "seconds": round(self.seconds)})

    def _keep(self) -> None:
        work: Path = self.options.work
        work.mkdir(parents=True, exist_ok=True)
        numbers = {"step": self.step, "seconds": self.seconds, "curve": self.curve}
        torch.save(
            {
                "networks": self.networks.state_dict(),
                "average": self.average.state_dict(),
                "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
                "numbers": numbers,
            },
            work / "checkpoint.next",
        )
        (work / "checkpoint.next").replace(work / "checkpoint.pt")
        self._paint(work / f"grid-{self.step:06d}.png")

    def resume(self) -> None:
        """Go on from the last checkpoint, if there is one."""
        path = self.options.work / "checkpoint.pt"
        if not path.exists():
            return
        state = torch.load(path, weights_only=True, map_location=self.device)
        self.networks.load_state_dict(state["networks"])
        self.average.load_state_dict(state["average"])
        for optimiser, kept in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(kept)
        numbers = state["numbers"]
        self.step, self.seconds, self.curve = numbers["step"], numbers["seconds"], numbers["curve"]

    def go_onward(self) -> None:
        """Start from the weights that are in the model repository; the optimisers start anew."""
        for part, network in self.networks.items():
            network.load_state_dict(load_file(MODEL / "pipeline" / part / WEIGHTS[part]), strict=part == "transformer")
        self.average.load_state_dict(self.networks.state_dict())

    def _averaged(self) -> ShapesPipeline:
        now = self.pipeline
        return ShapesPipeline(self.average["transformer"], now.scheduler, self.average["text_encoder"], now.tokenizer)

    def _paint(self, path: Path) -> None:
        pipeline = self._averaged()
        pipeline.set_progress_bar_config(disable=True)
        pictures = pipeline(
            WATCHED,
            negative_prompts=[""] * len(WATCHED),
            generators=[torch.Generator().manual_seed(index) for index in range(len(WATCHED))],
            guidance=[2.0] * len(WATCHED),
            steps=12,
        )
        tiles = (pictures.permute(0, 2, 3, 1).cpu().numpy() * 255).round().astype(np.uint8)
        rows = [np.concatenate(list(tiles[start : start + 8]), axis=1) for start in range(0, len(tiles), 8)]
        Image.fromarray(np.concatenate(rows, axis=0)).resize((8 * SIDE * 2, 2 * SIDE * 2)).save(path)

    def _finish(self) -> None:
        save_pipeline(self._averaged(), self.options.out)
        CURVE.parent.mkdir(parents=True, exist_ok=True)
        options = {key: value for key, value in vars(self.options).items() if isinstance(value, int | float)}
        CURVE.write_text(json.dumps({"options": options, "curve": self.curve}, indent=1) + "\n", encoding="utf-8")


def save_pipeline(pipeline: ShapesPipeline, folder: Path) -> None:
    """Write the pipeline's folder, weights as 16-bit floats in safetensors."""
    pipeline.save_pretrained(folder, safe_serialization=True)
    for path in sorted(folder.rglob("*.safetensors")):
        halved = {name: tensor.half().contiguous() for name, tensor in load_file(path).items()}
        save_file(halved, path, metadata={"format": "pt"})
        path.chmod(0o644)


def options() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=7000)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--peak", type=float, default=3e-3, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1, help="CPU threads; more is faster and no longer bit for bit")
    parser.add_argument("--every", type=int, default=20, help="steps between lines of progress")
    parser.add_argument("--keep-every", type=int, default=250, help="steps between checkpoints")
    parser.add_argument("--work", type=Path, default=ROOT / "training" / "checkpoints" / "shapes_diffusion")
    parser.add_argument("--out", type=Path, default=MODEL / "pipeline")
    begin = parser.add_mutually_exclusive_group()
    begin.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    begin.add_argument("--onward", action="store_true", help="start from the weights in the model repository, not from nothing")
    return parser.parse_args()


def main() -> None:
    """Train, or go on training."""
    chosen = options()
    torch.set_num_threads(chosen.threads)
    training = Training(chosen)
    if chosen.resume:
        training.resume()
    if chosen.onward:
        training.go_onward()
    training.run()


if __name__ == "__main__":
    main()
