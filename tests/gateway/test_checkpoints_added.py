"""`assay models add` behind its command: what is written into a catalog, what is left as it is, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.additions import add, sources
from gateway.catalog import DEFAULT, read_catalog
from kernel.contract import Kind
from kernel.errors import InvalidSpec, UnknownName, UserError

tiny = pytest.importorskip("tests.model_repository.tiny_checkpoints")
pipelines = pytest.importorskip("tests.model_repository.tiny_pipelines")

COMMENTED = """# ours
include: bundled   # all of them

models:
  # the first
  zeta:   {player: gold}     # aligned by hand

  alpha:
    player: blind
    of: 'shapes-vlm'   # quoted
  # the end
roles: {judge: zeta}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with tiny checkpoints."""
    folder = tmp_path_factory.mktemp("checkpoints")
    tiny.llama(folder / "llama")
    pipelines.stable_diffusion(folder / "sd")
    return folder


@pytest.fixture
def here(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the caller stands: beside links to the checkpoints. The hub is out of reach, and its cache empty."""
    for each in made.iterdir():
        (tmp_path / each.name).symlink_to(each)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return tmp_path


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (COMMENTED, COMMENTED.replace("# quoted\n", "# quoted\n  new: {player: gold}\n")),
        ("models:\n  a: {player: gold}", "models:\n  a: {player: gold}\n  new: {player: gold}\n"),
        ("models:\r\n    a: {player: gold}\r\n", "models:\r\n    a: {player: gold}\r\n    new: {player: gold}\r\n"),
        ("models: {a: {player: gold}, }  # few\n", "models: {a: {player: gold}, new: {player: gold}, }  # few\n"),
        ("models:\n  {\n    a: {player: gold}\n  }\n", "models:\n  {\n    a: {player: gold}, new: {player: gold}\n  }\n"),
        ("models:\n  a: {player: gold}\n\n\n# äöü\n", "models:\n  a: {player: gold}\n  new: {player: gold}\n\n\n# äöü\n"),
    ],
)
def test_what_is_there_stays_to_the_letter(before: str, after: str, here: Path) -> None:
    """Comments, order, quotes, line ends; the new entry stands behind the last."""
    path = here / "catalog.yaml"
    path.write_bytes(before.encode())

    added = add("new", "player=gold", catalog=path)

    assert path.read_bytes().decode() == after
    assert (added.text, added.made) == ("new: {player: gold}", False)
    assert sources(path)["new"] == "player gold"


def test_a_catalog_that_is_not_there_has_the_bundled_models_too(here: Path) -> None:
    added = add("llama", "transformers=./llama", catalog=here / "catalog.yaml", settings=["dtype=bfloat16", "batch=3"])

    assert (added.made, added.kind) == (True, Kind.GENERATE)
    assert (here / "catalog.yaml").read_text() == DEFAULT.read_text() + "  llama: {transformers: ./llama, dtype: bfloat16, batch: 3}\n"


@pytest.mark.parametrize(
    ("said", "settings", "text"),
    [
        ("transformers=./llama", ["compile=true", "max_tokens=7"], "{transformers: ../llama, compile: true, max_tokens: 7}"),
        ("diffusers=sd/../sd", [], None),
        ("diffusers=./sd", ["guidance=1.5", "variant=null"], "{diffusers: ../sd, guidance: 1.5, variant: null}"),
        ("instrument=harmbench", ["checkpoint=./llama"], "{instrument: harmbench, checkpoint: ../llama}"),
        ("openai=gpt-4o", ["key_file=./key", "price={input: 2.5, output: 10.0}"], "{openai: gpt-4o, key_file: ../key, price: {input: 2.5, output: 10.0}}"),
        ("server=grpc://host:8001", ["kind=generate"], '{server: "grpc://host:8001", kind: generate}'),
        ("server=[grpc://a:1, grpc://b:1]", ["model=no"], '{server: ["grpc://a:1", "grpc://b:1"], model: "no"}'),
        ("perspective=[TOXICITY]", ["key_env=KEY"], "{perspective: [TOXICITY], key_env: KEY}"),
    ],
)
def test_an_entry_of_any_kind_is_written_as_it_is_read(said: str, settings: list[str], text: str | None, here: Path) -> None:
    """Paths begin where the caller stands, and are written as they are from the catalog; words that YAML reads otherwise are quoted."""
    (here / "key").write_text("secret")
    (here / "below").mkdir()
    if text is None:
        with pytest.raises(UserError, match="neither a folder nor a name on the hub"):
            add("new", said, catalog=here / "below" / "c.yaml", settings=settings)
        return

    added = add("new", said, catalog=here / "below" / "c.yaml", settings=settings)

    assert added.text == f"new: {text}"
    assert "new" in read_catalog(here / "below" / "c.yaml").entries


