"""Checkpoints as people use them: a line of a catalog, the real Triton, and the answers of the same code without it."""

import json
import shutil
import struct
import zlib

import numpy as np
import pytest

from gateway.repository import BUNDLED
from gateway.session import open_gateway
from kernel.contract import Deadline, Finish, Kind, Picture, Request, Sampling, Text
from kernel.errors import GatewayError, ModelNotFound, TooLarge, Unsupported
from tests.model_repository import tiny_checkpoints, tiny_instruments, tiny_pipelines
from tests.model_repository.folders import load

pytestmark = [pytest.mark.triton, pytest.mark.slow]

CATALOG = """
models:
  eyes: {transformers: ./llava, device: cpu, max_tokens: 6, batch: 4}
  brush: {diffusers: ./sd, steps: 2, width: 32, height: 32}
  clip: {instrument: clip, checkpoint: ./clip}
  toxic: {instrument: toxicity, checkpoint: ./toxic}
  finder: {instrument: grounding_dino, checkpoint: ./dino, box_threshold: 0.001}
"""
SEEN = Picture(tiny_checkpoints.encoded(tiny_checkpoints.picture(1, (40, 30))))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A catalog with five tiny checkpoints beside it."""
    folder = tmp_path_factory.mktemp("checkpoints")
    tiny_checkpoints.llava(folder / "llava")
    tiny_pipelines.stable_diffusion(folder / "sd")
    tiny_instruments.clip(folder / "clip")
    tiny_instruments.toxicity(folder / "toxic")
    tiny_instruments.grounding_dino(folder / "dino")
    (folder / "catalog.yaml").write_text(CATALOG)
    return folder


@pytest.fixture(scope="module")
async def session(place):
    """All five, in one server."""
    async with open_gateway(place / "catalog.yaml") as opened:
        yield opened


async def ask(session, request):
    """One call."""
    return await session.infer(request, deadline=Deadline.after(120))


async def test_cards_tell_what_they_are(session):
    """Kind, identity by files, and that they answer."""
    cards = await session.cards()

    assert [Kind.GENERATE, Kind.IMAGINE, Kind.EMBED, Kind.CLASSIFY, Kind.DETECT] == [card.kind for card in cards.values()]
    assert {"ready"} == {card.state for card in cards.values()}
    assert all(card.identity.startswith("checkpoint:") for card in cards.values())


async def test_a_language_model_answers_as_without_triton(session, place):
    """With the entry's settings: at most six tokens."""
    request = Request("eyes", (SEEN, Text("what is it")))
    alone = load("transformers_model", "generator").Generator(checkpoint=str(place / "llava"), device="cpu", max_tokens=6)

    reply = await ask(session, request)

    assert alone.answer([request])[0] == reply
    assert (6, Finish.LENGTH) == (reply.output_tokens, reply.finish[0]) or reply.finish[0] is Finish.STOP


async def test_a_pipeline_paints_as_without_triton(session, place):
    """The same bytes for the same seed, in the entry's size."""
    request = Request("brush", (Text("a red circle"),), Kind.IMAGINE, sampling=Sampling(seed=5))
    alone = load("diffusers_model", "pipeline_painter").PipelinePainter(checkpoint=str(place / "sd"), steps=2, width=32, height=32)

    reply = await ask(session, request)

    assert alone.answer([request])[0].pictures == reply.pictures


async def test_instruments_answer_with_numbers_and_names(session, place):
    """Vectors, scores with the names of the checkpoint, boxes inside the picture."""
    request = Request("clip", (SEEN,), Kind.EMBED)
    alone = load("embedder", "embedding").Embedder(str(place / "clip"))

    vectors = await ask(session, request)
    scores = await ask(session, Request("toxic", (Text("hello there"),), Kind.CLASSIFY))
    found = await ask(session, Request("finder", (SEEN, Text("circle")), Kind.DETECT))

    np.testing.assert_allclose(vectors.rows, alone.answer([request])[0].rows, rtol=1e-6)
    assert ["toxic", "obscene", "threat"] == list(scores.report["classes"])
    assert all(0 <= score <= 1 for score in scores.rows[0])
    assert found.detections
    assert {"circle"} == {thing.label for thing in found.detections}


async def test_a_picture_too_large_costs_no_other_its_answer(session):
    """Refused by its header; the server and the others go on."""
    chunks = [b"IHDR" + struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0), b"IDAT" + zlib.compress(bytes(64))]
    bomb = b"\x89PNG\r\n\x1a\n" + b"".join(struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks)

    with pytest.raises(TooLarge, match="over the limit of 40000000 pixels"):
        await ask(session, Request("eyes", (Picture(bomb), Text("what is it"))))
    assert (await ask(session, Request("eyes", (SEEN, Text("what is it"))))).texts


async def test_a_checkpoint_that_cannot_be_served_is_told(place):
    """A pickle is named, and never opened."""
    broken = place / "pickled"
    broken.mkdir()
    (broken / "config.json").write_bytes((place / "llava" / "config.json").read_bytes())
    (broken / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'touch /tmp/never'\ntR.")
    (place / "broken.yaml").write_text("models: {it: {transformers: ./pickled}}")

    with pytest.raises(GatewayError, match=r"pytorch_model\.bin"):
        async with open_gateway(place / "broken.yaml"):
            pass


CROWDED = """
from gateway import loading

loading.free = lambda where: 60_000
from model_of_the_template import TritonPythonModel
"""


async def test_what_cannot_see_or_has_no_room_disturbs_no_other(place):
    """A text-only checkpoint is asked no picture; one for which there is no memory says so. The memory is only pretended to be small."""
    tiny_checkpoints.llama(place / "llama")
    crowded = place / "crowded"
    shutil.copytree(BUNDLED / "transformers_model", crowded, ignore=shutil.ignore_patterns("__pycache__"))
    (crowded / "1" / "model.py").rename(crowded / "1" / "model_of_the_template.py")
    (crowded / "1" / "model.py").write_text(CROWDED)
    with (crowded / "config.pbtxt").open("a") as config:
        config.write(f'parameters {{ key: "checkpoint" value: {{ string_value: "{place / "llama"}" }} }}\n')
    entries = {"words": {"transformers": "./llama", "max_tokens": 3}, "crowded": {"folder": "./crowded"}}
    (place / "words.yaml").write_text(json.dumps({"models": entries}))

    async with open_gateway(place / "words.yaml") as session:
        cards = await session.cards()
        reply = await ask(session, Request("words", (Text("what is it"),)))
        with pytest.raises(Unsupported, match="model 'words' takes no image"):
            await ask(session, Request("words", (SEEN, Text("what is it"))))
        with pytest.raises(ModelNotFound, match=r"its weights take .* GB in float32, and .* GB are free on cpu; dtype: bfloat16 takes"):
            await ask(session, Request("crowded", (Text("what is it"),)))
        again = await ask(session, Request("words", (Text("what is it"),)))

    assert ("ready", "unavailable") == (cards["words"].state, cards["crowded"].state)
    assert not {"image", "image?"} & set(cards["words"].accepts)
    assert reply == again
