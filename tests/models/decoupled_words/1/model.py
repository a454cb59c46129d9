"""Says the text again, a word at a time; the word `fail` is where it breaks off."""

from __future__ import annotations

from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils

FINAL = pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL


class TritonPythonModel:
    """Many responses to one request."""

    def execute(self, requests: list[Any]) -> None:
        """Send every word on its own, then why it ended, then that it is over."""
        for request in requests:
            sender = request.get_response_sender()
            text = request.inputs()[0].as_numpy()[0].decode()
            for word in text.split(" "):
                if word == "fail":
                    fault = pb_utils.TritonError("[assay:QuotaExhausted] the words are used up", pb_utils.TritonError.INTERNAL)
                    sender.send(pb_utils.InferenceResponse(error=fault), flags=FINAL)
                    break
                sender.send(self._response(text_output=word + " "))
            else:
                sender.send(self._response(text_output="", finish_reason="stop"))
                sender.send(flags=FINAL)

    def _response(self, **outputs: str) -> Any:
        return pb_utils.InferenceResponse([pb_utils.Tensor(name, np.array([text.encode()], dtype=np.object_)) for name, text in outputs.items()])
