"""The quickstart suite: everything is sampled, and there is little enough of it."""

import itertools
from typing import Any, get_args

from evaluators.redteam.corruptions import NAMES
from evaluators.shapes.adversarial import Adversarial
from evaluators.shapes.groups import Scenario, Task
from evaluators.shapes.image_to_text import ImageToText
from evaluators.shapes.robustness import OutOfDistribution
from evaluators.shapes.suites import QUICKSTART
from evaluators.shapes.text_to_image import TextToImage
from kernel.contract import Kind
from kernel.evaluator import Evaluator
from kernel.spec import build, read_suite

CLASSES: dict[str, type[Evaluator]] = {cls.name: cls for cls in (ImageToText, OutOfDistribution, Adversarial, TextToImage)}


def tasks() -> dict[str, Evaluator]:
    """Every task of the suite, by name, for a model of any name."""
    suite = read_suite(QUICKSTART)
    variants: list[tuple[str, str, dict[str, Any]]] = [(entry.evaluator, *variant) for entry in suite.tasks for variant in entry.variants()]
    return {label: build(CLASSES[name], options, "model", {"seed": suite.seed}, label) for name, label, options in variants}


def test_every_scenario_task_and_corruption_is_sampled() -> None:
    """No combination is left out."""
    scenarios = ["/".join(each) for each in itertools.product(get_args(Scenario), get_args(Task))]
    expected = {f"shapes.{asked}/{each}" for asked in ("image_to_text", "text_to_image") for each in scenarios}
    expected |= {f"shapes.out_of_distribution/{name}" for name in NAMES} | {f"shapes.adversarial/{which}" for which in ("clean", "attacked")}

    assert expected == set(tasks())


def test_every_corruption_is_sampled_at_every_severity() -> None:
    """One group of pictures each."""
    for name, task in tasks().items():
        if isinstance(task, OutOfDistribution):
            assert {case.facts["severity"] for case in task.cases()} == {1, 2, 3, 4, 5}, name


def test_there_is_little_enough_for_a_few_minutes() -> None:
    """What a model is asked, by kind, without the adversarial set."""
    asked = {Kind.GENERATE: 0, Kind.IMAGINE: 0}
    for task in tasks().values():
        if not isinstance(task, Adversarial):
            asked[task.asks] += task.how_many() or 0

    assert asked == {Kind.GENERATE: 876, Kind.IMAGINE: 170}


def test_the_seed_of_the_suite_reaches_the_tasks() -> None:
    """Another seed, another sample."""
    seeds = {task.seed for task in tasks().values() if isinstance(task, ImageToText | OutOfDistribution | TextToImage)}

    assert seeds == {read_suite(QUICKSTART).seed}
