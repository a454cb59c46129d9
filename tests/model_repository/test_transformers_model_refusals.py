"""transformers_model refuses what it cannot load, with every fault, and what it cannot answer, one request at a time."""

from __future__ import annotations

import json
import pickle
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, BertConfig, BertForMaskedLM, T5Config, T5ForConditionalGeneration

from gateway import loading
from kernel.contract import Picture, Reply, Request, Sampling, Text, Turn
from kernel.errors import InvalidRequest, InvalidSpec, ModelError, TooLarge, Unsupported
from tests.model_repository.folders import load
from tests.model_repository.tiny_checkpoints import encoded, idefics3, llama, llava, picture, qwen2_vl

SHOWN = Picture(encoded(picture(1, (40, 30))))
HALF = "red \ud83d"
"""Half of a surrogate pair: JSON can spell it, UTF-8 cannot."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return llama(tmp_path_factory.mktemp("checkpoints") / "llama")


@pytest.fixture(scope="module")
def seeing(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return generator(qwen2_vl(tmp_path_factory.mktemp("checkpoints") / "qwen2_vl"), most_pictures=2, max_tokens=3)


def generator(folder: Path | str | None, **arguments: Any) -> Any:
    return load("transformers_model", "generator").Generator(folder and str(folder), **arguments)


def asked(*parts: Any, system: str | None = None, history: tuple[Turn, ...] = (), **sampling: Any) -> Request:
    said = tuple(Text(part) if isinstance(part, str) else part for part in parts)
    return Request("m", said, system=system, history=history, sampling=Sampling(**sampling))


def header(width: int, height: int) -> Picture:
    """A PNG file that says it is so large, with next to nothing in it."""
    chunks = {b"IHDR": struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0), b"IDAT": zlib.compress(bytes(100)), b"IEND": b""}
    framed = (struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks.items())
    return Picture(b"\x89PNG\r\n\x1a\n" + b"".join(framed))


IMPOSSIBLE: list[tuple[Request, type[ModelError], str]] = [
    (asked("what", header(30_000, 30_000)), TooLarge, "over the limit of 40000000 pixels"),
    (asked("what", Picture(SHOWN.data[:60])), InvalidRequest, "damaged or cut short"),
    (asked("what", Picture(b"no picture")), InvalidRequest, "not a PNG, JPEG or WebP picture"),
    (asked("what", Picture(encoded(picture(2, (1, 300))))), InvalidRequest, "aspect ratio must be smaller than 200"),
    (asked("what", SHOWN, SHOWN, SHOWN), InvalidRequest, "3 pictures were sent, the limit is 2"),
    (asked(" \n"), InvalidRequest, "the prompt is empty"),
    (asked(HALF), InvalidRequest, "half a surrogate pair at character 4"),
    (asked("what", system=HALF), InvalidRequest, "half a surrogate pair"),
    (asked("what", history=(Turn("user", HALF),)), InvalidRequest, "half a surrogate pair"),
    (asked("~" * 600), TooLarge, "604 tokens, and the model reads at most 512"),
    (asked("~" * 600, SHOWN), TooLarge, "tokens, and the model reads at most 512"),
    (asked("~" * 40_000), TooLarge, "40000 characters, and the model reads at most 512 tokens"),
    (asked("what", n=33), InvalidRequest, "n is 33; expected 1 to 32"),
]


@pytest.mark.parametrize(("request_", "error", "fault"), IMPOSSIBLE, ids=[fault for _, _, fault in IMPOSSIBLE])
def test_the_impossible_is_refused(seeing: Any, request_: Request, error: type[ModelError], fault: str) -> None:
    """One line says what was found and what can be."""
    (refused,) = seeing.answer([request_])

    assert type(refused) is error
    assert fault in str(refused)


def test_the_impossible_costs_no_other(seeing: Any) -> None:
    """Its neighbours in the batch get what they would get alone."""
    good = [asked("what", SHOWN), asked("say yes"), asked(SHOWN, n=3, seed=1, temperature=9.0)]

    answers = seeing.answer([good[0], *(request for request, _, _ in IMPOSSIBLE), *good[1:]])

    assert [type(each) for each in answers[1:-2]] == [error for _, error, _ in IMPOSSIBLE]
    assert [answers[0], *answers[-2:]] == [seeing.answer([each])[0] for each in good]


def test_a_model_without_an_eye_is_shown_nothing(folder: Path) -> None:
    """It says so, instead of answering blindly."""
    refused, fine = generator(folder).answer([asked("what", SHOWN), asked("what", max_tokens=2)])

    assert isinstance(refused, Unsupported)
    assert str(refused) == "llama reads text alone, and the request has a picture; leave it out"
    assert isinstance(fine, Reply)


@pytest.mark.parametrize("template", [None, "{% for message in messages %}{{ message.content }}{% endfor %}"])
def test_where_control_tokens_cannot_be_told_apart_they_are_refused(template: str | None, tmp_path: Path) -> None:
    """A second `<image>` would be taken for the picture's place."""
    refused, fine = generator(llava(tmp_path / "llava", template)).answer([asked("an <image> is", SHOWN), asked("an image is", SHOWN, max_tokens=2)])

    assert isinstance(refused, InvalidRequest)
    assert "spells '<image>', a control token" in str(refused)
    assert isinstance(fine, Reply)


