"""The vision-language model inside Triton, by its graphs: `configs/onnx.pbtxt` and `configs/tensorrt.pbtxt` name this file."""

from graph_respondent import GraphRespondent

from gateway.host import hosted

TritonPythonModel = hosted(GraphRespondent)
