"""What diffusers_model refuses to load, before anything is unpickled or run, and what it refuses to paint."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from gateway import loading
from kernel.contract import Kind, Reply, Request, Sampling, Text
from kernel.errors import InvalidRequest, InvalidSpec, ModelFault, TooLarge
from tests.model_repository.folders import load

torch = pytest.importorskip("torch")
tiny = pytest.importorskip("tests.model_repository.tiny_pipelines")


@pytest.fixture
def spoilt(tmp_path: Path) -> Path:
    """A Stable Diffusion, to be spoilt."""
    return Path(tiny.stable_diffusion(tmp_path / "spoilt"))


@pytest.fixture(scope="module")
def painter(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return load("diffusers_model", "pipeline_painter").PipelinePainter(checkpoint=str(tiny.stable_diffusion(tmp_path_factory.mktemp("sd"))))


def asked(prompt: str = "a red circle", **sampling: Any) -> Request:
    return Request("painter", (Text(prompt),), Kind.IMAGINE, sampling=Sampling(**{"seed": 1, "steps": 2, "width": 32, **sampling}))


def refused(checkpoint: Path | str, **given: Any) -> str:
    with pytest.raises(InvalidSpec) as told:
        load("diffusers_model", "pipeline_painter").PipelinePainter(checkpoint=str(checkpoint), **given)
    return str(told.value)


def test_a_checkpoint_of_pickles_is_refused_unread(spoilt: Path) -> None:
    """The file is named; its contents, which would run, are not looked at."""
    (spoilt / "unet/diffusion_pytorch_model.safetensors").unlink()
    (spoilt / "unet/diffusion_pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'touch /tmp/unpickled'\ntR.")

    told = refused(spoilt)

    assert "the weights are pickled, in unet/diffusion_pytorch_model.bin; only safetensors are loaded" in told


def test_a_single_file_is_refused(tmp_path: Path) -> None:
    """As old checkpoints come."""
    (tmp_path / "model.ckpt").write_bytes(b"")

    told = refused(tmp_path)

    assert "model_index.json is missing" in told
    assert "the weights are pickled, in model.ckpt" in told


def test_everything_that_is_missing_is_named_at_once(spoilt: Path) -> None:
    """Weights, a configuration, a folder."""
    (spoilt / "vae/diffusion_pytorch_model.safetensors").unlink()
    (spoilt / "text_encoder/config.json").unlink()
    shutil.rmtree(spoilt / "tokenizer")

    told = refused(spoilt)

    assert "neither vae/diffusion_pytorch_model.safetensors nor vae/diffusion_pytorch_model.safetensors.index.json is there" in told
    assert "text_encoder/config.json is missing" in told
    assert "tokenizer: the folder is missing; model_index.json names it, of transformers.CLIPTokenizer" in told


def test_weights_that_a_file_lacks_are_not_left_to_chance(tmp_path: Path) -> None:
    """The libraries would fill them in at random, those of the safety checker too."""
    from safetensors.torch import load_file, save_file

    for component, file, lost in (
        ("unet", "diffusion_pytorch_model.safetensors", "conv_norm_out.weight"),
        ("safety_checker", "model.safetensors", "special_care_embeds_weights"),
    ):
        spoilt = tiny.stable_diffusion(tmp_path / component, checker=False)
        weights = load_file(spoilt / component / file)
        del weights[lost]
        save_file(weights, spoilt / component / file, metadata={"format": "pt"})

        told = refused(spoilt)
        assert told.startswith(f"{spoilt}/{component}: 1 weights of ")
        assert f"are not in it: {lost}; it would answer by chance" in told


@pytest.mark.parametrize("component", ["unet/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors"])
def test_a_file_that_is_cut_short_is_refused(spoilt: Path, component: str) -> None:
    """As a broken download leaves it."""
    (spoilt / component).write_bytes((spoilt / component).read_bytes()[:1000])

    assert f"{component} is no whole file of safetensors" in refused(spoilt)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"_class_name": "NoSuchPipeline"}, "has no pipeline 'NoSuchPipeline'"),
        ({"_class_name": ["mine", "MyPipeline"]}, "remote_code: true"),
        ({"_class_name": "StableDiffusionImg2ImgPipeline"}, "no text-to-image pipeline: it takes image"),
        ({"_class_name": "StableDiffusionControlNetPipeline"}, "no text-to-image pipeline: it takes control"),
        ({"_class_name": "AudioLDM2Pipeline"}, "no text-to-image pipeline"),
        ({"_class_name": "WanPipeline"}, "it takes num_frames"),
        ({"_class_name": "utils"}, "has no pipeline 'utils'"),
        ({"unet": ["os", "system"]}, "unet: os.system is of neither diffusers nor transformers"),
        ({"unet": ["diffusers", "NoSuchNetwork"]}, "unet: the installed diffusers has no NoSuchNetwork"),
        (
            {"_class_name": "StableDiffusion3Pipeline"},
            "text_encoder_2, text_encoder_3, tokenizer_2, tokenizer_3, transformer of StableDiffusion3Pipeline not named",
        ),
    ],
)
def test_what_cannot_be_served_is_refused(spoilt: Path, change: dict[str, Any], fault: str) -> None:
    """Told from the index alone."""
    index = json.loads((spoilt / "model_index.json").read_text())
    (spoilt / "model_index.json").write_text(json.dumps({**index, **change}))

    assert fault in refused(spoilt)


@pytest.mark.parametrize("place", ["None.py", "scheduler/diffusers.py"])
def test_code_that_a_checkpoint_brings_is_not_run(spoilt: Path, place: str) -> None:
    """Where diffusers looks for some by itself."""
    (spoilt / place).write_text(f"open({str(spoilt / 'ran')!r}, 'w')")

    assert "contains custom code" in refused(spoilt)
    assert not (spoilt / "ran").exists()


def test_a_pipeline_that_takes_no_words_is_refused(tmp_path: Path) -> None:
    """It paints what it likes."""
    assert "DDIMPipeline is no text-to-image pipeline: it takes no prompt" in refused(tiny.no_prompt(tmp_path))


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"scheduler": "NoSuchScheduler"}, "beside its own PNDMScheduler this pipeline goes with DDIMScheduler, DDPMScheduler"),
        ({"scheduler": "FlowMatchEulerDiscreteScheduler"}, "scheduler is 'FlowMatchEulerDiscreteScheduler'"),
        ({"variant": "fp16"}, "no file of the variant 'fp16'"),
        ({"dtype": "int8"}, "dtype is 'int8'; expected one of auto, float32, bfloat16, float16"),
        ({"device": "cuda:9"}, "device is 'cuda:9'; expected auto, cpu, or where torch finds a GPU"),
        ({"device": "nowhere"}, "device is 'nowhere'; expected auto, cpu"),
        ({"steps": 0}, "steps is 0; expected a whole number from 1 to 1000"),
        ({"width": 33}, "expected multiples of 8"),
        ({"width": 4096}, "expected at most 4,194,304"),
        ({"remote_code": "yes"}, "remote_code is 'yes'; expected true or false"),
        ({"colour": "red"}, "colour is no setting of a pipeline"),
    ],
)
def test_settings_that_mean_nothing_are_refused(spoilt: Path, given: dict[str, Any], fault: str) -> None:
    """Before a request comes."""
    if given.get("device") == "cuda:9" and torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    assert fault in refused(spoilt, **given)


@pytest.mark.parametrize("checkpoint", ["/no/such/folder", "./nothing", "one/word"])
def test_a_checkpoint_that_is_nowhere_is_refused(checkpoint: str) -> None:
    """The hub is not asked: what is on it was brought here before."""
    assert f"{checkpoint}: no such folder; expected one with the files of a checkpoint" in refused(checkpoint)


def test_networks_for_which_there_is_no_room_are_not_loaded(spoilt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them count together. The memory is only pretended to be small; nothing is loaded."""
    largest = max(path.stat().st_size for path in spoilt.rglob("*.safetensors"))
    monkeypatch.setattr(loading, "free", lambda where: largest)
    monkeypatch.setattr(load("diffusers_model", "pipeline_files"), "whole", lambda *_, **__: pytest.fail("was loaded"))

    assert "GB in float32, and 0.00 GB are free on cpu; dtype: bfloat16 takes" in refused(spoilt)


