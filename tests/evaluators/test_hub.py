"""Data sets of the hub: fetched from a small server that speaks the hub's interface, found in its cache, and their files told apart."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from evaluators.hub import Repository, cached, copy_in, fetch
from evaluators.rows import Row, RowFault
from kernel.errors import InvalidSpec

NAME = "org/pictures"
COMMITS = {"main": "a" * 40, "older": "b" * 40}
FILES = {"README.md": b"---\nlanguage: [en]\n---\n# Pictures\n", "adv/object.json": b'[{"id": 1}, {"id": 2}]'}


class Hub(ThreadingHTTPServer):
    """As much of the hub as fetching a data set asks for. gated: nobody has accepted the conditions."""

    gated = False
    asked: list[str] = []


class Answers(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        parts = unquote(urlsplit(self.path).path).strip("/").split("/")
        self.server.asked.append(self.path)
        if self.server.gated:
            self._say(403, b"{}", {"X-Error-Code": "GatedRepo", "X-Error-Message": "restricted"})
        elif NAME not in "/".join(parts):
            self._say(404, b"{}", {"X-Error-Code": "RepoNotFound"})
        elif parts[:2] == ["api", "datasets"]:
            self._api(parts[4:])
        else:
            self._file(commit=parts[4], path="/".join(parts[5:]))

    def _api(self, parts: list[str]) -> None:
        revision = parts[1] if parts else "main"
        commit = COMMITS.get(revision, revision if revision in COMMITS.values() else None)
        if commit is None:
            self._say(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
        elif parts[:1] == ["tree"]:
            tree = [{"type": "file", "path": path, "size": len(data), "oid": hashlib.sha1(data).hexdigest()} for path, data in FILES.items()]
            self._say(200, json.dumps(tree).encode(), {})
        else:
            told = {"id": NAME, "_id": "1", "sha": commit, "private": False, "downloads": 0, "likes": 0, "tags": []}
            self._say(200, json.dumps({**told, "siblings": [{"rfilename": path} for path in FILES]}).encode(), {})

    def _file(self, commit: str, path: str) -> None:
        data = FILES[path]
        self._say(200, data, {"ETag": f'"{hashlib.sha1(data).hexdigest()}"', "X-Repo-Commit": COMMITS.get(commit, commit)})

    def _say(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), "Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    from huggingface_hub import constants

    server = Hub(("127.0.0.1", 0), Answers)
    server.asked = []
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", constants.ENDPOINT + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_what_was_fetched_is_found_with_its_commit(hub: Hub):
    assert cached(NAME, None, "fetch it") is None

    fetched = fetch(NAME, None, None, "fetch it")
    hub.gated = True
    found = cached(NAME, None, "fetch it")

    assert found == fetched
    assert found.revision == COMMITS["main"]
    assert [row.fields["id"] for row in found.rows("adv", "object")] == [1, 2]


def test_another_revision_is_fetched_and_found_by_its_name(hub: Hub):
    assert fetch(NAME, "older", None, "").revision == COMMITS["older"]

    assert cached(NAME, "older", "").revision == COMMITS["older"]
    assert cached(NAME, None, "") is None


def test_a_copy_in_a_folder_says_which_commit_it_is_of(hub: Hub, tmp_path: Path):
    fetched = fetch(NAME, "older", tmp_path / "out", "")

    assert fetched.folder == tmp_path / "out" / "pictures"
    assert copy_in(NAME, fetched.folder, "") == fetched
    assert fetched.revision == COMMITS["older"]
    assert (fetched.folder / "adv" / "object.json").read_bytes() == FILES["adv/object.json"]


def test_a_gated_data_set_is_explained(hub: Hub):
    hub.gated = True

    with pytest.raises(InvalidSpec, match="it is gated; log in .* accept the conditions at huggingface.co/datasets/org/pictures, then `hf auth login`"):
        fetch(NAME, None, None, "")


@pytest.mark.parametrize(
    ("name", "revision", "told"),
    [("org/nothing", None, "no such data set, or not for you"), (NAME, "c3", "no revision 'c3' of it; leave --revision out")],
)
def test_what_the_hub_has_not_is_told(hub: Hub, tmp_path: Path, name: str, revision: str | None, told: str):
    for out in (None, tmp_path):
        with pytest.raises(InvalidSpec, match=told):
            fetch(name, revision, out, "")


def test_a_hub_out_of_reach_is_told(hub: Hub, monkeypatch: pytest.MonkeyPatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)

    with pytest.raises(InvalidSpec, match=r"cannot be had from the hub \(.*\); try again, or name a folder that holds a copy"):
        fetch(NAME, None, None, "")


def test_a_part_of_a_data_set_is_not_taken_for_it(hub: Hub):
    fetched = fetch(NAME, None, None, "")
    (fetched.folder / "adv" / "object.json").unlink()

    with pytest.raises(InvalidSpec, match="only part of it is in .*; fetch it again"):
        cached(NAME, None, "fetch it again")


def put(folder: Path, *names: str) -> Repository:
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps([{"file": number}]))
    return Repository(NAME, folder, "local", "fetch it")


@pytest.mark.parametrize(
    "name",
    ["adv/object.json", "adv/object.jsonl", "adv/object-00000-of-00001.json", "adv/object/0000.json", "data/adv/object.json", "adv/object/metadata.jsonl"],
)
def test_without_a_card_the_usual_names_are_found(tmp_path: Path, name: str):
    repository = put(tmp_path, name, "adv/objects.json", "ood/object.json")

    assert [row.fields["file"] for row in repository.rows("adv", "object")] == [0]


@pytest.mark.parametrize(
    "files",
    [
        "[{split: object, path: 'x/*.json'}]",
        "[{split: object, path: [x/a.json, x/b.json]}]",
        "{object: 'x/*'}",
        "{object: [x/b.json, x/a.json, x/a.json]}",
    ],
)
def test_a_card_says_which_files_a_split_is(tmp_path: Path, files: str):
    repository = put(tmp_path, "x/a.json", "x/b.json", "adv/object.json")
    (tmp_path / "README.md").write_text(f"---\nconfigs:\n- config_name: adv\n  data_files: {files}\n---\n# Card\n")

    assert sorted(row.fields["file"] for row in repository.rows("adv", "object")) == [0, 1]
    assert repository.count("adv", "object") == 2


@pytest.mark.parametrize("path", ["../secret.json", "/etc/*.json"])
def test_a_card_names_no_files_outside_of_its_data_set(tmp_path: Path, path: str):
    repository = put(tmp_path / "inside", "x.json")
    (tmp_path / "secret.json").write_text('[{"file": 1}]')
    (tmp_path / "inside" / "README.md").write_text(f"---\nconfigs:\n- config_name: adv\n  data_files: [{{split: object, path: '{path}'}}]\n---\n")

    with pytest.raises(InvalidSpec, match="is outside of the data set"):
        repository.rows("adv", "object")


@pytest.mark.parametrize("head", ["configs: [adv]", "configs: {a: b}", "configs: [{data_files: x}]", "configs: ["])
def test_a_card_that_cannot_be_read_is_told(tmp_path: Path, head: str):
    repository = put(tmp_path, "adv/object.json")
    (tmp_path / "README.md").write_text(f"---\n{head}\n---\n")

    with pytest.raises(InvalidSpec, match=r"README.md: its `configs:` cannot be read .*; expected config_name and data_files in each; fetch it"):
        repository.rows("adv", "object")


def test_rows_are_read_only_when_they_are_asked_for(tmp_path: Path):
    repository = put(tmp_path, "adv/object-00000-of-00002.json", "adv/object-00001-of-00002.json")
    rows = repository.rows("adv", "object")
    (tmp_path / "adv" / "object-00001-of-00002.json").write_text("[")

    assert next(rows).fields == {"file": 0}
    with pytest.raises(InvalidSpec, match=r"object-00001-of-00002.json: cannot be read as json \(.*; bring the file here again"):
        next(rows)


@pytest.mark.parametrize("path", ["/etc/hostname", "../beside.png", "gone.png", "", None])
def test_a_picture_that_is_not_below_the_folder_is_missing(tmp_path: Path, path: str | None):
    (tmp_path / "beside.png").write_bytes(b"\x89PNG")
    row = Row({}, {"image": {"bytes": None, "path": path}}, 0, "object", "adv, row 0", (tmp_path / "inside",))

    with pytest.raises(RowFault, match="adv, row 0: .*picture 'image'"):
        row.image()
