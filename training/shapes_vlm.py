"""Train shapes_vlm in two stages: `see` teaches the eye what stands on every patch, `answer` the whole network to answer.

    python -m training.shapes_vlm see
    python -m training.shapes_vlm answer

Each stage goes on where it was stopped, from its checkpoint in `build/shapes_vlm`.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.functional import cross_entropy, mse_loss
from transformers import LlavaForConditionalGeneration, PreTrainedTokenizerFast

from evaluators.scenes import COLOURS, SHAPES, SIZES, WORDS
from training.dialogues import PLACES, Pack, encode, pack, tokenizer
from training.muon import Muon
from training.pictures import GRID, HEADS, NOTHING, labels, pixels, scenes
from training.shapes_vlm_network import PLACE, WIDTH, Pupil, build, new_eye

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WORKSHOP = Path("build/shapes_vlm")
LOG = Path("training/logs/shapes_vlm.log")
CURVES = Path("training/logs/shapes_vlm.json")
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
SEED = 20
NAMES = {
    "shape": (*SHAPES, "<pad>", "word"),
    "colour": tuple(COLOURS),
    "size": tuple(SIZES),
    "word": WORDS,
    "centre": ("<unk>", "object"),
    "across": ("left", "right"),
    "down": ("above", "below"),
}
"""The word for each class of each head of the eye, and the words between which a patch's place is told."""
PLAIN = 0.33
"""Share of the lessons in which questions are asked without options, distractions and suppositions."""


