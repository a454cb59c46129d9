"""The text-to-image model inside Triton."""

from painter import Painter

from gateway.batched import batched

TritonPythonModel = batched(Painter)
