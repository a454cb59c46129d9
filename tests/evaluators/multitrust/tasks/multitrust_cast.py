"""Whoever is asked in MultiTrust's tasks, played by rules; and cases of the sample, played and scored."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from random import Random
from statistics import fmean
from typing import Any

from evaluators.measures import toxicity
from evaluators.measures.words import pieces, plain
from evaluators.multitrust.official import BY_DATASET
from evaluators.multitrust.reported import Number
from evaluators.multitrust.tasks.fairness import Fairness
from evaluators.multitrust.tasks.privacy import Privacy
from evaluators.multitrust.tasks.robustness import Robustness
from evaluators.multitrust.tasks.safety import Safety
from evaluators.multitrust.tasks.task import REFUSAL, MultiTrustTask, says
from evaluators.multitrust.tasks.truthfulness import Truthfulness
from kernel.contract import Deadline, Kind, Reply, Request
from kernel.errors import ModelError, RoleUnfilled
from kernel.evaluator import Case
from kernel.judging import Verdict, judge

ASPECTS = {each.perspective: each for each in (Truthfulness, Safety, Robustness, Fairness, Privacy)}
ROLES = ("judge", "refusal", "toxicity", "moderation", "harmbench")
SHORT = 40
MOST = 24
RUDE = 0.8
ROUNDED = 5.1e-5
FAILS = ModelError("gone")
PADDING = (
    "That is what I see and what I think of it, and I tell it as plainly as I can, with all that belongs to it, and with nothing that does not belong to it."
)
"""Long enough for the classifier to count in every task."""
POOL = (
    "", "   ", "No.", "yes", "[Yes] it is.", "I know nothing of it.", "Nothing of the kind.", "It is inconsistent.", "It's possible.", "yes, maybe, no",
    "positive, not negative", "not positive", "In a language of 13 words.", "(3) unrelated", "(1) stereotype", "4", "-50", "\u221250", "neutral", "50-100",
    "somewhat agree", "This person is not qualified.", "He seems fit for it.", "She is capable.", "Error: the call failed", "It is public; please note this.",
    "I\u2019m sorry, I can\u2019t.", "A", "b.", "They are always late.", "How silly of you to ask.", "There is noise in it.", "[0.1, 0.1, 0.6, 0.6]",
    "[0.6, 0.6, 0.1, 0.1]", PADDING, f"A. {PADDING}", f"Yes, as you say. {PADDING}", f"It is unsuitable. {PADDING}", f"No, or maybe. {PADDING}",
    "Perhaps it is so, as far as I can tell from what is there.", REFUSAL, f"Here it is, as you wish. {REFUSAL}",
)  # fmt: skip
"""Replies of all kinds, of which many are counted in one way and not in another."""


class Cast:
    """Whoever is asked. answers: by role, what is said in the place of a rule's answer to a request, or the error that is raised.

    Roles that are not in `roles` are played by nobody. loose: every third answer of a judge keeps to no form.
    """

    def __init__(self, roles: Iterable[str] = ROLES, answers: Mapping[str, Callable[[Request], str] | Exception] | None = None, *, loose: bool = False) -> None:
        self.roles = frozenset(roles)
        self.answers = answers or {}
        self.loose = loose
        self.asked: list[Request] = []

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        self.asked.append(request)
        if request.model not in self.roles:
            raise RoleUnfilled(request.model)
        answer = self.answers.get(request.model)
        if isinstance(answer, Exception):
            raise answer
        if request.kind is Kind.CLASSIFY:
            return classified(request)
        if answer is not None:
            return says(answer(request))
        if request.system is None:
            return says("Yes" if carried_out(request.text) else "No")
        verdict = ruled(request)
        return says(f"{verdict}, I would say." if self.loose and len(request.text) % 3 == 0 else kept(request, verdict))

    async def aclose(self) -> None:
        """Nothing is held."""


def asked_of(request: Request) -> tuple[str, dict[str, Any]]:
    """Form and keys of a question to a judge."""
    assert request.system is not None
    lines = [line.partition(": ") for line in request.text.split("\n")[1:]]
    return request.system.split("\n")[0].removeprefix("judge: "), {name: json.loads(value) for name, _, value in lines}


def kept(request: Request, verdict: str) -> str:
    """A verdict in the form that is asked for."""
    return json.dumps({"marker": asked_of(request)[1]["marker"], "verdict": verdict})


def ruled(request: Request) -> str:
    """What a judge says by rule."""
    form, keys = asked_of(request)
    return RULES[form](keys)


def carried_out(text: str) -> bool:
    return "Certainly" in text or "Here it is" in text


def _has(text: str, wanted: str) -> bool:
    said, words = pieces(plain(text)), pieces(plain(wanted))
    return any(said[at : at + len(words)] == words for at in range(len(said)))


def _agrees(keys: Mapping[str, Any]) -> str:
    accepted = [keys["reference"]] if isinstance(keys["reference"], str) else keys["reference"]
    return _yes(any(_has(keys["response"], each) for each in accepted))


def _rated(keys: Mapping[str, Any]) -> str:
    return "100" if _has(keys["response"], keys["reference"]) else "25" if "Perhaps" in keys["response"] else "0"


def _yes(told: bool) -> str:
    return "Yes" if told else "No"


RULES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "agrees": _agrees,
    "complies": lambda keys: _yes(carried_out(keys["response"])),
    "disturbed": lambda keys: _yes("noise" in keys["response"]),
    "locates": lambda keys: keys["response"] if keys["response"].startswith("[0") else "[0, 0, 0, 0]",
    "mentions": lambda keys: _yes(_has(keys["response"], keys["label"])),
    "rates": _rated,
    "stereotypes": lambda keys: _yes("always" in keys["response"]),
}


def classified(request: Request) -> Reply:
    """Scores of a service, with a class that nobody counts; or the action: what is short is taken for a refusal, as the true classifier does."""
    if request.model == "refusal":
        action = 0 if len(request.text) < SHORT or "sorry" in request.text else 2 if "Perhaps" in request.text else 5
        return Reply(rows=(tuple(float(at == action) for at in range(6)),), report={"classes": [f"LABEL_{at}" for at in range(6)]})
    labels = toxicity.PERSPECTIVE if request.model == "toxicity" else toxicity.MODERATION
    score = RUDE if "silly" in request.text else 0.3 if request.text == "No response" else 0.1
    return Reply(rows=((0.05, score, *(0.0 for _ in labels[2:]), 0.99),), report={"classes": [*labels, "other"]})


def task(dataset: str, data: str = "sample", **options: Any) -> MultiTrustTask:
    """The evaluator of a run."""
    return ASPECTS[BY_DATASET[dataset].aspect](target="model", dataset=dataset, data=data, **options)


@cache
def cases(dataset: str, asked: str = "corrected") -> tuple[Case, ...]:
    """Cases of the sample; of many, evenly chosen ones, at odd distances: rows that are one right and one wrong alternate."""
    held = list(task(dataset, asked=asked).cases())
    return tuple(held[:: -(-len(held) // MOST) | 1])


def played(asked: MultiTrustTask, chosen: Sequence[Case], answer: Callable[[Case], Reply], models: Cast | None = None) -> list[Verdict]:
    """What the kernel makes of replies to cases."""
    judges = models or Cast()

    async def all_of_them() -> list[Verdict]:
        return [await judge(asked, case, answer(case), judges, Deadline.after(60)) for case in chosen]

    return asyncio.run(all_of_them())


def one(dataset: str, reply: str | Reply, models: Cast | None = None, *, which: int = 0, **options: Any) -> Verdict:
    """What a run of the sample makes of one reply to one of its cases."""
    asked = task(dataset, **options)
    case = cases(dataset)[which] if not options else list(asked.cases())[which]
    return played(asked, [case], lambda _: says(reply) if isinstance(reply, str) else reply, models)[0]


def numbers(asked: MultiTrustTask, verdicts: Sequence[Verdict]) -> dict[str, float | None]:
    """The run's numbers: means over cases, and totals."""
    means: dict[str, float | None] = {}
    for metric in asked.metrics:
        known = [value for each in verdicts if (value := each.values.get(metric.name)) is not None]
        means[metric.name] = fmean(known) if known else None
    return {**means, **asked.over([each.record for each in verdicts if each.status == "scored"])}


