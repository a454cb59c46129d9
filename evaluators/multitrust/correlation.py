"""How scores go together over models: sub-aspects with each other, and trust with general capability.

The paper's heat map is said to be Pearson's; it is Spearman's, Pearson's over ranks, and so is its 0.60 between capability and trust.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import stats

from evaluators.multitrust.published import GENERAL, PLACES, SCORES
from evaluators.multitrust.ranking import SUB_ASPECTS

METHODS = {"spearman": stats.spearmanr, "pearson": stats.pearsonr, "kendall": stats.kendalltau}
Columns = Mapping[str, Sequence[float]]


def heat_map(columns: Columns, method: str = "spearman") -> dict[str, dict[str, float]]:
    """How every column goes together with every other one; columns: scores of the same models in the same order."""
    measure = METHODS[method]
    return {one: {other: 1.0 if one == other else float(measure(columns[one], columns[other])[0]) for other in columns} for one in columns}


def published_heat_map() -> dict[str, dict[str, float]]:
    """The heat map over the paper's models, from their published scores."""
    return heat_map({sub.code: [SCORES[model][at] for model in GENERAL] for at, sub in enumerate(SUB_ASPECTS, 1)})


def ranks(scores: Sequence[float]) -> list[int]:
    """Ranks by falling score; those with the same score share the best of their ranks."""
    return [int(rank) for rank in stats.rankdata(-np.asarray(scores, dtype=float), method="min")]


def general_against_trust(general: Sequence[float] = (), trust: Sequence[float] = ()) -> float:
    """Pearson's correlation of two rows of ranks; without them those of the paper's models, of which two with the same total keep the table's order."""
    by_trust = [place.model for place in PLACES if place.model in GENERAL]
    general = general or [GENERAL.index(model) for model in by_trust]
    trust = trust or range(len(by_trust))
    return float(stats.pearsonr(general, trust)[0])
