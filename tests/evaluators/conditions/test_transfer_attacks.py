"""The attack, without a network: it keeps its bound, goes where the slopes point, and counts as it was written down."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evaluators.conditions.transfer import TransferAttack, followed, unit, within

QUIET = TransferAttack(deviation=0, spread=0, draws=1)
"""Looks show the picture itself."""
CLEAN = np.linspace(0, 1, 3 * 8 * 8, dtype=np.float32).reshape(3, 8, 8)


def towards(direction: np.ndarray):
    return lambda pictures: np.broadcast_to(direction, pictures.shape).astype(np.float32)


def by_hand(clean: np.ndarray, directions: list[np.ndarray], attack: TransferAttack) -> np.ndarray:
    """The attack on networks whose slope is the same everywhere, value by value in 64 bits."""
    changed, inner, outer = clean.astype(float), np.zeros(clean.shape), np.zeros(clean.shape)
    low, high = np.maximum(clean - attack.bound, 0), np.minimum(clean + attack.bound, 1)
    for _ in range(attack.steps):
        now = changed
        for direction in directions:
            inner = inner + direction / (np.sqrt((direction**2).sum()) + 1e-5)
            now = np.minimum(np.maximum(now + 250 * inner, low), high)
        outer = outer + (now - changed) / np.abs(now - changed).sum()
        changed = np.minimum(np.maximum(changed + attack.step * np.sign(outer), low), high)
    return changed


def test_two_networks_with_even_slopes_are_climbed_as_by_hand():
    random = np.random.default_rng(3)
    directions = [random.normal(size=CLEAN.shape), random.normal(size=CLEAN.shape)]
    attack = replace(QUIET, steps=4)
    made = attack.run(CLEAN, [towards(each) for each in directions])
    assert made == pytest.approx(by_hand(CLEAN, directions, attack), abs=1e-6)


def test_one_outer_step_as_it_was_recorded():
    now = np.array([[0.9, 0.1], [0.52, 0.49]], dtype=np.float32)
    momentum = np.array([[0.1, -0.1], [0.0, 0.2]], dtype=np.float32)
    changed, way = followed(now, np.full_like(now, 0.5), momentum, 1, 16 / 255 / 5)
    assert way == pytest.approx(np.array([[0.58192772, -0.58192778], [0.02409637, 0.18795181]]), abs=1e-7)
    assert changed == pytest.approx(np.array([[0.51254904, 0.48745099], [0.51254904, 0.51254904]]), abs=1e-7)


def test_who_stands_still_goes_on_as_before():
    still = np.full((1, 2), 0.5, dtype=np.float32)
    changed, way = followed(still, still, np.array([[0.0, 1.0]], dtype=np.float32), 1, 0.1)
    assert changed == pytest.approx(np.array([[0.5, 0.6]]))
    assert way.tolist() == [[0, 1]]


def test_no_value_leaves_the_bound_or_the_range():
    wild = np.full_like(CLEAN, 9) * np.where(CLEAN > 0.4, 1, -1)
    kept = within(wild, CLEAN, 0.1)
    assert np.abs(kept - CLEAN).max() <= np.float32(0.1) + 1e-7
    assert (kept.min(), kept.max()) == (0, 1)
    assert within(CLEAN, CLEAN, 0.1) == pytest.approx(CLEAN)


def test_every_value_that_may_reaches_the_bound_within_five_steps():
    made = replace(QUIET, steps=5).run(CLEAN, [towards(np.ones_like(CLEAN))])
    assert made == pytest.approx(np.minimum(CLEAN + 16 / 255, 1), abs=1e-6)


def test_looks_without_grain_and_weights_are_the_picture():
    assert replace(QUIET, draws=2).looks(CLEAN, np.random.default_rng(0)) == pytest.approx(np.stack([CLEAN, CLEAN]), abs=1e-6)


def test_looks_differ_as_much_as_they_should_and_mean_the_picture():
    looks = TransferAttack(draws=4000).looks(CLEAN, np.random.default_rng(0))
    assert looks.mean(axis=0) == pytest.approx(CLEAN, abs=0.03)
    # Weights are uniform on 0.5 to 1.5, of variance 1/12; an orthogonal transform keeps the sum of squares.
    expected = ((CLEAN**2).sum() / 12 + CLEAN.size * (16 / 255) ** 2 * (1 + 1 / 12)) / CLEAN.size
    assert looks.var(axis=0).mean() == pytest.approx(expected, rel=0.05)


def test_the_same_seed_makes_the_same_picture():
    attack, slopes = replace(TransferAttack(), steps=2, draws=2), [lambda pictures: pictures - 0.3]
    first, again, other = (attack.run(CLEAN, slopes, seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_slope_of_nought_stays_nought():
    assert not unit(np.zeros((3, 2, 2), dtype=np.float32)).any()
    assert np.linalg.norm(unit(CLEAN)) == pytest.approx(1, abs=1e-4)
