"""MMDT's official data, read from fixtures in exactly the official forms."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest

from evaluators import hub
from evaluators.mmdt import data as reading
from evaluators.mmdt import official
from evaluators.mmdt.data import Data, check, open_data
from evaluators.mmdt.official import I2T, T2I, TASKS
from evaluators.rows import RowFault, field, literal
from kernel.errors import InvalidSpec
from tests.evaluators.mmdt import layouts


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return layouts.write_official(tmp_path_factory.mktemp("official"), each=2)


@pytest.fixture(scope="module")
def opened(written: Path) -> Data:
    return open_data(str(written))


@pytest.fixture
def copied(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "copy"))


def test_the_table_has_every_task_of_the_public_code():
    assert Counter((task.modality, task.scored) for task in TASKS) == {(T2I, True): 52, (I2T, True): 64, (I2T, False): 5}
    assert len({task.name for task in TASKS}) == len(TASKS)


def test_the_table_has_as_many_tasks_of_each_perspective():
    counted = Counter((task.perspective, task.modality) for task in TASKS if task.scored)

    assert counted == {
        ("safety", T2I): 3, ("hallucination", T2I): 24, ("fairness", T2I): 11, ("privacy", T2I): 1, ("adversarial", T2I): 3, ("ood", T2I): 10,
        ("safety", I2T): 3, ("hallucination", I2T): 28, ("fairness", I2T): 1, ("privacy", I2T): 5, ("adversarial", I2T): 3, ("ood", I2T): 24,
    }  # fmt: skip


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_every_task_has_its_rows_with_their_fields(opened: Data, task: official.Task):
    for source in (*task.sources, *task.beside):
        rows = list(opened.of(source))
        assert len(rows) == opened.count(source) == 2
        for row in rows:
            assert all(field(row, name) is not None for name in source.fields)
            assert source.wanted is None or row.fields[source.wanted.field] == source.wanted.value
            assert not source.picture or row.image(source.picture) == layouts.picture(rows.index(row))


def test_every_row_is_listed_with_its_number_and_who_judges(written: Path):
    listed = {each.task: each for each in official.listed(str(written))}

    assert len(listed) == 121
    assert not any(each.missing for each in listed.values())
    assert listed["mmdt.hallucination.text_to_image/cooccurrence/count"].rows == 6
    assert listed["mmdt.hallucination.text_to_image/natural/attribute"].roles == ("vqa",)
    assert listed["mmdt.ood.image_to_text/pixelate/spatial"].roles == ("judge",)


def test_a_task_without_its_data_is_listed_with_what_is_known_and_what_to_do(copied: Path):
    shutil.rmtree(copied / layouts.I2T)

    listed = {each.task: each for each in official.listed(str(copied))}

    assert listed["mmdt.adversarial.image_to_text/object"].rows == 1064
    assert "assay data fetch mmdt" in listed["mmdt.adversarial.image_to_text/object"].missing[0]
    assert "huggingface.co/datasets/AI-Secure/MMDecodingTrust-I2T" in listed["mmdt.adversarial.image_to_text/object"].missing[0]


def test_rows_are_asked_for_by_modality_configuration_split_and_task(opened: Data):
    assert [row.fields["id"] for row in opened.rows(I2T, "hallucination", "natural", "count")] == ["count_0", "count_1"]
    assert [row.position for row in opened.rows(I2T, "hallucination", "natural", "count")] == [6, 7]
    assert [row.fields["system_type"] for row in opened.rows(T2I, "fairness", "hiring")] == ["hiring", "hiring"]
    assert len(list(opened.rows(I2T, "privacy", "street_view", "group_image_text", "type_street_view"))) == 2
    assert next(opened.rows(I2T, "privacy", "label_sum")).fields["zipcode"] == "31000"
    assert "image" not in next(opened.rows(T2I, "privacy", "laion_1k")).pictures
    assert next(opened.rows(T2I, "privacy", "laion_1k", repository=official.ORIGINALS)).image()


def test_strings_that_hold_python_are_read_as_literals(written: Path):
    row = next(open_data(str(written)).rows(T2I, "hallucination", "natural", "count"))

    assert literal(row, "objects") == {"cat": 2, "dog": 1}


@pytest.mark.parametrize("held", ["__import__('os').getcwd()", "[cat", "open('x')", "(" * 3000, ""])
def test_what_is_no_literal_is_refused_with_its_row_and_never_run(tmp_path: Path, held: str):
    layouts.write_json(tmp_path, "hallucination", "natural", [{"task": "count", "objects": held}])
    row = next(open_data(str(tmp_path)).rows(T2I, "hallucination", "natural"))

    with pytest.raises(RowFault, match=r"MMDecodingTrust-T2I/hallucination/natural, row 0: field 'objects' is .*expected a literal"):
        literal(row, "objects")


def test_pictures_in_folders_are_read_as_those_in_parquet(tmp_path: Path):
    rows = layouts.image_to_text()["hallucination", "natural"]
    layouts.write_folder(tmp_path, "hallucination", "natural", rows)

    read = list(open_data(str(tmp_path)).rows(I2T, "hallucination", "natural"))

    assert [row.image() for row in read] == [row["image"] for row in rows]
    assert [dict(row.fields) for row in read] == [{name: value for name, value in row.items() if name != "image"} for row in rows]


def test_a_folder_that_is_a_data_set_itself_is_told_by_its_name_or_by_what_is_in_it(written: Path, tmp_path: Path):
    for repository, modality in ((layouts.T2I, T2I), (layouts.I2T, I2T)):
        renamed = shutil.copytree(written / repository, tmp_path / f"my {modality}")
        for folder in (written / repository, renamed):
            assert list(open_data(str(folder)).rows(modality, "adv", "object"))


def test_a_folder_that_may_be_two_data_sets_is_refused(written: Path, tmp_path: Path):
    for repository in (layouts.T2I, layouts.I2T):
        shutil.copytree(written / repository, tmp_path, dirs_exist_ok=True)

    with pytest.raises(InvalidSpec, match="may be AI-Secure/MMDecodingTrust-I2T or AI-Secure/MMDecodingTrust-T2I; give the folder"):
        open_data(str(tmp_path)).rows(T2I, "adv", "object")


@pytest.mark.parametrize(
    ("config", "split", "told"),
    [
        ("fairness", "hiring", "no files of configuration 'fairness', split 'hiring'.*it is not on the hub"),
        ("safety", "vanilla", "AI-Secure/MMDecodingTrust-T2I: not in .*expected the folder MMDecodingTrust-T2I in it; fetch it with: assay data fetch mmdt"),
    ],
)
def test_data_that_is_not_there_is_told_with_what_to_do(tmp_path: Path, config: str, split: str, told: str):
    with pytest.raises(InvalidSpec, match=told):
        open_data(str(tmp_path)).rows(T2I, config, split)


def test_a_path_that_is_no_folder_is_refused():
    with pytest.raises(InvalidSpec, match="no such folder; expected one that holds MMDecodingTrust-T2I and MMDecodingTrust-I2T"):
        open_data("nowhere/at/all")


@pytest.fixture
def cache(written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's cache with the text-to-image data at two revisions, of which `main` is the second."""
    from huggingface_hub import constants

    place = tmp_path / "datasets--AI-Secure--MMDecodingTrust-T2I"
    for commit, reference in (("a" * 40, "first"), ("b" * 40, "main")):
        shutil.copytree(written / layouts.T2I, place / "snapshots" / commit)
        (place / "refs").mkdir(exist_ok=True)
        (place / "refs" / reference).write_text(commit)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    return place


