"""The embedder of shapes inside Triton."""

from shapes_embedding import ShapesEmbedder

from gateway.batched import batched

TritonPythonModel = batched(ShapesEmbedder)
