"""The embedder gives what the library gives, number by number, whatever else is in the batch; and refuses what it cannot serve."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gateway import loading
from kernel.contract import Kind, Picture, Reply, Request, Text
from kernel.errors import InvalidRequest, InvalidSpec, ModelError, TooLarge, Unsupported
from tests.model_repository.folders import load

torch = pytest.importorskip("torch")
hub = pytest.importorskip("transformers")

from tests.model_repository import tiny_instruments as tiny  # noqa: E402 - needs both

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
CLOSE = 1e-5
TEXTS = ["a red circle", "two blue squares, and something very small that stands far behind them", "", "no"]
PICTURES = [Image.effect_noise(size, 90).convert("RGB") for size in ((32, 32), (90, 41), (33, 64))]
TOWERS = {"clip": tiny.clip, "siglip": tiny.siglip, "siglip2": tiny.siglip2}


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> Callable[..., Path]:
    """Makes a checkpoint once."""
    made: dict[str, Path] = {}

    def make(name: str, of: Callable[..., Path], **more: Any) -> Path:
        if name not in made:
            made[name] = of(tmp_path_factory.mktemp(name), **more)
        return made[name]

    return make


@pytest.fixture(scope="module", params=TOWERS)
def towers(request, folders) -> tuple[str, Path, Any]:
    folder = folders(request.param, TOWERS[request.param])
    return request.param, folder, embedder(folder)


def embedder(folder: Path, **more: Any) -> Any:
    return load("embedder", "embedding").Embedder(str(folder), **more)


def png(picture: Image.Image) -> Picture:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return Picture(buffer.getvalue())


def asked(*parts: str | Image.Image | bytes) -> Request:
    made = (Text(part) if isinstance(part, str) else Picture(part) if isinstance(part, bytes) else png(part) for part in parts)
    return Request("m", tuple(made), kind=Kind.EMBED)


def rows(answers: list[Reply]) -> np.ndarray:
    return np.array([row for answer in answers for row in answer.rows])


def test_texts_are_what_the_library_makes_of_them(towers) -> None:
    """CLIP pads to the longest text, SigLIP always to the last place; both cut what is longer."""
    name, folder, model = towers
    network, processor = hub.AutoModel.from_pretrained(folder).eval(), hub.AutoProcessor.from_pretrained(folder)
    with torch.no_grad():
        tokens = processor(text=TEXTS, padding=True if name == "clip" else "max_length", truncation=True, max_length=16, return_tensors="pt")
        expected = network.get_text_features(**tokens).pooler_output.numpy()

    assert rows(model.answer([asked(*TEXTS)])) == pytest.approx(expected, abs=CLOSE)
    assert np.linalg.norm(expected, axis=1) != pytest.approx(1, abs=0.01)


def test_pictures_are_what_the_library_makes_of_them(towers) -> None:
    """Of any size and proportion."""
    _, folder, model = towers
    network, processor = hub.AutoModel.from_pretrained(folder).eval(), hub.AutoProcessor.from_pretrained(folder)
    with torch.no_grad():
        expected = network.get_image_features(**processor(images=PICTURES, return_tensors="pt")).pooler_output.numpy()

    assert rows(model.answer([asked(*PICTURES)])) == pytest.approx(expected, abs=CLOSE)


def test_a_batch_is_what_each_gets_alone(towers) -> None:
    """Texts and pictures of many requests mixed: every row goes to the one who asked."""
    _, _, model = towers
    requests = [asked(TEXTS[0]), asked(PICTURES[0]), asked(*TEXTS[1:]), asked(*PICTURES[1:])]

    together, alone = model.answer(requests), [model.answer([request])[0] for request in requests]

    assert [len(answer.rows) for answer in together] == [1, 1, 3, 2]
    assert rows(together) == pytest.approx(rows(alone), abs=CLOSE)
    assert len({tuple(np.round(row, 4)) for row in rows(together)}) == 7


def test_a_batch_is_one_forward_pass(towers, monkeypatch) -> None:
    """One for the texts of all requests, one for their pictures."""
    _, _, model = towers
    network, passes = model._model._network, []

    def watch(name: str) -> None:
        real = getattr(network, name)
        monkeypatch.setattr(network, name, lambda **given: passes.append(name) or real(**given))

    for name in ("get_text_features", "get_image_features"):
        watch(name)
    model.answer([asked(TEXTS[0]), asked(PICTURES[0]), asked(*TEXTS[1:]), asked(*PICTURES[1:])])

    assert passes == ["get_text_features", "get_image_features"]


def test_vectors_can_be_normalised(towers) -> None:
    """All of length 1, in the same direction."""
    _, folder, model = towers
    plain, short = (rows(each.answer([asked(*TEXTS)])) for each in (model, embedder(folder, normalize=True)))

    assert np.linalg.norm(short, axis=1) == pytest.approx(1, abs=CLOSE)
    assert short == pytest.approx(plain / np.linalg.norm(plain, axis=1, keepdims=True), abs=CLOSE)


def averaged(folder: Path, *, pooling: str, normalize: bool, longest: int) -> np.ndarray:
    """As the cards of sentence-transformers' checkpoints have it."""
    network, tokenizer = hub.AutoModel.from_pretrained(folder).eval(), hub.AutoTokenizer.from_pretrained(folder)
    with torch.no_grad():
        tokens = tokenizer(TEXTS, padding=True, truncation=True, max_length=longest, return_tensors="pt")
        states, mask = network(**tokens)[0], tokens["attention_mask"].unsqueeze(-1).float()
        found = states[:, 0] if pooling == "cls_token" else (states * mask).sum(1) / mask.sum(1)
        return (torch.nn.functional.normalize(found, dim=1) if normalize else found).numpy()


