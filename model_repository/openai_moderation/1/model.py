"""OpenAI's moderation models inside Triton."""

from gateway.host import hosted
from gateway.proxies.moderation import Moderation

TritonPythonModel = hosted(Moderation)
