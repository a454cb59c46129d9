"""The vision-language model inside Triton."""

from respondent import Respondent

from gateway.batched import batched

TritonPythonModel = batched(Respondent)
