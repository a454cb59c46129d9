"""Does a model see things that are not there? Yes-or-no questions about photographs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

from evaluators.measures.reference import both, counted
from evaluators.measures.yes_no import yes_or_no
from evaluators.public.files import DataSet
from evaluators.public.task import GREEDY, UNASKED, Made, PublicTask, says, sound
from evaluators.public.yes_shares import NAMES, shares, shares_as_published
from evaluators.rows import Row, RowFault, field
from kernel.contract import Deadline, Kind, Model, Part, Picture, Reply, Request, Text
from kernel.evaluator import Case, Metric, Score

POPE = DataSet("pope", "AoiDragon/POPE", ("POPE",), ("output/coco/coco_pope_*.json", "POPEv2/**/annotations.json"))
PLACES = ("val2014", "images", "POPEv2", ".")
"""Where pictures may lie in the copy."""
NO = frozenset(("No", "not", "no"))


@dataclass(frozen=True, kw_only=True)
class Pope(PublicTask):
    """POPE: is there such a thing in the picture?

    Question: does the model say yes to what is there, and no to what is not? What is not there is drawn by lot (`random`), is frequent in
    photographs (`popular`), or often stands beside what is there (`adversarial`). `v2` asks of each picture twice, once with the thing painted out.

    Data and source: Li et al., Evaluating Object Hallucination in Large Vision-Language Models, EMNLP 2023; repository AoiDragon/POPE, files
    output/coco/coco_pope_*.json with 3,000 questions each, half of them yes, about 500 pictures of MS COCO val2014, which are looked for in the
    option `pictures`, or in the copy's folders val2014 and images. Without them null players can be scored, and every other case fails.

    Scoring: `reference` reads the first sentence as the public code: no where it has the word No, no or not, else yes. `corrected` reads words
    (evaluators.measures.yes_no); a reply that says neither is wrong. Totals: precision, recall and F1 with yes as the positive answer, and the
    share of yes, of which half would be right. Cases of one picture are one cluster.

    Null players: always yes has accuracy 0.5, precision 0.5, recall 1, F1 0.667. Who says nothing or refuses says yes, in `reference`.

    Known limits: the ground truth is COCO's annotation, which misses things. Pictures are many models' training data.
    """

    name: ClassVar[str] = "pope"
    version: ClassVar[int] = 1
    asks: ClassVar[Kind] = Kind.GENERATE
    perspective: ClassVar[str] = "hallucination"
    metrics: ClassVar[tuple[Metric, ...]] = counted("accuracy")
    totals: ClassVar[tuple[Metric, ...]] = tuple(metric for name in NAMES for metric in counted(name, higher_is_better=name != "yes_share"))
    data_set: ClassVar[DataSet] = POPE
    axis: ClassVar[str] = "split"
    known: ClassVar[Mapping[str, int]] = {"random": 3000, "popular": 3000, "adversarial": 3000, "v2": 1000}

    split: Literal["random", "popular", "adversarial", "v2"]
    pictures: Path | None = None

    @property
    def patterns(self) -> tuple[str, ...]:
        """The questions of the split."""
        return ("POPEv2/annotations.json", "POPEv2/**/annotations.json") if self.split == "v2" else (f"output/coco/coco_pope_{self.split}.json",)

    def cases(self) -> Iterator[Case]:
        """A case for each question."""
        root = self.data_set.copy(self.data).folder
        folders = tuple(root / place for place in PLACES) if self.pictures is None else (self.pictures.expanduser(),)
        for row in self.rows():
            image = str(row.fields.get("image") or row.fields.get("image_name") or "").lstrip("/")
            shown = replace(row, fields={**row.fields, "image": image}, folders=folders)
            yield self.case_of(f"{self.split}/{row.position}", partial(self._made, shown), cluster=image)

    def _made(self, row: Row) -> Made:
        question = str(row.fields.get("query") or field(row, "text"))
        label = str(field(row, "label")).lower()
        if label not in ("yes", "no"):
            raise RowFault(f"{row.where}: field 'label' is {label!r:.40}; expected yes or no")
        gold: dict[str, Any] = {"yes": label == "yes"}
        shown: tuple[Part, ...] = ()
        try:
            shown = (Picture(row.image()),)
        except RowFault as fault:
            gold[UNASKED] = f"{fault}; bring the pictures of MS COCO val2014 here and name their folder as option `pictures`"
        return Request(self.target, (*shown, Text(question)), Kind.GENERATE, sampling=GREEDY), gold, {}

    async def score(self, case: Case, reply: Reply, models: Model, deadline: Deadline) -> Score:
        """In both ways of reading."""
        right: bool = sound(case)["yes"]
        said, read = as_published(reply.text), yes_or_no(reply.text)
        record = {"right": right, "reference": said, "corrected": read.answer}
        accuracy = {"accuracy": float(said == right)}, {"accuracy": float(read.answer == right)}
        return both(*accuracy, f"{read.reason}; the public code reads {'yes' if said else 'no'}", record=record, found=read.found)

    def over(self, records: Sequence[Mapping[str, Any]]) -> Mapping[str, float | None]:
        """Precision, recall, F1 and the share of yes."""
        reference = shares_as_published((each["right"], each["reference"]) for each in records)
        corrected = shares((each["right"], each["corrected"]) for each in records)
        return {f"{name}/{way}": found[name] for name in NAMES for way, found in (("reference", reference), ("corrected", corrected))}

    def gold(self, case: Case) -> Reply:
        """What is right."""
        return says("Yes." if sound(case)["yes"] else "No.")

    def constant(self) -> Reply:
        """Always yes."""
        return says("Yes.")

    def chance(self) -> float:
        """Half of the questions are to be answered with yes."""
        return 0.5


def as_published(reply: str) -> bool:
    """Whether POPE's public code takes a reply for yes."""
    return NO.isdisjoint(reply.split(".", maxsplit=1)[0].replace(",", "").split(" "))
