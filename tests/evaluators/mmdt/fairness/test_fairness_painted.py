"""Fairness of text to image over the sample: players score what is known in advance, and every repair shows."""

from __future__ import annotations

import json

import pytest

from evaluators.mmdt.fairness import sample
from evaluators.mmdt.fairness.prompts import DECISIONS
from evaluators.mmdt.fairness.text_to_image import TASKS, TextToImage
from kernel.contract import Deadline, Detection, Kind, Reply, Request
from tests.evaluators.mmdt.fairness.instruments import Answers, Instruments, asked, painting, played, scored, total

GROUPS = [("social_stereotype", ""), ("social_stereotype", "education"), ("decision_making", "finance"), ("overkill", "")]
INDIVIDUALS = [("individual", task) for task in TASKS["individual"]]
EVERY = [*GROUPS, *INDIVIDUALS]
MAN, OLD_WOMAN, YOUNG_ASIAN, OLD_INDIAN = map(sample.picture, sample.EVEN)
BLACK_MAN = sample.picture(sample.BLACK_MAN)


def painted(evaluator: TextToImage, *pictures: bytes | None, **report: object) -> tuple[dict[str, float | None], list[Answers]]:
    """The totals of a model that paints these one after the other in each case anew; and what it was asked."""
    models, scores = [], []
    for case in evaluator.cases():
        models.append(Answers(*pictures, report=dict(report)))
        scores.append(scored(evaluator, case, asked(evaluator, case, models[-1])))
    return total(evaluator, scores), models


@pytest.mark.parametrize(("scenario", "name"), EVERY)
class TestEveryTask:
    """What holds for each scenario and task."""

    def test_cases_are_told_apart_and_stay(self, data: str, scenario: str, name: str) -> None:
        cases = list(painting(data, scenario, name).cases())

        assert len(cases) >= 2
        assert len({case.id for case in cases}) == len(cases)
        assert [case.id for case in painting(data, scenario, name).cases()] == [case.id for case in cases]
        assert all(case.request.kind is Kind.IMAGINE and case.request.sampling.seed == 0 for case in cases)
        json.dumps([[case.gold, dict(case.facts)] for case in cases])

    def test_who_paints_nothing_has_no_corrected_number(self, data: str, scenario: str, name: str) -> None:
        """The reference takes a missing picture for one that is like nothing, and so for perfectly fair."""
        for player in ("empty", "refuses"):
            evaluator = painting(data, scenario, name)
            scores = played(evaluator, player)

            assert {score.value for score in scores} == {0.0}
            assert {score.found for score in scores} == {False}
            assert all(score.also.get("individual_unfairness/corrected") is None for score in scores)
            assert set(total(evaluator, scores).values()) <= {None}


@pytest.mark.parametrize(("scenario", "name"), GROUPS)
def test_gold_is_even_and_true_and_constant_is_not(data: str, scenario: str, name: str) -> None:
    evaluator = painting(data, scenario, name)
    gold, constant = (total(evaluator, played(evaluator, player)) for player in ("gold", "constant"))
    best = {name: value for name, value in gold.items() if value is not None and not name.startswith("factual")}

    assert set(best.values()) == {0.0}
    assert gold["overkill/corrected" if scenario == "overkill" else "disparity/corrected"] == 0
    assert constant["overkill/corrected" if scenario == "overkill" else "disparity/corrected"] >= 0.5


@pytest.mark.parametrize(("scenario", "name"), INDIVIDUALS)
def test_gold_is_alike_to_both_variants(data: str, scenario: str, name: str) -> None:
    """One half is what the ratio has at its best."""
    gold = played(painting(data, scenario, name), "gold")

    assert [score.also["individual_unfairness/corrected"] for score in gold] == [pytest.approx(0.5, abs=1e-4)] * len(gold)


def test_seeds_are_each_their_own_and_the_reference_takes_the_first(data: str) -> None:
    """A model that paints a man with seed 0 and then women: all are men to the reference, one of five is."""
    evaluator = painting(data, "social_stereotype", "education")

    found, models = painted(evaluator, MAN, *[OLD_WOMAN] * 4)
    unseeded, _ = painted(evaluator, MAN, *[OLD_WOMAN] * 4, not_honoured=["seed"])

    assert [request.sampling.seed for request in models[0].asked] == [0, 1, 2, 3, 4]
    assert (found["gender/reference"], found["gender/corrected"]) == (1, pytest.approx(0.6))
    assert unseeded["gender/reference"] == pytest.approx(0.6)


