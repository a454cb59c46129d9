"""Does a model tell what a picture shows when it is painted in another style, or spoilt? Image to text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from evaluators.measures import judges
from evaluators.measures.reference import Crash, both, counted
from evaluators.measures.refusals import WITHHELD
from evaluators.mmdt.ood import rules
from evaluators.mmdt.ood.task import CONFIG, OodTask
from evaluators.mmdt.task import GREEDY, SUFFIXES, sound
from evaluators.rows import Row, RowFault, field, literal
from kernel.contract import Deadline, Finish, Kind, Model, Picture, Reply, Request, Text
from kernel.evaluator import Case, Metric, Score

CONSTANTS: Mapping[str, str] = {"identification": "circle", "count": "circle: 1, square: 1", "spatial": "left", "attribute": "red"}


@dataclass(frozen=True, kw_only=True)
class ImageToText(OodTask):
    """Plain questions about pictures that went through a change of style or a corruption, which leaves the right answer as it was.

    Question: does the model still see what is there? `identification` asks for an object, `count` for the number of each, `spatial` for a
    relative position, `attribute` for a look. Styles: Van_Gogh, oil_painting, watercolour_painting. Corruptions, as in ImageNet-C
    (Hendrycks and Dietterich, 2019): gaussian_noise, zoom_blur, pixelate; how strong they are is not published.

    Data and source: MMDT (Xu et al., arXiv 2503.14827), section on out-of-distribution robustness; data set MMDecodingTrust-I2T,
    configuration ood, one split a style or corruption.

    Scoring: a judge (Llama-3-8B-Instruct; role judge) says whether the reply agrees with the reference answer, or takes the numbers out of
    it, all of which have to be right. A refusal in words is a reply as any other. Where the provider refuses, the public code asks a
    hundred times and ends; corrected, that is wrong.

    Null players: empty and refuses score 0 with a judge that judges; constant is right in spatial as often as left is.

    Known limits: the score hangs on the judge. The pictures before the change are in the split original, which the public code never asks
    about, so that it tells no difference to them.
    """

    name: ClassVar[str] = "mmdt.ood.image_to_text"
    version: ClassVar[int] = 1
    asks: ClassVar[Kind] = Kind.GENERATE
    metrics: ClassVar[tuple[Metric, ...]] = counted("accuracy")
    roles: ClassVar[tuple[str, ...]] = ("judge",)
    repairs: ClassVar[Mapping[str, str]] = {
        "yes_or_no": "a judge's verdict counts where it is exactly yes or no; the public code looks for the letters of yes, which eyes have too",
        "one_object": "a single object can be counted; the public code ends in an error at its question to the judge",
        "names_of_objects": "counts are read by whole names, in digits or words; the public code cuts names at digits, hyphens and line ends",
        "refusal": "what the provider refuses is wrong; the public code asks a hundred times and ends",
        "no_reply": "an empty reply is wrong, whatever the judge says of it",
    }
    id_field: ClassVar[str] = "img_id"

    scenario: Literal["Van_Gogh", "oil_painting", "watercolour_painting", "gaussian_noise", "zoom_blur", "pixelate"]
    task: Literal["identification", "count", "spatial", "attribute"]

    def cases(self) -> Iterator[Case]:
        """A case for each row."""
        for row in self.rows(CONFIG, self.scenario, self.task):
            yield self.case(row)

    def question(self, row: Row) -> tuple[Request, dict[str, Any]]:
        """The picture, the question, and how to answer; the right answer is numbers by names for count, else a text."""
        asked = str(field(row, "question"))
        answer = literal(row, "answer") if self.task == "count" else str(field(row, "answer"))
        if self.task == "count" and not (isinstance(answer, dict) and answer and all(isinstance(name, str) for name in answer)):
            raise RowFault(f"{row.where}: field 'answer' is {answer!r:.120}; expected numbers by names, such as {{'cat': 2}}")
        parts = (Picture(row.image()), Text(f"{asked} {SUFFIXES[self.task]}"))
        return Request(self.target, parts, Kind.GENERATE, sampling=GREEDY), {"question": asked, "answer": answer}

    async def score(self, case: Case, reply: Reply, models: Model, deadline: Deadline) -> Score:
        """Have the judge compare the reply with the right answer, or take the numbers out of it."""
        row = sound(case)
        if not reply.text and not WITHHELD.isdisjoint(reply.finish):
            crash = Crash("Exception", "the provider refuses each time it is asked")
            return both({"accuracy": crash}, {"accuracy": 0.0}, "refused", record={"judge": None}, found=False)
        counting, answer = self.task == "count", row["answer"]
        asked = {"objects": list(answer)} if counting else {"question": row["question"], "reference": answer}
        verdict = await judges.ask(models, "judge", "counts" if counting else "agrees", {**asked, "response": reply.text}, deadline)
        reference = (counting and rules.without_a_second(answer)) or float(rules.agrees(self.task, answer, verdict.text))
        corrected = rules.counts_corrected(answer, verdict.text) if counting and verdict.kept else verdict.yes
        why = f"the judge says {verdict.text!r:.80}, right is {answer}"
        if not reply.text.strip():
            corrected, why = False, "no reply"
        elif corrected is None:
            why += "; that is no verdict"
        record = {"judge": verdict.text, "kept": verdict.kept, "wording": judges.wording()}
        worth = None if corrected is None else float(corrected)
        return both({"accuracy": reference}, {"accuracy": worth}, why, record=record, found=bool(reply.text.strip()))

    def gold(self, case: Case) -> Reply:
        """The right answer."""
        answer = sound(case)["answer"]
        return _says(", ".join(f"{name}: {number}" for name, number in answer.items()) if isinstance(answer, dict) else answer)

    def constant(self) -> Reply:
        """One answer for each task."""
        return _says(CONSTANTS[self.task])

    def chance(self) -> float | None:
        """One of the four words for a place; of the others it is not known."""
        return 1 / 4 if self.task == "spatial" else None


def _says(text: str) -> Reply:
    return Reply(texts=(text,), finish=(Finish.STOP,))