def spoilt(here: Path, name: str) -> Path:
    """A copy of a checkpoint."""
    return Path(shutil.copytree(here / name, here / "spoilt"))


def pickled(here: Path) -> None:
    (spoilt(here, "llama") / "model.safetensors").rename(here / "spoilt" / "pytorch_model.bin")


def cut_short(here: Path) -> None:
    (spoilt(here, "llama") / "model.safetensors").write_bytes(b"\0" * 20)


def another(here: Path) -> None:
    config = json.loads((spoilt(here, "llama") / "config.json").read_text())
    (here / "spoilt" / "config.json").write_text(json.dumps({**config, "model_type": "bert", "architectures": ["BertForMaskedLM"]}))


def shown(here: Path) -> None:
    index = json.loads((spoilt(here, "sd") / "model_index.json").read_text())
    (here / "spoilt" / "model_index.json").write_text(json.dumps({**index, "_class_name": "StableDiffusionImg2ImgPipeline"}))


@pytest.mark.parametrize(
    ("spoil", "said", "fault"),
    [
        (pickled, "transformers=./spoilt", r"the weights are pickled, in pytorch_model.bin; only safetensors are loaded"),
        (cut_short, "transformers=./spoilt", "model.safetensors is no whole file of safetensors"),
        (another, "transformers=./spoilt", r"the architecture 'BertForMaskedLM' \(bert\) writes no text after a prompt"),
        (shown, "diffusers=./spoilt", "StableDiffusionImg2ImgPipeline is no text-to-image pipeline: it takes image"),
        (pickled, "instrument=clip", "the weights are pickled"),
        (None, "diffusers=./llama", "model_index.json is missing"),
        (None, "transformers=./sd", "config.json is missing"),
    ],
)
def test_a_checkpoint_that_cannot_be_served_is_not_written(spoil: Any, said: str, fault: str, here: Path) -> None:
    """As its template would refuse it."""
    if spoil:
        spoil(here)

    with pytest.raises(InvalidSpec, match=fault):
        add("new", said, catalog=here / "catalog.yaml", settings=["checkpoint=./spoilt"] if said.startswith("instrument") else [])

    assert not list(here.glob("*catalog.yaml*"))


