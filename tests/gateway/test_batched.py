"""Requests that Triton batched: answered together, each with its own answer, and a bad one costs no other."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from gateway.batched import batched
from kernel.contract import Finish, Picture, Reply, Request
from kernel.errors import InvalidRequest

CONFIG = {
    "name": "painter",
    "max_batch_size": 8,
    "input": [{"name": name} for name in ("text_input", "negative_prompt", "sampling_parameters")],
    "output": [{"name": name} for name in ("image", "finish_reason", "report")],
    "parameters": {"kind": {"string_value": "imagine"}},
}


class Backend(ModuleType):
    """What of `triton_python_backend_utils` is used."""

    class TritonError(Exception):
        INVALID_ARG, INTERNAL, CANCELLED = "INVALID_ARG", "INTERNAL", "CANCELLED"

        def __init__(self, text: str, code: str) -> None:
            super().__init__(text, code)

    class Tensor:
        def __init__(self, name: str, array: np.ndarray[Any, Any]) -> None:
            self.given = name, array

    class InferenceResponse:
        def __init__(self, tensors: Sequence[Any] = (), error: Exception | None = None) -> None:
            self.arrays, self.error = dict(tensor.given for tensor in tensors), error


class Asked:
    """A request as Triton hands it over: a batch of one."""

    def __init__(self, text: str, *, cancelled: bool = False, **more: str) -> None:
        self._arrays = {name: np.array([[value.encode()]], dtype=object) for name, value in {"text_input": text, **more}.items()}
        self._cancelled = cancelled

    def is_cancelled(self) -> bool:
        return self._cancelled

    def parameters(self) -> str:
        return ""

    def inputs(self) -> list[Any]:
        return [_Input(name, array) for name, array in self._arrays.items()]


class _Input:
    def __init__(self, name: str, array: np.ndarray[Any, Any]) -> None:
        self._name, self._array = name, array

    def name(self) -> str:
        return self._name

    def as_numpy(self) -> np.ndarray[Any, Any]:
        return self._array


class Echo:
    """Answers with the prompt as a picture. "refuse" gets an error, and "break" breaks the whole batch."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def answer(self, requests: Sequence[Request]) -> list[Any]:
        self.batches.append(len(requests))
        if any(request.text == "break" for request in requests):
            raise ZeroDivisionError
        return [self._one(request) for request in requests]

    def _one(self, request: Request) -> Any:
        if request.text == "refuse":
            return InvalidRequest("not that")
        number = request.sampling.n or 1
        return Reply(pictures=(Picture(request.text.encode()),) * number, finish=(Finish.STOP,) * number)


@pytest.fixture
def hosted(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setitem(sys.modules, "triton_python_backend_utils", Backend("triton_python_backend_utils"))
    monkeypatch.setattr("structlog.configure", lambda **_: None)
    made = batched(Echo)()
    made.initialize({"model_config": json.dumps(CONFIG)})
    return made


def test_a_batch_is_one_call_and_each_gets_its_own(hosted: Any) -> None:
    """Also where requests ask for different numbers of answers."""
    responses = hosted.execute([Asked("a"), Asked("b", sampling_parameters='{"n": 3}')])

    assert hosted.model.batches == [2]
    assert [response.arrays["image"].tolist() for response in responses] == [[[b"a"]], [[b"b", b"b", b"b"]]]


def test_a_bad_request_costs_no_other(hosted: Any) -> None:
    """Neither one that cannot be read, nor one that the model refuses, nor one whose caller has gone."""
    bad = [Asked("a", sampling_parameters="{"), Asked("refuse"), Asked("a", cancelled=True)]

    responses = hosted.execute([*bad, Asked("good")])

    codes = [response.error.args[1] if response.error else None for response in responses]
    assert codes == ["INVALID_ARG", "INVALID_ARG", "CANCELLED", None]
    assert "[assay:InvalidRequest] not that" in responses[1].error.args[0]
    assert hosted.model.batches == [2]


def test_who_breaks_the_batch_fails_alone(hosted: Any) -> None:
    """The others are asked again, each by itself."""
    responses = hosted.execute([Asked("a"), Asked("break"), Asked("b")])

    assert [response.error is None for response in responses] == [True, False, True]
    assert "the model raised ZeroDivisionError" in responses[1].error.args[0]
    assert hosted.model.batches == [3, 1, 1, 1]


def test_a_batch_of_nothing_but_bad_requests_does_not_reach_the_model(hosted: Any) -> None:
    """There is nothing to ask."""
    hosted.execute([Asked("a", sampling_parameters="[]")])

    assert hosted.model.batches == []