IMPOSSIBLE: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"n": 65}, InvalidRequest, "n is 65; expected 1 to 64"),
    ({"steps": 0}, InvalidRequest, "steps is 0; expected 1 to 1000"),
    ({"steps": 100_000}, InvalidRequest, "steps is 100000; expected 1 to 1000"),
    ({"guidance": -1.0}, InvalidRequest, "guidance is -1.0; expected 0 to 100"),
    ({"width": 30_000}, TooLarge, "width 30000 × height 30000 are 900,000,000 pixels; expected at most 4,194,304"),
    ({"width": 33, "height": 40}, InvalidRequest, "width is 33, height is 40; expected multiples of 8, such as 32 × 40"),
    ({"width": 3}, InvalidRequest, "such as 8 × 8"),
]


@pytest.mark.parametrize(("sampling", "error", "fault"), IMPOSSIBLE, ids=[fault for _, _, fault in IMPOSSIBLE])
def test_the_impossible_is_refused_and_costs_no_other(painter: Any, sampling: dict[str, Any], error: type[Exception], fault: str) -> None:
    """One line says what was asked and what can be."""
    wrong, painted = painter.answer([asked(**sampling), asked()])

    assert type(wrong) is error
    assert fault in str(wrong)
    assert isinstance(painted, Reply)