def main() -> None:
    """Run one stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=["see", "answer"])
    parser.add_argument("--steps", type=int)
    parser.add_argument("--batch", type=int)
    parser.add_argument("--rate", type=float)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--onward", action="store_true", help="answer: without a checkpoint, go on from the weights in the model repository")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(SEED)
    WORKSHOP.mkdir(parents=True, exist_ok=True)
    LOG.parent.mkdir(parents=True, exist_ok=True)
    if options.stage == "see":
        see(options.steps or 600, options.batch or 32)
    else:
        answer(options.steps or 6700, options.batch or 16, options.rate or 7e-4, first=_shipped() if options.onward else 0)


# -- the eye ------------------------------------------------------------------


def see(steps: int, batch: int) -> None:
    """Teach the vision encoder what stands on every patch."""
    eye = Pupil(new_eye()).to(DEVICE)

    def loss(rng: random.Random, _: float) -> torch.Tensor:
        drawn = scenes(rng, batch)
        told = eye(pixels(drawn, rng).to(DEVICE))
        return dense_loss(told, {head: table.to(DEVICE) for head, table in labels(drawn).items()})

    train("see", eye, loss, steps=steps, rate=1.2e-3, examine=lambda: examine_eye(eye))


def dense_loss(told: dict[str, torch.Tensor], truth: dict[str, torch.Tensor]) -> torch.Tensor:
    """Mean over heads; bare patches, the easy majority, count a fifth."""
    total = torch.zeros((), device=DEVICE)
    for head, logits in told.items():
        wanted = truth[head].flatten()
        weights = (wanted != NOTHING).float()
        if head == "shape":
            weights = torch.where(truth["colour"].flatten() == NOTHING, 0.2, 1.0)
        if head == "centre":
            weights = torch.where(wanted == 1, 3.0, 0.3)
        each = cross_entropy(logits.flatten(0, 1), wanted, ignore_index=NOTHING, reduction="none")
        total = total + (each * weights).sum() / weights.sum().clamp(min=1)
    return total / len(told)


@torch.no_grad()
def examine_eye(eye: Pupil, number: int = 256) -> dict[str, float]:
    """Share right on fresh scenes: centres found exactly, the others at the centre patches."""
    rng = random.Random("examine the eye")
    drawn = scenes(rng, number)
    truth = labels(drawn)
    told = {head: logits.argmax(-1).cpu() for head, logits in eye.eval()(pixels(drawn, rng).to(DEVICE)).items()}
    eye.train()
    at_centre = truth["centre"] == 1
    printed = truth["word"] != NOTHING
    right = {head: _share((told[head] == truth[head])[at_centre]) for head in ("shape", "colour", "size")}
    right["word"] = _share((told["word"] == truth["word"])[printed])
    right["centre"] = _share((told["centre"] == truth["centre"]).all(dim=1))
    return right


def _share(right: torch.Tensor) -> float:
    return round(right.float().mean().item(), 4)


# -- the whole network --------------------------------------------------------


def answer(steps: int, batch: int, rate: float, *, first: int = 0, room: int = 160) -> None:
    """Teach the whole network to answer, but for the eye, which stays as it is; from step `first` on, the weights are the shipped ones."""
    words = PreTrainedTokenizerFast.from_pretrained(PLACE) if first else _vocabulary(WORKSHOP / "words")
    network = Student(words.get_vocab()).to(DEVICE)
    if first:
        network.whole.load_state_dict(LlavaForConditionalGeneration.from_pretrained(PLACE, dtype=torch.float32).state_dict())
    elif not (WORKSHOP / "answer.pt").exists():
        network.whole.model.vision_tower.resnet.load_state_dict(_tower(WORKSHOP / "see.pt"))
        name_patches(network)

    def loss(rng: random.Random, done: float) -> torch.Tensor:
        drawn = scenes(rng, batch)
        packed = pack(drawn, rng, words, room, plain=done < PLAIN)
        named, logits, places, pointing = network(pixels(drawn, rng), packed)
        truth = {head: table.to(DEVICE) for head, table in labels(drawn).items()}
        return cross_entropy(logits, packed.wanted.to(DEVICE)[places]) + 0.3 * naming_loss(named, truth) + 0.1 * pointing

    def examine() -> dict[str, float]:
        export(network, words)
        return examine_answers(network, words)

    train("answer", network, loss, steps=steps, rate=rate, examine=examine, first=first)


def _shipped() -> int:
    """Steps that the weights in the model repository have behind them."""
    points = json.loads(CURVES.read_text(encoding="utf-8"))
    return max(point["step"] for point in points if point["stage"] == "answer")


def _vocabulary(kept: Path) -> PreTrainedTokenizerFast:
    # Questions may be worded anew between two sittings; the numbers of the words stay those of the first.
    if not kept.exists():
        tokenizer().save_pretrained(kept)
    return PreTrainedTokenizerFast.from_pretrained(kept)


def name_patches(network: Student, steps: int = 200, batch: int = 16) -> None:
    """Teach the projector alone to give patches their names."""
    model = network.whole.model
    optimiser = torch.optim.Adam(model.multi_modal_projector.parameters(), lr=2e-3)
    for step in range(steps):
        rng = random.Random(f"{SEED} name {step}")
        drawn = scenes(rng, batch)
        with torch.no_grad():
            seen = model.vision_tower(pixels(drawn, rng).to(DEVICE)).last_hidden_state
        named = network.name(model.multi_modal_projector(seen))
        value = naming_loss(named, {head: table.to(DEVICE) for head, table in labels(drawn).items()})
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        if (step + 1) % 50 == 0:
            report({"stage": "name", "step": step + 1, "loss": round(value.item(), 4)}, left=0)


def naming_loss(named: dict[str, torch.Tensor], truth: dict[str, torch.Tensor]) -> torch.Tensor:
    """What stands on a patch as for the eye; and further right, the more like "right" and the less like "left"."""
    grid = torch.arange(GRID, device=DEVICE) - (GRID - 1) / 2
    across, down = grid.repeat(GRID), grid.repeat_interleave(GRID)
    off = mse_loss(_lean(named["across"]), across.expand(len(named["across"]), -1))
    off = off + mse_loss(_lean(named["down"]), down.expand(len(named["down"]), -1))
    return dense_loss({head: named[head] for head in HEADS}, truth) + 0.2 * off


def _lean(likeness: torch.Tensor) -> torch.Tensor:
    return likeness[..., 1] - likeness[..., 0]


def _tower(path: Path) -> dict[str, torch.Tensor]:
    kept = torch.load(path, map_location=DEVICE, weights_only=True)["network"]
    return {name.removeprefix("tower."): value for name, value in kept.items() if name.startswith("tower.")}


class Student(torch.nn.Module):
    """The network, and the names that it is to give to patches.

    What the projector makes of a patch is taught to be near the decoder's own embeddings of the words for what stands
    there. So "red" in a question and a red patch are alike before the decoder has learned anything about pictures.
    """

    def __init__(self, vocabulary: dict[str, int]) -> None:
        super().__init__()
        self.whole = build(vocabulary)
        self.whole.model.vision_tower.resnet.requires_grad_(False)
        self.pointer = torch.nn.Linear(WIDTH, 2)
        self.names = {head: torch.tensor([vocabulary[name] for name in names]) for head, names in NAMES.items()}

    def train(self, mode: bool = True) -> Student:  # noqa: FBT001, FBT002 - PyTorch's own signature
        """Keep the eye as it is in use, with the means and variances that it has gathered."""
        super().train(mode)
        self.whole.model.vision_tower.resnet.eval()
        return self

    def forward(self, pictures: torch.Tensor, packed: Pack) -> tuple[dict[str, torch.Tensor], torch.Tensor, torch.Tensor, torch.Tensor]:
        """Likeness of the patches to their names, logits where an answer is wanted, where that is, and `_pointing`."""
        model = self.whole.model
        seen = model.multi_modal_projector(model.vision_tower(pictures.to(DEVICE)).last_hidden_state)
        embedding = model.get_input_embeddings()
        named = self.name(seen)
        tokens = torch.cat([seen, embedding(packed.tokens[:, PLACES:].to(DEVICE))], dim=1)
        thought = model.language_model(
            inputs_embeds=tokens,
            attention_mask=packed.mask.to(DEVICE),
            position_ids=packed.positions.to(DEVICE),
            use_cache=False,
            output_hidden_states=True,
        )
        places = (packed.wanted != NOTHING).to(DEVICE)
        pointing = self._pointing(thought.hidden_states[2], packed)
        return named, self.whole.lm_head(thought.last_hidden_state[places]), places, pointing

    def _pointing(self, halfway: torch.Tensor, packed: Pack) -> torch.Tensor:
        # A named thing is to be found at its name, halfway up, where later layers can compare it with another one.
        rows, at, x, y = (torch.tensor(each, device=DEVICE) for each in zip(*packed.mentions, strict=True))
        wanted = torch.stack([x, y], dim=1) * GRID - GRID / 2
        return mse_loss(self.pointer(halfway[rows, at]), wanted)

    def name(self, seen: torch.Tensor) -> dict[str, torch.Tensor]:
        """Likeness of what is seen, [n, patches, width], to every name, per head."""
        embeddings = self.whole.get_input_embeddings().weight
        return {head: seen @ embeddings[names.to(DEVICE)].T for head, names in self.names.items()}


@torch.no_grad()
def examine_answers(network: Student, words: PreTrainedTokenizerFast, number: int = 96) -> dict[str, float]:
    """Share of answers right on fresh scenes, by kind of question.

    An answer whose every token is the likeliest one after the true ones before it is the answer that greedy
    generation gives.
    """
    rng = random.Random("examine the answers")
    network.eval()
    marks: dict[str, list[float]] = {}
    for _ in range(number // 16):
        drawn = scenes(rng, 16)
        packed = pack(drawn, rng, words, 256)
        _, logits, places, _ = network(pixels(drawn, rng), packed)
        right = torch.ones_like(packed.wanted, dtype=torch.bool)
        right[places.cpu()] = logits.argmax(-1).cpu() == packed.wanted[places.cpu()]
        for row, asked in enumerate(packed.questions):
            for question, place in asked:
                length = len(encode(question, words)[1])
                marks.setdefault(question.kind, []).append(float(right[row, place : place + length].all()))
    network.train()
    return {kind: round(sum(each) / len(each), 4) for kind, each in sorted(marks.items())}


def export(network: Student, words: PreTrainedTokenizerFast) -> None:
    """Write weights in half precision, configuration and tokenizer where Triton looks for them."""
    copy.deepcopy(network.whole).to("cpu", torch.float16).save_pretrained(PLACE)
    (PLACE / "model.safetensors").chmod(0o644)
    words.save_pretrained(PLACE)


# -- any stage ----------------------------------------------------------------


def train(
    stage: str,
    network: torch.nn.Module,
    loss: Callable[[random.Random, float], torch.Tensor],
    *,
    steps: int,
    rate: float,
    examine: Callable[[], dict[str, float]],
    first: int = 0,
    every: int = 50,
) -> None:
    """Learn, after 100 steps of warming up, keeping a checkpoint and a curve."""
    optimisers = _optimisers(network, rate)
    kept = WORKSHOP / f"{stage}.pt"
    begun = first
    first = _restore(kept, network, optimisers) or first
    started, running = time.monotonic(), []
    for step in range(first, steps):
        for group in (group for optimiser in optimisers for group in optimiser.param_groups):
            group["lr"] = rate * schedule(step / steps) * min(1.0, (step - begun + 1) / 100)
        value = loss(random.Random(f"{SEED} {stage} {step}"), step / steps)
        network.zero_grad(set_to_none=True)
        value.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        for optimiser in optimisers:
            optimiser.step()
        running.append(value.item())
        if (step + 1) % every == 0 or step + 1 == steps:
            pace = (time.monotonic() - started) / (step + 1 - first)
            point = {"stage": stage, "step": step + 1, "loss": round(sum(running) / len(running), 4)}
            if (step + 1) % (every * 2) == 0 or step + 1 == steps:
                point |= examine()
                _keep(kept, network, optimisers, step + 1)
            report(point, left=pace * (steps - step - 1))
            running = []


def schedule(done: float) -> float:
    """Share of the full rate: level, and in the last twentieth down in a line to a fiftieth."""
    return min(1.0, 0.02 + 0.98 * (1 - done) / 0.05)


def report(point: dict[str, Any], *, left: float) -> None:
    """Append one point to the curves, and one line for the reader."""
    line = " ".join(f"{key} {value}" for key, value in point.items()) + f" · {left / 60:.1f} min left"
    print(line, flush=True)
    with LOG.open("a", encoding="utf-8") as log:
        log.write(line + "\n")
    curves = json.loads(CURVES.read_text(encoding="utf-8")) if CURVES.exists() else []
    curves.append(point)
    CURVES.write_text("[\n" + ",\n".join(json.dumps(each) for each in curves) + "\n]\n", encoding="utf-8")


def _optimisers(network: torch.nn.Module, rate: float) -> list[torch.optim.Optimizer]:
    # Muon for the decoder's matrices, AdamW for all else.
    matrices, groups = [], {}
    for name, each in network.named_parameters():
        if not each.requires_grad:
            continue
        if each.ndim == 2 and ("language_model.layers" in name or "projector" in name):
            matrices.append(each)
        else:
            groups.setdefault(0.03 if each.ndim >= 2 else 0.0, []).append(each)
    tables = [{"params": each, "weight_decay": decay} for decay, each in groups.items()]
    optimisers: list[torch.optim.Optimizer] = [torch.optim.AdamW(tables, lr=rate, betas=(0.9, 0.98))]
    if matrices:
        optimisers.append(Muon(matrices, lr=rate, weight_decay=0.03))
    return optimisers


def _keep(path: Path, network: torch.nn.Module, optimisers: Sequence[torch.optim.Optimizer], step: int) -> None:
    partial = path.with_suffix(".partial")
    states = [optimiser.state_dict() for optimiser in optimisers]
    torch.save({"step": step, "network": network.state_dict(), "optimisers": states}, partial)
    partial.replace(path)


def _restore(path: Path, network: torch.nn.Module, optimisers: Sequence[torch.optim.Optimizer]) -> int:
    if not path.exists():
        return 0
    kept = torch.load(path, map_location=DEVICE, weights_only=True)
    network.load_state_dict(kept["network"])
    for optimiser, state in zip(optimisers, kept["optimisers"], strict=True):
        optimiser.load_state_dict(state)
    return int(kept["step"])


if __name__ == "__main__":
    main()
