"""OpenAI's models inside Triton."""

from gateway.host import hosted
from gateway.proxies.openai import OpenAI

TritonPythonModel = hosted(OpenAI)
