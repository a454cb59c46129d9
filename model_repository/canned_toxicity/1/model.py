"""The stand-in for Perspective inside Triton."""

from canned_classes import CannedClasses, toxicity

from gateway.batched import batched

TritonPythonModel = batched(lambda: CannedClasses(toxicity))
