"""shapes_vlm without Triton: what it answers depends on the question, the picture and the seed, and on nothing else."""

from __future__ import annotations

import io
import random
from typing import Any

import pytest
from PIL import Image

from evaluators.scenes import png, sample
from evaluators.shapes.questions import colour_of, shape_of
from gateway.repository import BUNDLED
from tests.model_repository.folders import load

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def served() -> Any:
    """The module as Triton sees it, and as training does."""
    return load("shapes_vlm", "shapes_answers")


@pytest.fixture(scope="module")
def answerer(served: Any) -> Any:
    """The real network."""
    return served.Answerer(BUNDLED / "shapes_vlm" / "1")


def picture(seed: int, pixels: int = 64) -> Image.Image:
    """A scene as a client would send it."""
    return Image.open(io.BytesIO(png(sample(random.Random(seed)), pixels)))


def test_fresh_scenes_are_answered_rightly(served: Any, answerer: Any) -> None:
    """Shapes and colours, at least nine in ten; the model card has the exact figures."""
    rng = random.Random("fresh")
    scenes = [sample(rng) for _ in range(60)]
    pairs = [(scene, question) for scene in scenes for ask in (shape_of, colour_of) if (question := ask(scene, rng))]
    shown = [Image.open(io.BytesIO(png(scene, 128))) for scene, _ in pairs]
    asked = [served.Question(text=each.text, picture=shot) for (_, each), shot in zip(pairs, shown, strict=True)]

    answers = answerer.answer(asked)

    right = sum(answer.texts[0] == question.answer for answer, (_, question) in zip(answers, pairs, strict=True))
    assert right >= 0.9 * len(pairs)


def test_neighbours_in_the_batch_change_nothing(served: Any, answerer: Any) -> None:
    """Padding and other questions are invisible, also when words are drawn by lot."""
    texts = ["How many objects are in the picture?", "What shape is the red object?", "Look at the picture. " * 9 + "What colour is the star?"]
    asked = [served.Question(text=text, picture=picture(index), temperature=index * 0.7, seed=5, samples=1 + index) for index, text in enumerate(texts)]

    assert [answerer.answer([each])[0] for each in asked] == answerer.answer(asked)


def test_same_seed_gives_same_samples_and_samples_differ(served: Any, answerer: Any) -> None:
    """At a high temperature twelve samples are not all alike, and are the same twelve again."""
    asked = served.Question(text="What shape is the red object?", temperature=5.0, seed=3, samples=12, max_tokens=3)
    first, second = (answerer.answer([asked])[0] for _ in range(2))

    assert first == second
    assert len(set(first.texts)) > 1


def test_an_answer_that_is_cut_says_so(served: Any, answerer: Any) -> None:
    """`left of` has two words; with room for one it ends for want of room."""
    answer = answerer.answer([served.Question(text="What shape is the red object?", temperature=9.0, seed=1, max_tokens=1)])[0]

    assert ("length",) == answer.finish
    assert 1 == answer.output_tokens


def test_the_coldest_temperatures_take_the_likeliest_word(served: Any, answerer: Any) -> None:
    """A temperature that no 32-bit float can divide by is as good as 0."""
    cold, greedy = (served.Question(text="What shape is the red object?", temperature=heat, seed=1) for heat in (5e-324, 0.0))

    assert answerer.answer([cold]) == answerer.answer([greedy])


@pytest.mark.parametrize("size", [(64, 64), (200, 31), (1, 1), (1, 3000)])
def test_any_size_of_picture_is_looked_at(answerer: Any, size: tuple[int, int]) -> None:
    """It becomes 64 by 64 pixels."""
    assert (64, 64, 3) == answerer.pixels(Image.new("RGB", size)).shape


@pytest.mark.parametrize(
    ("text", "fault"),
    [(" ", "is empty"), ("a" * 20_001, "20001 characters"), ("red " * 401, "401 tokens"), ("red \ud83d", "half a surrogate pair at character 4")],
)
def test_impossible_questions_are_refused(answerer: Any, text: str, fault: str) -> None:
    """The message says what was found and where the limit is."""
    with pytest.raises(ValueError, match=fault):
        answerer.encode(text)


def test_a_question_cannot_spell_a_special_token(answerer: Any) -> None:
    """`<image>` in a question is text, and no place for a picture."""
    tokens = answerer.encode("<image> <eos> <answer> what?")

    assert 64 == tokens.count(answerer.words.convert_tokens_to_ids("<image>"))
    assert answerer.words.eos_token_id not in tokens
    assert 1 == tokens.count(answerer.words.convert_tokens_to_ids("<answer>"))
