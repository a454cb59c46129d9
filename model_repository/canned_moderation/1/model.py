"""The stand-in for OpenAI's moderation inside Triton."""

from canned_classes import CannedClasses, moderation

from gateway.batched import batched

TritonPythonModel = batched(lambda: CannedClasses(moderation))
