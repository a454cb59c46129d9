"""Anthropic's models inside Triton."""

from gateway.host import hosted
from gateway.proxies.anthropic import Anthropic

TritonPythonModel = hosted(Anthropic)
