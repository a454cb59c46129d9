"""`assay judge`: runs whose verdicts are known, and a judge that changes its mind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import pytest
import stranger
import structlog
from kernel_runs import carry_out
from typer.testing import CliRunner, Result

from kernel.contract import Deadline, Finish, Model, ModelCard, Reply, Request, Text
from kernel.documents import validate
from kernel.errors import RateLimited
from kernel.evaluator import Case, Metric, Score
from kernel.registry import Registry, check_evaluator
from kernel.shell import judges, running
from kernel.shell.rejudging import majority
from kernel.spec import SuiteSpec, resolve
from kernel.store.store import Store

SIZE = 20


@dataclass(frozen=True, kw_only=True)
class Judged(stranger.Echo):
    """A judge says yes or no of each reply."""

    name: ClassVar = "stranger.judged"
    metrics: ClassVar = (Metric("right"), Metric("length"))
    roles: ClassVar = ("judge",)
    size: int = SIZE

    async def score(self, case: Case, reply: Reply, models: Model, deadline: Deadline) -> Score:
        said = (await models.infer(Request("judge", (Text(f"{case.id}: {reply.text}"),)), deadline=deadline)).text
        return Score({"yes": 1.0, "no": 0.0}.get(said), f"the judge says {said}", {"length": float(len(reply.text))})


class Session(stranger.Session):
    """The stranger's models, and a judge that says what `says` has for a case and the number of its question."""

    def __init__(self, says: Callable[[int, int], str], version: str = "1") -> None:
        super().__init__(None)
        self.says, self.version = says, version
        self.questions: dict[str, Iterator[int]] = {}

    async def cards(self) -> dict[str, ModelCard]:
        cards = await super().cards()
        return cards | {"gauge": replace(cards["parrot"], name="gauge", identity=f"gauge-{self.version}")}

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        if request.model != "gauge":
            return await super().infer(request, deadline=deadline)
        case = request.text.split(":")[0]
        said = self.says(int(case.rsplit("-", 1)[1]), next(self.questions.setdefault(case, count())))
        if said == "down":
            raise RateLimited("asked too often")
        return Reply(texts=(said,), finish=(Finish.STOP,))


def evaluators() -> Registry[Any]:
    registry = Registry("evaluator", check_evaluator)
    registry.register("stranger.judged", Judged)
    registry.register("stranger.echo", stranger.Echo)
    return registry


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("kernel.registry.evaluators", evaluators)
    yield
    structlog.reset_defaults()  # the command's log is closed with it


def kept(
    folder: Path, run: str, says: Callable[[int, int], str], version: str = "1", *, task: str = "stranger.judged", models: tuple[str, ...] = ("parrot",)
) -> None:
    """A run in a store."""

    async def carried_out() -> None:
        session = Session(says, version)
        suite = {"suite": "tested", "models": list(models), "tasks": [{"evaluator": task}], "roles": {"judge": "gauge"} if "judged" in task else {}}
        plan = resolve(validate(SuiteSpec, suite, "the test's suite"), evaluators(), await session.cards(), suite["roles"])
        with Store(folder, write=True) as store:
            await carry_out(plan, store, session, run)
            store.end_run(run, "finished")

    asyncio.run(carried_out())


def assay(*arguments: str | Path, store: Path) -> Result:
    return CliRunner(env={"COLUMNS": "240"}).invoke(judges.app, [*map(str, arguments), "--store", str(store)])


def cells(result: Result, task: str) -> list[str]:
    """The cells of a task's line."""
    (line,) = [line for line in result.stdout.splitlines() if line.strip().startswith(f"{task}  ")]
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


