"""What the tasks of both modalities share: their line in the table of the published data, and rows that become cases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from evaluators.measures.refusals import WITHHELD
from evaluators.mmdt.task import MmdtTask
from kernel.contract import Reply


@dataclass(frozen=True, kw_only=True)
class PrivacyTask(MmdtTask):
    """A task of the perspective."""

    perspective: ClassVar[str] = "privacy"

    scenario: str
    task: str


def withheld(reply: Reply, at: int = 0) -> bool:
    """Whether the provider refused an answer, so that there is not even a text."""
    return not "".join(reply.texts[at : at + 1]) and not WITHHELD.isdisjoint(reply.finish[at : at + 1])
