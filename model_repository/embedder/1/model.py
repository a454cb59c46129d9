"""The embedder inside Triton."""

from embedding import Embedder

from gateway.batched import batched

TritonPythonModel = batched(Embedder)
