"""The bundled models go through all of it: graphs by torch's exporter, checked by ONNX Runtime, and the configurations that serve them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.engines import commands
from gateway.engines.comparison import Runtime
from gateway.engines.configuration import faults, read
from gateway.engines.export import sampled
from gateway.engines.manifest import Manifest, read_manifest
from tests.gateway.engines.tensorrt_double import Double, machine

pytestmark = pytest.mark.slow
GRAPHS = {"shapes-vlm": ["vision_encoder", "token_embedding", "decoder_step"], "shapes-diffusion": ["text_encoder", "denoiser"]}


@pytest.fixture(scope="module", params=GRAPHS)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path, Manifest]:
    out = tmp_path_factory.mktemp("bundled")
    findings = list(commands.export(request.param, out=out))
    assert all(finding.fits for finding in findings), findings
    return request.param, out, read_manifest(request.param, out / request.param)


def test_every_network_of_a_model_is_a_graph_that_answers_as_torch_does(model):
    name, out, manifest = model

    assert list(manifest.graphs) == GRAPHS[name]
    assert all(finding.fits for finding in commands.verify(name, out=out))


def test_plans_are_laid_out_for_triton_but_for_a_decoder_whose_calls_hang_together(model):
    """Built by the double; every configuration is parsed again and fits its graph."""
    name, out, manifest = model

    list(commands.build(name, out=out, kind="fp32", machine=machine(Double(longest=1000))))

    served = sorted(path.name for path in (out / name / "triton.fp32").iterdir())
    assert served == sorted(f"{name}-{graph}" for graph in GRAPHS[name] if graph != "decoder_step")
    for folder in served:
        config = read((out / name / "triton.fp32" / folder / "config.pbtxt").read_text())
        assert list(faults(config, manifest.graphs[folder.removeprefix(f"{name}-")])) == []
        assert config.name == folder
        assert (out / name / "triton.fp32" / folder / "1" / "model.plan").is_file()


def test_a_decoder_step_goes_on_from_what_the_last_one_gave(model):
    name, out, manifest = model
    if name != "shapes-vlm":
        pytest.skip("has no decoder")
    step = Runtime(out / name / "decoder_step.onnx")
    inputs, _ = sampled(out / name / "decoder_step.npz")
    read_at_once = step.answer(inputs)
    past = {each: array for each, array in inputs.items() if each.startswith("past_")}
    cached = next(iter(past.values())).shape[2]
    length = inputs["inputs_embeds"].shape[1]

    for place in range(length):
        one = {each: inputs[each][:, place : place + 1] for each in ("inputs_embeds", "position_ids")}
        found = step.answer({**past, **one, "attention_mask": inputs["attention_mask"][:, : cached + place + 1]})
        past = {each.replace("present", "past"): array for each, array in found.items() if each != "logits"}

    assert abs(found["logits"] - read_at_once["logits"]).max() < 1e-4
    assert list(manifest.graphs["decoder_step"].axes["past"]) == [0, 128, 511]