@pytest.mark.parametrize(("pooling", "normalize"), [("mean_tokens", True), ("mean_tokens", False), ("cls_token", True)])
def test_sentences_are_pooled_as_the_checkpoint_says(folders, pooling: str, normalize: bool) -> None:
    """Padding counts for nothing, and what is longer than its own limit is cut."""
    folder = folders(f"{pooling}-{normalize}", tiny.sentences, pooling=pooling, normalize=normalize)
    model = embedder(folder)
    requests = [asked(*TEXTS[:2]), asked(*TEXTS[2:])]

    expected = averaged(folder, pooling=pooling, normalize=normalize, longest=24)

    assert rows(model.answer(requests)) == pytest.approx(expected, abs=CLOSE)
    assert rows([model.answer([each])[0] for each in requests]) == pytest.approx(expected, abs=CLOSE)


def test_normalize_overrules_the_checkpoint(folders) -> None:
    """What the catalog says counts."""
    folder = folders("mean_tokens-True", tiny.sentences, pooling="mean_tokens", normalize=True)

    expected = averaged(folder, pooling="mean_tokens", normalize=False, longest=24)

    assert rows(embedder(folder, normalize=False).answer([asked(*TEXTS)])) == pytest.approx(expected, abs=CLOSE)


def test_a_plain_encoder_is_averaged(folders) -> None:
    """Without a word about pooling, as sentence-transformers does it; up to the places that the network has."""
    folder = folders("plain", tiny.toxicity)
    hub.AutoModel.from_pretrained(folder).save_pretrained(folder)

    expected = averaged(folder, pooling="mean_tokens", normalize=False, longest=64)

    assert rows(embedder(folder).answer([asked(*TEXTS)])) == pytest.approx(expected, abs=CLOSE)


def test_numbers_can_be_halved(folders) -> None:
    """In bfloat16 the vectors are nearly the same, and come as ordinary numbers."""
    folder = folders("clip", tiny.clip)
    whole, halved = (rows(embedder(folder, dtype=dtype).answer([asked(*PICTURES)])) for dtype in ("float32", "bfloat16"))

    assert halved == pytest.approx(whole, abs=0.1)
    assert (halved != whole).any()


IMPOSSIBLE: list[tuple[Request, type[ModelError], str]] = [
    (asked(b""), InvalidRequest, "the picture is empty"),
    (asked(PICTURES[0], b"no picture"), InvalidRequest, "not a PNG, JPEG or WebP picture"),
    (asked(Image.new("RGB", (1, 101))), InvalidRequest, "1 x 101 pixels; expected sides of at most 100 to 1"),
    (asked(Image.new("1", (8000, 5001))), TooLarge, "8000 x 5001 pixels"),
    (asked("a" * 1_000_001), TooLarge, "1,000,001 characters"),
]


def test_the_impossible_costs_no_other(folders) -> None:
    """Its neighbours in the batch get what they would get alone."""
    model = embedder(folders("clip", tiny.clip))

    answers = model.answer([asked(TEXTS[0]), *(request for request, _, _ in IMPOSSIBLE), asked(PICTURES[0])])

    assert [type(each) for each in answers[1:-1]] == [error for _, error, _ in IMPOSSIBLE]
    assert all(fault in str(each) for each, (_, _, fault) in zip(answers[1:-1], IMPOSSIBLE, strict=True))
    assert rows([answers[0], answers[-1]]) == pytest.approx(rows(model.answer([asked(TEXTS[0]), asked(PICTURES[0])])), abs=CLOSE)


def test_an_encoder_of_texts_takes_no_pictures(folders) -> None:
    """And says so; the texts beside it are answered."""
    folder = folders("mean_tokens-True", tiny.sentences, pooling="mean_tokens", normalize=True)

    refused, answered = embedder(folder).answer([asked(*PICTURES), asked(TEXTS[0])])

    assert type(refused) is Unsupported
    assert "3 pictures were sent; this model takes texts" in str(refused)
    assert len(answered.rows) == 1


