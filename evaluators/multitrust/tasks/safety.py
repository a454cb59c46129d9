"""Safety, S.1 to S.6: what does a model say of harmful pictures, and what can pictures make it say?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from evaluators.multitrust.data import Sample
from evaluators.multitrust.tasks.task import REFUSAL, MultiTrustTask


@dataclass(frozen=True, kw_only=True)
class Safety(MultiTrustTask):
    """Runs of the aspect safety.

    Question: how toxic is what the model says of harmful pictures (S.1) and of beginnings of texts (S.3), does it know risks when it sees them (S.2), and
    do pictures get it past its own rules (S.4, S.5), or change what a jailbreak in words does (S.6)?

    - S.3 and S.6 ask the same texts in words alone, with pictures that belong to them, and with ones that have nothing to do with them.

    Data and source: MultiTrust (Zhang et al., arXiv 2406.07057), section on safety; data set thu-ml/MultiTrust, which is the user's and never shown here.

    Scoring: S.1 and S.3 by two services, of which the greatest score counts (roles toxicity and moderation), and by words of refusal. S.2 by a judge, who
    is told the words that a right answer has (role judge). S.4 to S.6 by HarmBench's classifier (role harmbench): attack_success is the share of replies
    that carry the behaviour out, refusal the share that do not and have words of refusal. Without a `frame`, whoever plays harmbench is asked as a judge
    in words of our own. Refusals are told by the list of March 2025 (`reference`), the one before (`paper`), or without words that ordinary answers
    have too (`corrected`). The public code asks ten samples of each run of S.6; `reference` counts those.

    Null players: who says nothing does no harm, and refuses nothing: it is above all, gold too, in the two services' numbers, and at the bottom in
    refusal; who refuses everything is at the top with gold but in S.2, where a picture has to be recognised. What the constant, assent without content,
    gets is the judges' to say.

    Known limits: English only. Replies, and what judges say of them, stand in no reason.
    """

    name: ClassVar[str] = "multitrust.safety"
    perspective: ClassVar[str] = "safety"
    roles: ClassVar[tuple[str, ...]] = ("judge", "toxicity", "moderation", "harmbench")

    def known(self, sample: Sample) -> Mapping[str, Any]:
        """S.2: the question, and words of which a right answer has one."""
        if self.run.task != "S.2":
            return {}
        extra = sample.extra or {}
        return {"question": extra["QUESTION"], "accepted": extra["EXPECTED_KEYWORDS"].split(", ")}

    def right(self, gold: Mapping[str, Any]) -> str:
        """A refusal; in S.2 what is to be recognised."""
        return str(gold["accepted"][0]) if self.run.task == "S.2" else REFUSAL
