"""diffusers_model without Triton, and once with it: tiny pipelines with random weights, whose pictures are noise that a seed repeats."""

from __future__ import annotations

import asyncio
import io
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gateway.repository import BUNDLED, read_folder
from gateway.session import open_gateway
from kernel.contract import Deadline, Finish, Kind, Picture, Reply, Request, Sampling, Text
from kernel.errors import InvalidRequest, InvalidSpec
from tests.model_repository.folders import load

torch = pytest.importorskip("torch")
tiny = pytest.importorskip("tests.model_repository.tiny_pipelines")

MAKERS: dict[str, Callable[[Path], Path]] = {
    "sd": tiny.stable_diffusion,
    "flagging": lambda folder: tiny.stable_diffusion(folder, checker=True),
    "checked": lambda folder: tiny.stable_diffusion(folder, checker=False),
    "sdxl": tiny.stable_diffusion_xl,
    "sd3": tiny.stable_diffusion_3,
    "flux": tiny.flux,
    "flux_guided": lambda folder: tiny.flux(folder, guided=True),
}
PROMPTS = ("a red circle", "", "two blue squares beside a star", "é")


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Threads that wait for each other on cores which others use take ten times as long."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny pipeline, made once."""
    made: dict[str, Path] = {}

    def of(name: str) -> Path:
        if name not in made:
            made[name] = MAKERS[name](tmp_path_factory.mktemp(name))
        return made[name]

    return of


@pytest.fixture(scope="module")
def painter(folder: Callable[[str], Path]) -> Callable[..., Any]:
    """A painter with a tiny pipeline, loaded once for each way to load it."""
    loaded: dict[str, Any] = {}

    def of(name: str, **given: Any) -> Any:
        key = f"{name} {given}"
        if key not in loaded:
            loaded[key] = load("diffusers_model", "pipeline_painter").PipelinePainter(checkpoint=str(folder(name)), **given)
        return loaded[key]

    return of


def asked(prompt: str = "a red circle", negative: str | None = None, **sampling: Any) -> Request:
    return Request("painter", (Text(prompt),), Kind.IMAGINE, negative=negative, sampling=Sampling(**{"seed": 1, "steps": 2, "width": 32, **sampling}))


def pixels(picture: Picture | Image.Image) -> np.ndarray[Any, Any]:
    return np.array(Image.open(io.BytesIO(picture.data)) if isinstance(picture, Picture) else picture).astype(int)


@pytest.mark.parametrize("name", ["sd", "sdxl", "sd3", "flux"])
def test_a_seed_paints_the_same_alone_in_any_batch_and_in_the_plain_library(painter: Any, name: str) -> None:
    """Alone to the byte what the library paints, and so one call a picture; together within one of 255."""
    together, single = painter(name), painter(name, together=1)
    requests = [asked(prompt, seed=seed) for seed, prompt in enumerate(PROMPTS)]
    plain = [
        pixels(single.pipeline(prompt, generator=torch.Generator().manual_seed(seed), num_inference_steps=2, width=32, height=32).images[0])
        for seed, prompt in enumerate(PROMPTS)
    ]

    alone, apart, batch, turned = (
        [pixels(reply.pictures[0]) for reply in replies]
        for replies in (
            [together.answer([each])[0] for each in requests],
            single.answer(requests),
            together.answer(requests),
            together.answer(requests[::-1]),
        )
    )

    assert all(np.array_equal(ours, theirs) for ours, theirs in zip(alone + apart, plain + plain, strict=True))
    assert max(np.abs(ours - theirs).max() for ours, theirs in zip(batch + turned[::-1], plain + plain, strict=True)) <= 1
    assert len({picture.tobytes() for picture in batch}) == len(PROMPTS)