def test_a_processor_that_cannot_keep_them_apart_is_heard(tmp_path: Path) -> None:
    """Idefics3's counts the pictures' places in the text by itself."""
    refused, fine = generator(idefics3(tmp_path / "idefics3")).answer([asked("an <image> is", SHOWN), asked("an image is", SHOWN, max_tokens=2)])

    assert isinstance(refused, InvalidRequest)
    assert "<image> tokens" in str(refused)
    assert isinstance(fine, Reply)


class Trap:
    """Leaves a trace when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.trace,)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.ckpt", "weights.pt"])
def test_a_pickle_is_refused_before_it_is_read(name: str, folder: Path, tmp_path: Path) -> None:
    """It could run any code."""
    copy, trace = shutil.copytree(folder, tmp_path / "copy"), tmp_path / "trace"
    (copy / "model.safetensors").unlink()
    (copy / name).write_bytes(pickle.dumps(Trap(trace)))

    with pytest.raises(InvalidSpec, match=rf"the weights are pickled, in {name}; only safetensors are loaded"):
        generator(copy)

    assert not trace.exists()


def test_a_checkpoint_in_pieces_is_whole_or_its_missing_pieces_are_named(folder: Path, tmp_path: Path) -> None:
    """As large ones come."""
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "model.safetensors").unlink()
    AutoModelForCausalLM.from_pretrained(folder).save_pretrained(copy, max_shard_size="40KB")
    request = asked("what", max_tokens=8)
    assert [reply.texts for reply in generator(copy).answer([request])] == [reply.texts for reply in generator(folder).answer([request])]
    pieces = sorted(copy.glob("model-*.safetensors"))
    for number, piece in enumerate(pieces[1:], start=1):
        piece.unlink()

        with pytest.raises(InvalidSpec) as caught:
            generator(copy)

        named = ", ".join(each.name for each in pieces[1 : number + 1][:3]) + (f" and {number - 3} more" if number > 3 else "")
        verb, them = ("is", "it") if number == 1 else ("are", "them")
        assert caught.value.faults == (f"{named} {verb} missing; model.safetensors.index.json names {them}, fetch {them} again",)


def changed(folder: Path, **changes: Any) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changes}))


def without_head(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    save_file({name: weight for name, weight in weights.items() if "lm_head" not in name}, folder / "model.safetensors", metadata={"format": "pt"})


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "no configuration": (lambda folder: (folder / "config.json").unlink(), "config.json is missing"),
    "nothing": (
        lambda folder: [path.unlink() for path in folder.iterdir()],
        "config.json is missing.*; neither model.safetensors nor model.safetensors.index.json is there",
    ),
    "no JSON": (lambda folder: (folder / "config.json").write_text("{"), "config.json is not JSON: .*; fetch it again"),
    "unknown": (lambda folder: changed(folder, model_type="warp_drive", architectures=["WarpDrive"]), "warp_drive"),
    "no index": (
        lambda folder: (folder / "model.safetensors").rename(folder / "model.safetensors.index.json").write_text("[]"),
        "model.safetensors.index.json is a JSON list; expected an object",
    ),
    "an index of nothing": (
        lambda folder: (folder / "model.safetensors").rename(folder / "model.safetensors.index.json").write_text("{}"),
        "model.safetensors.index.json has no weight_map",
    ),
    "a variant": (
        lambda folder: (folder / "model.safetensors").rename(folder / "model.fp16.safetensors"),
        "neither model.safetensors nor .* is there; found model.fp16.safetensors: name its variant",
    ),
    "cut weights": (
        lambda folder: (folder / "model.safetensors").write_bytes(b"\0" * 20),
        "model.safetensors is no whole file of safetensors: .*; fetch it again",
    ),
    "other sizes": (lambda folder: changed(folder, hidden_size=64), "cannot be loaded"),
    "no head": (without_head, "1 weights of LlamaForCausalLM are not in it: lm_head.weight; it would answer by chance"),
    "no tokenizer": (lambda folder: [path.unlink() for path in folder.glob("token*")], "cannot be loaded|no tokenizer"),
    "own code": (
        lambda folder: changed(folder, model_type="warp", architectures=["Warp"], auto_map={"AutoConfig": "warp.Config", "AutoModelForCausalLM": "warp.Warp"}),
        "cannot be loaded: .*say remote_code: true",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_checkpoint_is_told(name: str, folder: Path, tmp_path: Path) -> None:
    """With the file and what is wrong with it."""
    spoil, fault = BROKEN[name]
    copy = shutil.copytree(folder, tmp_path / "copy")
    spoil(copy)

    with pytest.raises(InvalidSpec, match=fault) as caught:
        generator(copy)

    assert caught.value.where == str(copy)


@pytest.mark.parametrize(
    ("network", "config"),
    [
        (BertForMaskedLM, BertConfig(vocab_size=50, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)),
        (T5ForConditionalGeneration, T5Config(vocab_size=50, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2)),
    ],
)
def test_another_architecture_is_named_with_those_that_can_be_served(network: Any, config: Any, folder: Path, tmp_path: Path) -> None:
    """A network that fills gaps could be loaded as one that writes, and would write nonsense."""
    copy = shutil.copytree(folder, tmp_path / "copy")
    network(config).save_pretrained(copy)

    with pytest.raises(InvalidSpec, match=rf"{network.__name__}.* writes no text after a prompt; expected one of .*LlavaForConditionalGeneration"):
        generator(copy)


def test_an_eye_without_its_processor_is_refused(tmp_path: Path) -> None:
    """Its pictures would be left out in silence."""
    copy = llava(tmp_path / "llava")
    (copy / "processor_config.json").unlink()

    with pytest.raises(InvalidSpec, match="no image processor|cannot be loaded: .*processor"):
        generator(copy)


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ({"dtype": "float8"}, "dtype is 'float8'; expected one of auto, float32, bfloat16, float16"),
        ({"device": "abacus"}, "device is 'abacus'; expected auto, cpu, or where torch finds a GPU, cuda or cuda:0"),
        ({"device": "cuda:99"}, "device is 'cuda:99'; .*it finds [0-9]+ here"),
        ({"quantize": "int3"}, "quantize is 'int3'; expected int8 or int4, or nothing"),
        ({"quantize": "int4", "device": "cpu"}, "quantize int4 needs a GPU, and device is cpu; expected int8 on a processor"),
        ({"quantize": "int8", "dtype": "bfloat16", "device": "cpu"}, "starts from float32"),
    ],
)
def test_a_setting_that_cannot_be_had_is_refused(arguments: dict[str, Any], fault: str, folder: Path) -> None:
    """Before anything is loaded."""
    with pytest.raises(InvalidSpec, match=fault):
        generator(folder, **arguments)


def test_fewer_bits_on_a_gpu_name_the_packages_they_need(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU that is only pretended."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(load("transformers_model", "generator_checkpoint"), "find_spec", lambda name: None)

    for quantize in ("int8", "int4"):
        with pytest.raises(InvalidSpec, match=f"quantize {quantize} on a GPU needs bitsandbytes and accelerate; pip install bitsandbytes accelerate"):
            generator(folder, quantize=quantize)


@pytest.mark.parametrize(("where", "fault"), [("/nowhere/at/all", "no such folder"), ("./nowhere", "no such folder"), (None, "checkpoint is missing")])
def test_no_checkpoint_is_told(where: str | None, fault: str) -> None:
    with pytest.raises(InvalidSpec, match=fault):
        generator(where)


def test_weights_for_which_there_is_no_room_are_not_loaded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both numbers are told, and what takes less. The memory is only pretended to be small; nothing is loaded."""
    monkeypatch.setattr(loading, "free", lambda where: 60_000)
    monkeypatch.setattr(loading, "GB", 1e3)
    monkeypatch.setattr(loading, "whole", lambda *_, **__: pytest.fail("was loaded"))

    with pytest.raises(InvalidSpec, match=r"its weights take 112\.77 GB in float32, and 60\.00 GB are free on cpu; dtype: bfloat16 takes 56\.38 GB; free some"):
        generator(folder, device="cpu")


def test_weights_that_fit_in_fewer_bits_are_loaded_in_them(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the refusal says."""
    monkeypatch.setattr(loading, "free", lambda where: 60_000)

    assert isinstance(generator(folder, device="cpu", dtype="bfloat16").answer([asked("what", max_tokens=2)])[0], Reply)