def test_faces_join_other_prompts_in_the_reference(data: str) -> None:
    """The model's own name holds the number 2_1 of a picture, which therefore collects the faces of all."""
    pictures = (MAN, OLD_WOMAN, MAN, MAN, MAN)
    plain, named = (painted(painting(data, "overkill", target=target), *pictures, not_honoured=["seed"])[0] for target in ("sd", "sd_2_1"))

    assert plain["factual_accuracy/reference"] != named["factual_accuracy/reference"]
    assert plain["factual_accuracy/corrected"] == named["factual_accuracy/corrected"]


def test_bystanders_count_in_the_reference_alone(data: str) -> None:
    """Of two faces in a picture the larger one was asked for."""
    evaluator = painting(data, "social_stereotype", "education")
    case = next(evaluator.cases())

    class Faces:
        async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
            told = ({"gender": gender, "race4": "White", "age": "20-29"} for gender in ("Male", "Female"))
            return Reply(detections=tuple(Detection("face", 1.0, (0, 0, side, side), more) for side, more in zip((10, 20), told, strict=True)))

    score = scored(evaluator, case, asked(evaluator, case, Answers(MAN)), Faces())
    found = total(evaluator, [score])

    assert (found["gender/reference"], found["gender/corrected"]) == (0, 1)


def test_the_last_domain_stands_for_all_in_the_reference(data: str) -> None:
    """Somebody else is drawn in the last domain alone."""
    evaluator = painting(data, "social_stereotype")
    scores = []
    for case in evaluator.cases():
        pictures = (MAN, OLD_WOMAN) if case.gold["domain"] == "fancyattr" else (MAN,)
        scores.append(scored(evaluator, case, asked(evaluator, case, Answers(*pictures, report={"not_honoured": ["seed"]}))))
    found = total(evaluator, scores)

    assert found["gender/reference"] == pytest.approx(0.2)
    assert found["gender/corrected"] == pytest.approx((4 * 1 + 0.2) / 5)
    assert found["disparity/healthcare/corrected"] == 0.5


def test_missing_attributes_spoil_the_references_mean_alone(data: str) -> None:
    found, _ = painted(painting(data, "social_stereotype", "education"), MAN)

    assert (found["disparity/reference"], found["age/reference"]) == (None, None)
    assert found["disparity/corrected"] == pytest.approx((1 + 0.5) / 2)


def test_signs_cancel_in_the_reference_alone(data: str) -> None:
    """Asian faces alone: White and Black are -1/3 each. Three of five White, none Black: 7/15 and -1/3."""
    found, _ = painted(painting(data, "social_stereotype", "education"), MAN, YOUNG_ASIAN, MAN, OLD_INDIAN, MAN, not_honoured=["seed"])

    assert found["race/reference"] == pytest.approx(7 / 15 - 1 / 3)
    assert found["race/corrected"] == pytest.approx((7 / 15 + 1 / 3 + 1 / 15 + 1 / 15) / 4)


def test_a_decision_has_lists_of_its_own_and_of_the_others(data: str) -> None:
    """Men for this decision, and everybody for the two others."""
    evaluator = painting(data, "decision_making", "finance")
    cases = list(evaluator.cases())
    scores = []
    for case in cases:
        pictures = (MAN,) if case.gold["own"] else (MAN, OLD_WOMAN, YOUNG_ASIAN, OLD_INDIAN, BLACK_MAN)
        scores.append(scored(evaluator, case, asked(evaluator, case, Answers(*pictures, report={"not_honoured": ["seed"]}))))
    found = total(evaluator, scores)

    assert {case.id.split("/")[1] for case in cases} == set(DECISIONS)
    assert sum(case.gold["own"] for case in cases) == 8
    assert found["gender/corrected"] == 1
    assert found["gender/reference"] == pytest.approx((8 * 5 + 16 * 1) / 120)


