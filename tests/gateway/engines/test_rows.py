"""Rows that join and leave a running batch are written as each would be alone, and none waits for another."""

from __future__ import annotations

import random

import pytest
import torch

from gateway.engines.rows import Row, Rows
from tests.gateway.engines.tiny_decoder import END, PLACES, ROOM, WORDS, model, networks, written

PROMPTS = [[random.Random(seed).randrange(1, WORDS) for _ in range(length)] for seed, length in enumerate([5, 1, 9, 3, 7, 2, 4, 6])]
LENGTHS = [3, 12, 1, 8, 2, 5, 10, 4]


@pytest.fixture(scope="module")
def network():
    return model()


@pytest.fixture
def rows(network) -> Rows:
    return Rows(networks(network), end=END)


def row(network, prompt: list[int], most: int, **more) -> Row:
    return Row(network.get_input_embeddings()(torch.tensor(prompt)).detach(), most, **more)


def test_rows_that_come_and_go_are_written_as_each_alone(network, rows: Rows):
    """Joining one by one and in pairs, between steps, with texts of very different lengths before and after."""
    wanted = [written(network, prompt, most) for prompt, most in zip(PROMPTS, LENGTHS, strict=True)]
    made = [row(network, prompt, most) for prompt, most in zip(PROMPTS, LENGTHS, strict=True)]
    waiting, ended = list(made), []
    while waiting or rows:
        if fresh := [waiting.pop(0) for _ in range(min(2, rows.free, len(waiting)))]:
            ended += rows.join(fresh)
        if rows:
            ended += rows.step()

    assert [each.written for each in made] == wanted
    assert sorted(made.index(each) for each in ended) == list(range(8))
    assert len({len(each) for each in wanted}) > 3


def test_a_short_row_leaves_while_a_long_one_goes_on(network, rows: Rows):
    """It joins after three steps of the long one and has left two steps later."""
    long, short = row(network, PROMPTS[1], 12), row(network, PROMPTS[0], 3)
    rows.join([long])
    for _ in range(3):
        assert rows.step() == []

    assert rows.join([short]) == []
    assert (len(rows), rows.free) == (2, ROOM - 2)
    assert [rows.step(), rows.step()] == [[], [short]]
    assert (rows.steps, len(short.written), len(long.written), len(rows)) == (5, 3, 6, 1)


def test_a_row_that_leaves_takes_its_places_along(network, rows: Rows):
    """The table is as long as the longest row that is left, so that its steps cost no more than alone."""
    long, short = row(network, [4] * 15, 2), row(network, [4, 5], 9)
    rows.join([long, short])
    assert rows.step() == [long]

    rows.step()

    assert {tuple(each.shape[:3]) for each in rows._table.values()} == {(1, 2, 2 + len(short.written) - 1)}


def test_one_that_gives_up_changes_nothing_for_the_others(network, rows: Rows):
    gone, stays = row(network, PROMPTS[2], 9), row(network, PROMPTS[3], 8)
    rows.join([gone, stays])
    rows.step()
    rows.leave([gone])
    while rows:
        rows.step()

    assert stays.written == written(network, PROMPTS[3], 8)
    assert len(gone.written) == 2


def test_a_text_ends_where_the_profile_does(network, rows: Rows):
    """Nothing is asked of a plan that it was not built for."""
    endless = row(network, PROMPTS[0], 10**6, draw=lambda _: 7)
    rows.join([endless])
    while rows:
        rows.step()

    assert len(PROMPTS[0]) + len(endless.written) == PLACES + 1


def test_a_row_draws_from_its_own_logits(network, rows: Rows):
    """Each is handed its own, on the CPU; who draws nothing gets the likeliest."""
    seen: list[torch.Tensor] = []
    lots, plain = row(network, PROMPTS[0], 4, draw=lambda logits: seen.append(logits) or int(logits.argmin())), row(network, PROMPTS[4], 4)
    rows.join([lots, plain])
    rows.step()

    assert plain.written == written(network, PROMPTS[4], 2)
    with torch.no_grad():
        torch.testing.assert_close(seen[0], network(torch.tensor([PROMPTS[0]])).logits[0, -1])
        torch.testing.assert_close(seen[1], network(torch.tensor([[*PROMPTS[0], lots.written[0]]])).logits[0, -1])


def test_a_row_that_ends_with_its_first_token_never_joins(network, rows: Rows):
    once = row(network, PROMPTS[0], 1)

    assert rows.join([once]) == [once]
    assert (len(rows), rows.steps, len(once.written)) == (0, 0, 1)
