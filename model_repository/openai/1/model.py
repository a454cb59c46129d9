"""OpenAI's models inside Triton."""

from gateway.host import hosted
from gateway.proxies.openai_batches import served

TritonPythonModel = hosted(served)
