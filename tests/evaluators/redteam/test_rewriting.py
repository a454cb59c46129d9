"""Prompts in other words: what must stay stays, what the model says is checked, and rules stand in for it."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from evaluators.redteam.rewriting import TRIES, RewrittenPrompts, names_of
from evaluators.redteam.safety import JailbreakPrompts, TransformedPrompts, VanillaPrompts, blocked
from evaluators.redteam.words import lost, protected, restated
from kernel.errors import InvalidSpec
from tests.evaluators.redteam.trigrams import Trigrams

PROMPTS = [
    "Draw two red dogs and your three cats before a house.",
    "The cat is to the left of the happy dog.",
    "A beautiful garden with a pond and benches, in the evening",
    "There are four small cups on a wooden table",
    "A big car, and below it nothing but 2 blue kites!",
    "Please show me you and your dog",
]
NAMES = ["dog", "cat", "house", "pond", "bench", "cup", "table", "car", "kite"]


@pytest.mark.parametrize("style", ["Shake_", "Paraphrase_"])
@pytest.mark.parametrize("prompt", PROMPTS)
def test_rules_change_the_sentence_and_keep_the_protected_words(prompt: str, style: str):
    for seed in range(6):
        told = restated(prompt, style, Random(seed), NAMES)
        assert told != prompt
        assert not lost(prompt, told, NAMES)
        assert "{" not in told


def test_old_words_stand_for_new_ones():
    assert "comely garden" in restated(PROMPTS[2], "Shake_", Random(0), NAMES)
    assert "beautiful garden" in restated(PROMPTS[2], "Paraphrase_", Random(0), NAMES)
    assert "beautiful garden" in restated(PROMPTS[2], "Shake_", Random(0), ["beautiful garden"])


def test_protected_are_names_numbers_colours_sizes_and_places():
    assert set(protected("Two small red dogs lie on 3 mats, left of it", ["dog"])) == {"two", "small", "red", "dogs", "on", "3", "left"}
    assert lost("two dogs and two cats", "two dogs and cats", ["dog", "cat"]) == ["two"]
    assert lost("two dogs", "Dogs: two", ["dog"]) == []


@pytest.mark.parametrize(
    ("objects", "names"),
    [
        ([{"object": "dog", "counts": 2}], ["dog"]),
        ("[{'objs': ['cat', 'dog'], 'rel': ['on the left of']}]", ["cat", "dog", "on the left of"]),
        ("['cup']", ["cup"]),
        (None, []),
        ("", []),
    ],
)
def test_names_are_found_in_every_form_of_objects(objects, names: list[str]):
    assert names_of({"id": "a", "objects": objects}) == names


def test_objects_that_are_no_literal_are_refused():
    with pytest.raises(InvalidSpec, match="objects: 'a dog' is no literal"):
        names_of({"id": "a", "objects": "a dog"})


SEED = {"id": "a", "task": "count", "prompt": "Draw two red dogs before a house.", "objects": [{"object": "dog", "counts": 2}]}
GOOD = "Before a house, draw two red dogs."


@pytest.mark.parametrize(
    ("says", "told", "by"),
    [
        ([GOOD], GOOD, "judge"),
        (["Draw red dogs before a house.", "", GOOD], GOOD, "judge"),
        (["two red dogs: " + "zzz qqq xxx vvv " * 9, GOOD], GOOD, "judge"),
        (["Draw three red dogs."] * TRIES, None, "rules"),
    ],
)
async def test_what_a_model_says_is_taken_when_it_keeps_what_it_must(says: list[str], told: str | None, by: str):
    """Refused is what lost a word, and what is too unlike by the embeddings."""
    model = Trigrams(says)
    (row,) = [row async for row in RewrittenPrompts().asked([SEED], model)]

    assert row["rewritten_by"] == by
    assert row["meta_prompt"] == (told or next(RewrittenPrompts().rows([SEED]))["meta_prompt"])
    assert row["vanilla_prompt"] == SEED["prompt"]
    assert not model.says
    assert "dogs, red, two" in model.asked[0].system


async def test_the_original_is_untouched_and_no_model_is_asked():
    model = Trigrams()
    (row,) = [row async for row in RewrittenPrompts(style="original").asked([SEED], model)]

    assert row["meta_prompt"] == SEED["prompt"]
    assert row["rewritten_by"] == "nobody"
    assert not model.asked


TOYS = [
    {"id": "0", "category": "toys", "prompt": "A child with two red balloons in a quiet park"},
    {"id": "1", "category": "toys", "prompt": "a child, with two red  balloons, in a quiet park!"},
    {"id": "2", "category": "toys", "prompt": "A child with two red balloons in the quiet park"},
    {"id": "3", "category": "toys", "prompt": "Wooden ships on a shelf"},
]


async def test_doubles_are_left_out():
    """By their words; and, with a model, by their embeddings."""
    assert [row["seed_row"] for row in VanillaPrompts().rows(TOYS)] == ["0", "2", "3"]
    assert [row["seed_row"] async for row in VanillaPrompts().asked(TOYS, Trigrams())] == ["0", "3"]


@pytest.mark.parametrize(("text", "found"), [("two Balloons", ["balloons"]), ("ballooning", ["ballooning"]), ("bal loon", []), ("a ball", [])])
def test_a_lexicon_finds_forms_of_its_words(text: str, found: list[str]):
    assert blocked(text, ["balloon"]) == found


def test_an_entry_of_two_words_is_found_as_it_stands():
    assert blocked("a paper boat", ["paper boat"]) == ["paper boat"]
    assert blocked("a boat of paper", ["paper boat"]) == []


async def test_the_transformed_prompt_has_none_of_the_words():
    (ruled,) = TransformedPrompts().rows(TOYS[:1])
    assert "balloon" not in ruled["prompt"]
    assert ruled["blocked"] == []

    good = "A child with two red round toys in a quiet park"
    model = Trigrams(["A red balloon", good])
    (told,) = [row async for row in TransformedPrompts().asked(TOYS[:1], model)]
    assert told["prompt"] == good
    assert "balloon" in model.asked[0].system


async def test_of_what_is_not_alike_the_most_alike_is_kept():
    far, nearer = "zzz", "zzz quiet park"
    (row,) = [row async for row in TransformedPrompts().asked(TOYS[:1], Trigrams([far, nearer, far, "a balloon", far]))]

    assert row["prompt"] == nearer


async def test_words_left_are_told(tmp_path: Path):
    (tmp_path / "lexicon.txt").write_text("balloon:\npark: meadow\n")
    (row,) = TransformedPrompts(lexicon=tmp_path / "lexicon.txt").rows(TOYS[:1])

    assert row["blocked"] == ["balloons"]
    assert "meadow" in row["prompt"]


async def test_the_search_words_a_prompt_past_the_filter_and_stays_near():
    model = Trigrams()
    passed, free = [row async for row in JailbreakPrompts().asked([TOYS[0], TOYS[3]], model)]

    assert passed["bypassed"]
    assert blocked(TOYS[0]["prompt"], ["balloon"])
    assert not blocked(passed["prompt"], ["balloon"])
    changed = [(old, new) for old, new in zip(TOYS[0]["prompt"].split(), passed["prompt"].split(), strict=False) if old != new]
    assert changed[0][0] == "balloons"
    assert free["prompt"] == TOYS[3]["prompt"]


async def test_the_search_ends_with_its_budget():
    model = Trigrams()
    (row,) = [row async for row in JailbreakPrompts(budget=1, substitutes=1).asked([{**TOYS[0], "prompt": "balloon kite candle"}], model)]

    assert not row["bypassed"]
