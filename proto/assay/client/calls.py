"""What can be asked of the service: every call from plain arguments, without a connection. Both clients make their methods of these."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar

from google.protobuf.duration_pb2 import Duration
from google.protobuf.empty_pb2 import Empty
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from assay.client.items import struct
from assay.v1 import evaluation_pb2 as evaluation
from assay.v1 import scoring_pb2 as scoring
from assay.v1.types_pb2 import Outcome, OutcomeStatus

T = TypeVar("T")
_EVALUATION, _SCORING = "/assay.v1.Evaluation", "/assay.v1.Scoring"
SCORE_STREAM = f"{_SCORING}/ScoreStream"


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A call with one answer.

    read: makes what the caller gets of the answer.
    again: whether it may be made again when its answer was lost.
    """

    method: str
    request: Message
    answer: type[Message]
    read: Callable[[Any], T]
    again: bool = True


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """A call that is made for page after page; `read` takes a page apart."""

    method: str
    request: Any
    answer: type[Message]
    read: Callable[[Any], Iterable[T]]


@dataclass(frozen=True, slots=True)
class Following(Generic[T]):
    """A stream of answers that each have a cursor, from which it can be picked up; `read` takes an answer apart."""

    method: str
    request: Any
    answer: type[Message]
    read: Callable[[Any], Iterable[T]]


def list_suites(*, page_size: int = 0) -> Listing[evaluation.Suite]:
    """The suites that can be run."""
    request = evaluation.ListSuitesRequest(page_size=page_size)
    return Listing(f"{_EVALUATION}/ListSuites", request, evaluation.ListSuitesResponse, lambda page: page.suites)


def list_evaluators(*, page_size: int = 0) -> Listing[evaluation.Evaluator]:
    """The evaluators that suites are made of."""
    request = evaluation.ListEvaluatorsRequest(page_size=page_size)
    return Listing(f"{_EVALUATION}/ListEvaluators", request, evaluation.ListEvaluatorsResponse, lambda page: page.evaluators)


def list_models(*, page_size: int = 0) -> Listing[evaluation.Model]:
    """The models of the catalog."""
    request = evaluation.ListModelsRequest(page_size=page_size)
    return Listing(f"{_EVALUATION}/ListModels", request, evaluation.ListModelsResponse, lambda page: page.models)


def create_run(
    suite: str | Mapping[str, Any],
    *,
    request_id: str | None = None,
    models: Iterable[str] = (),
    roles: Mapping[str, str] | None = None,
    conditions: Iterable[str] = (),
    draws: int = 0,
    options: Mapping[str, Any] | None = None,
    sample: bool = False,
    at_once: int = 0,
    budget: float | None = None,
    case_deadline: float | None = None,
) -> Call[evaluation.Run]:
    """Start a run of a suite by its name, or of one's own with the fields of a suite file; the rest as in `RunOverrides`, seconds for times.

    request_id: the same one again makes no second run; None for a new one.
    """
    request = evaluation.CreateRunRequest(request_id=str(uuid.uuid4()) if request_id is None else request_id)
    if isinstance(suite, str):
        request.suite = suite
    else:
        request.inline_suite.CopyFrom(struct(suite))
    overrides = evaluation.RunOverrides(
        models=models, roles=roles, conditions=conditions, draws=draws, sample=sample, at_once=at_once, budget=budget, case_deadline=_duration(case_deadline)
    )
    if options is not None:
        overrides.options.CopyFrom(struct(options))
    if overrides.ByteSize():
        request.overrides.CopyFrom(overrides)
    return Call(f"{_EVALUATION}/CreateRun", request, evaluation.Run, _whole)


def get_run(name: str) -> Call[evaluation.Run]:
    """A run as it is now."""
    return Call(f"{_EVALUATION}/GetRun", evaluation.GetRunRequest(name=name), evaluation.Run, _whole)


