"""A text-to-image pipeline of diffusers inside Triton."""

from pipeline_painter import PipelinePainter

from gateway.batched import batched

TritonPythonModel = batched(PipelinePainter)