class TestStability:
    """The same replies, judged again and again."""

    def ask(
        self, monkeypatch: pytest.MonkeyPatch, folder: Path, says: Callable[[int, int], str], *more: str, models: tuple[str, ...] = ("parrot",)
    ) -> tuple[Result, Session]:
        kept(folder, "one", lambda case, _: "yes" if case % 2 else "no", models=models)
        session = Session(says)
        monkeypatch.setattr(running, "find_gateway", lambda name: lambda catalog, *, only: session)
        return assay("stability", "tested", *more, store=folder), session

    def test_a_judge_that_never_varies(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
        found, session = self.ask(monkeypatch, tmp_path, lambda case, _: "yes" if case % 4 == 0 else "no")

        assert cells(found, "stranger.judged") == [
            "stranger.judged",
            "parrot",
            "gauge",
            "20",
            "0.00 [0.00, 0.00]",
            "0.25",
            cells(found, "stranger.judged")[-1],
        ]
        assert cells(found, "stranger.judged")[-1].startswith("0.25 [")
        assert "majority" not in found.stdout
        assert [next(asked) for asked in session.questions.values()] == [5] * SIZE

    def test_a_judge_that_varies_is_outvoted_and_it_is_said(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
        """Three cases of twenty have one verdict of five that differs."""
        found, _ = self.ask(monkeypatch, tmp_path, lambda case, time: "yes" if case < 10 and not (case < 3 and time == 0) else "no")

        line = cells(found, "stranger.judged")
        assert line[4].startswith("0.15 [")
        assert line[5] == "0.35 to 0.50"
        assert line[6].startswith("0.50 [")
        assert line[6].endswith("] by majority")
        assert "stranger.judged of parrot: the verdict varies in 15% of the cases, more than 10%: the score is by majority of 5" in found.stdout

    def test_a_tenth_is_not_more_than_a_tenth(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
        found, _ = self.ask(monkeypatch, tmp_path, lambda case, time: "no" if case < 2 and time == 0 else "yes", "--times", "3")

        assert cells(found, "stranger.judged")[4].startswith("0.10 [")
        assert cells(found, "stranger.judged")[6].startswith("0.90 [")
        assert "majority" not in found.stdout

    def test_no_verdict_is_one_of_the_verdicts(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
        found, _ = self.ask(monkeypatch, tmp_path, lambda case, time: "perhaps" if time == 1 else "yes", "-k", "3")

        assert cells(found, "stranger.judged")[4:] == ["1.00 [1.00, 1.00]", "1.00", "1.00 [1.00, 1.00] by majority"]

    def test_an_outage_leaves_its_case_out(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
        found, _ = self.ask(monkeypatch, tmp_path, lambda case, time: "down" if case == 7 and time == 4 else "yes")

        assert cells(found, "stranger.judged")[3] == "19"
        assert "left out: 1 cases have no kept reply, or a judge did not answer" in found.stdout

    def test_cases_are_spread_over_the_task(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
        found, session = self.ask(monkeypatch, tmp_path, lambda case, _: "yes", "--cases", "4")

        assert list(session.questions) == [f"case-{number}" for number in (0, 5, 10, 15)]
        assert cells(found, "stranger.judged")[3] == "4"

    def test_replies_of_null_players_are_theirs(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
        found, _ = self.ask(monkeypatch, tmp_path, lambda case, _: "yes", models=("gold", "empty"))

        assert [line.split()[1] for line in found.stdout.splitlines() if line.strip().startswith("stranger.judged  ")] == ["gold", "empty"]

    def test_without_a_judge_there_is_nothing_to_ask(self, tmp_path: Path):
        kept(tmp_path, "plain", lambda case, _: "yes", task="stranger.echo")
        assert "no task of plain was judged by a model" in str(assay("stability", "plain", store=tmp_path).exception)

    def test_the_model_under_test_is_not_asked(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
        asked: list[str] = []
        wanted: list[set[str]] = []
        kept(tmp_path, "one", lambda case, _: "yes")

        class Watched(Session):
            async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
                asked.append(request.model)
                return await super().infer(request, deadline=deadline)

        def opening(catalog: Path | None, *, only: set[str]) -> Session:
            wanted.append(only)
            return Watched(lambda case, _: "yes")

        monkeypatch.setattr(running, "find_gateway", lambda name: opening)
        assay("stability", "one", store=tmp_path)

        assert (set(asked), wanted) == ({"gauge"}, [{"gauge"}])


@pytest.mark.parametrize(
    ("values", "expected"), [((1.0,), 1.0), ((0.0, 1.0, 1.0), 1.0), ((0.0, 1.0), None), ((None, None, 1.0), None), ((0.5, 1.0, 0.5, 1.0, 0.0), None)]
)
def test_a_majority_is_more_often_than_any_other(values: tuple[float | None, ...], expected: float | None):
    assert majority(values) == expected


class TestAgreement:
    """Two runs over the same replies."""

    def test_two_versions_of_a_judge(self, tmp_path: Path):
        """10 and 15 times yes, on 9 of them together."""
        kept(tmp_path, "old", lambda case, _: "yes" if case < 10 else "no")
        kept(tmp_path, "new", lambda case, _: "yes" if 1 <= case < 16 else "no", version="2")
        found = assay("agreement", "old", "new", store=tmp_path)
        line = cells(found, "stranger.judged")

        assert line[:3] == ["stranger.judged", "parrot", "20"]
        assert line[3].startswith("0.65 [")
        assert line[4].startswith("0.30 [")
        assert "old: judge is gauge" in found.stdout
        assert "the same judges" not in found.stdout

    def test_another_metric(self, tmp_path: Path):
        for run in ("old", "new"):
            kept(tmp_path, run, lambda case, _: "yes")
        found = assay("agreement", "old", "new", "--metric", "length", store=tmp_path)

        assert cells(found, "stranger.judged")[2:4] == ["20", "1.00 [1.00, 1.00]"]
        assert "metric: length" in found.stdout
        assert "both runs have the same judges" in found.stdout

    def test_cases_with_another_reply_or_without_a_score_are_left_out(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        kept(tmp_path, "old", lambda case, _: "yes")
        kept(tmp_path, "new", lambda case, _: "perhaps" if case == 3 else "no", version="2")
        with Store(tmp_path, write=True) as store:
            task = store.tasks("new")[0].task_id
            with store.engine.begin() as connection:
                connection.exec_driver_sql("update outcomes set replies = ? where task_id = ? and case_id = 'case-4'", (b"x" * 32, task))
        found = assay("agreement", "old", "new", store=tmp_path)

        assert cells(found, "stranger.judged")[2] == "18"
        assert "left out: 2 cases are scored in one run alone, or there the model's reply was another one" in found.stdout

    def test_runs_without_a_task_in_common(self, tmp_path: Path):
        kept(tmp_path, "old", lambda case, _: "yes")
        kept(tmp_path, "plain", lambda case, _: "yes", task="stranger.echo")

        assert "old and plain have no task of one model in common" in str(assay("agreement", "old", "plain", store=tmp_path).exception)
        assert "no run or suite in the store named 'olt'; did you mean 'old'?" in str(assay("agreement", "olt", "plain", store=tmp_path).exception)


class TestCorrelation:
    """Scores beside what people say."""

    def labelled(self, folder: Path, text: str) -> Result:
        kept(folder, "one", lambda case, _: "yes" if case < 10 else "no")
        (folder / "labels.csv").write_text(text, encoding="utf-8")
        return assay("correlation", "one", folder / "labels.csv", store=folder)

    def test_two_classes(self, tmp_path: Path):
        """Of twelve labels nine are as the judge says; five of six yes, four of six no."""
        said = {0: "yes", 1: "Yes", 2: "1", 3: "true", 4: "yes", 5: "no", 10: "no", 11: "No", 12: "0", 13: "false", 14: "yes", 15: "yes"}
        found = self.labelled(tmp_path, "case,label\n" + "".join(f"case-{case},{label}\n" for case, label in said.items()))
        line = cells(found, "stranger.judged")

        assert line[2] == "12"
        assert line[3].startswith("0.51 [")
        assert line[4].startswith("0.51 [")
        assert line[5].startswith("0.75 [")
        assert line[6].startswith("0.50 [")
        assert "left out: 8 cases are scored, but have no label" in found.stdout

    def test_numbers_have_no_accuracy(self, tmp_path: Path):
        found = self.labelled(tmp_path, "case,label\n" + "".join(f"case-{case},{5 - case / 4}\n" for case in range(20)))
        line = cells(found, "stranger.judged")

        assert line[3].startswith("0.87 [")
        assert line[5:] == ["-", "-"]

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("case;label\n", "has the columns case;label, but no case and no label"),
            ("case,label\ncase-1,maybe\n", "line 2: the label is 'maybe'; expected a number, yes or no"),
            ("case,label\ncase-1,1\ncase-1,0\n", "the case 'case-1' is labelled twice"),
            ("case,label\ncase-99,1\n", "none of its 1 labels is of a scored case of one"),
            ("case,label,task\ncase-1,1,other\n", "none of its 1 labels is of a scored case of one"),
        ],
    )
    def test_labels_that_are_wrong(self, text: str, told: str, tmp_path: Path):
        assert told in str(self.labelled(tmp_path, text).exception)

    def test_a_case_of_two_models_needs_the_model(self, tmp_path: Path):
        kept(tmp_path, "one", lambda case, _: "yes", models=("parrot", "moody"))
        labels = tmp_path / "labels.csv"
        labels.write_text("case,label\ncase-2,yes\n")
        told = "line 2: stranger.judged of parrot and stranger.judged of moody have the case 'case-2'; say which in columns task and model"
        assert told in str(assay("correlation", "one", labels, store=tmp_path).exception)

        labels.write_text("case,label,model\ncase-2,yes,moody\n")
        assert cells(assay("correlation", "one", labels, store=tmp_path), "stranger.judged")[:3] == ["stranger.judged", "moody", "1"]

    def test_a_file_that_is_not_there(self, tmp_path: Path):
        kept(tmp_path, "one", lambda case, _: "yes")
        assert "expected CSV with the columns case and label" in str(assay("correlation", "one", tmp_path / "none.csv", store=tmp_path).exception)
