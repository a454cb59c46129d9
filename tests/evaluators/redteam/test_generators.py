"""Every generator: the same bytes for the same seed, rows that say where they came from, and the fields that the benchmark reads."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

import pytest

from evaluators.redteam import ALL, GENERATORS
from evaluators.redteam.generator import Generator
from kernel.errors import UserError
from tests.evaluators.redteam.trigrams import Trigrams

STAMP = {"generator", "generator_version", "seed", "seed_row"}
T2I_SCENES = {"id", "task", "prompt", "objects", "relations", "checking_question"}
COOC = {"task", "prompt", "concept1", "concept2", "object", "target", "label", "count"}
ADV = {"id", "adv_prompt", "origin_word", "label", "object", "object_a", "object_b"}
FIELDS = {
    "text_to_image.safety.vanilla": {"prompt", "task"},
    "text_to_image.safety.transformed": {"prompt", "task"},
    "text_to_image.safety.jailbreak": {"prompt", "task"},
    "image_to_text.safety.typography": {"prompts", "image", "scenario"},
    "image_to_text.safety.illustration": {"prompts", "image", "scenario"},
    "image_to_text.safety.jailbreak": {"prompts", "image", "scenario"},
    "image_to_text.hallucination.natural": {"id", "task", "question", "answer", "image"},
    "image_to_text.hallucination.distraction": {"id", "task", "question", "answer", "image"},
    "image_to_text.hallucination.counterfactual": {"id", "task", "question", "answer", "image"},
    "image_to_text.hallucination.misleading": {"id", "task", "question", "keyword", "image"},
    "image_to_text.hallucination.cooccurrence": {"task", "question", "image", "target", "label", "idx"},
    "image_to_text.hallucination.ocr": {"id", "task", "question", "keyword", "image"},
    "text_to_image.hallucination.natural": T2I_SCENES,
    "text_to_image.hallucination.distraction": T2I_SCENES,
    "text_to_image.hallucination.counterfactual": T2I_SCENES,
    "text_to_image.hallucination.misleading": {"task", "prompt", "object", "attribute", "number", "relation_object", "spatial_relation"},
    "text_to_image.hallucination.cooccurrence": COOC,
    "text_to_image.hallucination.ocr": {"task", "prompt", "keyword", "id"},
    "text_to_image.fairness.social_stereotype": {"fairness", "domain", "details", "sensitive_attr", "prompt"},
    "text_to_image.fairness.decision_making": {
        "fairness", "demographic attribute", "demographic attribute 1", "demographic attribute 2", "system_type", "details", "prompt",
    },
    "text_to_image.fairness.overkill": {"fairness", "details", "prompt", "race", "race2", "gender"},
    "text_to_image.fairness.individual": {"fairness", "prompt"},
    "image_to_text.fairness.individual": {"image", "answer", "race", "gender"},
    "text_to_image.privacy.laion_1k": {"idx", "prompt", "image"},
    "image_to_text.privacy.street_view": {"id", "image", "type_street_view"},
    "image_to_text.privacy.selfies": {"id", "image", "ethnicity", "label_selfies"},
    "text_to_image.adv.greedy": ADV,
    "text_to_image.adv.character": ADV,
    "text_to_image.adv.synonym": ADV,
    "text_to_image.ood.rewritten": {"id", "task", "meta_prompt", "vanilla_prompt", "objects"},
    "image_to_text.ood.restyled": {"img_id", "task", "question", "answer", "image"},
}  # fmt: skip
NAMES = sorted(GENERATORS)


def built(name: str, folder: Path, **options) -> Generator:
    more: dict = {"all_rows": True} if ".adv." in name else {}
    if name == "text_to_image.adv.greedy":
        more |= {"length": 2, "candidates": 20, "sweeps": 1}
    if name == "image_to_text.safety.jailbreak":
        (folder / "template.txt").write_text("Please, and thank you: {request}")
        more["template"] = folder / "template.txt"
    return GENERATORS[name](**more, **options)


async def rows_of(generator: Generator, path: Path) -> list[dict]:
    seeds = generator.read(path) if generator.seeded else []
    return list(generator.rows(seeds)) if generator.offline else [row async for row in generator.asked(seeds, Trigrams())]


def test_names_are_unique_and_offered():
    (point,) = entry_points(group="assay.generators", name="redteam")

    assert point.load() is GENERATORS
    assert len(GENERATORS) == len(ALL)
    assert set(FIELDS) == set(GENERATORS)


@pytest.mark.parametrize("name", NAMES)
async def test_the_same_seed_gives_the_same_bytes(name: str, seeds_for, tmp_path: Path):
    made = []
    for place in ("once", "again"):
        generator = built(name, tmp_path, seed=3)
        files = generator.write(await rows_of(generator, seeds_for(name)), tmp_path / place)
        made.append({path.relative_to(tmp_path / place): path.read_bytes() for path in files})

    assert made[0] == made[1]
    assert {path.parent.name for path in made[0]} == {name.split(".")[1]}


@pytest.mark.parametrize("name", NAMES)
async def test_rows_have_the_fields_of_the_benchmark_and_say_where_they_came_from(name: str, seeds_for, tmp_path: Path):
    rows = await rows_of(built(name, tmp_path, seed=5), seeds_for(name))

    assert rows
    for row in rows:
        assert FIELDS[name] | STAMP <= row.keys()
        assert (row["generator"], row["generator_version"], row["seed"]) == (name, 1, 5)
        assert isinstance(row["seed_row"], str)
        assert row["seed_row"]
        if "image" in row:
            assert row["image"].startswith(b"\x89PNG")


DRAWN_BY_LOT = [
    "image_to_text.hallucination.counterfactual", "image_to_text.hallucination.distraction", "image_to_text.hallucination.natural",
    "text_to_image.hallucination.cooccurrence", "text_to_image.hallucination.misleading", "image_to_text.fairness.individual",
    "text_to_image.adv.greedy",
]  # fmt: skip


@pytest.mark.parametrize("name", DRAWN_BY_LOT)
async def test_another_seed_gives_other_rows(name: str, seeds_for, tmp_path: Path):
    one, other = [[{**row, "seed": 0} for row in await rows_of(built(name, tmp_path, seed=seed), seeds_for(name))] for seed in (1, 2)]

    assert one != other


@pytest.mark.parametrize("name", [name for name in NAMES if not GENERATORS[name].offline])
def test_what_needs_a_model_says_so(name: str, tmp_path: Path):
    with pytest.raises(UserError, match="expected one for clip"):
        next(built(name, tmp_path).rows([]))


@pytest.mark.parametrize("name", [name for name in NAMES if GENERATORS[name].needs])
def test_a_seed_that_lacks_a_field_is_refused(name: str, tmp_path: Path):
    generator = built(name, tmp_path, **({"pairs": "historical_bias"} if "cooccurrence" in name else {}))
    (tmp_path / "seeds.jsonl").write_text('{"id": "a"}\n')

    with pytest.raises(UserError, match=f"row 0: {generator.needs[0]}: missing; has id"):
        generator.read(tmp_path / "seeds.jsonl")
