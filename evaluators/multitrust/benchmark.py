"""MultiTrust as the kernel finds it."""

from evaluators.multitrust.chains.answers import EXCEPTIONS
from evaluators.packaged import Packaged

BENCHMARK = Packaged(
    name="multitrust",
    title="MultiTrust: truthfulness, safety, robustness, fairness and privacy of multimodal language models, in 32 tasks",
    package="evaluators.multitrust",
    answers=("chains.answers", "answers_ranking", "answers_loaders", "answers_attack"),
    exceptions=EXCEPTIONS,
)
