"""A model folder whose model does what the prompt says: dies, hangs, or answers."""

from pathlib import Path

CONFIG = """
backend: "python"
max_batch_size: 1
input [ { name: "text_input", data_type: TYPE_STRING, dims: [ 1 ] } ]
output [ { name: "text_output", data_type: TYPE_STRING, dims: [ 1 ] } ]
instance_group [ { kind: KIND_CPU, count: 1 } ]
parameters { key: "kind" value: { string_value: "generate" } }
"""

MODEL = """
import os
import time

import triton_python_backend_utils as pb_utils

{at_import}


class TritonPythonModel:
    def initialize(self, args):
        {at_load}

    def execute(self, requests):
        texts = [request.inputs()[0].as_numpy() for request in requests]
        for text in texts:
            word, number, *_ = [*text[0][0].decode().split(), "", ""]
            if word == "exit":
                os._exit(int(number or 0))
            if word == "abort":
                os.abort()
            if word == "sleep":
                time.sleep(float(number))
            while word == "spin":
                pass
        return [pb_utils.InferenceResponse([pb_utils.Tensor("text_output", text)]) for text in texts]
"""


def write_model(folder: Path, *, at_import: str = "", at_load: str = "pass", **parameters: object) -> Path:
    """Write the folder of a model that may also misbehave while it is being loaded."""
    (folder / "1").mkdir(parents=True)
    told = "".join(f'parameters {{ key: "{name}" value: {{ string_value: "{value}" }} }}\n' for name, value in parameters.items())
    (folder / "config.pbtxt").write_text(CONFIG + told)
    (folder / "1" / "model.py").write_text(MODEL.format(at_import=at_import, at_load=at_load))
    return folder