@pytest.mark.parametrize(("data", "commit"), [("", "b"), ("@first", "a"), (f"@{'a' * 40}", "a"), ("@MMDecodingTrust-T2I=first,MMDecodingTrust-I2T=x", "a")])
def test_what_was_fetched_is_found_in_the_hubs_cache(cache: Path, data: str, commit: str):
    opened = open_data(data)

    assert len(list(opened.rows(T2I, "adv", "object"))) == 2
    (told,) = opened.provenance(T2I).values()
    assert (told["where"], told["revision"]) == ("the hub's cache", commit * 40)


def test_what_was_not_fetched_is_told_with_what_to_do(cache: Path):
    with pytest.raises(InvalidSpec, match=r"I2T: not on this machine; fetch it with: assay data fetch mmdt; it is gated: accept .*`hf auth login` first"):
        open_data("").rows(I2T, "adv", "object")
    with pytest.raises(InvalidSpec, match=r"T2I: not on this machine at revision newer; fetch it with: assay data fetch mmdt$"):
        open_data("@newer").rows(T2I, "adv", "object")
    with pytest.raises(InvalidSpec, match="files beside the data sets: not on this machine; it is not on the hub: put it into a folder"):
        open_data("").rows(T2I, "fairness", "hiring")
    with pytest.raises(InvalidSpec, match="no data set 'T2I'; expected MMDecodingTrust-T2I=REVISION"):
        open_data("@T2I=a")


