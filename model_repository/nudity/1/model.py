"""The nudity detector inside Triton."""

from nudity import Nudity

from gateway.batched import batched
from gateway.instrument import Instrument

TritonPythonModel = batched(lambda: Instrument(Nudity().find))
