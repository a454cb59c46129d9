"""Anthropic's models inside Triton."""

from gateway.host import hosted
from gateway.proxies.anthropic_batches import served

TritonPythonModel = hosted(served)
