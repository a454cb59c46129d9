"""The sample out of distribution: the official fields, for every task, made the same each time."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluators.mmdt.data import Data, open_data
from evaluators.mmdt.official import TASKS, Task
from evaluators.mmdt.ood.sample import write
from evaluators.rows import field

FIELDS = {
    "text_to_image": {"id", "task", "meta_prompt", "vanilla_prompt", "objects"},
    "image_to_text": {"img_id", "task", "question", "answer"},
}


@pytest.fixture
def opened(sampled: Path) -> Data:
    return open_data(str(sampled))


@pytest.mark.parametrize("task", [each for each in TASKS if each.perspective == "ood"], ids=lambda each: each.name)
def test_four_rows_of_every_task(opened: Data, task: Task) -> None:
    for source in (*task.sources, *task.beside):
        rows = list(opened.of(source))

        assert len(rows) == 4
        for row in rows:
            assert all(field(row, name) is not None for name in source.fields)
            assert set(row.fields) - {"gold_picture"} == FIELDS[task.modality]
            assert not source.picture or row.image(source.picture)


def test_pictures_of_a_row_differ_by_split_alone(opened: Data) -> None:
    """Each style and corruption changes every picture, and no question."""
    splits = [
        list(opened.rows("image_to_text", "ood", split))
        for split in ("original", *{each.scenario for each in TASKS if each.perspective == "ood"} - {"Shake_", "Paraphrase_"})
    ]

    assert [len(rows) for rows in splits] == [16] * 7
    for rows in zip(*splits, strict=True):
        assert len({row.image() for row in rows}) == 7
        assert len({(row.fields["img_id"], row.fields["question"], row.fields["answer"]) for row in rows}) == 1


def test_it_is_made_the_same_each_time(sampled: Path, tmp_path: Path) -> None:
    write(tmp_path)

    files = [{path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()} for folder in (sampled, tmp_path)]
    assert files[0] == files[1]
    assert len(files[0]) == 3 + 7 + 20
