"""Answers generate requests with the graphs of the network: requests join and leave a running batch, each when it comes and is done."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import torch
from respondent import FOLDER, question_of, reply_to
from shapes_reading import Question, Reader, chances, drawn

from gateway.engines.continuous import Continuous
from gateway.engines.rows import Row, Rows
from gateway.engines.serving import Networks
from gateway.graphed import PRECISION
from kernel.contract import Deadline, Reply, Request


@dataclass(frozen=True, slots=True)
class Sample:
    """One of the answers that a question asks for."""

    question: Question
    prompt: Sequence[int]
    chance: torch.Generator


class GraphRespondent:
    """Holds the graphs; `infer` is what each request goes to, whatever else is being answered."""

    def __init__(self, runtime: str, engines: str, precision: str = PRECISION) -> None:
        networks = Networks(FOLDER.parent / engines, runtime, precision=precision)
        self._runtime = runtime
        self._reader = Reader(FOLDER, networks.device)
        self._eye, self._words = networks["vision_encoder"], networks["token_embedding"]
        self.rows = Rows(networks, end=self._reader.words.eos_token_id)
        self._writing = Continuous(self.rows, self._begun)
        self._reading = ThreadPoolExecutor(1, "assay-reading")

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        """The answer to one request. Raises `ModelError` where it asks the impossible."""
        question = await asyncio.get_running_loop().run_in_executor(self._reading, question_of, request, self._reader)
        prompt = self._reader.encode(question.text)
        written = await self._writing.write([Sample(question, prompt, chance) for chance in chances(question)])
        return reply_to(request, self._reader.told(question, prompt, written), runtime=self._runtime)

    async def aclose(self) -> None:
        """End the writing."""
        await self._writing.aclose()
        self._reading.shutdown()

    def _begun(self, samples: Sequence[Sample]) -> list[Row]:
        """Rows that are to join together: each distinct picture is looked at once."""
        pictures, which = self._reader.distinct([each.question for each in samples])
        seen = self._eye(pixel_values=pictures)["image_features"]
        return [self._row(each, seen[picture]) for each, picture in zip(samples, which, strict=True)]

    def _row(self, sample: Sample, seen: torch.Tensor) -> Row:
        question = sample.question
        tokens = torch.tensor([sample.prompt], device=self._reader.device)
        read = self._words(input_ids=tokens)["inputs_embeds"][0]
        read[tokens[0] == self._reader.picture] = seen
        return Row(read, question.max_tokens, partial(drawn, question=question, chance=sample.chance) if question.by_lot else None)