def test_a_decision_counts_who_was_on_offer(data: str) -> None:
    """Women where gender is the choice, men everywhere else."""
    evaluator = painting(data, "decision_making", "hiring")
    scores = []
    for case in evaluator.cases():
        pictures = (OLD_WOMAN,) if case.gold["attribute"] == "gender" else (MAN, YOUNG_ASIAN, BLACK_MAN, MAN, MAN)
        scores.append(scored(evaluator, case, asked(evaluator, case, Answers(*pictures, report={"not_honoured": ["seed"]}))))
    found = total(evaluator, scores)

    assert found["gender/corrected"] == 1
    # No face is Indian, so Asian has a pair and nobody is unseen on both sides.
    assert found["gender/reference"] == pytest.approx((18 - 6) / 24)
    assert found["race/corrected"] == pytest.approx((((3 - 1) / 4 + (3 - 1) / 4 + 1) / 3 + abs(-0.5 + 0 + 1) / 3 * 2 + 1) / 4)


def test_pairs_of_races_that_nobody_has_end_the_reference(data: str) -> None:
    found, _ = painted(painting(data, "decision_making", "hiring"), MAN)

    assert (found["race/reference"], found["gender/reference"]) == (None, None)
    assert found["race/corrected"] == pytest.approx((1 + 3 * 1 / 3) / 4)


def test_overkill_has_a_corrected_score_with_races_of_its_own(data: str) -> None:
    """Gold is right of all six groups; South Asian is nobody to the reference, which has no score of overkill."""
    evaluator = painting(data, "overkill")
    found = total(evaluator, played(evaluator, "gold"))

    assert found == {
        "overkill/reference": None,
        "overkill/corrected": 0.0,
        "factual_accuracy/reference": pytest.approx(5 / 6),
        "factual_accuracy/corrected": 1.0,
    }


def test_activities_are_set_against_educations_races_in_the_reference(data: str) -> None:
    """The third activity is set against nothing, which counts as perfectly fair."""
    evaluator = painting(data, "individual", "activity/sex")
    *_, case = evaluator.cases()
    first = next(evaluator.cases())

    assert first.gold["prompts"][1:] == [
        f"A picture of a {colour} circle in {domain}."
        for colour, domain in (("red", "activity"), ("blue", "activity"), ("green", "education"), ("yellow", "education"))
    ]
    assert (first.gold["meant"], first.gold["mistaken"], case.gold["mistaken"]) == ([1, 2], [3, 4], [])
    score = scored(evaluator, case, asked(evaluator, case, Answers(MAN)))
    assert (score.value, score.also["individual_unfairness/corrected"] > 0.4) == (0, True)


def test_missing_pictures_are_like_nothing_in_the_reference_alone(data: str) -> None:
    """The neutral prompt loses all but one of its ten pictures."""
    evaluator = painting(data, "individual", "occupation/gender")
    case = next(evaluator.cases())
    lost = Answers(MAN, *[None] * 9, *[MAN] * 20, report={"not_honoured": ["seed"]})
    whole = Answers(MAN, report={"not_honoured": ["seed"]})

    one, other = (scored(evaluator, case, asked(evaluator, case, model)) for model in (lost, whole))

    assert len(lost.asked) == 30
    assert one.also == other.also
    assert one.value != other.value
    assert other.value == pytest.approx(other.also["individual_unfairness/corrected"])


def test_equal_pictures_are_looked_at_once(data: str) -> None:
    instruments = Instruments()
    group, single = painting(data, "overkill"), painting(data, "individual", "education/race")
    for evaluator in (group, single):
        case = next(evaluator.cases())
        scored(evaluator, case, asked(evaluator, case, Answers(MAN)), instruments)

    assert instruments.asked == ["face", *["clip"] * 6]


def test_every_repair_is_told() -> None:
    """Each of them is the subject of a test here."""
    assert set(TextToImage.repairs) == {
        "seeds", "joining", "bystanders", "domains", "missing attributes", "signs", "lists", "offers", "unseen pairs", "overkill", "races", "activity",
        "missing pictures",
    }  # fmt: skip
