"""Every method of a running server with every kind of credential, tried; and the table of it: python -m tests.kernel.shell.service.permissions."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from assay.client import AsyncClient
from assay.v1 import evaluation_pb2, scoring_pb2
from kernel.shell.service.tokens import add_token, revoke_token
from tests.kernel.shell.service.serving_process import Served

DOCUMENT = Path(__file__).parents[4] / "proto" / "PERMISSIONS.md"
TEAM, OTHER = "team", "other"
EVERYTHING = ("read", "run", "score")
SUITE = {"suite": "s", "models": ["parrot"], "tasks": [{"evaluator": "stranger.echo", "options": {"size": 2}}]}
ITEM = scoring_pb2.Item(id="1", scorer=scoring_pb2.Scorer(name="measure.yes_no"), reply="yes")
ITEM.reference.string_value = "yes"
HEAD = """# Who may call what

What every method answers to every kind of credential, as a test found it by trying (`tests/kernel/shell/service/test_serving_permissions.py`); each
call is one that is right in itself, about a run of the namespace `team`. A method without a line here makes the test fail.

- **none**: no `authorization`. **malformed**: no token of ours. **doubled**: twice the right one. **wrong scheme**: `Basic`. **elsewhere**: the right
  one under another name. **unknown**: of the right form, and never made. **expired**, **revoked**: made once.
- **read**, **run**, **score**: a token of `team` with this scope alone. **all**: with all three. **other**: all three, of another namespace.
- Without a file of tokens everybody is **all**, in the namespace `default`.

