"""The shapes detector inside Triton."""

from shapes_finder import find

from gateway.batched import batched
from gateway.instrument import Instrument

TritonPythonModel = batched(lambda: Instrument(find))
