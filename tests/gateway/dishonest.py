# ruff: noqa: N802 - the names of methods are the protocol's
"""Servers that break one promise each: `breaks` says which."""

from __future__ import annotations

import asyncio

import grpc

from kernel.contract import Finish, Kind, Reply
from kernel.errors import InvalidRequest, ModelFault, RateLimited, Unavailable
from tests.gateway.honest import Honest

CANARY = "answers what its kind answers"
PICTURES = {"refuses what is no picture", "refuses a damaged picture"}
MANGLED = {"refuses a missing input", "refuses another type", "refuses bad sampling parameters"}


def abort(code, text=""):
    """A call that ends with a status."""

    async def call(self, request, context):
        await context.abort(code, text)

    return call


class Bad(Honest):
    """Known by `__subclasses__`."""


class NotLive(Bad):
    breaks = {"is live"}
    ServerLive = abort(grpc.StatusCode.UNAVAILABLE)


class NotLoaded(Bad):
    breaks = {"is loaded"}

    async def ModelReady(self, request, context):
        return type(await super().ModelReady(request, context))(ready=False)


class WithoutMetadata(Bad):
    breaks = {"tells its tensors"}
    ModelMetadata = abort(grpc.StatusCode.UNIMPLEMENTED)


class UnderAnotherName(Bad):
    breaks = {"tells its tensors"}

    async def ModelMetadata(self, request, context):
        metadata = await super().ModelMetadata(request, context)
        metadata.name = "another"
        return metadata


class Locked(Bad):
    breaks = {"tells its tensors"}
    ModelMetadata = ModelConfig = abort(grpc.StatusCode.UNAVAILABLE, "This protocol is restricted, expecting header 'triton-grpc-protocol-x'")


class OfNoKind(Bad):
    breaks = {"is of a known kind"}
    ModelConfig = abort(grpc.StatusCode.UNIMPLEMENTED)


class DeclaresNumbers(Bad):
    breaks = {"has the tensors of its kind"}

    async def ModelMetadata(self, request, context):
        metadata = await super().ModelMetadata(request, context)
        metadata.outputs[0].datatype = "FP32"
        return metadata


class DeclaresThree(Bad):
    breaks = {"has the shapes of its kind"}

    async def ModelMetadata(self, request, context):
        metadata = await super().ModelMetadata(request, context)
        metadata.inputs[0].shape[:] = [3]
        return metadata


class AnswersAnother(Bad):
    breaks = {CANARY}

    def wrap(self, response, message):
        response.id = "another"
        return response


class Misshapes(Bad):
    breaks = {CANARY}

    def written(self, reply):
        response = super().written(reply)
        response.outputs[0].shape[:] = [2]
        return response


class WritesLatin(Bad):
    breaks = {CANARY}

    def written(self, reply):
        response = super().written(reply)
        response.raw_output_contents[0] = b"\1\0\0\0\xe9"
        return response


class EndsForNoReason(Bad):
    breaks = {CANARY}

    def written(self, reply):
        response = super().written(reply)
        response.raw_output_contents[1] = b"\4\0\0\0eos!"
        return response


class Numberless(Bad):
    breaks = {CANARY}
    kind = Kind.EMBED

    def written(self, reply):
        response = super().written(reply)
        response.raw_output_contents[0] = b"\0\0\xc0\x7f" * 2
        return response


class Stuck(Bad):
    breaks = {CANARY}

    async def answer(self, request, context):
        await asyncio.sleep(3600)


class MixesUp(Bad):
    breaks = {"answers many at once"}

    def __init__(self):
        super().__init__()
        self.waiting = []

    async def answer(self, request, context):
        self.waiting.append(request.text)
        await asyncio.sleep(0.05)
        return Reply(texts=(self.waiting.pop(),), finish=(Finish.STOP,))


class Crowded(Bad):
    breaks = {"answers many at once"}
    running = 0

    async def answer(self, request, context):
        self.running += 1
        try:
            if self.running > 8:
                raise RateLimited("eight at most")
            return await super().answer(request, context)
        finally:
            self.running -= 1


class Narrow(Bad):
    breaks = {"takes large pictures"}
    options = ()


class Blind(Bad):
    breaks = PICTURES

    def check_picture(self, picture):
        """Nothing is looked at."""


class MakesUpInputs(Bad):
    breaks = {"refuses a missing input"}

    def check_tensors(self, tensors):
        tensors.setdefault("text_input", [b""])


class TakesAnyType(Bad):
    breaks = {"refuses another type"}

    def check_type(self, tensor):
        """Nothing is looked at."""

    def elements(self, tensor, raw):
        return [b""] if tensor.datatype != "BYTES" else super().elements(tensor, raw)


class SamplesAnyhow(Bad):
    breaks = {"refuses bad sampling parameters"}

    def check_tensors(self, tensors):
        tensors.pop("sampling_parameters", None)


class HangsUpOnBadInput(Bad):
    breaks = PICTURES | MANGLED

    def code_of(self, error):
        return super().code_of(Unavailable("") if isinstance(error, InvalidRequest) else error)


class AnswersToAnyName(Bad):
    breaks = {"knows no other model"}

    def know(self, name):
        """Every name is its own."""


class BreaksOnShortDeadlines(Bad):
    breaks = {"ends at a short deadline"}

    async def answer(self, request, context):
        if context.time_remaining() < 1.5:
            raise ModelFault("in a hurry")
        return await super().answer(request, context)


class SpeaksLatin(Bad):
    breaks = {"takes any unicode"}

    async def answer(self, request, context):
        reply = await super().answer(request, context)
        return Reply(texts=(reply.text.encode("latin-1", "replace").decode("latin-1"),), finish=reply.finish)
