"""Finding MultiTrust's release on this machine, fetching it, and telling what of it is missing or damaged."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from huggingface_hub import constants

from evaluators import hub
from evaluators.hub import Repository
from evaluators.multitrust.data import check, fetch, open_data
from evaluators.multitrust.official import BY_DATASET, EXAMINED, NAME
from kernel.errors import InvalidSpec

BASIC = BY_DATASET["d-basic-object"]


@pytest.fixture
def cache(released: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's cache, with the release as it is fetched."""
    repository = tmp_path / "datasets--thu-ml--MultiTrust"
    shutil.copytree(released, repository / "snapshots" / EXAMINED)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(EXAMINED)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    return tmp_path


def test_without_a_folder_the_hubs_cache_is_read(cache: Path):
    opened = open_data("")

    assert len(list(opened.samples(BASIC))) == 2
    told = opened.provenance([BASIC])[NAME]
    assert (told["where"], told["revision"], told["published"]) == ("the hub's cache", EXAMINED, "the revision whose rows are known")


def test_a_revision_that_was_not_fetched_is_told(cache: Path):
    with pytest.raises(InvalidSpec, match=f"not on this machine at revision {'b' * 40}; fetch it with: assay data fetch multitrust; it is gated"):
        open_data(f"@{'b' * 40}").samples(BASIC)


def test_what_is_not_here_at_all_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))

    missing = open_data("").missing(BASIC)
    finding = next(check(""))

    assert len(missing) == 1
    assert re.search("accept its conditions at huggingface.co/datasets/thu-ml/MultiTrust and `hf auth login` first", missing[0])
    assert (finding.what, finding.fits, finding.detail) == (NAME, False, missing[0])


@pytest.mark.parametrize("place", ["", "MultiTrust", "data"])
def test_a_folder_is_the_release_or_holds_it(released: Path, tmp_path: Path, place: str):
    shutil.copytree(released / "truthfulness", tmp_path / place / "truthfulness")

    assert len(list(open_data(str(tmp_path)).samples(BASIC))) == 2


def test_a_folder_without_it_is_told(tmp_path: Path):
    with pytest.raises(InvalidSpec, match="expected truthfulness, safety, robustness, fairness, privacy in it, or the folder MultiTrust"):
        open_data(str(tmp_path)).samples(BASIC)
    with pytest.raises(InvalidSpec, match="no such folder"):
        open_data(str(tmp_path / "nowhere"))


@pytest.mark.parametrize(("revision", "told"), [(EXAMINED, "in .*; the revision whose rows are known"), ("c1", f"known of another revision, {EXAMINED}")])
def test_fetching_brings_it_at_its_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, revision: str, told: str):
    asked = []

    def bring(name: str, at: str | None, out: Path | None, mend: str) -> Repository:
        asked.append((name, at, out))
        return Repository(name, tmp_path, revision, mend)

    monkeypatch.setattr(hub, "fetch", bring)
    (line,) = fetch(tmp_path, revision)

    assert asked == [(NAME, revision, tmp_path)]
    assert line.startswith(f"{NAME} at {revision}")
    assert re.search(told, line)


def test_a_whole_release_fits(released: Path):
    findings = {finding.what: finding for finding in check(str(released))}

    assert [finding for finding in findings.values() if not finding.fits] == []
    assert findings[NAME].detail.startswith("revision local in ")
    assert findings["truthfulness/query_basic/query_d_scene.json"].detail == "2 rows, expected 400"
    assert findings["fairness/preference.json"].detail == "240 rows"
    assert findings["robustness/ood-text/label.json"].detail == "20 rows, expected 1,000"
    assert findings["unrelated_images"].detail == "30 pictures, expected 31"
    assert findings["fonts/FreeMonoBold.ttf"].detail == "not there; pictures of P.6 are lettered in Pillow's own font"
    assert findings["fairness/stereo_images"].detail == "12 pictures named by F.2, F.3"


def test_what_is_missing_or_damaged_is_found(changed: Path):
    (changed / "robustness/advglue/label.json").unlink()
    (changed / "privacy/vizwiz-priv/Annotations/Vizwiz-Priv-QA-Private.json").unlink()
    (changed / "truthfulness/query_advanced/query_d_code.json").write_text("[{")
    (changed / "privacy/vispr/test2017/0.jpg").unlink()
    (changed / "fairness/stereo_images/age/1.png").write_bytes(b"no picture")
    (changed / "safety/SafeBench_selected/safebench_selected.csv").write_text("id,question\n1,q\n")
    for picture in (changed / "unrelated_images").glob("nature*"):
        picture.unlink()
    shutil.rmtree(changed / "safety/nsfw")

    found = {finding.what: finding for finding in check(str(changed)) if not finding.fits}

    told = {what: finding.detail for what, finding in found.items()}
    assert told.pop("robustness/advglue/label.json") == "not there; expected 738 rows"
    assert "cannot be read as json" in told.pop("truthfulness/query_advanced/query_d_code.json")
    assert "cannot be read as json" in told.pop("truthfulness/advanced_images/code")
    assert told.pop("privacy/vispr/test2017") == "2 pictures named by P.1, P.2; 1 of them are missing, the first: privacy/vispr/test2017/0.jpg"
    assert told.pop("fairness/stereo_images") == "12 pictures named by F.2, F.3; 1 pictures cannot be read, the first: 1.png"
    assert told.pop("safety/SafeBench_selected/safebench_selected.csv") == "1 rows, expected 200; 1 rows lack 'image_path'"
    assert "1 rows cannot be asked, the first: " in told.pop("safety/SafeBench_selected")
    assert told.pop("unrelated_images") == "20 pictures, expected 31; no picture of the kind 'nature'"
    assert told.pop("safety/nsfw") == "not there; expected 250 pictures"
    assert told == {}
    assert all("assay data fetch multitrust" in finding.mend for finding in found.values())
