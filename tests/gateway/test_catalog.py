"""Catalogs: what is right is read, and what is wrong is told all at once, by path and line."""

import shutil
from pathlib import Path

import pytest

from gateway.address import fault_of
from gateway.catalog import DEFAULT, ENTRIES, Bundled, Folder, Player, Server, read_catalog
from gateway.session import open_gateway
from kernel import documents
from kernel.errors import InvalidSpec, UnknownName

MODELS = Path(__file__).parent.parent / "models"


@pytest.fixture
def write(tmp_path):
    """Writes a catalog beside a copy of the model folder `echo`."""
    shutil.copytree(MODELS / "echo", tmp_path / "echo")

    def write_catalog(text: str | bytes) -> Path:
        path = tmp_path / "catalog.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write_catalog


def faults(path: Path) -> tuple[str, ...]:
    with pytest.raises(InvalidSpec) as refused:
        read_catalog(path)
    return refused.value.faults


def test_every_kind_of_entry_is_read(write):
    """A right catalog becomes its entries, in its order."""
    path = write(
        """
        models:
          mine: {folder: echo, at_once: 4, deadline: 30}
          theirs: {server: "grpc://vlm.internal:8001", model: VLM, kind: generate}
          nothing: {player: empty}
          unseeing: {player: blind, of: mine}
        """
    )

    catalog = read_catalog(path)

    assert {
        "mine": Folder(folder="echo", at_once=4, deadline=30.0),
        "theirs": Server(server="grpc://vlm.internal:8001", model="VLM", kind="generate"),
        "nothing": Player(player="empty"),
        "unseeing": Player(player="blind", of="mine"),
    } == dict(catalog.entries)
    assert list(catalog.entries) == ["mine", "theirs", "nothing", "unseeing"]
    assert path.parent / "echo" == catalog.folder("mine")


def test_the_bundled_models_can_be_taken_along(write):
    """With `include: bundled` a catalog has ours too; one's own entry of the same name is the one that counts."""
    mine = read_catalog(write("include: bundled\nmodels:\n  mine: {folder: echo}\n  ocr: {folder: echo}\n")).entries

    assert {"mine", *read_catalog().entries} == set(mine)
    assert Folder(folder="echo") == mine["ocr"]
    assert "include: input should be 'bundled'" in faults(write("include: all\nmodels:\n  mine: {folder: echo}\n"))[0]


def test_options_of_tasks_are_read(write):
    """What tasks are told, beside the models; whether any task has such an option is another's question."""
    path = write("options: {counting: paper, limit: 3}\nmodels:\n  mine: {folder: echo}\n")

    assert read_catalog(path).options == open_gateway(path).task_options == {"counting": "paper", "limit": 3}
    assert read_catalog().options == {}
    assert "line 1: options: input should be a valid dictionary" in faults(write("options: [paper]\nmodels:\n  mine: {folder: echo}\n"))[0]


def test_a_blind_player_brings_its_model_along(write):
    """Whoever asks for a blind player needs the model that it asks; nothing else is started."""
    catalog = read_catalog(write("models: {a: {folder: echo}, b: {folder: echo}, x: {player: blind, of: b}, y: {player: gold}}"))

    assert catalog.with_needs(["x"]) == ["b", "x"]
    assert catalog.with_needs(["y"]) == ["y"]
    assert catalog.with_needs(None) == ["a", "b", "x", "y"]
    assert catalog.with_needs([]) == []


def test_an_unknown_name_is_told_with_the_nearest(write):
    """Asking for a name that the catalog does not have says which one may have been meant."""
    catalog = read_catalog(write("models: {shapes: {folder: echo}}"))

    with pytest.raises(UnknownName, match="no model named 'shape'; did you mean 'shapes'"):
        catalog.with_needs(["shape"])


def test_all_faults_are_told_at_once(write):
    """One reading names every fault with its line and path."""
    path = write(
        """models:
  one: {folder: nowhere}
  two: {folder: echo, at_onc: 3}
  three: {bundeld: shapes_vlm}
  four: {folder: echo, server: "grpc://a:1"}
  Five: {folder: echo}
  six: {player: blnd}
  seven: [folder, echo]
"""
    )

    found = faults(path)

    assert len(found) == 6
    assert f"line 4: models.three: expected one of {', '.join(ENTRIES)}; did you mean 'bundled'?" in found
    assert "line 5: models.four: has folder and server; an entry is one of them" in found
    assert any(fault.startswith("line 6: models: 'Five' is no name; expected 1 to 64 of a-z") for fault in found)
    assert "line 3: models.two.at_onc: unknown key; did you mean 'at_once'?" in found
    assert any(fault.startswith("line 7: models.six.player: input should be 'empty'") for fault in found)
    assert "line 8: models.seven: expected a mapping such as {bundled: shapes_vlm}" in found


def test_faults_of_meaning_are_told_at_once(write):
    """What has the right shape and the wrong meaning is told with its place, too."""
    path = write(
        """models:
  one: {folder: nowhere}
  two: {bundled: shapes_vln}
  three: {player: blind}
  four: {player: gold, of: one}
  five: {player: blind, of: thre}
  six: {player: blind, of: three}
  seven: {server: "http://a:80"}
"""
    )

    found = faults(path)

    assert len(found) == 7
    assert found[0].startswith("line 2: models.one.folder: ")
    assert found[0].endswith("nowhere is no model folder of Triton; expected config.pbtxt in it")
    assert found[1].startswith("line 3: models.two.bundled: no bundled model named 'shapes_vln'")
    assert found[2] == "line 4: models.three.of: missing; a blind player asks a model of the catalog without the picture"
    assert found[3] == "line 5: models.four.of: the player 'gold' asks no model; leave it out"
    assert found[4] == "line 6: models.five.of: no model named 'thre'; did you mean 'three'?"
    assert found[5] == "line 7: models.six.of: 'three' is a player itself; name a model"
    assert found[6] == "line 8: models.seven.server: 'http://a:80' is no address; expected grpc://host:port or grpcs://host:port"


