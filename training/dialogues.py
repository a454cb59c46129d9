"""Questions for training: drawn by lot, put into tokens, and many of them packed behind one picture.

A sequence is the picture's 64 places, then, for each question, `<bos> question <answer> answer <eos>`. Packed questions
see the picture and themselves, not each other, and each starts at the same position, so that packing changes nothing.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from evaluators.scenes import CLEAR_OFFSET, WORDS, Scene
from evaluators.shapes.questions import ASK, Question, distracted, misled, supposed, with_options
from training.pictures import GRID, NOTHING, scenes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PLACES = GRID * GRID
SPECIAL = ("<pad>", "<unk>", "<bos>", "<eos>", "<image>", "<answer>")
SHARES = {"identification": 0.20, "attribute": 0.20, "spatial": 0.22, "count": 0.33, "ocr": 0.03, "place": 0.02}
OTHERWISE = ("shape", "colour", "size")
"""Kinds of answer that are learned soon, but after a supposition late."""
MANNERS = (
    "Answer with one word.",
    "Answer briefly.",
    "Answer in one word or a number.",
    "Only give the answer.",
    "Please answer shortly.",
    "Look at the picture.",
    "Look carefully at the image and answer the question.",
    "Question:",
)
"""Ways of asking that change nothing."""


def place(scene: Scene, rng: random.Random) -> Question | None:
    """Ask in which half of the picture a thing is: one step on the way to where it is relative to another one."""
    names = [thing.name for thing in scene.things]
    thing = rng.choice(scene.things)
    axis = rng.randrange(2)
    at = (thing.x, thing.y)[axis] - 0.5
    if names.count(thing.name) > 1 or abs(at) < CLEAR_OFFSET / 2:
        return None
    low, high = (("left", "right"), ("above", "below"))[axis]
    text = f"Is the {thing.name} {low} or {high}?"
    return Question(text, high if at > 0 else low, (low, high), "spatial", "place", f"The {thing.name} is {{}}.")


LESSONS: dict[str, Callable[[Scene, random.Random], Question | None]] = {**ASK, "place": place}


def ask(scene: Scene, rng: random.Random, *, plain: bool = False) -> Question:
    """Draw one question about a scene by lot; without `plain`, half of them are made harder."""
    question = None
    while question is None:
        question = LESSONS[rng.choices(tuple(SHARES), tuple(SHARES.values()))[0]](scene, rng)
    # Relations are learned last; most are asked plainly.
    plain = plain or (question.kind in ("relation", "place") and rng.random() < 0.6)
    return question if plain else _harder(question, rng)


def _harder(question: Question, rng: random.Random) -> Question:
    if rng.random() < (0.65 if question.kind in OTHERWISE else 0.35):
        question = supposed(question, rng) or question
    elif rng.random() < 0.12:
        question = misled(question, rng)
    if rng.random() < 0.15:
        question = distracted(question, rng)
    if rng.random() < 0.12:
        question = replace(question, text=f"{_babble(rng)} {question.text}")
    if rng.random() < 0.5:
        question = with_options(question, rng, among=rng.choice((2, 3, 4, 4, 4, 6)))
    if rng.random() < 0.15:
        manner = rng.choice(MANNERS)
        before = rng.random() < 0.4 or manner == "Question:"
        question = replace(question, text=f"{manner} {question.text}" if before else f"{question.text} {manner}")
    return question


def _babble(rng: random.Random) -> str:
    """A sentence with words that the vocabulary does not have."""
    known = ("the", "a", "is", "of", "red", "two", "circle", "not", "in", "and", "blue", "3", "small")
    words = [rng.choice(known) if rng.random() < 0.5 else "qzx" for _ in range(rng.randint(3, 9))]
    return " ".join(words).capitalize() + "."


def tokenizer() -> PreTrainedTokenizerFast:
    """Make the word-level tokenizer; letters' case is dropped, but for the words that pictures have in capitals."""
    rng = random.Random("vocabulary")
    capitals = [normalizers.Replace(Regex(rf"\b{word.lower()}\b"), word) for word in WORDS]
    raw = Tokenizer(models.WordLevel({"<unk>": 0}, unk_token="<unk>"))
    raw.normalizer = normalizers.Sequence([normalizers.Lowercase(), *capitals])
    raw.pre_tokenizer = pre_tokenizers.Whitespace()
    found: set[str] = set()
    for scene in scenes(rng, 4000):
        for question in (ask(scene, rng) for _ in range(6)):
            text = raw.normalizer.normalize_str(f"{question.text} {question.answer}")
            found.update(word for word, _ in raw.pre_tokenizer.pre_tokenize_str(text))
    found.update(str(digit) for digit in range(10))
    words = [*SPECIAL, *sorted(found - {"qzx"})]
    raw.model = models.WordLevel({word: index for index, word in enumerate(words)}, unk_token="<unk>")
    return PreTrainedTokenizerFast(
        tokenizer_object=raw,
        bos_token="<bos>",
        eos_token="<eos>",
        pad_token="<pad>",
        unk_token="<unk>",
        additional_special_tokens=["<image>", "<answer>"],
        padding_side="left",
        model_max_length=512,
        clean_up_tokenization_spaces=False,
    )


