"""The open-vocabulary detector inside Triton."""

from open_detection import OpenDetector

from gateway.batched import batched

TritonPythonModel = batched(OpenDetector)
