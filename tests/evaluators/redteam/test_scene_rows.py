"""Rows from annotated pictures: which pictures are fit, what is true of them, and that changed facts are still computed right."""

from __future__ import annotations

import ast
import io
import json
import re
from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np
import pytest
from PIL import Image

from evaluators.redteam.boxes import DistractionQuestions, distractors, line_width
from evaluators.redteam.coco import Fact, Scene, Thing, fact, place, read_scenes, triple
from evaluators.redteam.cooccurrence import CooccurrencePrompts, CooccurrenceQuestions, extremes, informations
from evaluators.redteam.natural import NaturalPrompts, NaturalQuestions
from evaluators.redteam.pictured import Vocabulary
from evaluators.redteam.questions import CounterfactualPrompts, CounterfactualQuestions, MisleadingPrompts, MisleadingQuestions, changed
from evaluators.redteam.selection import kept, read_accuracies
from evaluators.redteam.wording import article, counts, number, plural
from kernel.errors import InvalidSpec

CENTRES = {"left": (40, 100), "right": (160, 100), "above": (100, 40), "below": (100, 160)}


def scene(*things: Thing, name: str = "1") -> Scene:
    return Scene(name, Path("none.png"), 200, 200, things)


def thing(name: str, x: float, y: float, **more: str) -> Thing:
    return Thing(name, (x - 20, y - 20, x + 20, y + 20), **more)


TRIO = scene(thing("dog", 40, 40), thing("cat", 160, 50), thing("cup", 90, 170))


def swapped_places(a: str, b: str) -> Scene:
    of = {thing.name: thing for thing in TRIO.things}
    of[a], of[b] = Thing(a, of[b].box), Thing(b, of[a].box)
    return scene(*of.values())


