"""Checkpoints as entries of a catalog: where they are looked for, what they make of a template, and what is refused."""

import json
import os

import pytest

from gateway import checkpoints, digests, wire
from gateway.canary import PICTURE, canary
from gateway.catalog import read_catalog
from gateway.repository import BUNDLED, TEMPLATES, bundled_names, read_folder
from gateway.session import open_gateway
from kernel.contract import Kind, Request, Text
from kernel.errors import InvalidSpec, Unsupported


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a catalog, a checkpoint beside it, and a hub's cache that has one model; nothing can be downloaded."""
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "config.json").write_text(json.dumps({"id2label": {"1": "bad", "0": "good"}}))
    (tmp_path / "tiny" / "model.safetensors").write_bytes(b"weights")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    snapshot = tmp_path / "hub" / "models--org--name" / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text("a" * 40)
    return tmp_path


@pytest.fixture
def entry(place):
    """One entry, read from a catalog of its own."""

    def read(text):
        (place / "catalog.yaml").write_text(f"models:\n  it: {text}\n")
        return read_catalog(place / "catalog.yaml").entries["it"]

    return read


def folder(entry, place, **more):
    """What would be served."""
    return checkpoints.folder_of("it", entry, place, fetch=more.pop("fetch", True))


def test_templates_are_no_bundled_models():
    """They are served by entries of their own; every instrument has one of them."""
    assert not TEMPLATES.intersection(bundled_names())
    assert {tool.template for tool in checkpoints.INSTRUMENTS.values()} <= TEMPLATES


def test_an_entry_fills_in_a_template(entry, place):
    """Paths begin at the catalog; what is not said is left to the template."""
    made = folder(entry("{transformers: ./tiny, device: cpu, dtype: float32, batch: 3, max_tokens: 7, compile: true}"), place)

    told = {name: value.string_value for name, value in made.config.parameters.items()}
    assert {"checkpoint": str(place / "tiny"), "device": "cpu", "dtype": "float32", "max_tokens": "7", "compile": "true"}.items() <= told.items()
    assert not {"revision", "quantize", "remote_code", "batch", "at_once"} & told.keys()
    assert (3, Kind.GENERATE) == (made.config.max_batch_size, made.description.signature.kind)


@pytest.mark.parametrize(
    ("config", "beside", "sees"),
    [
        ({"model_type": "llama"}, None, False),
        ({"model_type": "llava", "vision_config": {"hidden_size": 8}}, None, True),
        ({"model_type": "chameleon", "vq_config": {"embed_dim": 8}}, None, True),
        ({"model_type": "fuyu"}, "preprocessor_config.json", True),
        ({"model_type": "fuyu"}, "processor_config.json", True),
    ],
)
def test_a_checkpoint_without_eyes_declares_no_picture(entry, place, config, beside, sees):
    """Its card says so, and a request with one is refused before it is sent."""
    (place / "tiny" / "config.json").write_text(json.dumps(config))
    if beside:
        (place / "tiny" / beside).write_text("{}")

    described = folder(entry("{transformers: ./tiny}"), place).description
    shown = Request("it", (Text("what is it"), PICTURE))

    assert ("image?" in described.accepts) is sees
    assert PICTURE in canary("it", described.signature, None).parts or not sees
    if sees:
        assert wire.encode(shown, described.signature).inputs
    else:
        with pytest.raises(Unsupported, match="takes no image; it takes messages, sampling_parameters, system, text_input"):
            wire.encode(shown, described.signature)


def test_a_model_is_what_its_files_and_settings_are(entry, place):
    """Other weights or settings are another model; how many are asked at once is not."""
    first = folder(entry("{transformers: ./tiny}"), place).identity
    settings = folder(entry("{transformers: ./tiny, dtype: bfloat16}"), place).identity
    limited = folder(entry("{transformers: ./tiny, at_once: 4, batch: 2}"), place).identity
    (place / "tiny" / "model.safetensors").write_bytes(b"weightz")
    weights = folder(entry("{transformers: ./tiny}"), place).identity

    assert first == limited
    assert 3 == len({first, settings, weights})


