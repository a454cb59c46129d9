"""A model of MLServer, run in an environment that has it: answers with what it was asked, as JSON."""

import json

from mlserver import MLModel
from mlserver.codecs import StringCodec
from mlserver.types import InferenceRequest, InferenceResponse


class Words(MLModel):
    """One text for one request."""

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Tell what came; the text `fail` is where it breaks."""
        text, *others = payload.inputs
        seen = {"text": StringCodec.decode_input(text)[0]}
        if seen["text"] == "fail":
            message = "it broke"
            raise ValueError(message)
        seen |= {other.name: [len(one) if isinstance(one, bytes) else one for one in other.data] for other in others}
        return InferenceResponse(model_name=self.name, outputs=[StringCodec.encode_output("text_output", [json.dumps(seen)])])
