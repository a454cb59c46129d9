"""How both ways of counting are shown: as one where they agree."""

from __future__ import annotations

from dataclasses import replace

from kernel.benchmark import Aggregate, Published
from kernel.report import Line, Scorecard
from kernel.shell.arrange import merged_lines
from kernel.shell.standings import standings

LINE = Line(
    task="t", perspective="p", model="m", player=None, metric="accuracy/reference", unit="share", higher_is_better=True, planned=4, scored=4,
    failed=0, unscored=0, skipped=0, mean=0.5, low=None, high=None, chance=None,
)  # fmt: skip
CORRECTED = replace(LINE, metric="accuracy/corrected")


def test_where_both_ways_agree_there_is_one_line():
    assert [line.metric for line in merged_lines([LINE, CORRECTED])] == ["accuracy"]


def test_where_one_model_differs_both_stay_for_all():
    other = [replace(LINE, model="n"), replace(CORRECTED, model="n", mean=0.75)]

    assert [(line.model, line.metric) for line in merged_lines([LINE, CORRECTED, *other])] == [
        ("m", "accuracy/reference"),
        ("m", "accuracy/corrected"),
        ("n", "accuracy/reference"),
        ("n", "accuracy/corrected"),
    ]


def test_equal_means_over_other_cases_are_not_the_same():
    fewer = replace(CORRECTED, scored=3, unscored=1)

    assert len(merged_lines([LINE, fewer])) == 2


def test_a_metric_that_is_counted_one_way_stays():
    plain = replace(LINE, metric="words/second")

    assert merged_lines([plain, LINE]) == [plain, LINE]


def card(*aggregates: Aggregate, published=()):
    return Scorecard(run="r", suite="s", status="finished", created="", lines=(LINE,), aggregates={"m": aggregates}, published=tuple(published))


def aggregate(mode, value, name="all"):
    return Aggregate(name=name, mode=mode, value=value, tasks=1, of=2)


def test_scores_that_agree_are_one_row_with_what_others_published():
    number = Published(name="all", model="other", value=0.1, source="a paper")

    rows = standings(card(aggregate("reference", 0.5), aggregate("corrected", 0.5), published=[number]))

    assert [(row.name, row.mode, row.published) for row in rows] == [("all", "both ways", (number,))]


def test_what_was_published_stands_beside_the_reference_alone():
    number = Published(name="all", model="other", value=0.1, source="a paper")

    rows = standings(card(aggregate("reference", 0.5), aggregate("corrected", 0.25), published=[number]))

    assert [(row.mode, row.published) for row in rows] == [("reference", (number,)), ("corrected", ())]


def test_what_was_published_stands_beside_the_rules_that_it_was_made_by_too():
    number = Published(name="all", model="other", value=0.1, source="a paper")

    rows = standings(card(aggregate("paper", 0.4), aggregate("reference", 0.5), aggregate("corrected", 0.25), published=[number]))

    assert [(row.mode, row.published) for row in rows] == [("paper", (number,)), ("reference", (number,)), ("corrected", ())]


def test_every_way_that_agrees_is_named():
    both = standings(card(aggregate("paper", 0.4), aggregate("reference", 0.4), aggregate("corrected", 0.25)))
    all_three = standings(card(aggregate("paper", 0.4), aggregate("reference", 0.4), aggregate("corrected", 0.4)))
    two = standings(card(aggregate("paper", 0.4), aggregate("reference", 0.5), aggregate("corrected", 0.5), aggregate("ours", 0.25)))

    assert [row.mode for row in both] == ["paper, reference", "corrected"]
    assert [row.mode for row in all_three] == ["paper, reference, corrected"]
    assert [row.mode for row in two] == ["paper", "both ways", "ours"]


def test_the_number_of_a_third_way_stays_where_the_others_agree():
    paper = replace(LINE, metric="accuracy/paper", mean=0.25)

    assert [line.metric for line in merged_lines([paper, LINE, CORRECTED])] == ["accuracy/paper", "accuracy"]


def test_a_score_that_nobody_has_is_left_out():
    assert standings(card(aggregate("reference", None), aggregate("corrected", None))) == ()