def test_requests_that_agree_are_one_call(painter: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps, guidance and size apart; prompts, seeds and numbers together, at most so many as may be."""
    model = painter("sd")
    calls = []
    called = model._called
    monkeypatch.setattr(model, "_called", lambda jobs: calls.append([job.prompt for job in jobs]) or called(jobs))

    others = (asked("b", steps=1), asked("c", n=2), asked("d", guidance=2.0), asked("e", height=40))
    replies = model.answer([asked("a"), *others, asked("f"), asked("g")])

    assert calls == [["a", "c", "c", "f"], ["g"], ["b"], ["d"], ["e"]]
    assert [len(reply.pictures) for reply in replies] == [1, 1, 2, 1, 1, 1, 1]


def test_each_of_several_pictures_can_be_had_alone(painter: Any) -> None:
    """The first is the seed's own; the report has the seeds of the others, and they are not the next seed's."""
    model = painter("sd", together=1)
    (three, next_) = model.answer([asked(n=3, seed=7), asked(seed=8)])

    again = [model.answer([asked(seed=seed)])[0].pictures[0] for seed in three.report["seeds"]]

    assert three.report["seeds"][0] == 7
    assert tuple(again) == three.pictures
    assert len({*three.pictures, *next_.pictures}) == 4


def test_without_a_seed_chance_is_real_and_told(painter: Any) -> None:
    """The told seed brings the picture back."""
    model = painter("sd", together=1)
    first, second = model.answer([asked(seed=None)] * 2)

    assert first.pictures != second.pictures
    assert model.answer([asked(seed=first.report["seeds"][0])])[0].pictures == first.pictures


def test_settings_are_honoured_and_what_is_not_is_told(painter: Any) -> None:
    """Pictures are PNG of the asked size; the report says what was done."""
    model = painter("sd")
    plain, sized, square, guided, denied, unguided, unread = model.answer(
        [
            asked(),
            asked(width=40, height=24),
            asked(width=None, height=24),
            asked(guidance=2.0),
            asked("a red circle", "blue"),
            asked("a red circle", "blue", guidance=1.0),
            asked(temperature=0.5, stop=("a",), max_tokens=3),
        ]
    )

    assert plain.report == {
        "model": Path(model.settings.checkpoint).name,
        "pipeline": "StableDiffusionPipeline",
        "scheduler": "PNDMScheduler",
        "seeds": [1],
        "safety_checker": False,
        "steps": 2,
        "guidance": 7.5,
    }
    assert (plain.pictures[0].data[:4], plain.finish) == (b"\x89PNG", (Finish.STOP,))
    assert [pixels(reply.pictures[0]).shape for reply in (sized, square)] == [(24, 40, 3), (24, 24, 3)]
    assert len({reply.pictures[0] for reply in (plain, guided, denied, unguided)}) == 4
    assert "not_honoured" not in denied.report
    assert unguided.report["not_honoured"] == ["negative_prompt"]
    assert unread.report["not_honoured"] == ["max_tokens", "stop", "temperature"]


def test_the_catalogs_settings_hold_for_requests_that_name_none(painter: Any) -> None:
    """A request's own come first."""
    model = painter("sd", steps=3, guidance=2.0, width=24, height=40, scheduler="DDIMScheduler", dtype="float32", device="cpu")
    bare, named = model.answer([Request("painter", (Text("a"),), Kind.IMAGINE), asked(guidance=0.0)])

    assert [bare.report[name] for name in ("steps", "guidance", "scheduler")] == [3, 2.0, "DDIMScheduler"]
    assert [named.report[name] for name in ("steps", "guidance")] == [2, 0.0]
    assert [pixels(reply.pictures[0]).shape for reply in (bare, named)] == [(40, 24, 3), (32, 32, 3)]


def test_what_has_no_effect_in_a_pipeline_is_told(painter: Any) -> None:
    """FLUX.1-schnell has no guidance; FLUX.1-dev has one, and neither has use for a negative prompt."""
    (distilled,), (guided,) = (painter(name).answer([asked("a", "b", guidance=3.0)]) for name in ("flux", "flux_guided"))

    assert distilled.report["not_honoured"] == ["guidance", "negative_prompt"]
    assert guided.report["not_honoured"] == ["negative_prompt"]
    assert "guidance" not in distilled.report


@pytest.mark.parametrize(("name", "cutters"), [("sd", ["tokenizer"]), ("sd3", ["tokenizer", "tokenizer_2"]), ("flux", ["tokenizer"])])
def test_a_prompt_that_is_not_read_to_its_end_says_so(painter: Any, name: str, cutters: list[str]) -> None:
    """A tiny tokenizer has a token for each letter, and two more: 75 letters fit."""
    whole, cut = painter(name).answer([asked("x" * 60), asked("x" * 200)])

    assert not {"truncated", "truncated_by"} & set(whole.report)
    assert (cut.report["truncated"], cut.report["truncated_by"]) == (True, cutters)


def test_every_tokenizer_is_asked_and_so_is_the_negative_prompt(painter: Any) -> None:
    """T5 reads further than CLIP, to a bound of the pipeline's own."""
    long, denied = painter("sd3").answer([asked("x" * 300), asked("x", "y" * 200)])

    assert long.report["truncated_by"] == ["tokenizer", "tokenizer_2", "tokenizer_3"]
    assert denied.report["truncated_by"] == ["tokenizer", "tokenizer_2"]


def test_what_the_safety_checker_flags_is_told(painter: Any) -> None:
    """The contract has no picture beside `content_filter`: the black one is no picture of the model's."""
    (flagged,), (passed,) = (painter(name).answer([asked(n=2)]) for name in ("flagging", "checked"))

    assert (flagged.pictures, flagged.finish, flagged.report["safety_checker"]) == ((), (Finish.CONTENT_FILTER,) * 2, True)
    assert (len(passed.pictures), passed.finish, passed.report["safety_checker"]) == (2, (Finish.STOP,) * 2, True)


def test_every_scheduler_that_can_be_chosen_paints(painter: Any) -> None:
    """In one step, which the canary takes, and in several; noise on the way is each picture's own too."""
    module = load("diffusers_model", "pipeline_traits")
    model = painter("sd", scheduler="EulerDiscreteScheduler")
    own, failed = model.pipeline.scheduler, {}
    for name in sorted(each.__name__ for each in own.compatibles):
        model.pipeline.scheduler = own
        try:
            module.reschedule(model.pipeline, name, "sd")
        except InvalidSpec:
            failed[name] = "not offered"
            continue
        one, first, second = model.answer([asked(steps=steps, width=16) for steps in (1, 2, 2)])
        if not isinstance(one, Reply) or not isinstance(first, Reply) or np.abs(pixels(first.pictures[0]) - pixels(second.pictures[0])).max() > 1:
            failed[name] = f"{one}, {first}, {second}"

    assert failed == {"DPMSolverSDEScheduler": "not offered"}


@pytest.mark.slow
def test_a_compiled_denoiser_paints_the_same(painter: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """But for rounding. It is traced for real; writing code for the processor, which takes minutes, is left out here."""
    compiled = torch.nn.Module.compile
    monkeypatch.setattr(torch.nn.Module, "compile", lambda module: compiled(module, backend="eager"))

    plain, traced = (painter("sd3", compile=compiled).answer([asked(steps=1)])[0] for compiled in (False, True))

    assert np.abs(pixels(plain.pictures[0]) - pixels(traced.pictures[0])).max() <= 1
    assert painter("sd3", compile=True).pipeline.transformer._compiled_call_impl is not None


def test_the_template_is_a_whole_configuration() -> None:
    """What it is can be read without starting anything."""
    template = read_folder(BUNDLED / "diffusers_model", "diffusers_model")

    assert template.description.signature.kind is Kind.IMAGINE
    assert template.description.signature.batched
    assert not template.description.faults
    assert template.parameter("canary")


@pytest.mark.triton
@pytest.mark.slow
async def test_through_the_real_server_each_gets_its_own(folder: Callable[[str], Path], tmp_path: Path) -> None:
    """Many at once, good and impossible ones mixed; a flagged picture; a pipeline that cannot be loaded."""
    catalog = ["models:"]
    for name in ("sd", "flagging"):
        shutil.copytree(BUNDLED / "diffusers_model", tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        with (tmp_path / name / "config.pbtxt").open("a") as config:
            for key, value in {"checkpoint": folder(name), "steps": 2, "width": 32}.items():
                config.write(f'parameters {{ key: "{key}" value: {{ string_value: "{value}" }} }}\n')
        catalog.append(f"  {name}: {{folder: {name}}}")
    (tmp_path / "catalog.yaml").write_text("\n".join(catalog))
    requests = [Request("sd", (Text(f"picture {seed}"),), Kind.IMAGINE, sampling=Sampling(seed=seed, n=1 + seed % 2)) for seed in range(6)]
    wrong = Request("sd", (Text("a"),), Kind.IMAGINE, sampling=Sampling(width=33))
    flagged = Request("flagging", (Text("a"),), Kind.IMAGINE)

    async with open_gateway(tmp_path / "catalog.yaml") as session:
        calls = (session.infer(each, deadline=Deadline.after(120)) for each in (*requests, wrong, flagged))
        *replies, refusal, filtered = await asyncio.gather(*calls, return_exceptions=True)

    assert [len(reply.pictures) for reply in replies] == [1, 2] * 3
    assert [reply.report["seeds"][0] for reply in replies] == list(range(6))
    assert isinstance(refusal, InvalidRequest)
    assert (filtered.pictures, filtered.finish) == ((), (Finish.CONTENT_FILTER,))
