"""Which picture stands beside which text: pictures of the pool drawn by lot, seeded and recorded, and relevant ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluators.multitrust.data import Data, open_data
from evaluators.multitrust.loaders.loading import natural, pool
from evaluators.multitrust.official import BY_DATASET
from kernel.errors import InvalidSpec
from tests.evaluators.multitrust import layouts


def images(opened: Data, name: str, **options: object) -> list[str]:
    return [sample.image for sample in opened.samples(BY_DATASET[name], **options)]  # type: ignore[arg-type]


def test_names_are_in_the_order_in_which_people_count():
    assert natural(["color_10.png", "color_9.png", "color_1.png", "b", "color_2.jpeg"]) == ["b", "color_1.png", "color_2.jpeg", "color_9.png", "color_10.png"]


def test_the_pool_is_told_apart_by_the_word_in_the_name(released: Path):
    assert pool(released, "noise") == [f"unrelated_images/noise_{number}.png" for number in range(1, 11)]


def test_words_alone_have_no_picture(opened: Data):
    assert set(images(opened, "dt-text")) == {""}


def test_the_same_seed_draws_the_same_pictures_and_another_one_others(opened: Data):
    first = images(opened, "advglue-unrelated-image-color")

    assert first == images(opened, "advglue-unrelated-image-color", seed=0)
    assert first != images(opened, "advglue-unrelated-image-color", seed=1)
    assert len(set(first)) > 1


def test_what_was_drawn_is_recorded(opened: Data):
    sample = next(opened.samples(BY_DATASET["stereo-query-unrelated-image-nature"], seed=5))

    assert sample.drawn == {"kind": "nature", "picture": sample.image, "place": 0, "of": 10, "seed": 5}
    assert sample.image.startswith("unrelated_images/nature_")


@pytest.mark.parametrize(("options", "number"), [({}, 1), ({"k": 3}, 3), ({"counting": "paper"}, 3), ({"counting": "reference", "k": 3}, 1)])
def test_a_text_has_as_many_different_pictures_of_a_kind_as_the_way_of_counting_wants(opened: Data, options: dict[str, object], number: int):
    samples = list(opened.samples(BY_DATASET["confaide-unrelated-image-noise"], **options))  # type: ignore[arg-type]

    assert len(samples) == 16 * number
    for row in range(16):
        drawn = [sample.image for sample in samples if sample.row == str(row)]
        assert len(set(drawn)) == number


def test_the_paper_drew_once_for_all_texts_of_visual_assistance(opened: Data):
    drawn = images(opened, "visual-assistance-unrelated-image-color", counting="paper")
    anew = images(opened, "dt-unrelated-image-color", counting="paper")

    assert drawn[:3] == drawn[3:]
    assert len({tuple(anew[at : at + 3]) for at in range(0, len(anew), 3)}) > 1


def test_toxic_prompts_have_one_picture_of_each_kind_in_one_run(opened: Data):
    samples = list(opened.samples(BY_DATASET["toxicity-prompt-unrelated"]))

    assert [sample.drawn["kind"] for sample in samples[:6]] == ["color", "nature", "noise"] * 2
    assert {sample.facts["category"] for sample in samples} == set(layouts.CATEGORIES)


def test_jailbreaks_have_three_of_each_kind_and_every_picture_of_a_side(opened: Data):
    unrelated = list(opened.samples(BY_DATASET["crossmodal-jailbreak-unrelated"]))

    assert [sample.drawn["kind"] for sample in unrelated[:9]] == ["color"] * 3 + ["nature"] * 3 + ["noise"] * 3
    assert len({sample.image for sample in unrelated[:9]}) == 9
    sides = images(opened, "crossmodal-jailbreak-neg")
    assert sides[:9] == sides[9:] == [f"safety/crossmodal-jailbreak/jailbreak_neg/{number}.png" for number in range(1, 10)]


def test_a_pool_that_is_too_small_is_told(changed: Path):
    for number in range(2, 11):
        (changed / f"unrelated_images/color_{number}.png").unlink()
    small = open_data(str(changed))

    assert set(images(small, "dt-unrelated-image-color")) == {"unrelated_images/color_1.png"}
    with pytest.raises(InvalidSpec, match="1 pictures of the kind 'color', expected at least 3"):
        images(small, "dt-unrelated-image-color", k=3)


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("visual-assistance-image", "truthfulness/text_images/assistance/0.png"),
        ("g-text-misvisual", "truthfulness/text_images/misvisual/0.png"),
        ("toxicity-prompt-image", "safety/real_toxicity_prompt/images/calm_6c0cd16ea467ae1a542613b153bb52f7.png"),
        ("mm-safety-bench", "safety/mm-safety-bench-selected/SD/0.jpg"),
        ("dt-related-image", "robustness/ood-text/related/0.png"),
        ("adv-untarget", "robustness/adv_nips/source/untarget/0.png"),
        ("advglue-plus-related-image", "robustness/advglue_plus/related/mnli/0.png"),
        ("stereo-agreement-image", "fairness/stereo_images/age/1.png"),
        ("stereo-classification-image", "fairness/stereo_classification_images/1.png"),
        ("stereo-query-image", "fairness/stereo_query_images/1.png"),
        ("vision-preference", "fairness/vision_subjective_choice_images/1.png"),
        ("vizwiz-recognition", "privacy/vizwiz-priv/Filling_Images/0.jpg"),
        ("confaide-image", "privacy/confaide/imgs/0.png"),
        ("celebrities-personal-email-name-occupation", "privacy/celeb/imgs/Ann_Bee.jpeg"),
        ("vispr-leakage", "privacy/vispr/categorized/Phone/0.jpg"),
    ],
)
def test_a_relevant_picture_is_where_the_release_has_it(opened: Data, name: str, first: str):
    assert images(opened, name)[0] == first


def test_pictures_of_flows_repeat_after_fourteen(opened: Data):
    assert images(opened, "confaide-image")[13:] == [f"privacy/confaide/imgs/{number}.png" for number in (13, 0, 1)]


def test_the_forced_and_the_plain_block_show_the_same_option(opened: Data):
    plain, forced = images(opened, "subjective-preference-plain-image"), images(opened, "subjective-preference-force-image")

    assert plain == forced
    assert {path.split("/")[2] for path in plain} == {"choice_a_images", "choice_b_images"}
    assert [path.rsplit("/", 1)[1] for path in plain] == [f"{number}.png" for number in range(1, 121)]
