"""The service `Evaluation`: what there is to be run, runs, and what came of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from google.protobuf.empty_pb2 import Empty

from assay.v1 import evaluation_pb2 as pb
from assay.v1 import types_pb2
from assay.v1.evaluation_pb2_grpc import EvaluationServicer
from kernel.shell.service import catalog, reporting
from kernel.shell.service.calls import call_of, caller_of
from kernel.shell.service.cursors import Cursor, cursor_of, cursor_text, page_after, page_size, page_token, wrong_cursor
from kernel.shell.service.messages import ENDED, STATES, STATUSES, details_of, outcome_message, run_message
from kernel.shell.service.models import Models
from kernel.shell.service.remote_suites import Suites
from kernel.shell.service.runs import Runs
from kernel.shell.service.statuses import BadFields, Violation
from kernel.shell.service.watching import Seen, look
from kernel.store.rows import Page, Settled
from kernel.store.store import Store

GATHERED = 512
"""Outcomes that a response has at most."""
FULL = 32
"""The same with all that is known of each."""
RunsOf = Callable[[str], Runs]
"""The runs of a namespace, by its name."""


class Evaluation(EvaluationServicer):
    """Evaluates models. Faults are raised as errors of `statuses`; whose call it is stands in `calls`."""

    def __init__(self, runs: RunsOf, models: Models, suites: Suites) -> None:
        self._runs_of = runs
        self._models = models
        self._suites = suites

    async def ListSuites(self, request: pb.ListSuitesRequest, context: Any) -> pb.ListSuitesResponse:  # noqa: N802
        """A page of the suites."""
        known = await asyncio.to_thread(lambda: self._suites.installed)
        page, more = catalog.page_by_name("suites", known, request)
        return pb.ListSuitesResponse(suites=(catalog.suite_message(*each) for each in page), next_page_token=more)

    async def ListEvaluators(self, request: pb.ListEvaluatorsRequest, context: Any) -> pb.ListEvaluatorsResponse:  # noqa: N802
        """A page of the evaluators that have cases."""
        known = catalog.of_suites(await asyncio.to_thread(self._suites.described))
        page, more = catalog.page_by_name("evaluators", known, request)
        return pb.ListEvaluatorsResponse(evaluators=(catalog.evaluator_message(*each) for each in page), next_page_token=more)

    async def ListModels(self, request: pb.ListModelsRequest, context: Any) -> pb.ListModelsResponse:  # noqa: N802
        """A page of the models."""
        page, more = catalog.page_by_name("models", await self._models.cards(), request)
        return pb.ListModelsResponse(models=(catalog.model_message(card, self._models.roles) for _, card in page), next_page_token=more)

    async def CreateRun(self, request: pb.CreateRunRequest, context: Any) -> pb.Run:  # noqa: N802
        """Start a run, once for a request id."""
        runs = self._runs()
        return await _told(runs, await runs.create(request, call_of().allowance.limits.runs))

    async def GetRun(self, request: pb.GetRunRequest, context: Any) -> pb.Run:  # noqa: N802
        """A run with its manifest and progress."""
        runs = self._runs()
        name = _name(request.name)
        seen = await runs.reading(look, name)
        manifest = (await runs.reading(Store.run, name))["manifest"]
        return await asyncio.to_thread(run_message, seen.row, seen.progress, manifest)

    async def ListRuns(self, request: pb.ListRunsRequest, context: Any) -> pb.ListRunsResponse:  # noqa: N802
        """A page of the runs, newest first."""
        runs = self._runs()
        size = page_size(request.page_size)
        states = _words(request.states, STATES, "states")
        of = f"runs {sorted(states)} {request.suite}"
        after = page_after(request.page_token, of, [str, str])
        rows = await runs.page((after[0], after[1]) if after else None, size + 1, _plain(request.suite), states)
        more = page_token(of, rows[size - 1].created, rows[size - 1].run) if len(rows) > size else ""
        return pb.ListRunsResponse(runs=(run_message(row) for row in rows[:size]), next_page_token=more)

    async def CancelRun(self, request: pb.CancelRunRequest, context: Any) -> pb.Run:  # noqa: N802
        """Stop a run."""
        runs = self._runs()
        await runs.cancel(name := _name(request.name))
        return await _told(runs, name)

    async def ResumeRun(self, request: pb.ResumeRunRequest, context: Any) -> pb.Run:  # noqa: N802
        """Let an interrupted run go on."""
        runs = self._runs()
        await runs.resume(name := _name(request.name), call_of().allowance.limits.runs)
        return await _told(runs, name)

    async def DeleteRun(self, request: pb.DeleteRunRequest, context: Any) -> Empty:  # noqa: N802
        """Forget a run."""
        runs = self._runs()
        await runs.delete(_name(request.name))
        return Empty()

    async def WatchRun(self, request: pb.WatchRunRequest, context: Any) -> AsyncIterator[pb.WatchRunResponse]:  # noqa: N802
        """Progress and outcomes as they come, and the report once nothing more comes by itself."""
        runs = self._runs()
        name = _name(request.name)
        seen, cursor = await _checked(runs, name, request.cursor)
        async with runs.watching.watched(name, seen) as watched:
            version = 0
            while True:
                version, seen = await watched.newer(version)
                rows: Sequence[Settled] = ()
                while not request.progress_only and cursor.position < seen.settled:
                    page = await runs.reading(Store.outcomes_after, name, cursor.position, GATHERED)
                    if page.position == cursor.position:
                        break
                    cursor, rows = Cursor(page.position), page.rows
                    if cursor.position < seen.settled:
                        yield pb.WatchRunResponse(cursor=cursor_text(name, cursor), outcomes=map(outcome_message, rows))
                        rows = ()
                if request.progress_only:
                    cursor = Cursor(max(cursor.position, seen.settled), cursor.ended)
                yield _news(runs, name, cursor, seen, rows)
                if seen.row.state in ENDED:
                    break
            if not cursor.ended:
                report = await watched.report(lambda: runs.reports(reporting.report_of, name))
                yield pb.WatchRunResponse(cursor=cursor_text(name, Cursor(cursor.position, ended=True)), report=report)

    async def ListOutcomes(self, request: pb.ListOutcomesRequest, context: Any) -> AsyncIterator[pb.ListOutcomesResponse]:  # noqa: N802
        """Outcomes that are there, in the order in which they were kept."""
        runs = self._runs()
        name = _name(request.name)
        filters = {"tasks": set(request.tasks), "models": set(request.models), "statuses": set(_words(request.statuses, STATUSES, "statuses"))}
        position = (await _checked(runs, name, request.cursor))[1].position
        whole = False
        while not whole:
            page, outcomes = await runs.reports(_page, name, position, full=request.full, **filters)
            position, whole = page.position, page.whole
            if outcomes or whole:
                yield pb.ListOutcomesResponse(cursor=cursor_text(name, Cursor(position)), outcomes=outcomes)

    async def GetReport(self, request: pb.GetReportRequest, context: Any) -> pb.Report:  # noqa: N802
        """The scorecard of a run."""
        parts = reporting.parts_of(request.read_mask, told=request.HasField("read_mask"))
        runs = self._runs()
        return await runs.reports(reporting.report_of, _name(request.name), parts)

    async def CompareRuns(self, request: pb.CompareRunsRequest, context: Any) -> pb.CompareRunsResponse:  # noqa: N802
        """Two runs, pair by pair."""
        runs = self._runs()
        for name in (request.before, request.after):
            await runs.row(_name(name))
        return await runs.reports(reporting.compared, request)

    def _runs(self) -> Runs:
        return self._runs_of(caller_of().namespace)


async def _told(runs: Runs, name: str) -> pb.Run:
    seen = await runs.reading(look, name)
    return run_message(seen.row, seen.progress)


async def _checked(runs: Runs, name: str, text: str) -> tuple[Seen, Cursor]:
    """A run, and the cursor that a caller told of it. Raises `NotThere`, or `BadFields` for one of another run or of the future."""
    seen = await runs.reading(look, name)
    cursor = cursor_of(text, name)
    if cursor.position > seen.settled:
        raise wrong_cursor()
    return seen, cursor


def _page(store: Store, name: str, position: int, *, full: bool, **filters: set[str]) -> tuple[Page, list[types_pb2.Outcome]]:
    page = store.outcomes_after(name, position, FULL if full else GATHERED, **filters)
    if not full:
        return page, list(map(outcome_message, page.rows))
    return page, [outcome_message(row, details) for row, details in zip(page.rows, details_of(store, page.rows), strict=True)]


def _news(runs: Runs, name: str, cursor: Cursor, seen: Seen, rows: Sequence[Settled]) -> pb.WatchRunResponse:
    return pb.WatchRunResponse(
        cursor=cursor_text(name, cursor), outcomes=map(outcome_message, rows), run=run_message(seen.row, seen.progress), cost=runs.carrying.cost(name)
    )


def _name(told: str) -> str:
    """The name of a run as a database takes it. What no run can be called is not there, as any other."""
    if not told:
        raise BadFields([Violation("name", "is missing; expected the name of a run")])
    return _plain(told)


def _plain(text: str) -> str:
    return text.replace("\x00", "\ufffd")


def _words(told: Any, known: Any, field: str) -> list[str]:
    """The store's words for values of an enum. Raises `BadFields` for one that it does not have."""
    words = {value: word for word, value in known.items()}
    if faults := [Violation(f"{field}[{at}]", f"is {value}; expected one of {', '.join(known)}") for at, value in enumerate(told) if value not in words]:
        raise BadFields(faults)
    return [words[value] for value in told]
