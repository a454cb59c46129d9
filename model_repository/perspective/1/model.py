"""Google's Perspective API inside Triton."""

from gateway.host import hosted
from gateway.proxies.perspective import Perspective

TritonPythonModel = hosted(Perspective)