@pytest.mark.parametrize(
    ("name", "said", "settings", "error", "fault"),
    [
        ("a", "player=gold", [], InvalidSpec, r"has a model 'a' already \(player gold\); choose another name"),
        ("New", "player=gold", [], InvalidSpec, "'New' is no name; expected 1 to 64 of a-z"),
        ("true", "player=gold", ["of=a"], InvalidSpec, "model true: models.true.of: the player 'gold' asks no model"),
        ("new", "transformer=./llama", [], UnknownName, "no kind of entry named 'transformer'; did you mean 'transformers'"),
        ("new", "./llama", [], InvalidSpec, "'./llama': expected KIND=WHAT such as transformers=./llava"),
        ("new", "player=gold", ["at_once"], InvalidSpec, "'at_once': expected key=value"),
        ("new", "player=gold", ["at_once=1", "at_once=2"], InvalidSpec, "at_once is given twice"),
        ("new", "player=gold", ["at_onec=1"], InvalidSpec, "model new: models.new.at_onec: unknown key; did you mean 'at_once'"),
        ("new", "player=gold", ["at_once={"], InvalidSpec, "model new, at_once: line"),
        ("new", "transformers=./nowhere", [], InvalidSpec, "no folder"),
        ("new", "transformers=./llama", ["quantize=int3"], InvalidSpec, "'int8' or 'int4'"),
        ("new", "transformers=org/name", [], InvalidSpec, "org/name is not on this machine and cannot be had from the hub"),
        ("new", "player=gold", ["deadline=.inf"], InvalidSpec, "deadline"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_written(name: str, said: str, settings: list[str], error: type[Exception], fault: str, here: Path) -> None:
    """In one line, and no scratch file is left."""
    path = here / "catalog.yaml"
    path.write_text("models:\n  a: {player: gold}\n")
    before = {each.name for each in here.iterdir()}

    with pytest.raises(error, match=fault) as told:
        add(name, said, catalog=path, settings=settings)

    assert "\n" not in str(told.value)
    assert path.read_text() == "models:\n  a: {player: gold}\n"
    assert {each.name for each in here.iterdir()} == before


def test_a_catalog_that_cannot_be_read_is_left_alone(here: Path) -> None:
    """Its own faults are told, with their lines."""
    (here / "catalog.yaml").write_text("models:\n  a: {plaier: gold}\n")

    with pytest.raises(InvalidSpec, match=r"catalog.yaml: line 2: models.a: .*did you mean 'player'"):
        add("new", "player=gold", catalog=here / "catalog.yaml")


def test_a_catalog_behind_a_link_stays_behind_it(here: Path) -> None:
    """With its mode."""
    (here / "real").mkdir()
    (here / "real" / "c.yaml").write_text("models:\n  a: {player: gold}\n")
    (here / "real" / "c.yaml").chmod(0o640)
    (here / "catalog.yaml").symlink_to("real/c.yaml")

    add("new", "transformers=./llama", catalog=here / "catalog.yaml")

    assert (here / "catalog.yaml").is_symlink()
    assert (here / "real" / "c.yaml").stat().st_mode & 0o777 == 0o640
    assert "  new: {transformers: ../llama}\n" in (here / "real" / "c.yaml").read_text()


@pytest.fixture
def hub(here: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A hub that is only pretended: one model, of the files that are named."""

    def of(folder: Path | None, *names: str, refusal: Exception | None = None) -> None:
        def checked(source: str) -> None:
            if refusal is not None:
                raise refusal

        def fetched(source: str, name: str, *, revision: str, local_dir: Path) -> str:
            assert (revision, name.endswith(".safetensors")) == ("a" * 40, False)
            return str(shutil.copy(folder / name, local_dir))

        told = SimpleNamespace(sha="a" * 40, siblings=[SimpleNamespace(rfilename=name) for name in names])
        monkeypatch.setattr("huggingface_hub.auth_check", checked)
        monkeypatch.setattr("huggingface_hub.model_info", lambda source, revision=None: told)
        monkeypatch.setattr("huggingface_hub.HfApi", lambda: SimpleNamespace(model_info=lambda source, revision=None: told))
        monkeypatch.setattr("huggingface_hub.hf_hub_download", fetched)

    return of


def refusal(kind: str) -> Exception:
    """As the hub's library raises it, without the answer that it has of the server."""
    from huggingface_hub import errors

    of: type[Exception] = getattr(errors, kind)
    return of.__new__(of)


def test_a_model_of_the_hub_is_known_by_what_describes_it(hub: Any, here: Path) -> None:
    """No weights are fetched, and nothing gets into the cache, where half a checkpoint would be taken for a whole one."""
    hub(here / "llama", "config.json", "model.safetensors", "tokenizer.json")

    added = add("new", "transformers=org/name", catalog=here / "catalog.yaml")

    assert added.text == "new: {transformers: org/name}"
    assert not (here / "hub").exists()


@pytest.mark.parametrize(
    ("said", "names", "refused", "fault"),
    [
        ("transformers=org/name", ["config.json", "pytorch_model.bin"], None, "has no safetensors on the hub, of weights it has pytorch_model.bin"),
        ("diffusers=org/name", ["config.json", "model.safetensors"], None, "model_index.json is missing"),
        ("transformers=org/name", [], "GatedRepoError", "org/name is gated; ask for access at huggingface.co/org/name, then `hf auth login`"),
        ("transformers=org/name", [], "RepositoryNotFoundError", "the hub has no org/name"),
    ],
)
def test_a_model_of_the_hub_that_cannot_be_had_is_told(said: str, names: list[str], refused: str | None, fault: str, hub: Any, here: Path) -> None:
    hub(here / "llama", *names, refusal=refusal(refused) if refused else None)

    with pytest.raises(InvalidSpec, match=fault):
        add("new", said, catalog=here / "catalog.yaml")

    assert not (here / "catalog.yaml").exists()
