"""The shapes detector inside Triton."""

from shapes_detection import ShapesDetector

from gateway.batched import batched

TritonPythonModel = batched(ShapesDetector)
