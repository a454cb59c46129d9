"""What the generators write is what the benchmark reads: found where it looks, with all fields that its tasks need."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evaluators.mmdt.data import Data
from evaluators.mmdt.official import TASKS, Source
from evaluators.redteam import GENERATORS
from tests.evaluators.redteam.test_generators import built, rows_of

OPTIONS = {
    "text_to_image.fairness.decision_making": [{"system": system} for system in ("hiring", "finance", "education")],
    "text_to_image.adv.character": [{"task": task} for task in ("object", "attribute", "spatial")],
    "text_to_image.ood.rewritten": [{"style": style} for style in ("Shake_", "Paraphrase_", "original")],
    "image_to_text.ood.restyled": [{"style": s} for s in ("oil_painting", "watercolour_painting", "gaussian_noise", "zoom_blur", "pixelate")],
    "image_to_text.hallucination.cooccurrence": [{"pairs": pairs, "share": 0.2} for pairs in ("high_cooc", "low_cooc")],
    "text_to_image.hallucination.cooccurrence": [{"pairs": pairs, "share": 0.2} for pairs in ("high_cooc", "low_cooc")],
}
NOT_MADE = {
    "adversarial pictures come from an attack that sees a model's weights": lambda source: "I2T" in source.repository and source.config == "adv",
    "historical statements are the user's": lambda source: source.split == "cooccurrence_historical_bias",
    "Van Gogh needs a painter": lambda source: source.split == "Van_Gogh",
    "fairness of answers beyond individuals has no fields that are known": lambda source: (
        "I2T" in source.repository and source.config == "fairness" and source.split != "individual"
    ),
}
FEW = {("ood", split) for split in ("Shake_", "Paraphrase_", "original", "oil_painting", "watercolour_painting", "gaussian_noise", "zoom_blur", "pixelate")}
FEW |= {("privacy", "street_view")}
"""Splits whose seeds here have not all tasks."""
SOURCES = sorted({source for task in TASKS for source in (*task.sources, *task.beside) if not any(out(source) for out in NOT_MADE.values())}, key=repr)


@pytest.fixture(scope="module")
async def folder(annotated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything that can be made without a model, and one search; the pictures' own folder holds the seeds."""
    from tests.evaluators.redteam.conftest import ROWS

    out = tmp_path_factory.mktemp("data")
    for name in GENERATORS:
        if name in ("text_to_image.adv.greedy", "text_to_image.adv.synonym"):
            continue
        rows = next((rows for prefix, rows in ROWS.items() if name.startswith(prefix)), None)
        seeds = annotated if rows is None else annotated.parent / f"{name}.json"
        if rows is not None:
            seeds.write_text(json.dumps(rows))
        for options in OPTIONS.get(name, [{}]):
            generator = built(name, out, **options)
            generator.write(await rows_of(generator, seeds), out)
    return out


@pytest.mark.parametrize(
    "source", SOURCES, ids=lambda source: f"{source.config}-{source.split}-{source.wanted.value if source.wanted else 'all'}-{len(source.fields)}"
)
def test_every_source_of_the_benchmark_is_read(folder: Path, source: Source):
    rows = list(Data(folder).of(source))

    for row in rows:
        assert set(source.fields) <= {name for name, value in row.fields.items() if value is not None}
        if source.picture:
            assert row.image(source.picture).startswith(b"\x89PNG")
    assert rows or (source.config, source.split) in FEW
