"""Judges by the part they play, numbers over all cases together, and what a benchmark makes of both."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

import stranger
from kernel_runs import carry_out, plan_of

from kernel.benchmark import Aggregate, Benchmark, Published
from kernel.contract import Finish, Reply, Request, Text
from kernel.evaluator import Metric, Score
from kernel.report import scorecard
from kernel.runner import Outcome


class Asked:
    """Answers with the name it was asked by."""

    def __init__(self):
        self.names = []

    async def infer(self, request, *, deadline):
        self.names.append(request.model)
        return Reply(texts=(request.model,), finish=(Finish.STOP,))

    async def aclose(self): ...


@dataclass(frozen=True, kw_only=True)
class Judged(stranger.Echo):
    """Asks a judge, and records a number a case."""

    metrics: ClassVar = (Metric("named/reference"), Metric("named/corrected"))
    totals: ClassVar = (Metric("spread", unit="points"), Metric("never"))
    roles: ClassVar = ("judge",)
    broken: bool = False
    half: bool = False

    async def score(self, case, reply, models, deadline):
        said = await models.infer(Request("judge", (Text("?"),)), deadline=deadline)
        number = int(case.id.rsplit("-", 1)[-1]) if "-" in case.id else len(case.id)
        reference = None if self.half else 1.0
        return Score(reference, said.text, {"named/corrected": 0.5}, record={"number": number})

    def over(self, records):
        if self.broken:
            raise ValueError("no")
        numbers = [record["number"] for record in records]
        return {"spread": max(numbers) - min(numbers) + 1, "never": None}


async def played(cast, **options):
    plan = await plan_of("parrot", size=20)
    tasks = [replace(task, evaluator=Judged(target=task.evaluator.target, size=20, **options)) for task in plan.tasks]
    cards = {**plan.cards, "gauge": replace(plan.cards["parrot"], name="gauge", identity="gauge:1")}
    return replace(plan, tasks=tuple(tasks), cast=cast, cards=cards)


def lines(store, run="one"):
    return {line.metric: line for line in scorecard(store, run).lines}


async def test_a_role_is_asked_by_the_name_of_who_plays_it(store):
    model = Asked()

    events, _ = await carry_out(await played({"judge": "gauge"}), store, model)

    assert {event.reason for event in events if isinstance(event, Outcome)} == {"gauge"}
    assert set(model.names) == {"parrot", "gauge"}


async def test_what_needs_a_part_that_nobody_plays_is_unscored_with_the_reason(store):
    events, runner = await carry_out(await played({}), store, Asked())

    found = [event for event in events if isinstance(event, Outcome)]
    assert {(each.status, each.error) for each in found} == {("unscored", "RoleUnfilled")}
    assert "roles: {judge: NAME}" in found[0].reason
    assert runner.finished


async def test_a_model_may_play_the_judge_of_itself(store):
    """Whoever wrote the catalog wanted it."""
    events, _ = await carry_out(await played({"judge": "parrot"}), store, Asked())

    assert {event.status for event in events if isinstance(event, Outcome)} == {"scored"}


async def test_one_way_of_counting_may_have_a_number_where_the_other_has_none(store):
    events, _ = await carry_out(await played({"judge": "gauge"}, half=True), store, Asked())

    assert {(event.status, event.value) for event in events if isinstance(event, Outcome)} == {("scored", None)}
    found = lines(store)
    assert (found["named/reference"].mean, found["named/reference"].unscored) == (None, 20)
    assert (found["named/corrected"].mean, found["named/corrected"].scored) == (0.5, 20)


async def test_totals_are_made_of_all_records_with_an_interval(store):
    await carry_out(await played({"judge": "gauge"}), store, Asked())

    spread = lines(store)["spread"]
    numbers = [record["number"] for _, record in store.records(store.tasks("one")[0].task_id)]
    assert spread.mean == max(numbers) - min(numbers) + 1
    assert spread.low <= spread.high <= spread.mean
    assert (spread.unit, spread.planned, spread.scored) == ("points", 20, 20)


async def test_a_total_that_cannot_be_had_says_why_and_fails_no_case(store):
    await carry_out(await played({"judge": "gauge"}, broken=True), store, Asked())

    found = lines(store)
    assert (found["spread"].mean, found["spread"].scored, found["named/reference"].mean) == (None, 0, 1.0)
    assert any("ValueError: no" in note for note in scorecard(store, "one").notes)


async def test_a_total_without_a_value_is_told(store):
    await carry_out(await played({"judge": "gauge"}), store, Asked())

    assert lines(store)["never"].mean is None
    assert any("never: cannot be made of these cases" in note for note in scorecard(store, "one").notes)


@dataclass
class Small:
    """A benchmark of one task."""

    name: str = "small"
    title: str = "Small"
    asked: list = field(default_factory=list)

    def listed(self, data=""):
        yield from ()

    def aggregates(self, numbers):
        self.asked.append(numbers)
        yield Aggregate(name="all", mode="reference", value=numbers["stranger.echo"]["named/reference"], tasks=1, of=1)

    def published(self):
        return [Published(name="all", model="other", value=0.25, source="a paper")]

    def answer(self, task, metric, given):
        raise NotImplementedError

    def check_data(self, data):
        yield from ()

    def fetch_data(self, out, revision):
        yield from ()


async def test_a_benchmark_makes_its_scores_of_the_lines(store):
    plan = await played({"judge": "gauge"})
    manifest = {**plan.manifest, "suite": {**plan.manifest["suite"], "benchmark": "small"}}
    await carry_out(replace(plan, manifest=manifest), store, Asked())
    store.begin_run("one", "suite", manifest)
    benchmark = Small()
    assert isinstance(benchmark, Benchmark)

    card = scorecard(store, "one", {"small": benchmark}.get)

    assert card.aggregates["parrot"][0].value == 1.0
    assert card.published[0].source == "a paper"
    assert benchmark.asked[0]["stranger.echo"]["spread"] == lines(store)["spread"].mean


async def test_a_store_from_before_totals_is_read_and_written(store, tmp_path):
    """An earlier Assay made no such table."""
    from kernel.store.store import Store

    store.close()
    with Store(store.folder, write=True) as opened, opened.engine.begin() as connection:
        connection.exec_driver_sql("drop table totals")
    with Store(store.folder, write=False) as opened:
        assert opened.totals(1) == []
    with Store(store.folder, write=True) as opened:
        await carry_out(await played({"judge": "gauge"}), opened, Asked())
        assert lines(opened)["spread"].mean is not None


async def test_the_scorecard_of_a_sample_says_so(store):
    plan = await played({"judge": "gauge"})
    sample = {"data": "sample", "models": ["parrot"]}
    for run, data in (("one", "sample"), ("two", "/official")):
        manifest = {**plan.manifest, "suite": {**plan.manifest["suite"], "data": data, "sample": sample}}
        await carry_out(replace(plan, manifest=manifest), store, Asked(), run)

    assert "nothing here can be held against a published number" in scorecard(store, "one").notes[0]
    assert not any("published" in note for note in scorecard(store, "two").notes)