@pytest.mark.parametrize(
    "name",
    ["../up", "a/b", "a%2eb", "'a\\nb'", '"a\\eb"', '"\\u200fa"', "x" * 65, "CON", "Shapes", "é", "-a", ".a", "no", "1.5", "''", "true", "~"],
)
def test_names_that_are_none_are_refused(write, name):
    """A name is 1 to 64 of a closed alphabet: it becomes a folder, a model's name on the wire, and part of keys."""
    if name == "no":
        assert list(read_catalog(write("models: {no: {folder: echo}}")).entries) == ["no"]
        return

    assert any("is no name; expected 1 to 64" in fault for fault in faults(write(f"models:\n  {name}: {{folder: echo}}\n")))


@pytest.mark.parametrize(
    "entry",
    ["at_once: 0", "at_once: -1", "at_once: true", "at_once: 1.5", "at_once: '4'", "deadline: 0", "deadline: .nan", "deadline: .inf", "deadline: 1e309"],
)
def test_numbers_out_of_range_are_refused(write, entry):
    """No number is bent into another."""
    (fault,) = faults(write(f"models:\n  one: {{folder: echo, {entry}}}\n"))

    assert fault.startswith(f"line 2: models.one.{entry.partition(':')[0]}: ")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "models:",
        "models: {}\nmodles: {}",
        "- a\n- b",
        "models: [a, b]",
        "models: {a: {folder: echo}, a: {folder: echo}}",
        "models: {a: &x {folder: echo}, b: *x}",
        "models: {a: !!python/object/apply:os.system [ls]}",
        b"models: {a: {folder: \xff}}",
        "models:\n\ta: {folder: echo}",
        "models: {a: {folder: echo}}\x00",
        "models: " + "{a: " * 200 + "1" + "}" * 200,
    ],
    ids=range(12),
)
def test_documents_that_are_no_catalog_are_refused(write, text):
    """Whatever stands in the file, the answer is one clear refusal that names the file."""
    path = write(text)

    with pytest.raises(InvalidSpec) as refused:
        read_catalog(path)

    assert str(refused.value).startswith(str(path))


def test_a_missing_file_is_told(tmp_path):
    """A path that leads nowhere is refused as what it is."""
    assert faults(tmp_path / "none.yaml") == ("no such file; expected a catalog of models (YAML)",)


@pytest.mark.parametrize(
    "address",
    ["grpc://localhost:1", "grpc://vlm.internal:8001", "grpc://10.0.0.1:65535", "grpc://[::1]:8001", "grpc://xn--bcher-kva.example:80"],
)
def test_addresses_of_servers_are_taken(address):
    """Names, IPv4 and IPv6, with a port."""
    assert fault_of(address) is None


@pytest.mark.parametrize(
    "address",
    [
        "vlm:8001",
        "grpc://vlm",
        "grpc://vlm:",
        "grpc://vlm:0",
        "grpc://vlm:70000",
        "grpc://vlm:8001/path",
        "grpc://vlm:8001?x=1",
        "file:///etc/passwd",
        "unix:/run/x.sock",
        "grpc://169.254.169.254:80",
        "grpc://[::ffff:169.254.169.254]:80",
        "grpc://[fe80::1]:80",
        "grpc://[::1%25lo]:80",
        "grpc://[::1%lo]:80",
        "grpc://2852039166:80",
        "grpc://0xa9fea9fe:80",
        "grpc://0.0.0.0:80",
        "grpc://[::]:80",
        "grpc://224.0.0.1:80",
        "grpc://g\u043e\u043egle.com:443",
        "grpc://a b:80",
        "grpc://-a:80",
        "grpc://a..b:80",
        "grpc://a:80\n",
        "",
    ],
)
def test_other_addresses_are_refused(address):
    """No port, no such port, another scheme, a zone, a look-alike, an address of the link or of nobody."""
    assert fault_of(address)


def test_a_password_in_an_address_is_not_repeated(write):
    """The refusal must not print what it refuses."""
    (fault,) = faults(write('models: {a: {server: "grpc://me:hunter2@vlm:8001"}}'))

    assert fault == "line 1: models.a.server: a user or password has no place in an address; expected grpc://host:port or grpcs://host:port"


def test_the_catalog_that_comes_with_assay_has_the_right_shape():
    """Whether its models are there is another question; its entries are well formed."""
    data, _ = documents.parse(DEFAULT.read_bytes(), str(DEFAULT))
    entries = data["models"]

    served = ["shapes-vlm", "shapes-diffusion", "shapes-detector", "ocr", "nudity", "canned-judge", "canned-face"]
    served += ["canned-refusal", "canned-toxicity", "canned-moderation", "shapes-embedder"]
    assert [name for name in entries if "bundled" in entries[name]] == served
    for entry in entries.values():
        documents.validate(Bundled if "bundled" in entry else Player, entry, "catalog.yaml")
