"""Answers questions about pictures with the network beside this file; knows nothing of Triton.

Everything that is asked at once goes through the network as one padded batch with a key-value cache, each distinct
picture through the vision encoder once. An answer depends on the question, the picture and the seed, not on what else is
in the batch.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapes_eye  # noqa: F401 - makes the vision encoder known to transformers
import torch
from PIL import Image
from transformers import DynamicCache, LlavaForConditionalGeneration, PreTrainedTokenizerFast

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MOST_CHARACTERS = 20_000
MOST_TOKENS = 400
"""Of a question; the longest in training had about 80."""
MOST_NEW_TOKENS = 64
MOST_SAMPLES = 32
COLDEST = 1e-6
"""Lower temperatures are as good as 0, and would take the quotient beyond 32-bit floats."""
BLANK = (250, 250, 250)
"""What a question without a picture is asked about: a bare background."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked about an RGB picture, and how the answer is to be drawn; temperature 0 takes the likeliest word each time."""

    text: str
    picture: Image.Image | None = None
    samples: int = 1
    max_tokens: int = 16
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """Texts and why each ended ("stop" or "length"), one per sample, with the tokens read and written."""

    texts: tuple[str, ...]
    finish: tuple[str, ...]
    input_tokens: int
    output_tokens: int