@pytest.mark.parametrize(
    ("raised", "error", "fault"),
    [
        (ValueError("no such thing"), InvalidRequest, "StableDiffusionPipeline refuses: no such thing"),
        (torch.OutOfMemoryError("no room"), TooLarge, "not enough memory"),
        (FloatingPointError("invalid value"), ModelFault, "no numbers"),
    ],
)
def test_only_the_culprit_of_a_call_has_no_picture(
    painter: Any, monkeypatch: pytest.MonkeyPatch, raised: Exception, error: type[Exception], fault: str
) -> None:
    """What fails together is painted apart."""
    text_encoder = painter.pipeline.encode_prompt

    def encode(prompt: list[str], *arguments: Any, **more: Any) -> Any:
        if "culprit" in prompt:
            raise raised
        return text_encoder(prompt, *arguments, **more)

    monkeypatch.setattr(painter.pipeline, "encode_prompt", encode)

    answers = painter.answer([asked("a"), asked("culprit"), asked("b"), asked("c")])

    assert [type(each) for each in answers] == [Reply, error, Reply, Reply]
    assert fault in str(answers[1])


def test_values_that_are_no_numbers_are_no_picture(painter: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half precision overflows in some networks, and a library makes black pictures of that."""
    decode = painter.pipeline.vae.decode
    monkeypatch.setattr(painter.pipeline.vae, "decode", lambda *given, **more: (decode(*given, **more)[0] * float("nan"),))

    (answer,) = painter.answer([asked()])

    assert isinstance(answer, ModelFault)


def test_variants_and_half_precision(spoilt: Path) -> None:
    """A variant is loaded where there is one, and only when it is named."""
    for each in list(spoilt.rglob("*.safetensors")):
        each.rename(each.with_name(each.name.replace(".safetensors", ".fp16.safetensors")))
    module = load("diffusers_model", "pipeline_painter")

    model = module.PipelinePainter(checkpoint=str(spoilt), variant="fp16", dtype="bfloat16")

    assert isinstance(model.answer([asked()])[0], Reply)
    assert model.pipeline.unet.dtype == torch.bfloat16
    assert "found vae/diffusion_pytorch_model.fp16.safetensors: name its variant" in refused(spoilt)
