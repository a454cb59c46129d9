"""Every method × every kind of credential: what it gets is what the document says, and what the scopes say."""

from __future__ import annotations

from pathlib import Path

import pytest

for needed in ("grpc", "assay.v1", "grpc_health", "grpc_reflection", "prometheus_client", "opentelemetry", "google.rpc"):
    pytest.importorskip(needed)

from tests.kernel.shell.service.permissions import DOCUMENT, document, tried  # noqa: E402

NOBODY = ("none", "malformed", "doubled", "wrong scheme", "elsewhere", "unknown", "revoked", "expired")
CHANGES = {"CreateRun", "CancelRun", "ResumeRun", "DeleteRun"}
OF_A_RUN = {"GetRun", "WatchRun", "CancelRun", "ResumeRun", "ListOutcomes", "GetReport", "CompareRuns", "DeleteRun"}


def expected(method: str, kind: str) -> str:
    """What the scopes say."""
    service, _, name = method.rpartition(".")
    if service == "grpc.health.v1.Health":
        return "OK"
    if kind in NOBODY:
        return "UNAUTHENTICATED"
    scope = "score" if service == "assay.v1.Scoring" else "run" if name in CHANGES else "read"
    if service.startswith("assay.") and kind not in {scope, "all", "other"}:
        return "PERMISSION_DENIED"
    return "NOT_FOUND" if kind == "other" and name in OF_A_RUN else "OK"


async def test_every_method_answers_every_credential_as_it_is_written_down(tmp_path: Path):
    found = await tried(tmp_path)

    assert found == {method: {kind: expected(method, kind) for kind in kinds} for method, kinds in found.items()}
    assert DOCUMENT.read_text("utf-8") == document(found), "run: python -m tests.kernel.shell.service.permissions"
