"""The stand-in for a classifier of refusals inside Triton."""

from canned_classes import CannedClasses, refusal

from gateway.batched import batched

TritonPythonModel = batched(lambda: CannedClasses(refusal))
