"""The safety checker inside Triton."""

from safety_check import SafetyChecker

from gateway.batched import batched

TritonPythonModel = batched(SafetyChecker)
