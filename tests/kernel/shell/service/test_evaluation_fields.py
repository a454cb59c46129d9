"""Every RPC of `Evaluation` with each of its fields absent, odd and extreme: refused or answered, and never a defect of ours."""

from __future__ import annotations

from pathlib import Path

import pytest

grpc = pytest.importorskip("grpc")
for needed in ("grpc_status", "prometheus_client", "opentelemetry", "google.rpc"):
    pytest.importorskip(needed)

from evaluation_service import FINISHED, inline, serving, until  # noqa: E402
from google.protobuf.descriptor import FieldDescriptor  # noqa: E402

from assay.v1 import evaluation_pb2 as pb  # noqa: E402

METHODS = pb.DESCRIPTOR.services_by_name["Evaluation"].methods
LONG = "x" * 70_000
ODD = {
    FieldDescriptor.CPPTYPE_STRING: ["", " ", "\x00", LONG, "é\u202e", "'; drop table runs; --", "%", "../../etc", "${HOME}", "a\nb"],
    FieldDescriptor.CPPTYPE_INT32: [0, 1, -1, 2**31 - 1, -(2**31)],
    FieldDescriptor.CPPTYPE_INT64: [0, 1, -1, 2**63 - 1, -(2**63)],
    FieldDescriptor.CPPTYPE_ENUM: [0, 1, 4, 99, -1, 2**31 - 1],
    FieldDescriptor.CPPTYPE_BOOL: [True],
    FieldDescriptor.CPPTYPE_DOUBLE: [0.0, -1.0, 1e308, float("nan"), float("inf"), float("-inf")],
}
FINE = {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.ALREADY_EXISTS}


def _fill(message, field, value) -> None:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        getattr(message, field.name)["judge" if value != "" else ""] = value
    elif field.is_repeated:
        getattr(message, field.name).extend([value] * 3)
    else:
        setattr(message, field.name, value)


def variants(descriptor, path=()):
    """Ways to each plain field below a message, each with a value; `Struct`s have their own."""
    for field in descriptor.fields:
        inner = field.message_type
        if inner is not None and inner.GetOptions().map_entry:
            for value in ODD[FieldDescriptor.CPPTYPE_STRING]:
                yield (*path, field), value
        elif inner is not None and inner.full_name == "google.protobuf.Struct":
            for value in ({}, {"": ""}, {"size": None}, {"size": [[]] * 5}, {"size": {"deep": {"deeper": LONG}}}, {"size": 1e300}, {"\x00": "\x00"}):
                yield (*path, field), value
        elif inner is not None:
            yield from variants(inner, (*path, field))
        else:
            for value in ODD[field.cpp_type]:
                yield (*path, field), value


def filled(request, way, value):
    message = request
    for field in way[:-1]:
        message = getattr(message, field.name)
        message.SetInParent()
    if isinstance(value, dict):
        getattr(message, way[-1].name).update(value)
    else:
        _fill(message, way[-1], value)
    return request


@pytest.mark.parametrize("method", [method.name for method in METHODS])
async def test_no_field_of_a_request_trips_the_server_up(tmp_path: Path, method: str):
    described = next(each for each in METHODS if each.name == method)
    made = getattr(pb, described.input_type.name)
    async with serving(tmp_path) as service:
        service.session.seconds = 0.0
        stub = service.stub()
        run = (await stub.CreateRun(inline(size=2))).name
        await until(stub, run, FINISHED)
        known = {name: run for name in ("name", "before", "after") if name in described.input_type.fields_by_name}
        if method == "CreateRun":
            known = {"suite": "stranger"}
        odd = []
        for way, value in [((), None), *variants(described.input_type)]:
            request = made(**known) if way else made()
            if way:
                filled(request, way, value)
            call = getattr(stub, method)(request, timeout=20)
            try:
                if described.server_streaming:
                    async for _ in call:
                        pass
                else:
                    await call
            except grpc.aio.AioRpcError as error:
                if error.code() not in FINE | ({grpc.StatusCode.RESOURCE_EXHAUSTED} if method == "CreateRun" else set()):
                    odd.append((".".join(field.name for field in way), str(value)[:40], error.code().name, error.details()))
            if method == "DeleteRun" and not (await stub.ListRuns(pb.ListRunsRequest())).runs:
                break
        assert not odd
