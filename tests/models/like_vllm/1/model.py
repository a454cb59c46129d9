"""Not vLLM: it has the tensors of Triton's vLLM backend, treats them as that does, and answers with what it was asked, as JSON.

Written after what github.com/triton-inference-server/vllm_backend has in src/model.py and src/utils/request.py: without
`exclude_input_in_output` an answer that is not streamed begins with the prompt, settings come from the request's own parameters
when `sampling_parameters` is missing, unknown ones are an error, the number of output tokens is one for each answer.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils

FINAL = pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL
KNOWN = {"n", "max_tokens", "temperature", "top_p", "top_k", "seed", "stop", "presence_penalty", "frequency_penalty", "lora_name"}


class TritonPythonModel:
    """Many responses to one request when it streams, else one."""

    def execute(self, requests: list[Any]) -> None:
        """Answer every request, or say why not, as the backend does."""
        for request in requests:
            sender = request.get_response_sender()
            try:
                self._answer(request, sender)
            except Exception as error:  # noqa: BLE001 - the backend does so
                fault = pb_utils.TritonError(f"Error generating stream: {error}")
                text = pb_utils.Tensor("text_output", np.asarray(["N/A"], dtype=np.object_))
                sender.send(pb_utils.InferenceResponse(output_tensors=[text], error=fault), flags=FINAL)

    def _answer(self, request: Any, sender: Any) -> None:
        given = {tensor.name(): tensor.as_numpy() for tensor in request.inputs()}
        prompt = given["text_input"][0].decode()
        if prompt == "fail":
            raise RuntimeError("the engine is gone")
        flags = {name: bool(array[0]) for name, array in given.items() if array.dtype == np.bool_}
        stream = flags.get("stream", False)
        prepended = not flags["exclude_input_in_output"] if "exclude_input_in_output" in flags else not stream
        if prepended and stream:
            raise ValueError("When streaming, `exclude_input_in_output` = False is not allowed.")
        settings = json.loads(given["sampling_parameters"][0]) if "sampling_parameters" in given else json.loads(request.parameters())
        if unknown := settings.keys() - KNOWN:
            raise TypeError(f"Unexpected keyword argument {sorted(unknown)}")
        pictures = [hashlib.sha256(base64.b64decode(picture, validate=True)).hexdigest() for picture in given.get("image", ())]
        seen = {"prompt": prompt, "pictures": pictures, "settings": settings, "flags": flags, "parameters": json.loads(request.parameters() or "{}")}
        words = json.dumps(seen).split(" ")
        end = prompt if prompt in ("abort", "error") else "length" if "max_tokens" in settings else "stop"
        pieces = [f"{word} " for word in words] if stream else [prompt * prepended + " ".join(words)]
        for number, piece in enumerate(pieces, 1):
            last = number == len(pieces)
            response = self._response(piece, end if last else None, len(words) if not stream else 1, settings.get("n", 1), flags, prompt)
            sender.send(response, flags=FINAL * last)

    def _response(self, text: str, end: str | None, tokens: int, n: int, flags: dict[str, bool], prompt: str) -> Any:
        outputs = [pb_utils.Tensor("text_output", np.asarray([text.encode()] * n, dtype=np.object_))]
        if flags.get("return_finish_reason"):
            outputs.append(pb_utils.Tensor("finish_reason", np.asarray([str(end)] * n, dtype=np.object_)))
        if flags.get("return_num_input_tokens"):
            outputs.append(pb_utils.Tensor("num_input_tokens", np.asarray(len(prompt.split()), dtype=np.uint32)))
        if flags.get("return_num_output_tokens"):
            outputs.append(pb_utils.Tensor("num_output_tokens", np.asarray([tokens] * n, dtype=np.uint32)))
        return pb_utils.InferenceResponse(output_tensors=outputs)