def test_pickles_are_refused_unopened(tmp_path) -> None:
    """Whoever opens a pickle runs its code; the file that is not opened is named."""
    folder = tiny.sentences(tmp_path / "pickled")
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'touch /tmp/opened'\ntR.")

    with pytest.raises(InvalidSpec, match=r"the weights are pickled, in pytorch_model\.bin; only safetensors are loaded"):
        embedder(folder)


def spoilt(folder: Path, how: str) -> None:
    weights = folder / "model.safetensors"
    match how:
        case "no weights":
            weights.unlink()
        case "no configuration":
            (folder / "config.json").unlink()
        case "no JSON":
            (folder / "config.json").write_text("{")
        case "cut short":
            weights.write_bytes(weights.read_bytes()[:-100])
        case "shard gone":
            weights.unlink()
            (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "model-00001-of-00002.safetensors"}}))
        case "pooling gone":
            (folder / "1_Pooling" / "config.json").unlink()
        case "other pooling":
            (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode": "lasttoken"}')
        case "other modules":
            modules = [{"type": "sentence_transformers.models.Transformer", "path": ""}, {"type": "a.Dense", "path": "1"}]
            (folder / "modules.json").write_text(json.dumps(modules))
        case "weights of others":
            hub.ViTModel(hub.ViTConfig(**tiny.EYE)).save_pretrained(folder / "other")
            weights.write_bytes((folder / "other" / "model.safetensors").read_bytes())


SPOILT = {
    "no weights": r"neither model\.safetensors nor model\.safetensors\.index\.json is there",
    "no configuration": r"config\.json is missing",
    "no JSON": r"config\.json is not JSON",
    "cut short": r"model\.safetensors is no whole file of safetensors",
    "shard gone": r"model-00001-of-00002\.safetensors is missing; model\.safetensors\.index\.json names it",
    "pooling gone": r"1_Pooling/config\.json is missing; modules\.json names it",
    "other pooling": "wants the pooling lasttoken; expected one of mean, cls",
    "other modules": "has Transformer, Dense; expected Transformer, Pooling and perhaps Normalize",
    "weights of others": "weights of BertModel are not in it: .*; it would answer by chance",
}


@pytest.mark.parametrize(("how", "fault"), SPOILT.items(), ids=SPOILT)
def test_what_is_missing_is_named(tmp_path, how: str, fault: str) -> None:
    """Before anything is loaded, or at least before anything is answered."""
    folder = tiny.sentences(tmp_path / "spoilt")
    spoilt(folder, how)

    with pytest.raises(InvalidSpec, match=fault):
        embedder(folder)


def test_another_architecture_is_refused(folders) -> None:
    """It is named, and what can be served."""
    with pytest.raises(InvalidSpec, match="its architecture is ViTForImageClassification; expected CLIP, SigLIP, SigLIP 2, or an encoder of texts"):
        embedder(folders("nsfw", tiny.nsfw))


def test_mistakes_of_the_catalog_are_told(folders) -> None:
    """A folder that is none, and a type of numbers that there is not."""
    with pytest.raises(InvalidSpec, match="no such folder"):
        embedder(Path("/nowhere/clip"))
    with pytest.raises(InvalidSpec, match="dtype is 'int4'; expected one of auto, float32, bfloat16, float16"):
        embedder(folders("clip", tiny.clip), dtype="int4")
    with pytest.raises(InvalidSpec, match="device is 'gpu'; expected auto, cpu, or"):
        embedder(folders("clip", tiny.clip), device="gpu")


def test_a_network_goes_where_the_gpu_is(monkeypatch) -> None:
    """There in the numbers that were saved, on a CPU in those that it is quick with; what the catalog says counts. There is no GPU here."""
    placed = loading.placed
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    assert placed("c", "auto", "auto") == ("cuda", "auto")
    assert placed("c", "cuda:1", "bfloat16") == ("cuda:1", torch.bfloat16)
    assert placed("c", "cpu", "auto") == ("cpu", torch.float32)

    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    assert placed("c", "auto", "auto") == ("cpu", torch.float32)
    with pytest.raises(InvalidSpec, match="device is 'cuda'"):
        placed("c", "cuda", "auto")


def test_a_report_names_no_path_of_this_machine(tmp_path) -> None:
    """A folder has its own name, what came from the hub its name and revision there."""
    assert "llava" == loading.name_of(tmp_path / "secret" / "llava")
    assert "org/name@0123" == loading.name_of(tmp_path / "hub" / "models--org--name" / "snapshots" / "0123")
