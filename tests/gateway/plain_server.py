"""A fake that says it is one: a server of the KServe v2 protocol that is not Triton.

It tells metadata and no configuration, and answers with typed contents. The text `slow` takes a moment; `leak` brings an error that
repeats the caller's headers. As a program, given a name, a port and a version, it serves until it is killed.
"""

from __future__ import annotations

import asyncio
import sys

import grpc
import grpc.aio
from tritonclient.grpc import service_pb2, service_pb2_grpc

TENSOR = service_pb2.ModelMetadataResponse.TensorMetadata


class Plain(service_pb2_grpc.GRPCInferenceServiceServicer):
    """One model of the kind generate, which says its server's name and the text. `wanted` are headers without which nothing is told."""

    def __init__(self, name="plain", version="1", wanted=()):
        self.name = name
        self.version = version
        self.wanted = dict(wanted)
        self.asked = 0
        self.ready = True

    async def ModelReady(self, request, context):  # noqa: N802 - the protocol's name, as below
        await self._check(context)
        return service_pb2.ModelReadyResponse(ready=self.ready)

    async def ModelConfig(self, request, context):  # noqa: N802
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, "Method not found!")

    async def ModelMetadata(self, request, context):  # noqa: N802
        await self._check(context)
        inputs = [TENSOR(name="text_input", datatype="BYTES", shape=[1])]
        return service_pb2.ModelMetadataResponse(
            name=request.name, versions=[self.version], inputs=inputs, outputs=[TENSOR(name="text_output", datatype="BYTES", shape=[1])]
        )

    async def ModelInfer(self, request, context):  # noqa: N802
        await self._check(context)
        self.asked += 1
        text = request.raw_input_contents[0][4:].decode()
        if text == "slow":
            await asyncio.sleep(0.2)
        if text == "leak":
            await context.abort(grpc.StatusCode.INTERNAL, f"what you sent me: {context.invocation_metadata()}")
        response = service_pb2.ModelInferResponse(model_name=request.model_name, id=request.id)
        response.outputs.add(name="text_output", datatype="BYTES", shape=[1, 1]).contents.bytes_contents.append(f"{self.name}: {text}".encode())
        return response

    async def _check(self, context):
        given = dict(context.invocation_metadata())
        for name, value in self.wanted.items():
            if given.get(name) != value:
                await context.abort(grpc.StatusCode.UNAUTHENTICATED, f"{name} is {str(given.get(name))[:6]}…, which lets nobody in")


async def serve(plain, port=0, credentials=None):
    """The started server, and its port."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(plain, server)
    address = f"127.0.0.1:{port}"
    port = server.add_insecure_port(address) if credentials is None else server.add_secure_port(address, credentials)
    await server.start()
    return server, port


async def main():
    server, port = await serve(Plain(sys.argv[1], sys.argv[3]), int(sys.argv[2]))
    print(port, flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(main())
