"""The reader of printed text inside Triton."""

from reader import Reader

from gateway.batched import batched
from gateway.instrument import Instrument

TritonPythonModel = batched(lambda: Instrument(Reader().read))