"""


def requests(run: str) -> dict[str, Any]:
    """A request for each method that is right in itself."""
    pb = evaluation_pb2
    create = pb.CreateRunRequest()
    create.inline_suite.update(SUITE)
    return {
        "assay.v1.Evaluation.ListSuites": pb.ListSuitesRequest(),
        "assay.v1.Evaluation.ListEvaluators": pb.ListEvaluatorsRequest(),
        "assay.v1.Evaluation.ListModels": pb.ListModelsRequest(),
        "assay.v1.Evaluation.CreateRun": create,
        "assay.v1.Evaluation.GetRun": pb.GetRunRequest(name=run),
        "assay.v1.Evaluation.ListRuns": pb.ListRunsRequest(),
        "assay.v1.Evaluation.WatchRun": pb.WatchRunRequest(name=run),
        "assay.v1.Evaluation.CancelRun": pb.CancelRunRequest(name=run),
        "assay.v1.Evaluation.ResumeRun": pb.ResumeRunRequest(name=run),
        "assay.v1.Evaluation.ListOutcomes": pb.ListOutcomesRequest(name=run),
        "assay.v1.Evaluation.GetReport": pb.GetReportRequest(name=run),
        "assay.v1.Evaluation.CompareRuns": pb.CompareRunsRequest(before=run, after=run),
        "assay.v1.Evaluation.DeleteRun": pb.DeleteRunRequest(name=run),
        "assay.v1.Scoring.ListScorers": scoring_pb2.ListScorersRequest(),
        "assay.v1.Scoring.Score": scoring_pb2.ScoreRequest(items=[ITEM]),
        "assay.v1.Scoring.ScoreStream": scoring_pb2.ScoreStreamRequest(items=[ITEM]),
        "grpc.health.v1.Health.Check": health_pb2.HealthCheckRequest(),
        "grpc.health.v1.Health.Watch": health_pb2.HealthCheckRequest(),
        "grpc.reflection.v1alpha.ServerReflection.ServerReflectionInfo": reflection_pb2.ServerReflectionRequest(list_services=""),
    }


def credentials(file: Path) -> dict[str, tuple[tuple[str, str], ...]]:
    """Metadata by kind of credential; writes the file of tokens."""
    soon = datetime.now(UTC) + timedelta(hours=1)
    made = {name: add_token(file, name, TEAM, {name}) for name in EVERYTHING}
    made["all"] = add_token(file, "all", TEAM, EVERYTHING)
    made["other"] = add_token(file, "other", OTHER, EVERYTHING)
    gone = {"revoked": add_token(file, "revoked", TEAM, EVERYTHING), "expired": add_token(file, "expired", TEAM, EVERYTHING, soon)}
    revoke_token(file, "revoked")
    file.write_text(file.read_text().replace(f"{soon:%Y-%m-%d}", "2020-01-01"))
    right, last = made["all"], made["all"][-1]
    unknown = right[:-1] + ("A" if last != "A" else "E")
    return {
        "none": (),
        "malformed": _bearer("sesame"),
        "doubled": _bearer(right) * 2,
        "wrong scheme": (("authorization", f"Basic {right}"),),
        "elsewhere": (("x-authorization", f"Bearer {right}"),),
        "unknown": _bearer(unknown),
        **{name: _bearer(token) for name, token in {**gone, **made}.items()},
    }


async def tried(folder: Path) -> dict[str, dict[str, str]]:
    """The status of every method with every kind of credential, by method and kind. Raises `KeyError` for a method without a request here."""
    kinds = credentials(folder / "tokens.yaml")
    with Served(folder, "--tokens", folder / "tokens.yaml") as served:
        async with grpc.aio.insecure_channel(served.address) as channel:
            methods = [each async for each in _methods(channel, kinds["all"])]
            runs = {kind: await _run(served.address, kinds["all"]) for kind in kinds}
            return {
                method.full_name: {kind: await _status(channel, method, requests(runs[kind])[method.full_name], told) for kind, told in kinds.items()}
                for method in sorted(methods, key=lambda each: list(requests("")).index(each.full_name))
            }


def document(found: Mapping[str, Mapping[str, str]]) -> str:
    """The table, as it stands beside the protos."""
    kinds = list(next(iter(found.values())))
    lines = [f"| method | {' | '.join(kinds)} |", f"|---{'|---' * len(kinds)}|"]
    for method, statuses in found.items():
        service, _, name = method.rpartition(".")
        lines.append(f"| {service.rpartition('.')[2]}.{name} | {' | '.join(statuses.values())} |")
    return HEAD + "\n".join(lines) + "\n"


async def _methods(channel: grpc.aio.Channel, metadata: Any) -> Any:
    """All methods of the services that the server tells of."""
    asked = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    async for answer in reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(asked, metadata=metadata):
        for service in answer.list_services_response.service:
            for method in descriptor_pool.Default().FindServiceByName(service.name).methods:
                yield method


async def _run(address: str, metadata: tuple[tuple[str, str], ...]) -> str:
    """A run that has ended."""
    async with AsyncClient(address, token=metadata[0][1].partition(" ")[2]) as client:
        run = await client.create_run(SUITE)
        async for _ in client.watch(run.name):
            pass
        return str(run.name)


async def _status(channel: grpc.aio.Channel, method: MethodDescriptor, request: Any, metadata: tuple[tuple[str, str], ...]) -> str:
    path = f"/{method.containing_service.full_name}/{method.name}"
    answer = GetMessageClass(method.output_type).FromString
    kind = f"{'stream' if method.client_streaming else 'unary'}_{'stream' if method.server_streaming else 'unary'}"
    call = getattr(channel, kind)(path, type(request).SerializeToString, answer)(
        iter([request]) if method.client_streaming else request, metadata=metadata, timeout=20
    )
    try:
        if not method.server_streaming:
            await call
        else:
            async for _ in call:
                if method.name == "Watch":  # it has no end
                    call.cancel()
                    return "OK"
    except grpc.aio.AioRpcError as error:
        return error.code().name
    return (await call.code()).name


def _bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


def _written() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        DOCUMENT.write_text(document(asyncio.run(tried(Path(folder)))), "utf-8")
    yield f"wrote {DOCUMENT}"


if __name__ == "__main__":
    print(*_written())
