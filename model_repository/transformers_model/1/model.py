"""Any text-writing checkpoint of transformers inside Triton."""

from generator import Generator

from gateway.batched import batched

TritonPythonModel = batched(Generator)
