"""The stand-in for a face detector with FairFace inside Triton."""

from canned_faces import faces

from gateway.batched import batched
from gateway.instrument import Instrument

TritonPythonModel = batched(lambda: Instrument(faces))
