"""Has names of its own for everything, and answers with what it was asked, as JSON."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    """A batch of one in, the same out."""

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer every request."""
        return [self._answer(request) for request in requests]

    def _answer(self, request: Any) -> Any:
        given = {tensor.name(): tensor.as_numpy()[0].tolist()[0] for tensor in request.inputs()}
        seen = {name: value.decode() if isinstance(value, bytes) else value for name, value in given.items()}
        outputs = {
            "reply": np.array([[json.dumps(seen).encode()]], dtype=np.object_),
            "words": np.array([[len(seen["prompt"].split())]], dtype=np.int64),
            "mood": np.array([[0.5]], dtype=np.float32),
        }
        return pb_utils.InferenceResponse([pb_utils.Tensor(name, array) for name, array in outputs.items()])
