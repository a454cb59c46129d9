"""The face detector inside Triton."""

from face_finder import FaceFinder

from gateway.batched import batched
from gateway.instrument import Instrument

TritonPythonModel = batched(lambda **given: Instrument(FaceFinder(**given).find))
