"""Not TensorRT-LLM: it has the tensors of its `llmapi` model, treats them as that does, and answers with what it was asked, as JSON.

Written after what github.com/NVIDIA/TensorRT-LLM has in triton_backend/all_models/llmapi: a text of one dimension, settings in
tensors of their own, pictures as `data:` URIs, an answer that begins with the prompt unless told otherwise, and no counts of tokens.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils

PREFIX = "sampling_param_"
ENDS = ("timeout", "cancelled")


class TritonPythonModel:
    """One response to one request."""

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer every request, or say why not, as the backend does."""
        return [self._answer(request) for request in requests]

    def _answer(self, request: Any) -> Any:
        given = {tensor.name(): tensor.as_numpy() for tensor in request.inputs()}
        if given["text_input"].ndim > 1:
            return self._refused("The current implementation only supports text_input being a 1D tensor.")
        flags = {name: bool(array[0]) for name, array in given.items() if array.dtype == np.bool_}
        if flags.get("streaming"):
            return self._refused("Streaming is only supported in decoupled mode.")
        prompt = given["text_input"][0].decode()
        if prompt == "fail":
            return self._refused("the engine is gone")
        pictures = []
        for uri in given.get("image_url", ()):
            scheme, _, encoded = uri.decode().partition(";base64,")
            if not scheme.startswith("data:image/"):
                return self._refused(f"Unsupported image_url {uri[:40]!r}")
            pictures.append([scheme.removeprefix("data:image/"), hashlib.sha256(base64.b64decode(encoded, validate=True)).hexdigest()])
        settings = {
            name.removeprefix(PREFIX): [one.decode() for one in array] if array.dtype == np.object_ else array.item()
            for name, array in given.items()
            if name.startswith(PREFIX) and array.dtype != np.bool_
        }
        types = {name.removeprefix(PREFIX): str(array.dtype) for name, array in given.items() if name.startswith(PREFIX)}
        seen = {"prompt": prompt, "pictures": pictures, "settings": settings, "types": types, "flags": flags, "parameters": json.loads(request.parameters())}
        text = ("" if flags.get(PREFIX + "exclude_input_from_output") else prompt) + json.dumps(seen)
        outputs = [pb_utils.Tensor("text_output", np.asarray([text.encode()], dtype=np.object_))]
        if flags.get("return_finish_reason"):
            end = prompt if prompt in ENDS else "length" if "max_tokens" in settings else "stop"
            outputs.append(pb_utils.Tensor("finish_reason", np.asarray([end], dtype=np.object_)))
        return pb_utils.InferenceResponse(output_tensors=outputs)

    def _refused(self, why: str) -> Any:
        text = pb_utils.Tensor("text_output", np.asarray(["N/A"], dtype=np.object_))
        return pb_utils.InferenceResponse(output_tensors=[text], error=pb_utils.TritonError(f"Error generating request: {why}"))