class Answerer:
    """The network with its tokenizer."""

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        self.device = torch.device(device)
        self.words = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
        network = LlavaForConditionalGeneration.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
        self.network = network.to(self.device).eval()
        self.network.model.vision_tower.to(memory_format=torch.channels_last)  # a tenth faster on a CPU
        self.places: int = network.config.image_seq_length
        self.side: int = network.config.vision_config.image_size

    def encode(self, text: str) -> list[int]:
        """Tokens of a whole prompt, the picture's places first.

        Raises:
            ValueError: The text is empty, too long, or no whole Unicode.
        """
        if not text.strip():
            message = "the question is empty; expected some text"
            raise ValueError(message)
        if len(text) > MOST_CHARACTERS:
            message = f"the question has {len(text)} characters, the limit is {MOST_CHARACTERS}"
            raise ValueError(message)
        try:
            text.encode()
        except UnicodeEncodeError as error:
            message = f"the question has half a surrogate pair at character {error.start}; expected whole Unicode"
            raise ValueError(message) from None
        # Special tokens are put in by number: what is asked can never spell one.
        words = self.words.encode(text.replace("<", "< "), add_special_tokens=False)
        if len(words) > MOST_TOKENS:
            message = f"the question has {len(words)} tokens, the limit is {MOST_TOKENS}"
            raise ValueError(message)
        picture, answer = self.words.convert_tokens_to_ids(["<image>", "<answer>"])
        return [picture] * self.places + [self.words.bos_token_id, *words, answer]

    @torch.inference_mode()
    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        """Answer all questions in one batch."""
        prompts = [self.encode(question.text) for question in questions]
        rows = [index for index, question in enumerate(questions) for _ in range(question.samples)]
        tokens, mask = self.pad([prompts[index] for index in rows])
        embedded = self.network.get_input_embeddings()(tokens)
        embedded[tokens == self.network.config.image_token_id] = self._see(questions)[rows].flatten(0, 1)
        written = self._write(embedded, mask, [questions[index] for index in rows], _chances(questions))
        return self._collect(questions, prompts, rows, written)

    def pixels(self, picture: Image.Image | None) -> np.ndarray:
        """Bytes [side, side, 3] of an RGB picture of any size."""
        shown = Image.new("RGB", (self.side, self.side), BLANK) if picture is None else picture
        return np.asarray(shown.resize((self.side, self.side), Image.Resampling.BICUBIC))

    def _see(self, questions: Sequence[Question]) -> torch.Tensor:
        shown = [self.pixels(question.picture) for question in questions]
        digests = [hashlib.blake2b(each.tobytes()).digest() for each in shown]
        distinct = dict(zip(digests, shown, strict=True))
        number = {digest: index for index, digest in enumerate(distinct)}
        seen = torch.stack(self.network.get_image_features(self.normalise(list(distinct.values()))).pooler_output)
        return seen[[number[digest] for digest in digests]]

    def normalise(self, shown: Sequence[np.ndarray]) -> torch.Tensor:
        """Turn bytes into the values -1..1 [n, 3, side, side] that the network was trained on."""
        values = torch.from_numpy(np.stack(shown)).permute(0, 3, 1, 2)
        return values.to(self.device, torch.float32, memory_format=torch.channels_last) / 127.5 - 1.0

    def pad(self, prompts: Sequence[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        """Tokens and mask [n, longest], filled up on the left."""
        longest = max(map(len, prompts))
        padded = [[self.words.pad_token_id] * (longest - len(each)) + each for each in prompts]
        mask = [[0] * (longest - len(each)) + [1] * len(each) for each in prompts]
        return torch.tensor(padded, device=self.device), torch.tensor(mask, device=self.device)

    def _write(
        self,
        embedded: torch.Tensor,
        mask: torch.Tensor,
        questions: Sequence[Question],
        chances: Sequence[torch.Generator],
    ) -> list[list[int]]:
        cache = DynamicCache(config=self.network.config.text_config)
        written: list[list[int]] = [[] for _ in questions]
        going = [True] * len(questions)
        step: dict[str, Any] = {"inputs_embeds": embedded, "position_ids": (mask.cumsum(1) - 1).clamp(min=0)}
        while True:
            logits = self.network(**step, attention_mask=mask, past_key_values=cache, logits_to_keep=1).logits[:, -1]
            chosen = _choose(logits.float().cpu(), questions, chances)
            for row, token in enumerate(chosen):
                if going[row]:
                    written[row].append(token)
                    going[row] = token != self.words.eos_token_id and len(written[row]) < questions[row].max_tokens
            if not any(going):
                return written
            mask = torch.cat([mask, mask.new_ones(len(questions), 1)], dim=1)
            last = torch.tensor(chosen, device=self.device)[:, None]
            step = {"input_ids": last, "position_ids": mask.sum(1, keepdim=True) - 1}

    def _collect(
        self,
        questions: Sequence[Question],
        prompts: Sequence[list[int]],
        rows: Sequence[int],
        written: Sequence[list[int]],
    ) -> list[Answer]:
        answers = []
        for index, (question, prompt) in enumerate(zip(questions, prompts, strict=True)):
            mine = [tokens for row, tokens in zip(rows, written, strict=True) if row == index]
            ended = [tokens[-1] == self.words.eos_token_id for tokens in mine]
            said = [self.words.decode(tokens, skip_special_tokens=True) for tokens in mine]
            texts = [_cut(text, question.stop) for text in said]
            stopped = [end or text != whole for end, text, whole in zip(ended, texts, said, strict=True)]
            finish = tuple("stop" if each else "length" for each in stopped)
            length = sum(len(tokens) - end for tokens, end in zip(mine, ended, strict=True))
            answers.append(Answer(tuple(texts), finish, len(prompt), length))
        return answers


def _chances(questions: Sequence[Question]) -> list[torch.Generator]:
    # One source of chance per sample, so that neighbours in the batch do not move it.
    chances = []
    for question in questions:
        seed = secrets.randbits(62) if question.seed is None else question.seed
        for sample in range(question.samples):
            mixed = hashlib.blake2b(f"{seed} {sample}".encode(), digest_size=7).digest()
            chances.append(torch.Generator().manual_seed(int.from_bytes(mixed)))
    return chances


def _choose(logits: torch.Tensor, questions: Sequence[Question], chances: Sequence[torch.Generator]) -> list[int]:
    chosen: list[int] = logits.argmax(-1).tolist()
    for row, question in enumerate(questions):
        if question.temperature >= COLDEST:
            shares = _nucleus(torch.softmax(logits[row] / question.temperature, dim=-1), question.top_p)
            chosen[row] = int(torch.multinomial(shares, 1, generator=chances[row]))
    return chosen


def _nucleus(shares: torch.Tensor, top_p: float) -> torch.Tensor:
    ordered, order = shares.sort(descending=True)
    ordered[ordered.cumsum(0) - ordered >= top_p] = 0
    return torch.zeros_like(shares).scatter(0, order, ordered)


def _cut(text: str, stop: Sequence[str]) -> str:
    ends = [text.index(mark) for mark in stop if mark and mark in text]
    return text[: min(ends)].rstrip() if ends else text
