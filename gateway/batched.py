"""Runs a model that answers many requests at once inside Triton's Python backend, behind Triton's dynamic batching.

    from gateway.batched import batched
    from my_model import MyModel

    TritonPythonModel = batched(MyModel)

is a whole `model.py`. The parameters of `config.pbtxt` are arguments of the class, as in `gateway.host`. All requests of one
`execute` are one call of `answer`. Whatever the model returns or raises, each request gets exactly one answer, and a bad one
costs no other.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import structlog

from gateway import status, wire
from gateway.host import arguments, signature_of
from kernel.contract import Reply, Request
from kernel.errors import Cancelled, ModelError, ModelFault

log = structlog.get_logger("assay.batched")

Answer = Reply | ModelError


class BatchModel(Protocol):
    """What is hosted: it blocks, and knows nothing of Triton."""

    def answer(self, requests: Sequence[Request]) -> Sequence[Answer]:
        """Answer each request, in order, with a reply or with the error that it would have raised."""
        ...


def batched(make: Callable[..., BatchModel]) -> type[BatchedModel]:
    """The class that Triton looks for, around what `make` makes."""
    return type("TritonPythonModel", (BatchedModel,), {"make": staticmethod(make)})


class BatchedModel:
    """What Triton calls."""

    make: Callable[..., BatchModel]

    def initialize(self, args: Mapping[str, str]) -> None:
        """Load the model."""
        import triton_python_backend_utils  # noqa: PLC0415 - exists only inside Triton's stub

        structlog.configure(
            processors=[structlog.processors.add_log_level, structlog.processors.format_exc_info, structlog.processors.JSONRenderer()],
            logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        )
        self.backend: Any = triton_python_backend_utils
        config = json.loads(args["model_config"])
        parameters = {name: value["string_value"] for name, value in config.get("parameters", {}).items()}
        unbatched = signature_of({**config, "max_batch_size": 0}, parameters)
        self.signature = replace(unbatched, batched=config["max_batch_size"] > 0)
        self.model = type(self).make(**arguments(parameters))

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer a batch."""
        read = [self._read(request) for request in requests]
        asked = [each for each in read if isinstance(each, Request)]
        answers = iter(answered(self.model, asked))
        return [self._response(next(answers) if isinstance(each, Request) else each) for each in read]

    def _read(self, request: Any) -> Request | ModelError:
        if request.is_cancelled():
            return Cancelled("the caller gave up")
        tensors = {tensor.name(): tensor.as_numpy() for tensor in request.inputs()}
        try:
            return wire.read(tensors, json.loads(request.parameters() or "{}"), self.signature)
        except ModelError as error:
            return error

    def _response(self, answer: Answer) -> Any:
        if isinstance(answer, Reply):
            try:
                arrays = wire.write(answer, self.signature)
            except ModelError as error:
                answer = error
            else:
                return self.backend.InferenceResponse([self.backend.Tensor(name, array) for name, array in arrays.items()])
        code = getattr(self.backend.TritonError, status.triton_code(answer))
        return self.backend.InferenceResponse(error=self.backend.TritonError(status.text_of(answer), code))


def answered(model: BatchModel, requests: Sequence[Request]) -> Sequence[Answer]:
    """An answer to each request. When a whole batch breaks, each is asked alone, so that only the culprit fails."""
    if not requests:
        return []
    try:
        answers = list(model.answer(requests))
        if len(answers) != len(requests):
            raise RuntimeError(f"{len(answers)} answers to {len(requests)} requests")  # noqa: TRY301  # told like whatever else the model may raise
    except ModelError as error:
        answers = [error]
    except Exception as error:
        log.exception("model_raised", model=requests[0].model, requests=len(requests))
        answers = [ModelFault(f"the model raised {type(error).__name__}; the trace is in the log")]
    else:
        return answers
    if len(requests) == 1:
        return answers
    return [answer for request in requests for answer in answered(model, [request])]