@pytest.mark.parametrize(
    ("change", "fit"),
    [
        ({}, True),
        ({"iscrowd": 1}, False),
        ({"bbox": [0, 0, 19, 20]}, False),
        ({"bbox": [0, 0, 20, 20]}, True),
        ({"category_id": 1}, False),
    ],
)
def test_only_pictures_that_can_be_asked_about_are_taken(tmp_path: Path, change: dict, fit: bool):
    """Two to six kinds, no crowd, nothing under a hundredth of the picture."""
    annotations = [{"image_id": 1, "category_id": 1, "bbox": [10, 10, 50, 50]}, {"image_id": 1, "category_id": 2, "bbox": [99, 99, 50, 50], **change}]
    images = [{"id": 1, "file_name": "a.png", "width": 200, "height": 200}]
    (tmp_path / "a.json").write_text(
        json.dumps({"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "dog"}, {"id": 2, "name": "cat"}]})
    )

    assert bool(read_scenes(tmp_path / "a.json")) == fit


def test_captions_tell_what_nobody_else_does(tmp_path: Path):
    annotations = [
        {"image_id": 1, "category_id": 1, "bbox": [10, 10, 50, 50]},
        {"image_id": 1, "category_id": 2, "bbox": [99, 99, 50, 50]},
        {"image_id": 1, "caption": "A brown dog is chasing a ball near a cup"},
    ]
    images = [{"id": 1, "file_name": "a.png", "width": 200, "height": 200}]
    (tmp_path / "a.json").write_text(
        json.dumps({"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "dog"}, {"id": 2, "name": "cup"}]})
    )
    dog, cup = read_scenes(tmp_path / "a.json")[0].things

    assert (dog.attribute, dog.action) == ("brown", "chasing a ball")
    assert (cup.attribute, cup.action) == ("", "")


@pytest.mark.parametrize("text", ["[]", "{}", "no json", '{"images": [{"id": 1}], "annotations": [], "categories": []}'])
def test_what_are_no_annotations_is_refused(tmp_path: Path, text: str):
    (tmp_path / "a.json").write_text(text)

    with pytest.raises(InvalidSpec, match="expected a JSON object of images, annotations and categories"):
        read_scenes(tmp_path / "a.json")


@pytest.mark.parametrize(("where", "centre"), CENTRES.items())
def test_places_are_told_by_centres(where: str, centre: tuple[int, int]):
    assert place(TRIO, thing("a", *centre), thing("b", 100, 100)) == where


@pytest.mark.parametrize(("x", "y"), [(100, 100), (119, 100), (150, 150), (100, 81)])
def test_things_too_close_or_across_have_no_place(x: int, y: int):
    """Less than a tenth of the picture apart, or exactly diagonal."""
    assert place(TRIO, thing("a", x, y), thing("b", 100, 100)) is None


def test_a_triple_goes_round_in_a_circle():
    told = triple(TRIO, Random(1))

    assert told is not None
    of = {thing.name: thing for thing in TRIO.things}
    round_ = [*told.about, told.about[0]]
    assert list(told.value) == [place(TRIO, of[a], of[b]) for a, b in pairwise(round_)]


@pytest.mark.parametrize("seed", range(6))
def test_swapping_two_things_is_computed_as_if_they_were_moved(seed: int):
    """For a pair and for a triple, against the places in a scene in which they really changed."""
    for told in (fact(TRIO, "spatial", Random(seed)), triple(TRIO, Random(seed))):
        assert told is not None
        how, after = changed(told, TRIO, Vocabulary.of([TRIO]), Random(seed))
        moved = swapped_places(told.about[0], told.about[1])
        of = {thing.name: thing for thing in moved.things}
        pairs = list(pairwise([*told.about, told.about[0]])) if len(told.about) == 3 else [told.about]
        truth = [place(moved, of[a], of[b]) for a, b in pairs]
        assert (list(after.value) if len(told.about) == 3 else [after.value]) == truth
        assert "changed places" in how


@pytest.mark.parametrize("seed", range(12))
def test_a_changed_count_follows_its_words(seed: int):
    told = Fact("count", ("cat", "dog"), {"cat": 1, "dog": 3})
    how, after = changed(told, TRIO, Vocabulary.of([TRIO]), Random(seed))
    word, name = re.match(r"(one|two) (?:of the )?(\w+)", how).groups()
    name = {"cats": "cat", "dogs": "dog"}.get(name, name)
    change = {"one": 1, "two": 2}[word] * (1 if "came in" in how else -1)

    assert after.value == {**told.value, name: told.value[name] + change}
    assert min(after.value.values()) >= 1


def rows_of(generator, annotated: Path) -> list[dict]:
    return list(generator.rows(generator.read(annotated)))


def scenes_by_id(annotated: Path) -> dict[str, Scene]:
    return {scene.id: scene for scene in read_scenes(annotated)}


def test_answers_are_true_of_the_pictures(annotated: Path):
    scenes = scenes_by_id(annotated)
    for row in rows_of(NaturalQuestions(), annotated):
        of = {thing.name: thing for thing in scenes[row["seed_row"]].things}
        numbers = scenes[row["seed_row"]].counts
        named = [name for name in of if re.search(rf"\b{name}\b", row["question"])]
        match row["task"]:
            case "identification":
                assert set(row["answer"].split(", ")) == set(numbers) - set(named)
            case "count":
                assert ast.literal_eval(row["answer"]) == numbers
            case "attribute":
                assert row["answer"] == of[named[0]].attribute
            case "action":
                assert row["answer"] == of[named[0]].action
            case "spatial":
                b, a = re.match(r"Seen from the (\w+), where in the picture is the (\w+)\?", row["question"]).groups()
                assert row["answer"] == place(scenes[row["seed_row"]], of[a], of[b])


def test_prompts_are_checked_for_what_they_order(annotated: Path):
    for row in rows_of(NaturalPrompts(), annotated):
        objects = ast.literal_eval(row["objects"])
        if row["task"] == "count":
            assert counts(objects) in row["prompt"]
        elif row["task"] == "spatial":
            assert len(objects) == len(ast.literal_eval(row["relations"])) == 3
        assert all(name in row["prompt"] or plural(name) in row["prompt"] for name in objects)
        assert (row["checking_question"] != "") == (row["task"] == "attribute")


def test_red_boxes_are_around_what_is_not_asked_about(annotated: Path):
    scenes = scenes_by_id(annotated)
    generator = DistractionQuestions(task="spatial")
    for row in rows_of(generator, annotated):
        asked = [thing for thing in scenes[row["seed_row"]].things if thing.name in row["question"]]
        picture = np.asarray(Image.open(io.BytesIO(row["image"])))
        for x0, y0, x1, y1 in row["boxes"]:
            assert all([x0, y0, x1, y1] != list(thing.box) for thing in asked)
            for x, y in ((x0, y0), (x1, y1), (x0, (y0 + y1) // 2)):
                assert tuple(picture[int(y), int(x)]) == (255, 0, 0)


def test_where_all_is_asked_about_boxes_are_around_nothing():
    boxes = distractors(TRIO, ["dog", "cat", "cup"], Random(1))

    for box in boxes:
        assert 0.04 < (box[2] - box[0]) * (box[3] - box[1]) / (200 * 200) < 0.16
        assert all(tuple(box) != thing.box for thing in TRIO.things)


@pytest.mark.parametrize(("side", "width"), [(10, 2), (28, 2), (34, 2), (35, 3), (44, 4), (100, 5)])
def test_lines_are_two_to_five_pixels(side: int, width: int):
    assert line_width((0, 0, side, side)) == width


def test_counterfactual_prompts_list_what_must_be_there_and_what_must_not(annotated: Path):
    scenes = scenes_by_id(annotated)
    rows = rows_of(CounterfactualPrompts(task="identification"), annotated)
    assert rows
    for row in rows:
        before, visible, absent = (
            set(scenes[row["seed_row"]].counts),
            set(ast.literal_eval(row["visible_objects"])),
            set(ast.literal_eval(row["absent_objects"])),
        )
        assert len(absent) == 1
        assert before - visible == absent
        assert len(visible) == len(before)


def test_counterfactual_has_no_action(annotated: Path):
    assert {row["task"] for row in rows_of(CounterfactualQuestions(), annotated)} == {"identification", "attribute", "spatial", "count"}


def test_misleading_questions_presuppose_what_is_false(annotated: Path):
    """The keyword is true of the picture; what is presupposed is not."""
    scenes = scenes_by_id(annotated)
    for row in rows_of(MisleadingQuestions(), annotated):
        here = scenes[row["seed_row"]]
        of = {thing.name: thing for thing in here.things}
        if row["task"] == "identification":
            assert row["keyword"] in here.counts
            assert re.search(r"there is an? (\w+)\.", row["question"])[1] not in here.counts
        elif row["task"] in ("attribute", "action"):
            name, false = re.match(r"The (\w+) is (\w+)\.", row["question"]).groups()
            assert getattr(of[name], row["task"]).split()[0] == row["keyword"] != false
        elif row["task"] == "count":
            false, name = re.match(r"Given that there are (\w+) (\w+), how many", row["question"]).groups()
            (count,) = (count for one, count in here.counts.items() if plural(one) == name)
            assert number(count) != false
            assert row["keyword"] == str(count)
        else:
            a, false, b = re.match(r"As the (\w+) is (\w+) as seen from the (\w+),", row["question"]).groups()
            assert place(here, of[a], of[b]) == row["keyword"] != false


def test_a_place_below_is_called_under(annotated: Path):
    """The check of misleading prompts does not know "below"."""
    found = {row["spatial_relation"] for row in rows_of(MisleadingPrompts(task="spatial"), annotated)}

    assert "under" in found
    assert "below" not in found


def test_information_is_high_for_what_goes_together():
    groups = [["fork", "knife"]] * 8 + [["fork", "boat"], ["knife", "boat"], ["boat", "kite"], ["boat", "kite"], ["boat"]]
    found = informations(groups)

    assert found["fork", "knife"] == pytest.approx(np.log(8 * 13 / (9 * 9)))
    assert extremes(found, 0.2, high=True) == [("boat", "kite")]
    assert extremes(found, 0.2, high=False) == [("boat", "fork")]


@pytest.mark.parametrize("pairs", ["high_cooc", "low_cooc"])
def test_cooccurring_things_are_there_or_not(annotated: Path, pairs: str):
    scenes = scenes_by_id(annotated)
    rows = rows_of(CooccurrenceQuestions(pairs=pairs, share=0.2), annotated)
    asked = [row for row in rows if row["task"] == "identification"]

    assert asked
    for row in asked:
        targets = row["target"] if isinstance(row["target"], list) else [row["target"]]
        assert all((target in scenes[row["seed_row"]].counts) == (row["label"] == "positive") for target in targets)
    assert {row["label"] for row in asked} == ({"positive", "negative"} if pairs == "high_cooc" else {"positive"})


def test_prompts_of_pairs_name_one_or_both(annotated: Path):
    for pairs, both in (("high_cooc", False), ("low_cooc", True)):
        rows = [row for row in rows_of(CooccurrencePrompts(pairs=pairs, share=0.2), annotated) if row["task"] == "identification"]
        assert rows
        assert all(row["concept1"] in row["prompt"] for row in rows)
        assert all((row["concept2"] in row["prompt"]) == both for row in rows)


def test_historical_statements_are_the_users(tmp_path: Path):
    (tmp_path / "s.jsonl").write_text('{"task": "attribute", "prompt": "Draw it.", "object": "barn", "target": "red", "label": "positive"}')
    generator = CooccurrencePrompts(pairs="historical_bias")
    (row,) = generator.rows(generator.read(tmp_path / "s.jsonl"))

    assert generator.split == "cooccurrence_historical_bias"
    assert (row["prompt"], row["object"], row["target"], row["label"]) == ("Draw it.", "barn", "red", "positive")


def test_the_hardest_rows_are_kept(tmp_path: Path):
    (tmp_path / "a.json").write_text(json.dumps({"a": [1, 0], "b": [0, 0], "c": [0.5, 0.5], "d": [1, 1]}))

    assert kept("abcd", 2, Random(0), read_accuracies(tmp_path / "a.json")) == ([0, 1], "hardest")
    assert kept("abcd", None, Random(0)) == ([0, 1, 2, 3], "all")
    places, how = kept("abcd", 2, Random(0))
    assert (len(places), how) == (2, "at random")
    with pytest.raises(InvalidSpec, match="row 'e' has none"):
        kept("ae", 1, Random(0), read_accuracies(tmp_path / "a.json"))


def test_one_surrogate_is_too_few(tmp_path: Path):
    (tmp_path / "a.json").write_text('{"a": [1]}')

    with pytest.raises(InvalidSpec, match="a: 1 accuracies; expected those of at least two models"):
        read_accuracies(tmp_path / "a.json")


def test_so_many_of_each_task_are_kept(annotated: Path):
    rows = rows_of(NaturalPrompts(keep=3), annotated)

    assert len(rows) == 12
    assert {row["selected"] for row in rows} == {"at random"}


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("dog", "dogs"),
        ("wine glass", "wine glasses"),
        ("person", "people"),
        ("toothbrush", "toothbrushes"),
        ("berry", "berries"),
        ("toy", "toys"),
        ("sheep", "sheep"),
    ],
)
def test_plurals(one: str, many: str):
    assert plural(one) == many


@pytest.mark.parametrize(
    ("name", "told"), [("apple", "an apple"), ("dog", "a dog"), ("scissors", "some scissors"), ("unicycle", "a unicycle"), ("sheep", "a sheep")]
)
def test_articles(name: str, told: str):
    assert article(name) == told
