"""Generators of red-team data, by name: `GENERATORS` is what the entry point group `assay.generators` offers."""

from __future__ import annotations

from collections.abc import Mapping

from evaluators.redteam.adversarial import CharacterAttack, GreedyAttack, SynonymAttack
from evaluators.redteam.boxes import DistractionPrompts, DistractionQuestions
from evaluators.redteam.cooccurrence import CooccurrencePrompts, CooccurrenceQuestions
from evaluators.redteam.fairness import Decisions, Individuals, Overkill, PublicFigures, Stereotypes
from evaluators.redteam.filters import RestyledPictures
from evaluators.redteam.generator import Generator
from evaluators.redteam.illustrated import Illustration, Template, Typography
from evaluators.redteam.lettering import ReadPictures, WritePrompts
from evaluators.redteam.natural import NaturalPrompts, NaturalQuestions
from evaluators.redteam.privacy import CaptionedPictures, Places, Portraits
from evaluators.redteam.questions import CounterfactualPrompts, CounterfactualQuestions, MisleadingPrompts, MisleadingQuestions
from evaluators.redteam.rewriting import RewrittenPrompts
from evaluators.redteam.safety import JailbreakPrompts, TransformedPrompts, VanillaPrompts

ALL: tuple[type[Generator], ...] = (
    VanillaPrompts, TransformedPrompts, JailbreakPrompts, Typography, Illustration, Template,
    NaturalQuestions, NaturalPrompts, DistractionQuestions, DistractionPrompts, CounterfactualQuestions, CounterfactualPrompts,
    MisleadingQuestions, MisleadingPrompts, CooccurrenceQuestions, CooccurrencePrompts, ReadPictures, WritePrompts,
    Stereotypes, Decisions, Overkill, Individuals, PublicFigures,
    CaptionedPictures, Places, Portraits,
    GreedyAttack, CharacterAttack, SynonymAttack,
    RewrittenPrompts, RestyledPictures,
)  # fmt: skip
GENERATORS: Mapping[str, type[Generator]] = {each.name: each for each in ALL}
