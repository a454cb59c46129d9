"""Anthropic's models inside Triton."""

from gateway.host import hosted
from gateway.proxies.anthropic import Anthropic
from gateway.proxies.anthropic_batches import AnthropicBatches
from gateway.proxies.batches import by_mode

TritonPythonModel = hosted(by_mode(Anthropic, AnthropicBatches))
