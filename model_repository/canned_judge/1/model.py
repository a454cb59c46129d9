"""The canned judge inside Triton."""

from canned_judge import CannedJudge

from gateway.batched import batched

TritonPythonModel = batched(CannedJudge)
