"""Writes many answers at once with `generate`, each by its own settings: how its tokens are chosen, and when it ends.

A row of the batch is one sample of one request. It has a source of chance of its own, and sees nothing of its neighbours.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers import (
    LogitsProcessor,
    LogitsProcessorList,
    NoRepeatNGramLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
    StoppingCriteria,
    StoppingCriteriaList,
)

from kernel.contract import Sampling

COLDEST = 1e-6
"""Lower temperatures are as good as 0, and would take the quotient beyond 32-bit floats."""


@dataclass(eq=False)
class Row:
    """One answer, as it grows. finished: it ended by itself or at a stop word, and not for want of room."""

    limit: int
    temperature: float = 0.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    chance: torch.Generator | None = None
    tokens: list[int] = field(default_factory=list)
    done: bool = False
    finished: bool = False

    @property
    def drawn(self) -> bool:
        """Whether chance chooses its tokens."""
        return self.temperature >= COLDEST


def rows(sampling: Sampling, limit: int) -> list[Row]:
    """A row for each sample that differs: without chance they are all one."""
    seed = secrets.randbits(62) if sampling.seed is None else sampling.seed
    settings = {"limit": limit, "temperature": sampling.temperature or 0.0, "stop": tuple(filter(None, sampling.stop or ()))}
    settings["top_p"] = 1.0 if sampling.top_p is None else sampling.top_p
    if settings["temperature"] < COLDEST:
        return [Row(**settings)]
    return [Row(**settings, chance=_chance(seed, sample)) for sample in range(sampling.n or 1)]


def cut(text: str, stop: Sequence[str]) -> str:
    """The text before the first stop word in it."""
    return text[: min((at for word in stop if (at := text.find(word)) >= 0), default=len(text))]


class Writer:
    """Writes with one network."""

    def __init__(self, network: Any, tokenizer: Any) -> None:
        self._network = network
        self._tokenizer = tokenizer
        settings = network.generation_config
        ends = settings.eos_token_id if settings.eos_token_id is not None else tokenizer.eos_token_id
        self._ends = frozenset(ends if isinstance(ends, list) else [] if ends is None else [ends])
        self._pad = next(each for each in (tokenizer.pad_token_id, settings.pad_token_id, *self._ends, 0) if each is not None)
        self._habits: list[LogitsProcessor] = []
        if settings.repetition_penalty not in (None, 1.0):
            self._habits.append(RepetitionPenaltyLogitsProcessor(settings.repetition_penalty))
        if settings.no_repeat_ngram_size:
            self._habits.append(NoRepeatNGramLogitsProcessor(settings.no_repeat_ngram_size))
        # The library would count the filling on the left among what was said.
        settings.update(repetition_penalty=None, no_repeat_ngram_size=None)
        settings.update(do_sample=False, temperature=None, top_p=None, top_k=None, max_length=None)
        settings.update(num_beams=1, num_return_sequences=1, return_dict_in_generate=False)

    @torch.inference_mode()
    def write(self, inputs: dict[str, Any], group: Sequence[Row]) -> None:
        """Fill the rows' tokens; each belongs to one row of the inputs."""
        start = (inputs["attention_mask"] != 0).int().argmax(dim=1).tolist()
        self._network.generate(
            **inputs,
            max_new_tokens=max(row.limit for row in group),
            pad_token_id=self._pad,
            logits_processor=LogitsProcessorList([_Choosing(group, start, self._habits)]),
            stopping_criteria=StoppingCriteriaList([_Ending(group, self._ends, self._tokenizer)]),
        )

    def text(self, row: Row) -> str:
        """What a row says, its stop words and all after them left out."""
        return cut(self._tokenizer.decode(row.tokens, skip_special_tokens=True), row.stop)


class _Choosing(LogitsProcessor):
    """Leaves only the chosen token possible in rows that are drawn by lot; `generate` takes the likeliest in the others."""

    def __init__(self, group: Sequence[Row], start: Sequence[int], habits: Sequence[LogitsProcessor]) -> None:
        self._group = group
        self._start = start
        self._habits = habits

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        scores = scores.clone()
        for index, row in enumerate(self._group):
            if row.done:
                continue
            for habit in self._habits:
                scores[index : index + 1] = habit(input_ids[index : index + 1, self._start[index] :], scores[index : index + 1])
            if row.drawn:
                token = _draw(scores[index].float().cpu(), row)
                scores[index] = -torch.inf
                scores[index, token] = 0.0
        return scores


class _Ending(StoppingCriteria):
    """Takes what was chosen into the rows, and tells which have ended."""

    def __init__(self, group: Sequence[Row], ends: frozenset[int], tokenizer: Any) -> None:
        self._group = group
        self._ends = ends
        self._tokenizer = tokenizer

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        for row, token in zip(self._group, input_ids[:, -1].tolist(), strict=True):
            if not row.done:
                self._take(row, token)
        return torch.tensor([row.done for row in self._group], device=input_ids.device)

    def _take(self, row: Row, token: int) -> None:
        if token in self._ends:
            row.finished = True
        else:
            row.tokens.append(token)
            row.finished = self._at_stop_word(row)
        row.done = row.finished or len(row.tokens) >= row.limit

    def _at_stop_word(self, row: Row) -> bool:
        """A character has at most four tokens of bytes, so only the end of the text has to be looked at."""
        if not row.stop:
            return False
        tail = self._tokenizer.decode(row.tokens[-4 * max(map(len, row.stop)) - 8 :], skip_special_tokens=True)
        return any(word in tail for word in row.stop)


def _draw(scores: torch.Tensor, row: Row) -> int:
    shares = torch.softmax(scores / row.temperature, dim=-1)
    if row.top_p < 1:
        ordered, order = shares.sort(descending=True)
        ordered[1:][ordered.cumsum(0)[:-1] >= row.top_p] = 0
        shares = torch.zeros_like(shares).scatter(0, order, ordered)
    return int(torch.multinomial(shares, 1, generator=row.chance))


def _chance(seed: int, sample: int) -> torch.Generator:
    mixed = hashlib.blake2b(f"{seed} {sample}".encode(), digest_size=7).digest()
    return torch.Generator().manual_seed(int.from_bytes(mixed))
