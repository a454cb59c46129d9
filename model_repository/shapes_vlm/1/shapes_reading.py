"""What is done around the network of shapes_vlm: words to tokens, pictures to numbers, and tokens to answers. It loads no weights."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapes_eye  # noqa: F401 - makes the vision encoder known to transformers
import torch
from PIL import Image
from transformers import LlavaConfig, PreTrainedTokenizerFast

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

    @property
    def by_lot(self) -> bool:
        """Whether words are drawn, rather than the likeliest taken."""
        return self.temperature >= COLDEST


@dataclass(frozen=True, slots=True)
class Answer:
    """Texts and why each ended ("stop" or "length"), one per sample, with the tokens read and written."""

    texts: tuple[str, ...]
    finish: tuple[str, ...]
    input_tokens: int
    output_tokens: int


class Reader:
    """The tokenizer, and what the network's configuration says of pictures and tokens."""

    def __init__(self, folder: Path, device: torch.device) -> None:
        self.device = device
        self.words = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
        config = LlavaConfig.from_pretrained(folder, local_files_only=True)
        self.places: int = config.image_seq_length
        self.side: int = config.vision_config.image_size
        self.picture: int = config.image_token_id

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

    def pixels(self, picture: Image.Image | None) -> np.ndarray:
        """Bytes [side, side, 3] of an RGB picture of any size."""
        shown = Image.new("RGB", (self.side, self.side), BLANK) if picture is None else picture
        return np.asarray(shown.resize((self.side, self.side), Image.Resampling.BICUBIC))

    def normalise(self, shown: Sequence[np.ndarray]) -> torch.Tensor:
        """Turn bytes into the values -1..1 [n, 3, side, side] that the network was trained on."""
        values = torch.from_numpy(np.stack(shown)).permute(0, 3, 1, 2)
        return values.to(self.device, torch.float32, memory_format=torch.channels_last) / 127.5 - 1.0

    def distinct(self, questions: Sequence[Question]) -> tuple[torch.Tensor, list[int]]:
        """The pictures of all questions, each once, and which of them each question is about."""
        shown = [self.pixels(question.picture) for question in questions]
        digests = [hashlib.blake2b(each.tobytes()).digest() for each in shown]
        distinct = dict(zip(digests, shown, strict=True))
        number = {digest: index for index, digest in enumerate(distinct)}
        return self.normalise(list(distinct.values())), [number[digest] for digest in digests]

    def told(self, question: Question, prompt: Sequence[int], written: Sequence[Sequence[int]]) -> Answer:
        """The answer to a question, of the tokens written for each of its samples."""
        ended = [tokens[-1] == self.words.eos_token_id for tokens in written]
        said = [self.words.decode(tokens, skip_special_tokens=True) for tokens in written]
        texts = [_cut(text, question.stop) for text in said]
        stopped = [end or text != whole for end, text, whole in zip(ended, texts, said, strict=True)]
        finish = tuple("stop" if each else "length" for each in stopped)
        length = sum(len(tokens) - end for tokens, end in zip(written, ended, strict=True))
        return Answer(tuple(texts), finish, len(prompt), length)


def chances(question: Question) -> list[torch.Generator]:
    """One source of chance per sample, so that neighbours in the batch do not move it."""
    seed = secrets.randbits(62) if question.seed is None else question.seed
    mixed = [hashlib.blake2b(f"{seed} {sample}".encode(), digest_size=7).digest() for sample in range(question.samples)]
    return [torch.Generator().manual_seed(int.from_bytes(each)) for each in mixed]


def drawn(logits: torch.Tensor, question: Question, chance: torch.Generator) -> int:
    """A token by lot."""
    shares = _nucleus(torch.softmax(logits / question.temperature, dim=-1), question.top_p)
    return int(torch.multinomial(shares, 1, generator=chance))


def _nucleus(shares: torch.Tensor, top_p: float) -> torch.Tensor:
    ordered, order = shares.sort(descending=True)
    ordered[ordered.cumsum(0) - ordered >= top_p] = 0
    return torch.zeros_like(shares).scatter(0, order, ordered)


def _cut(text: str, stop: Sequence[str]) -> str:
    ends = [text.index(mark) for mark in stop if mark and mark in text]
    return text[: min(ends)].rstrip() if ends else text
