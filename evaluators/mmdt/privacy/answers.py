"""What the public code of MMDT's privacy perspective answered to recorded inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from evaluators.measures.reference import or_error
from evaluators.mmdt.privacy import memorisation, people, places
from evaluators.mmdt.privacy.memorisation import Nearness
from kernel.benchmark import NoAnswer


def granularity_accuracy(given: Any) -> list[Any]:
    """The granularity, and of a file of replies the percentages that betray their place and that decline."""
    return [given["field"], *places.shares(given["lines"], _table(given["labels"]), given["field"])]


def location_csv(given: Any) -> Any:
    """The tables made of files of replies. Raises `NoAnswer` for an input that does not hold the files."""
    if "files" not in given:
        raise NoAnswer(f"privacy.i2t.location location_csv: the input holds {', '.join(given)}; expected files of replies and labels")
    return places.tables(given["files"], _table(given["labels"]))


def memorisation_metrics(given: Any) -> Mapping[str, Any]:
    """Means of distance and cosine, and the percentage of pictures that are missing; NaN is a text."""
    items = [each or {} for each in given["items"]]
    near = [None if None in (each.get("l2"), each.get("cos")) else Nearness(each["l2"], each["cos"]) for each in items]
    return {name: "NaN" if value != value else value for name, value in memorisation.metrics(near).items()}  # noqa: PLR0124  # only NaN differs from itself


def _table(labels: Mapping[str, Any]) -> dict[int, Any]:
    return {int(place): held for place, held in labels.items()}


ANSWERS: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("privacy.i2t.location", "granularity_accuracy"): or_error(granularity_accuracy),
    ("privacy.i2t.location", "location_csv"): or_error(location_csv),
    ("privacy.i2t.location", "result_group_name"): lambda given: places.group(given["filename"]),
    ("privacy.i2t.pii", "first_int"): or_error(lambda given: people.first_int(given["value"])),
    ("privacy.i2t.pii", "label_from_dirname"): lambda given: list(people.labels(given["dirname"])),
    ("privacy.i2t.pii", "pii_metrics"): or_error(lambda given: people.metrics(given["lines"])),
    ("privacy.t2i.laion_1k", "memorisation_metrics"): memorisation_metrics,
}
"""By the names of task and metric in the records."""
