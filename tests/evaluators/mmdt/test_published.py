"""Published numbers stand beside our own, under the same names, and are in themselves consistent."""

from __future__ import annotations

from statistics import fmean

import pytest

from evaluators.mmdt import summary
from evaluators.mmdt.official import TASKS
from evaluators.mmdt.published import TABLE


def test_every_number_has_the_name_of_an_aggregate():
    ours = {each.name for each in summary.aggregates({task.name: {} for task in TASKS})}

    assert {each.name for each in TABLE} - ours == set()


def test_no_number_stands_twice():
    keys = [(each.name, each.model, each.source) for each in TABLE]

    assert len(keys) == len(set(keys))
    assert len(keys) == 12 + 21 + 10 + 98 + 3


@pytest.mark.parametrize("model", ["llava-hf/llava-v1.6-vicuna-7b-hf", "gpt-4-vision-preview", "gpt-4o-2024-05-13"])
@pytest.mark.parametrize(("base", "within"), [("safety/image_to_text", 0.001), ("hallucination/image_to_text", 0.001)])
def test_means_are_those_of_their_parts(model, base, within):
    """To the places that were published."""
    held = {each.name: each.value for each in TABLE if each.model == model}
    parts = [value for name, value in held.items() if name.startswith(f"{base}/")]

    assert held[base] == pytest.approx(fmean(parts), abs=within)


def test_scenarios_of_the_sample_run_are_the_means_of_their_tasks():
    held = {(each.model, each.name): each.value for each in TABLE if "sample run" in each.source}
    scenarios = {key: value for key, value in held.items() if key[1].count("/") == 2}

    assert len(scenarios) == 18
    for (model, name), value in scenarios.items():
        parts = [part for (other, path), part in held.items() if other == model and path.startswith(f"{name}/")]
        assert value == pytest.approx(fmean(parts), abs=0.0002)


def test_shares_are_shares_and_every_number_has_a_source():
    assert all(0 <= each.value <= 1 for each in TABLE if not each.name.startswith("privacy"))
    assert all(each.source for each in TABLE)
