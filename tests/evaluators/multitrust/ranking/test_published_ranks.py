"""The published scores are consistent in themselves, and our ranking makes the published ranks of them."""

from __future__ import annotations

from decimal import ROUND_HALF_DOWN, ROUND_HALF_UP, Decimal

import pytest

from evaluators.multitrust import correlation, summary
from evaluators.multitrust.answers_ranking import ANSWERS
from evaluators.multitrust.published import GENERAL, PLACES, SCORES, TABLE, TOTALS
from evaluators.multitrust.ranking import SUB_ASPECTS, parsed, placed, told
from tests.evaluators.multitrust.ranking.made import numbers

CENT = Decimal("0.01")
WHOLE = {model: parts for model, (_, *parts) in SCORES.items() if parts}


def test_forty_four_models_of_which_one_has_a_total_alone():
    assert (len(SCORES), len(WHOLE), len(GENERAL)) == (44, 43, 21)
    assert set(SCORES) - set(WHOLE) == {"deepseek-vl2"}
    assert set(GENERAL) <= set(WHOLE)
    assert all(len(parts) == 10 for parts in WHOLE.values())


@pytest.mark.parametrize("model", WHOLE)
def test_the_total_is_the_mean_of_ten_sub_aspects(model):
    """In decimals, so exactly; a mean that ends in a five may have been rounded either way from unrounded parts."""
    mean = sum(Decimal(str(part)) for part in WHOLE[model]) / 10

    assert Decimal(str(TOTALS[model])) in {mean.quantize(CENT, rounding) for rounding in (ROUND_HALF_UP, ROUND_HALF_DOWN)}


def test_only_two_means_end_in_a_five_that_decides():
    told_apart = [model for model, parts in WHOLE.items() if round(sum(parts) / 10, 2) != TOTALS[model]]

    assert told_apart == ["cambrian-8b", "instructblip-flan-t5-xxl"]


def test_ranks_come_out_of_the_sub_aspects():
    """Totals made of the sub-aspects alone bring all forty-three models into the published order, ties in the order of the file."""
    made = placed((model, round(sum(parts) / 10, 2)) for model, parts in WHOLE.items())
    published = [place.model for place in PLACES if place.model in WHOLE]

    assert [place.model for place in made] == published
    assert [place.rank for place in PLACES] == list(range(1, 45))
    assert [place.model for place in PLACES] == list(SCORES)


def test_the_table_of_ranks_survives_its_text():
    assert tuple(parsed(told(PLACES))) == PLACES
    assert told(PLACES).startswith("gpt-4-1106-vision-preview|78.28|1\nclaude-3-5-sonnet-20240620|76.7|2\n")
    assert ANSWERS["all", "rank.txt contents"]({})[43] == {"model": "mplug-owl-llama-7b", "score": 39.91, "rank": 44}


def test_capability_and_trust():
    """The paper rounds it to 0.60."""
    assert correlation.general_against_trust() == pytest.approx(0.6026, abs=5e-5)


def test_the_heat_map_is_spearman_and_symmetric():
    found = correlation.published_heat_map()

    assert all(found[one][other] == pytest.approx(found[other][one]) for one in found for other in found)
    assert all(found[code][code] == 1 for code in found)
    assert found["T.I"]["T.M"] > 0.7
    assert max(abs(found["F.B"][code]) for code in ("R.O", "R.A", "P.A")) < 0.5


def test_ties_share_the_best_rank():
    assert correlation.ranks([3.0, 5.0, 5.0, 1.0]) == [3, 1, 1, 4]


@pytest.mark.parametrize(("method", "expected"), [("spearman", 1.0), ("pearson", 0.9), ("kendall", 1.0)])
def test_methods_of_correlation(method, expected):
    found = correlation.heat_map({"T.I": [1.0, 2.0, 10.0], "T.M": [1.0, 5.0, 9.0]}, method)["T.I"]["T.M"]

    assert found == pytest.approx(expected, abs=0.02)


def test_answers_take_scores_by_model_or_by_column():
    by_model = {f"m{at}": {sub.code: float(at + number) for number, sub in enumerate(SUB_ASPECTS)} for at in range(3)}
    by_column = {sub.code: [each[sub.code] for each in by_model.values()] for sub in SUB_ASPECTS}
    ranks = ANSWERS["all", "per-sub-aspect ranks of the 21 paper models"]

    assert ranks({"models": list(by_model), "scores": by_model}) == ranks({"models": list(by_model), "scores": by_column})
    assert ranks({"models": list(by_model), "scores": by_model})["P.L"] == [3, 2, 1]
    assert ANSWERS["all", "sub-aspect correlation heat map"]({"method": "spearman", "scores": by_model})["T.I"]["P.L"] == 1
    assert ANSWERS["all", "leaderboard totals from sub-aspect scores"]({"rows": by_model}) == {"m0": 4.5, "m1": 5.5, "m2": 6.5}


def test_every_published_number_has_the_name_of_an_aggregate():
    ours = {each.name for each in summary.aggregates(numbers())}

    assert {each.name for each in TABLE} - ours == set()


def test_no_published_number_stands_twice_and_each_has_a_source():
    keys = [(each.name, each.model, each.source) for each in TABLE]

    assert len(keys) == len(set(keys))
    assert all(each.source for each in TABLE)
    assert all(0 <= each.value <= 1 for each in TABLE if each.name.count("/") == 3)
