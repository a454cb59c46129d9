"""OpenAI's models inside Triton."""

from gateway.host import hosted
from gateway.proxies.batches import by_mode
from gateway.proxies.openai import OpenAI
from gateway.proxies.openai_batches import OpenAIBatches

TritonPythonModel = hosted(by_mode(OpenAI, OpenAIBatches))