@dataclass(slots=True)
class Pack:
    """Sequences of picture places and questions, [n, length] each, and who may look at whom [n, 1, length, length]."""

    tokens: torch.Tensor
    positions: torch.Tensor
    wanted: torch.Tensor
    mask: torch.Tensor
    questions: list[list[tuple[Question, int]]]
    """For each sequence its questions, each with the place of its `<answer>`."""
    mentions: list[tuple[int, int, float, float]]
    """Sequence and place of each shape that, with the colour before it, names one thing, and where that thing is."""


def pack(batch: Sequence[Scene], rng: random.Random, words: PreTrainedTokenizerFast, room: int, *, plain: bool = False) -> Pack:
    """Ask about each scene until `room` tokens of questions are full."""
    length = PLACES + room
    tokens = torch.full((len(batch), length), words.pad_token_id)
    tokens[:, :PLACES] = words.convert_tokens_to_ids("<image>")
    positions = torch.arange(length).repeat(len(batch), 1)
    wanted = torch.full((len(batch), length), NOTHING)
    owner = torch.full((len(batch), length), -1)
    owner[:, :PLACES] = 0
    kept: list[list[tuple[Question, int]]] = []
    mentions: list[tuple[int, int, float, float]] = []
    for row, scene in enumerate(batch):
        named = _named(scene, words)
        end, asked = PLACES, []
        while True:
            question = ask(scene, rng, plain=plain)
            opening, reply = encode(question, words)
            stop = end + len(opening) + len(reply)
            if stop > length:
                break
            answer = end + len(opening) - 1
            tokens[row, end:stop] = torch.tensor(opening + reply)
            wanted[row, answer : stop - 1] = torch.tensor(reply)
            positions[row, end:stop] = torch.arange(PLACES, PLACES + stop - end)
            owner[row, end:stop] = len(asked) + 1
            asked.append((question, answer))
            for at, pair in enumerate(pairwise(opening), start=end + 1):
                mentions += [(row, at, *named[pair])] if pair in named else []
            end = stop
        kept.append(asked)
    return Pack(tokens, positions, wanted, _mask(owner), kept, mentions)


def _named(scene: Scene, words: PreTrainedTokenizerFast) -> dict[tuple[int, int], tuple[float, float]]:
    names = [thing.name for thing in scene.things]
    only = [thing for thing in scene.things if names.count(thing.name) == 1]
    return {tuple(words.convert_tokens_to_ids([thing.colour, thing.shape])): (thing.x, thing.y) for thing in only}


def encode(question: Question, words: PreTrainedTokenizerFast) -> tuple[list[int], list[int]]:
    """Tokens up to and with `<answer>`, and those that are to follow."""
    opening = words.encode(f"<bos>{question.text}<answer>", add_special_tokens=False)
    return opening, [*words.encode(question.answer, add_special_tokens=False), words.eos_token_id]


def _mask(owner: torch.Tensor) -> torch.Tensor:
    length = owner.shape[1]
    earlier = torch.ones(length, length, dtype=torch.bool).tril()
    same = owner[:, :, None] == owner[:, None, :]
    picture = (owner == 0)[:, None, :]
    return (earlier & (same | picture))[:, None]