def test_a_model_of_the_hub_is_its_revision(entry, place):
    """What was downloaded once is served from there."""
    made = folder(entry("{diffusers: org/name, steps: 20}"), place)

    assert str(place / "hub") in made.parameter("checkpoint")
    assert "20" == made.parameter("steps")
    assert made.identity == folder(entry("{diffusers: org/name, steps: 20, revision: main}"), place).identity


@pytest.mark.parametrize("fetch", [True, False])
def test_a_model_that_cannot_be_had_is_told(entry, place, fetch):
    """Without a line to the hub, in one sentence."""
    with pytest.raises(InvalidSpec, match="org/other is not on this machine and cannot be had from the hub"):
        folder(entry("{transformers: org/other}"), place, fetch=fetch)


async def test_one_that_cannot_be_had_disturbs_no_other(place):
    """Its card says that it is unavailable; who wants it is told why when the session starts."""
    (place / "catalog.yaml").write_text("models:\n  there: {transformers: ./tiny}\n  away: {diffusers: org/other}\n")

    cards = await open_gateway(place / "catalog.yaml", only=["there"]).cards()

    assert ("not started", "unavailable") == (cards["there"].state, cards["away"].state)
    assert (Kind.IMAGINE, "") == (cards["away"].kind, cards["away"].identity)
    with pytest.raises(InvalidSpec, match="cannot be had from the hub"):
        async with open_gateway(place / "catalog.yaml", only=["away"]):
            pass


@pytest.mark.parametrize("template", sorted(TEMPLATES))
def test_a_template_is_of_the_kind_that_is_said_of_it(template):
    """Which is told without reading it."""
    assert checkpoints.KINDS[template] is read_folder(BUNDLED / template, "it").description.signature.kind


def test_a_classifier_tells_its_classes_before_it_is_started(entry, place):
    """They stand in the checkpoint's configuration, by number."""
    made = folder(entry("{instrument: toxicity, checkpoint: ./tiny}"), place)

    assert '["good","bad"]' == made.parameter("classes")
    assert "sigmoid" == made.parameter("activation")
    (place / "tiny" / "config.json").write_text('{"id2label": {"0": "a", "2": "b"}}')
    with pytest.raises(InvalidSpec, match=r"numbers \[0, 2\]"):
        folder(entry("{instrument: toxicity, checkpoint: ./tiny}"), place)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{transformers: ./missing}", "no folder"),
        ("{transformers: a b}", "neither a folder nor a name on the hub"),
        ("{transformers: ./tiny, revision: main}", "revision: has no meaning with a folder"),
        ("{transformers: ./tiny, device: gpu}", "device"),
        ("{transformers: ./tiny, dtype: float64}", "dtype"),
        ("{transformers: ./tiny, batch: 0}", "batch"),
        ("{diffusers: ./tiny, steps: 100000}", "steps"),
        ("{instrument: clipp}", "expected one of clip"),
        ("{instrument: face_attributes}", "has no open one"),
        ("{transformers: ./tiny, max_token: 3}", "did you mean 'max_tokens'"),
    ],
)
def test_what_is_wrong_is_told(entry, text, fault):
    """One line each, before anything is started."""
    with pytest.raises(InvalidSpec) as caught:
        entry(text)

    assert fault in str(caught.value)


def test_large_files_are_read_once(tmp_path, monkeypatch):
    """Unless they changed."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(digests, "LARGE", 3)
    path = tmp_path / "weights"
    path.write_bytes(b"first")
    first = digests.digest(path)
    told = path.stat()
    with path.open("r+b") as file:
        file.write(b"other")
    os.utime(path, ns=(told.st_atime_ns, told.st_mtime_ns))
    again = digests.digest(path)
    os.utime(path, ns=(told.st_atime_ns, told.st_mtime_ns + 1))

    assert first == again
    assert first != digests.digest(path)
