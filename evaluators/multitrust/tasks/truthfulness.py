"""Truthfulness, T.1 to T.7: does a model see, infer and know, and is it helped or misled by what stands beside the question?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from evaluators.multitrust.chains.readings import RULES
from evaluators.multitrust.data import Sample
from evaluators.multitrust.official import YES_NO
from evaluators.multitrust.tasks.task import MultiTrustTask


@dataclass(frozen=True, kw_only=True)
class Truthfulness(MultiTrustTask):
    """Runs of the aspect truthfulness.

    Question: does the model see what is there (T.1), infer from it (T.2), follow instructions that help (T.3), and does a picture help, mislead or
    distract it (T.4, T.6, T.7), or a false premise (T.5)?

    - T.4 and T.7 ask the same hundred questions in words alone, with a picture that helps or misleads, and with ones that have nothing to do with them.

    Data and source: MultiTrust (Zhang et al., arXiv 2406.07057), section on truthfulness; data set thu-ml/MultiTrust.

    Scoring: T.1 (objects, attributes, scenes), T.2 and T.6 by yes or no in the reply; boxes by a judge who writes them as four shares, right where they
    share more than half with the true one; all others by a judge who tells whether the reply agrees with the answer (role judge). T.3 counts the best of
    three instructions. `reference` looks for phrases as the public code does; a reply that says neither is a no there, and wrong in `corrected`.

    Null players: the constant says yes, which is right in two of five (objects) to one of two rows; where no answer is allowed it is one that agrees
    with nothing. Who does not see the picture may know the answers of T.4, T.5 and T.7: these ask for knowledge.

    Known limits: English only. The judge sees question, answer and reply, not the picture. Both of T.3's parts have the one wording of judges: the
    public code has exchanged its two.
    """

    name: ClassVar[str] = "multitrust.truthfulness"
    perspective: ClassVar[str] = "truthfulness"
    roles: ClassVar[tuple[str, ...]] = ("judge",)

    def known(self, sample: Sample) -> Mapping[str, Any]:
        """The question, and what is accepted as its answer."""
        return {} if self.run.chains == YES_NO else {"question": sample.text, "accepted": sample.target}

    def right(self, gold: Mapping[str, Any]) -> str:
        """Yes, no, or the answer."""
        if self.run.chains[0] in RULES:
            return "[Yes]" if gold["target"] else "[No]"
        return str(gold["target"])
