"""Answers generate requests with any text-writing checkpoint of transformers: the prompts that come together are one batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from generator_checkpoint import load
from generator_prompts import Prompt, Prompts
from generator_rows import Row, Writer, rows

from kernel.contract import Finish, Reply, Request, Sampling
from kernel.errors import InvalidRequest, InvalidSpec, ModelError, TooLarge

MAX_TOKENS = 256
MOST_PICTURES = 16
MOST_SAMPLES = 32
MOST_ROWS = 32
"""Samples of all requests that are written at once."""
TAKEN = frozenset({"n", "max_tokens", "temperature", "top_p", "seed", "stop"})
PLAIN = "joined by newlines: the checkpoint has no chat template"


@dataclass(eq=False)
class Job:
    """One request on its way: its rows, and what went wrong."""

    prompt: Prompt
    sampling: Sampling
    written: list[Row] = field(default_factory=list)
    input_tokens: int = 0
    error: ModelError | None = None

    @property
    def width(self) -> int:
        """How many rows it has."""
        return len(self.written)


class Generator:
    """Holds the checkpoint; `answer` is what Triton's batches go to."""

    def __init__(
        self,
        checkpoint: str | None = None,
        *,
        max_tokens: int | None = None,
        most_pictures: int | None = None,
        compile: bool | None = None,  # noqa: A002  # the catalog's word
        **how: Any,
    ) -> None:
        if not checkpoint:
            raise InvalidSpec("transformers_model", ["checkpoint is missing; expected the folder of one"])
        self._checkpoint = load(str(checkpoint), **how)
        self._prompts = Prompts(self._checkpoint, most_pictures or MOST_PICTURES)
        self._writer = Writer(self._checkpoint.network, self._checkpoint.tokenizer)
        self._max_tokens = max_tokens or MAX_TOKENS
        if compile:
            self._checkpoint.network.compile(dynamic=True)

    def answer(self, requests: Sequence[Request]) -> list[Reply | ModelError]:
        """Answer what is asked; a request that asks the impossible gets its error, the others their answers."""
        jobs = [self._job(request) for request in requests]
        for group in _groups([job for job in jobs if isinstance(job, Job)]):
            self._write(group)
        return [job if isinstance(job, ModelError) else job.error or self._reply(job) for job in jobs]

    def _job(self, request: Request) -> Job | ModelError:
        sampling = request.sampling
        if not 1 <= (sampling.n or 1) <= MOST_SAMPLES:
            return InvalidRequest(f"n is {sampling.n}; expected 1 to {MOST_SAMPLES}")
        try:
            job = Job(self._prompts.read(request), sampling)
        except ModelError as error:
            return error
        job.written = rows(sampling, sampling.max_tokens or self._max_tokens)
        return job

    def _write(self, group: Sequence[Job]) -> None:
        inputs, going = self._encoded(group)
        if going:
            self._writer.write(inputs, [row for job in going for row in job.written])

    def _encoded(self, group: Sequence[Job]) -> tuple[Any, Sequence[Job]]:
        """Tensors of the jobs that can be read, and those jobs; the others have their errors."""
        try:
            inputs = self._prompts.encode([job.prompt for job in group for _ in job.written])
        except (ValueError, NotImplementedError) as error:
            if len(group) == 1:
                group[0].error = InvalidRequest(f"the model's processor refuses the request: {error}")
            else:
                for job in group:
                    self._encoded([job])
        else:
            counts = iter(inputs["attention_mask"].sum(dim=1).tolist())
            for job in group:
                self._measure(job, [next(counts) for _ in job.written])
        going = [job for job in group if job.error is None]
        if len(going) == len(group) or not going:
            return inputs if going else None, going
        return self._encoded(going)

    def _measure(self, job: Job, counts: Sequence[int]) -> None:
        """See that the prompt fits the context, and how much room it leaves."""
        job.input_tokens = tokens = counts[0]
        context = self._checkpoint.context
        if not tokens:
            job.error = InvalidRequest("the prompt has no tokens; expected some text or a picture")
        elif context and tokens >= context:
            job.error = TooLarge(f"the prompt has {tokens} tokens, and the model reads at most {context}, the answer among them")
        elif context:
            for row in job.written:
                row.limit = min(row.limit, context - tokens)

    def _reply(self, job: Job) -> Reply:
        number = job.sampling.n or 1
        written = job.written * number if job.width == 1 else job.written
        report = dict(self._checkpoint.about)
        if not self._checkpoint.template:
            report["prompt"] = PLAIN
        ignored = sorted(set(job.sampling.as_dict()) - TAKEN)
        if ignored:
            report["not_honoured"] = ignored
        return Reply(
            texts=tuple(self._writer.text(row) for row in written),
            finish=tuple(Finish.STOP if row.finished else Finish.LENGTH for row in written),
            input_tokens=job.input_tokens,
            output_tokens=sum(len(row.tokens) for row in written),
            report=report,
        )


def _groups(jobs: Sequence[Job]) -> Iterator[list[Job]]:
    """Jobs that go through the network together: of one sort, and not too many rows."""
    for sort in sorted({job.prompt.sort for job in jobs}):
        group: list[Job] = []
        for job in (job for job in jobs if job.prompt.sort == sort):
            if group and sum(each.width for each in group) + job.width > MOST_ROWS:
                yield group
                group = []
            group.append(job)
        if group:
            yield group
