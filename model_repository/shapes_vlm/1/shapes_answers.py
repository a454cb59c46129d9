"""Answers questions about pictures with the network beside this file; knows nothing of Triton.

Everything that is asked at once goes through the network as one padded batch with a key-value cache, each distinct
picture through the vision encoder once. An answer depends on the question, the picture and the seed, not on what else is
in the batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from shapes_reading import Answer, Question, Reader, chances, drawn
from transformers import DynamicCache, LlavaForConditionalGeneration

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class Answerer(Reader):
    """The network with its tokenizer."""

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        super().__init__(folder, torch.device(device))
        network = LlavaForConditionalGeneration.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
        self.network = network.to(self.device).eval()
        self.network.model.vision_tower.to(memory_format=torch.channels_last)  # a tenth faster on a CPU

    @torch.inference_mode()
    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        """Answer all questions in one batch."""
        prompts = [self.encode(question.text) for question in questions]
        rows = [index for index, question in enumerate(questions) for _ in range(question.samples)]
        tokens, mask = self.pad([prompts[index] for index in rows])
        embedded = self.network.get_input_embeddings()(tokens)
        embedded[tokens == self.picture] = self._see(questions)[rows].flatten(0, 1)
        written = self._write(embedded, mask, [questions[index] for index in rows], [each for question in questions for each in chances(question)])
        mine = [[tokens for row, tokens in zip(rows, written, strict=True) if row == index] for index in range(len(questions))]
        return [self.told(*each) for each in zip(questions, prompts, mine, strict=True)]

    def _see(self, questions: Sequence[Question]) -> torch.Tensor:
        pictures, which = self.distinct(questions)
        return torch.stack(self.network.get_image_features(pictures).pooler_output)[which]

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
        sources: Sequence[torch.Generator],
    ) -> list[list[int]]:
        cache = DynamicCache(config=self.network.config.text_config)
        written: list[list[int]] = [[] for _ in questions]
        going = [True] * len(questions)
        step: dict[str, Any] = {"inputs_embeds": embedded, "position_ids": (mask.cumsum(1) - 1).clamp(min=0)}
        while True:
            logits = self.network(**step, attention_mask=mask, past_key_values=cache, logits_to_keep=1).logits[:, -1]
            chosen = _choose(logits.float().cpu(), questions, sources)
            for row, token in enumerate(chosen):
                if going[row]:
                    written[row].append(token)
                    going[row] = token != self.words.eos_token_id and len(written[row]) < questions[row].max_tokens
            if not any(going):
                return written
            mask = torch.cat([mask, mask.new_ones(len(questions), 1)], dim=1)
            last = torch.tensor(chosen, device=self.device)[:, None]
            step = {"input_ids": last, "position_ids": mask.sum(1, keepdim=True) - 1}


def _choose(logits: torch.Tensor, questions: Sequence[Question], sources: Sequence[torch.Generator]) -> list[int]:
    chosen: list[int] = logits.argmax(-1).tolist()
    for row, question in enumerate(questions):
        if question.by_lot:
            chosen[row] = drawn(logits[row], question, sources[row])
    return chosen