@cache
def mixed(dataset: str, asked: str = "reference") -> tuple[MultiTrustTask, tuple[tuple[Case, Reply, Verdict], ...]]:
    """A run of the sample with replies of all kinds: right ones, ones that tell the target, others; some judges' answers keep to no form."""
    run, chance = task(dataset, asked=asked), Random(dataset)
    chosen = cases(dataset, asked)
    replies = {case.id: chance.choice((run.gold(case), says(_told(case, chance)), says(chance.choice(POOL)))) for case in chosen}
    verdicts = played(run, chosen, lambda case: replies[case.id], Cast(loose=True))
    return run, tuple((case, replies[case.id], verdict) for case, verdict in zip(chosen, verdicts, strict=True))


def _told(case: Case, chance: Random) -> str:
    target = case.gold["target"]
    words = target if isinstance(target, str) else target[-1] if isinstance(target, list) else "Yes, they are always so."
    return f"{chance.choice(('', 'It is ', 'Here it is: ', 'That is public: '))}{words}{chance.choice(('', ' ' + PADDING))}"


def near(number: Number, theirs: Any, ours: float | None) -> bool:
    """Whether a number of a results file is ours, but for its rounding."""
    if theirs is None or ours is None:
        return bool(theirs == number.written(ours))
    return math.isclose(number.ours(theirs), ours, abs_tol=ROUNDED, rel_tol=1e-9)
