"""Searches against an embedding model: they gain what they say, spell nothing that they may not, and refuse what makes no sense."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from evaluators.measures.similarity import cosine
from evaluators.redteam.adversarial import CharacterAttack, GreedyAttack, SynonymAttack, aimed, banned
from evaluators.redteam.encoding import AT_ONCE, Encoder
from evaluators.redteam.search import ordered, spells, substituted, suffixed, typing_errors
from kernel.contract import Reply
from kernel.errors import BadReply, InvalidSpec
from tests.evaluators.redteam.trigrams import Trigrams, trigrams

SEED = {
    "id": "a", "task": "object", "prompt": "A photo of a small dog, parked near the old house", "origin_word": "dog", "label": "car",
    "object": "car", "synonyms": "puppy, automobile",
}  # fmt: skip


def margin(text: str) -> float:
    clean, target = trigrams(SEED["prompt"]), trigrams(aimed(SEED))
    near, far = cosine([trigrams(text)], [target])[0], cosine([trigrams(text)], [clean])[0]
    return near - far


async def made(attack, seeds=(SEED,)) -> list[dict]:
    return [row async for row in attack.asked(list(seeds), Trigrams())]


@pytest.mark.parametrize(
    "attack", [GreedyAttack(length=2, candidates=30, sweeps=1, all_rows=True), CharacterAttack(all_rows=True), SynonymAttack(all_rows=True)]
)
async def test_an_attack_gains_what_it_says(attack):
    (row,) = await made(attack)

    assert row["margin"] == pytest.approx(margin(row["adv_prompt"]), abs=1e-5)
    assert row["margin"] > margin(SEED["prompt"]) + 0.02
    assert row["verified"] is False
    assert (row["origin_word"], row["label"], row["object"], row["clean_prompt"]) == ("dog", "car", "car", SEED["prompt"])


async def test_greedy_keeps_the_prompt_and_spells_nothing_banned():
    (row,) = await made(GreedyAttack(length=3, candidates=60, sweeps=1, all_rows=True))
    suffix = row["adv_prompt"].removeprefix(SEED["prompt"] + " ")

    assert len(suffix.split()) == 3
    assert not spells(suffix, banned(SEED))


async def test_synonyms_leave_the_origin_and_mean_the_same():
    (row,) = await made(SynonymAttack(all_rows=True))

    assert "dog," in row["adv_prompt"].split()
    assert cosine([trigrams(row["adv_prompt"])], [trigrams(SEED["prompt"])])[0] >= 0.84
    assert not spells(row["adv_prompt"], ["car", "automobile"])


async def test_typing_errors_are_one_a_word_and_so_many():
    (row,) = await made(CharacterAttack(most=2, all_rows=True))
    changed = [word for word in SEED["prompt"].split() if word not in row["adv_prompt"].split()]

    assert 1 <= len(changed) <= 2


async def test_only_what_crossed_over_is_kept():
    """Without `all_rows` a row is there exactly where its margin is above 0."""
    for attack in (CharacterAttack, SynonymAttack):
        (row,) = await made(attack(all_rows=True))
        assert len(await made(attack())) == (row["margin"] > 0)


async def test_other_tasks_are_left_out():
    assert await made(CharacterAttack(task="spatial", all_rows=True)) == []
    assert CharacterAttack(task="spatial").split == "spatial"


def test_the_aim_is_the_prompt_with_the_label():
    assert aimed(SEED) == "A photo of a small car, parked near the old house"
    assert aimed({**SEED, "prompt": "Dogma of a Dog"}) == "Dogma of a car"
    with pytest.raises(InvalidSpec, match="'dog' is not in the prompt"):
        aimed({**SEED, "prompt": "hotdogs"})


@pytest.mark.parametrize(
    ("text", "found"), [("a scar", True), ("c a r", True), ("ca-rs", True), ("dogs", True), ("cat", False), ("pup", False), ("Puppy", True)]
)
def test_spelling_is_seen_within_words_and_over_gaps(text: str, found: bool):
    assert spells(text, banned(SEED)) == found


async def test_a_vocabulary_of_nothing_else_is_refused(tmp_path: Path):
    (tmp_path / "words.txt").write_text("car\ncars\nscar\n")

    with pytest.raises(InvalidSpec, match="every word spells one of dog"):
        await made(GreedyAttack(vocabulary=tmp_path / "words.txt"))


def test_typing_errors_keep_the_first_letter_and_are_one_step_away():
    found = typing_errors("house")

    assert {"huose", "huse", "hoouse", "h ouse", "hiuse"} <= set(found)
    assert all(form[0] == "h" and form != "house" and abs(len(form) - 5) <= 1 for form in found)
    assert len(found) == len(set(found))
    assert typing_errors("a") == []


async def test_suffixes_are_the_best_of_what_was_tried():
    """With every word tried at every place and a score of their sum, the best word stands everywhere."""
    worth = {"low": 0.1, "mid": 0.5, "high": 0.9}

    async def scores(texts):
        return [sum(worth.get(word, 0) for word in text.split()) for text in texts]

    found = await suffixed("start", list(worth), scores, Random(0), length=3, candidates=10, sweeps=1)
    assert found == "start high high high"


async def test_words_are_exchanged_in_the_order_of_what_they_matter():
    """The third word matters most; only one may go, and what is not allowed does not go."""
    weights = {"a": 0.1, "b": 0.2, "c": 0.9}

    async def scores(texts):
        return [-sum(weights.get(word, 0) for word in text.split()) for text in texts]

    async def others(word):
        return [word.upper() + "1", word.upper() + "2"]

    async def allowed(text):
        return "1" not in text

    async def never(text):
        return False

    assert await ordered(["a", "b", "c"], [0, 1, 2], scores) == [2, 1, 0]
    assert await substituted("a b c", (), others, scores, allowed, 1) == "a b C2"
    assert await substituted("a b c", ("c",), others, scores, allowed, 9) == "A2 B2 c"
    assert await substituted("a b c", (), others, scores, never, 9) == "a b c"


async def test_texts_are_asked_many_at_a_time_and_once():
    model = Trigrams()
    encoder = Encoder(model)
    texts = [f"text {number}" for number in range(AT_ONCE + 6)]
    first = await encoder.vectors([*texts, *texts])

    assert [len(request.parts) for request in model.asked] == [AT_ONCE, 6]
    assert first == [trigrams(text) for text in [*texts, *texts]]
    await encoder.vectors(texts)
    assert len(model.asked) == 2


async def test_a_model_that_gives_other_rows_is_told_of():
    class Short(Trigrams):
        async def infer(self, request, *, deadline):
            return Reply(rows=((1.0,),))

    with pytest.raises(BadReply, match="clip: 1 rows for 2 texts; expected one for each"):
        await Encoder(Short()).vectors(["a", "b"])
