"""The classifier inside Triton."""

from classification import Classifier

from gateway.batched import batched

TritonPythonModel = batched(Classifier)