def list_runs(*, suite: str = "", states: Iterable[evaluation.RunState.ValueType] = (), page_size: int = 0) -> Listing[evaluation.Run]:
    """Runs, newest first, without manifest and tasks; of one suite and in some states where told."""
    request = evaluation.ListRunsRequest(suite=suite, states=states, page_size=page_size)
    return Listing(f"{_EVALUATION}/ListRuns", request, evaluation.ListRunsResponse, lambda page: page.runs)


def watch(run: str, cursor: str | None = None, *, progress_only: bool = False) -> Following[evaluation.WatchRunResponse]:
    """What becomes new in a run, to its end, each outcome once; after `cursor` of an earlier response where one is told."""
    request = evaluation.WatchRunRequest(name=run, cursor=cursor or "", progress_only=progress_only)
    return Following(f"{_EVALUATION}/WatchRun", request, evaluation.WatchRunResponse, lambda response: (response,))


def cancel_run(name: str) -> Call[evaluation.Run]:
    """Stop a run; what it has is kept."""
    return Call(f"{_EVALUATION}/CancelRun", evaluation.CancelRunRequest(name=name), evaluation.Run, _whole)


def resume_run(name: str) -> Call[evaluation.Run]:
    """Go on with a run that was interrupted."""
    return Call(f"{_EVALUATION}/ResumeRun", evaluation.ResumeRunRequest(name=name), evaluation.Run, _whole)


def delete_run(name: str) -> Call[None]:
    """Forget a run with its outcomes. Not made again by itself when its answer was lost."""
    return Call(f"{_EVALUATION}/DeleteRun", evaluation.DeleteRunRequest(name=name), Empty, lambda _: None, again=False)


def list_outcomes(
    run: str,
    *,
    tasks: Iterable[str] = (),
    models: Iterable[str] = (),
    statuses: Iterable[OutcomeStatus.ValueType] = (),
    full: bool = False,
) -> Following[Outcome]:
    """The outcomes of a run in the order in which they were kept; `full` has questions, replies and records."""
    request = evaluation.ListOutcomesRequest(name=run, tasks=tasks, models=models, statuses=statuses, full=full)
    return Following(f"{_EVALUATION}/ListOutcomes", request, evaluation.ListOutcomesResponse, lambda response: response.outcomes)


def get_report(run: str, *, parts: Iterable[str] = ()) -> Call[evaluation.Report]:
    """The scorecard of a run; only some fields of it where told, such as `page`."""
    mask = list(parts)
    request = evaluation.GetReportRequest(name=run, read_mask=FieldMask(paths=mask) if mask else None)
    return Call(f"{_EVALUATION}/GetReport", request, evaluation.Report, _whole)


def compare_runs(before: str, after: str, *, metric: str = "", model_before: str = "", model_after: str = "") -> Call[list[evaluation.Comparison]]:
    """Two runs against each other, over the cases that both scored."""
    request = evaluation.CompareRunsRequest(before=before, after=after, metric=metric, model_before=model_before, model_after=model_after)
    return Call(f"{_EVALUATION}/CompareRuns", request, evaluation.CompareRunsResponse, lambda answer: list(answer.comparisons))


def list_scorers(*, page_size: int = 0) -> Listing[scoring.ScorerInfo]:
    """What can score."""
    request = scoring.ListScorersRequest(page_size=page_size)
    return Listing(f"{_SCORING}/ListScorers", request, scoring.ListScorersResponse, lambda page: page.scorers)


def score(items: Iterable[scoring.Item], *, item_deadline: float | None = None) -> Call[list[scoring.ItemResult]]:
    """A result for every item of one batch, in their order; `item_deadline` in seconds."""
    request = scoring.ScoreRequest(items=items, item_deadline=_duration(item_deadline))
    return Call(f"{_SCORING}/Score", request, scoring.ScoreResponse, lambda answer: list(answer.results))


def _duration(seconds: float | None) -> Duration | None:
    if seconds is None:
        return None
    made = Duration()
    made.FromTimedelta(timedelta(seconds=seconds))
    return made


def _whole(answer: Any) -> Any:
    return answer
