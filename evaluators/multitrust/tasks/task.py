"""What the evaluators of all five aspects share: a run's cases from the release's rows, one call for each, and its verdict in every way of counting."""

from __future__ import annotations

import hashlib
import json
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from evaluators.measures import judges
from evaluators.measures.harmbench import question
from evaluators.measures.reference import Counting, Crash
from evaluators.measures.refusal_lists import REFUSAL_LISTS
from evaluators.multitrust.chains.published import REFUSAL_LIST
from evaluators.multitrust.data import Data, Sample, open_data
from evaluators.multitrust.official import BY_DATASET, TRUNCATED, Run
from evaluators.multitrust.tasks import counting
from evaluators.multitrust.tasks.judging import Judging, Told
from evaluators.multitrust.tasks.pairing import pairing
from evaluators.multitrust.tasks.verdicts import VERDICTS
from evaluators.rows import RowFault
from kernel.condition import FACT
from kernel.contract import Deadline, Finish, Kind, Model, Part, Picture, Reply, Request, Sampling, Text
from kernel.errors import InvalidSpec
from kernel.evaluator import Case, Evaluator, Metric, Score

FAULT = "fault"


@dataclass(frozen=True, kw_only=True)
class MultiTrustTask(Evaluator):
    """A run of MultiTrust (arXiv 2406.07057). `data` is "sample", a folder, or empty for what was fetched from the hub.

    dataset: the run, by the public code's name. asked: by whose pairing it is asked; replies are counted in every way all the same. k: pictures of
    each kind that has nothing to do with the text, for each text, where `asked` is `corrected`. refusal_list: one of the published lists, in the
    place of the rule by which `corrected` tells refusals. frame: a file with the words for HarmBench's classifier.
    """

    asks: ClassVar[Kind] = Kind.GENERATE
    version: ClassVar[int] = 1

    dataset: str
    data: str = ""
    seed: int = 0
    k: int = 1
    asked: Counting = "corrected"
    refusal_list: str = ""
    frame: str = ""

    def __post_init__(self) -> None:
        """Refuse a run that the aspect does not have, a list of refusals that is not there, and no pictures at all."""
        known = [name for name, run in BY_DATASET.items() if run.aspect == self.perspective]
        if self.dataset not in known:
            raise ValueError(f"{self.perspective} has no data set {self.dataset!r}; it has {', '.join(known)}")
        if self.refusal_list and self.refusal_list not in REFUSAL_LISTS:
            raise ValueError(f"there is no refusal list {self.refusal_list!r}; expected one of {', '.join(REFUSAL_LISTS)}")
        if self.k < 1:
            raise ValueError(f"k is {self.k}; expected at least one picture of each kind")

    @cached_property
    def run(self) -> Run:
        """The run in the table of the official ones."""
        return BY_DATASET[self.dataset]

    @property
    def pairing(self) -> tuple[str, str] | None:
        """What a cross-modal task is called under all conditions, and this run's condition."""
        return pairing(self.run)

    @cached_property
    def metrics(self) -> tuple[Metric, ...]:  # type: ignore[override]  # the run decides
        """What one reply is worth."""
        return counting.metrics(self.run)

    @property
    def totals(self) -> tuple[Metric, ...]:  # type: ignore[override]  # the run decides
        """What all replies are worth together."""
        return counting.totals(self.run)

    @property
    def _opened(self) -> Data:
        return open_data(self.data)

    def how_many(self) -> int | None:
        """All samples of the run; of data that is not here, the number that was published."""
        try:
            return self._opened.count(self.run, self.asked, k=self.k)
        except (InvalidSpec, Crash):
            return self.run.calls(self.asked, self.k)

    def provenance(self) -> Mapping[str, Any]:
        """The run's files with their checksums, whose wording asks and judges, and by which lists refusals are told."""
        told = dict(self._opened.provenance([self.run]))
        if "judge" in self.run.roles:
            told["judges"] = {"wording": judges.wording(), "version": judges.VERSION}
        if counting.REFUSES in self.run.chains:
            told["refusal lists"] = {**REFUSAL_LIST, "corrected": self.refusal_list or "multitrust without what ordinary answers have too"}
        if self._frame:
            told["harmbench"] = {"frame": hashlib.sha256(self._frame.encode()).hexdigest()}
        return told

    @cached_property
    def _frame(self) -> str:
        """The words for HarmBench's classifier. Raises `InvalidSpec` where there is no such file, or it has not the two places."""
        if not self.frame or "harmbench" not in self.run.roles:
            return ""
        try:
            words = Path(self.frame).expanduser().read_text(encoding="utf-8")
            question(words, behavior="", generation="")
        except (OSError, ValueError) as error:
            raise InvalidSpec(f"frame {self.frame!r}", [f"{error}; expected a text with the places {{behavior}} and {{generation}}"]) from None
        return words

    def cases(self) -> Iterator[Case]:
        """A case for each sample. Raises `InvalidSpec` where the data is not here, or where the public code ends in an error at it."""
        opened = self._opened
        try:
            for position, sample in enumerate(opened.samples(self.run, self.asked, k=self.k, seed=self.seed)):
                yield self._case(position, sample, opened)
        except Crash as crash:
            raise InvalidSpec(self.dataset, [f"asked as {self.asked}: {crash}; ask it as corrected"]) from None

    def _case(self, position: int, sample: Sample, opened: Data) -> Case:
        gold: dict[str, Any] = {"target": sample.target, "extra": None if sample.extra is None else dict(sample.extra), **self.known(sample)}
        parts: tuple[Part, ...] = (Text(sample.text),)
        try:
            parts = _parts(sample, opened)
        except RowFault as fault:
            gold[FAULT] = str(fault)
        if not self._is_asked_by_reference(position):
            gold["counts"] = [way for way in counting.WAYS if way != "reference"]
        request = Request(self.target, parts, Kind.GENERATE, sampling=Sampling(temperature=0.0, max_tokens=self.run.limit(self.asked)))
        facts = {"task": self.run.task, **sample.facts, **self._condition(sample)}
        content = hashlib.sha256(f"{request.digest()} {json.dumps(gold, sort_keys=True)}".encode()).hexdigest()[:12]
        return Case(f"{position:05d}-{content}", request, gold, facts, cluster=sample.row)

    def _is_asked_by_reference(self, position: int) -> bool:
        """Whether the public code asks it too: of S.6 it keeps the first ten, and F.7 it asks in words alone."""
        if self.asked == "reference":
            return True
        return position < TRUNCATED if self.run.task == "S.6" else self.run.task != "F.7" or self.run.condition == "text"

    def _condition(self, sample: Sample) -> dict[str, Any]:
        """What stands beside the text, and which text it is, for the comparison with the other runs of a cross-modal task."""
        drawn = {**sample.drawn} if sample.drawn else {}
        if self.pairing is None:
            return {"drawn": drawn} if drawn else {}
        return {FACT: {"name": self.pairing[1], "case": sample.row, **drawn}}

    def known(self, sample: Sample) -> Mapping[str, Any]:
        """What judges need of a sample beside its target."""
        return {}

    async def probe(self, case: Case, model: Model, deadline: Deadline) -> Reply:
        """One call; none for a row that cannot be asked."""
        _sound(case)
        return await model.infer(case.request, deadline=deadline)

    async def score(self, case: Case, reply: Reply, models: Model, deadline: Deadline) -> Score:
        """The run's chains, in every way of counting."""
        gold, told = _sound(case), Told()
        judging = Judging(self.run, gold, reply, models, deadline, self.refusal_list, self._frame)
        await VERDICTS[self.run.chains](judging, told)
        counts = gold.get("counts", counting.WAYS)
        values: dict[str, float | None] = {}
        for way in counting.WAYS:
            if way in counts:
                values |= counting.values(told.values.get(way, {}), self.metrics, way, gold["extra"])
        first = self.metrics[0].name
        record = {"steps": told.steps, "extra": gold["extra"], "kept": told.kept, "counts": counts}
        if counting.REFUSES in self.run.chains:
            record["signs"] = dict(judging.signs)
        more = {name: value for name, value in values.items() if name != first}
        return Score(values.get(first), "; ".join(told.why), more, told.found, record)

    def over(self, records: Sequence[Mapping[str, Any]]) -> Mapping[str, float | None]:
        """The run's numbers over all its replies."""
        return counting.over(self.run, records)

    def gold(self, case: Case) -> Reply:
        """The right reply, or what comes nearest to one."""
        return says(self.right(_sound(case)))

    @abstractmethod
    def right(self, gold: Mapping[str, Any]) -> str:
        """The right reply to a case, by its gold."""

    def constant(self) -> Reply:
        """One and the same allowed answer."""
        return says(CONSTANTS.get(self.run.task, ASSENT))


REFUSAL = (
    "I'm sorry, but I can't help with that: it asks for something that should stay private, or that could hurt or belittle somebody. "
    "I would be glad to help with something else instead."
)
"""Long enough for the classifier's word to count in every task."""
ASSENT = "Certainly. Here is what you asked for, in every detail, one step after the other."
CONSTANTS: Mapping[str, str] = {
    **dict.fromkeys(("T.1", "T.2", "T.6", "P.1", "P.2", "F.2", "F.6"), "[Yes]"),
    "R.3": "positive",
    "R.6": "yes",
    "F.3": "(1)",
    "P.3": "0",
}


def _parts(sample: Sample, opened: Data) -> tuple[Part, ...]:
    """The picture, where there is one, and the question. Raises `RowFault`."""
    if sample.fault:
        raise RowFault(sample.fault)
    words = Text(sample.text)
    return (Picture(opened.picture(sample)), words) if sample.pictured else (words,)


def says(text: str) -> Reply:
    """A reply of that text."""
    return Reply(texts=(text,), finish=(Finish.STOP,))


def _sound(case: Case) -> dict[str, Any]:
    if FAULT in case.gold:
        raise RowFault(case.gold[FAULT])
    return dict(case.gold)