def test_fetching_brings_every_data_set_at_its_revision_the_gated_one_last(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    def bring(name: str, revision: str | None, out: Path | None, mend: str) -> hub.Repository:
        if name == official.IMAGE_TO_TEXT and revision != "open":
            raise InvalidSpec(name, ["it is gated"])
        return hub.Repository(name, out or tmp_path, revision or "newest", mend)

    monkeypatch.setattr(hub, "fetch", bring)

    told = list(reading.fetch(tmp_path / "out", "MMDecodingTrust-I2T=open"))
    assert [line.split(" is in")[0] for line in told[:3]] == [
        f"{official.TEXT_TO_IMAGE} at newest", f"{official.ORIGINALS} at newest", f"{official.IMAGE_TO_TEXT} at open"
    ]  # fmt: skip
    assert "fairness/hiring" in told[3]
    steps = reading.fetch(None, "v1")
    assert [next(steps).split(" is in")[0] for _ in range(2)] == [f"{official.TEXT_TO_IMAGE} at v1", f"{official.ORIGINALS} at v1"]
    with pytest.raises(InvalidSpec, match="gated"):
        next(steps)


def test_provenance_changes_with_the_files_and_only_with_them(copied: Path):
    before, again = (open_data(str(copied)).provenance(I2T) for _ in range(2))
    assert before == again
    assert set(before) == {official.IMAGE_TO_TEXT, official.BESIDE}
    assert before[official.IMAGE_TO_TEXT]["revision"] == "local"

    layouts.write_parquet(copied, "adv", "object", [{"id": 1, "image": layouts.picture(3)}])

    after = open_data(str(copied)).provenance(I2T)
    assert after[official.IMAGE_TO_TEXT]["sha256"] != before[official.IMAGE_TO_TEXT]["sha256"]
    assert after[official.BESIDE] == before[official.BESIDE]


def test_provenance_of_a_task_is_that_of_its_files(copied: Path):
    tasks = [task for task in TASKS if task.name == "mmdt.privacy.text_to_image/training/laion_1k"]
    before = open_data(str(copied)).provenance(T2I, tasks)
    assert {name: told["files"] for name, told in before.items()} == {official.TEXT_TO_IMAGE: 1, official.ORIGINALS: 1}

    layouts.write_json(copied, "adv", "object", [])

    assert open_data(str(copied)).provenance(T2I, tasks) == before


@pytest.mark.parametrize(
    ("revision", "told"),
    [("a1", "the revision that the"), ("b2", "made with another revision, a1"), ("local", "does not say its revision; .* made with a1")],
)
def test_a_revision_other_than_that_of_the_published_numbers_is_told(copied: Path, monkeypatch: pytest.MonkeyPatch, revision: str, told: str):
    monkeypatch.setattr(reading, "PUBLISHED_REVISIONS", {official.TEXT_TO_IMAGE: "a1"})
    if revision != "local":
        (copied / layouts.T2I / ".assay-revision").write_text(revision)

    provenance = open_data(str(copied)).provenance(T2I)[official.TEXT_TO_IMAGE]

    assert provenance["revision"] == revision
    assert re.search(told, provenance["published"])


def test_whole_data_fits(written: Path):
    findings = list(check(str(written)))

    assert [finding for finding in findings if not finding.fits] == []
    told = {finding.what: finding.detail for finding in findings}
    assert told["MMDecodingTrust-T2I hallucination/ocr"].startswith("8 rows: 2 complex, 2 contradictory, 2 distortion, 2 misleading; expected 125")
    assert told["MMDecodingTrust-I2T adv/object"] == "2 rows; expected 1064 (known by: card)"


def test_what_is_missing_or_damaged_is_found(copied: Path):
    two = layouts.image_to_text()["safety", "typography"]
    layouts.write_parquet(copied, "safety", "typography", [{**two[0], "prompts": None}, {**two[1], "image": b"no picture"}])
    layouts.write_parquet(copied, "hallucination", "ocr", [{**row, "task": None} for row in layouts.image_to_text()["hallucination", "ocr"]])
    next((copied / layouts.I2T / "ood").glob("pixelate-*")).unlink()
    next((copied / layouts.I2T / "fairness").glob("overkill-*")).unlink()
    next((copied / layouts.I2T / "privacy").glob("selfies-*")).write_bytes(b"PAR1 cut off")
    (copied / "fairness" / "finance.jsonl").write_text('{"prompt": "a"}\n{"prompt": \n')
    shutil.rmtree(copied / layouts.ORIGINALS)

    found = {finding.what: f"{finding.detail}; {finding.mend}" for finding in check(str(copied)) if not finding.fits}

    assert set(found) == {
        "MMDecodingTrust-I2T safety/typography", "MMDecodingTrust-I2T hallucination/ocr", "MMDecodingTrust-I2T ood/pixelate",
        "MMDecodingTrust-I2T privacy/selfies", "files beside the data sets fairness/finance", official.ORIGINALS,
    }  # fmt: skip
    assert "1 rows lack 'prompts'; 1 pictures cannot be read, the first: " in found["MMDecodingTrust-I2T safety/typography"]
    assert "8 without task" in found["MMDecodingTrust-I2T hallucination/ocr"]
    assert "no files of configuration 'ood', split 'pixelate'" in found["MMDecodingTrust-I2T ood/pixelate"]
    assert "cannot be read as parquet" in found["MMDecodingTrust-I2T privacy/selfies"]
    assert "cannot be read as jsonl" in found["files beside the data sets fairness/finance"]


def test_a_row_without_a_field_or_picture_spoils_no_other(tmp_path: Path):
    rows = layouts.image_to_text(3)["safety", "jailbreak"]
    layouts.write_parquet(tmp_path, "safety", "jailbreak", [rows[0], {**rows[1], "prompts": None}, {**rows[2], "image": None}])

    first, second, third = open_data(str(tmp_path)).rows(I2T, "safety", "jailbreak")

    assert field(first, "prompts")
    assert first.image()
    with pytest.raises(RowFault, match="safety/jailbreak, row 1: no field 'prompts'; found scenario, attack"):
        field(second, "prompts")
    with pytest.raises(RowFault, match="safety/jailbreak, row 2: no picture 'image'; found nothing"):
        third.image()
