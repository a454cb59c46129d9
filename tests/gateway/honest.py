# ruff: noqa: N802 - the names of methods are the protocol's
"""A server on loopback that keeps every promise; a test breaks one of them by overriding it."""

from __future__ import annotations

import asyncio
import struct

import grpc.aio
from tritonclient.grpc import model_config_pb2, service_pb2, service_pb2_grpc

from gateway import answering, asking, frames, pictures, status
from gateway.signature import BYTES, FP32, INPUTS, OUTPUT_TYPES, OUTPUTS, of_kind
from kernel.contract import Finish, Kind, Reply
from kernel.errors import BadReply, InvalidRequest, ModelError, ModelNotFound

NAME = "m"
ROOM = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))


class Honest(service_pb2_grpc.GRPCInferenceServiceServicer):
    """One model, `m`: of kind generate it repeats its text, of kind embed it numbers it."""

    kind = Kind.GENERATE
    options = ROOM

    def __init__(self):
        self.signature = of_kind(NAME, self.kind)

    async def ServerLive(self, request, context):
        return service_pb2.ServerLiveResponse(live=True)

    async def ServerReady(self, request, context):
        return service_pb2.ServerReadyResponse(ready=True)

    async def ServerMetadata(self, request, context):
        return service_pb2.ServerMetadataResponse(name="honest", version="1")

    async def RepositoryIndex(self, request, context):
        index = service_pb2.RepositoryIndexResponse()
        index.models.add(name=NAME, state="READY")
        return index

    async def ModelReady(self, request, context):
        return service_pb2.ModelReadyResponse(ready=request.name == NAME)

    async def ModelMetadata(self, request, context):
        metadata = service_pb2.ModelMetadataResponse(name=NAME, versions=["1"], platform="honest")
        for tensors, table in ((metadata.inputs, INPUTS), (metadata.outputs, OUTPUTS)):
            for tensor in table[self.kind]:
                tensors.add(name=tensor.name, datatype=tensor.datatype, shape=tensor.dims)
        return metadata

    async def ModelConfig(self, request, context):
        config = model_config_pb2.ModelConfig(name=NAME, backend="honest")
        for tensor in INPUTS[self.kind]:
            config.input.add(name=tensor.name, data_type="TYPE_STRING", dims=tensor.dims, optional=tensor.optional)
        for tensor in OUTPUTS[self.kind]:
            config.output.add(name=tensor.name, data_type="TYPE_FP32" if tensor.datatype == FP32 else "TYPE_STRING", dims=tensor.dims)
        config.parameters["kind"].string_value = self.kind
        return service_pb2.ModelConfigResponse(config=config)

    async def ModelInfer(self, request, context):
        try:
            reply = await self.answer(self.read(request), context)
        except ModelError as error:
            await context.abort(self.code_of(error), str(error))
        return self.wrap(self.written(reply), request)

    def read(self, message):
        self.know(message.model_name)
        for tensor in message.inputs:
            self.check_type(tensor)
        tensors = {t.name: self.elements(t, raw) for t, raw in zip(message.inputs, message.raw_input_contents, strict=True)}
        self.check_tensors(tensors)
        request = asking.request_of(tensors, {}, self.signature)
        for picture in request.pictures:
            self.check_picture(picture)
        return request

    def know(self, name):
        if name != NAME:
            raise ModelNotFound(f"no {name}")

    def check_type(self, tensor):
        if tensor.datatype != BYTES:
            raise InvalidRequest(f"{tensor.name} is {tensor.datatype}")

    def elements(self, tensor, raw):
        try:
            return frames.texts(tensor.name, raw, tensor.shape[0])
        except BadReply as error:
            raise InvalidRequest(str(error)) from None

    def check_tensors(self, tensors):
        """To be overridden."""

    def check_picture(self, picture):
        pictures.decode(picture.data)

    async def answer(self, request, context):
        await asyncio.sleep(0.02)
        if self.kind is Kind.EMBED:
            return Reply(rows=((float(len(request.text)), 1.0),))
        return Reply(texts=(request.text,), finish=(Finish.STOP,), input_tokens=1, output_tokens=1)

    def code_of(self, error):
        return status.code_of(error)

    def written(self, reply):
        response = service_pb2.ModelInferResponse(model_name=NAME)
        for name, value in answering.tensors_of(reply, self.signature).items():
            datatype = OUTPUT_TYPES[self.kind][name]
            if datatype == BYTES:
                shape, raw = [len(value)], b"".join(struct.pack("<I", len(element)) + element for element in value)
            elif datatype == FP32:
                shape, raw = [len(value), len(value[0])], b"".join(struct.pack("<f", number) for row in value for number in row)
            else:
                shape, raw = [1], struct.pack("<I", value)
            response.outputs.add(name=name, datatype=datatype, shape=shape)
            response.raw_output_contents.append(raw)
        return response

    def wrap(self, response, message):
        response.id = message.id
        return response


async def serve(servicer):
    """Start it; its address, and how to end it."""
    server = grpc.aio.server(options=servicer.options)
    service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    return f"grpc://127.0.0.1:{port}", lambda: server.stop(0)
