"""The real MLServer, in an environment of its own: `make .venv-mlserver/.ready` brings it, as `make test` does."""

import json

import pytest

from gateway import wire
from gateway.canary import PICTURE
from gateway.session import open_gateway
from kernel.contract import Deadline, Kind, Request, Sampling, Text
from kernel.errors import ModelFault, Unsupported
from tests.mlserver.started import needed, started

pytestmark = [pytest.mark.slow, needed]


@pytest.fixture(scope="module")
async def session(tmp_path_factory):
    """A gateway to one model of MLServer, by our names and by its own."""
    folder = tmp_path_factory.mktemp("mlserver")
    with started(folder) as port:
        server = f'server: "grpc://127.0.0.1:{port}", model: words, kind: generate'
        (folder / "catalog.yaml").write_text(f"models:\n  words: {{{server}}}\n  own: {{{server}, tensors: {{max_tokens: max_new_tokens}}}}\n")
        async with open_gateway(folder / "catalog.yaml") as opened:
            yield opened


async def ask(session, model, *parts, **more):
    """One call."""
    return await session.infer(Request(model, parts, **more), deadline=Deadline.after(20))


async def test_what_mlserver_is_comes_from_its_metadata(session):
    """It has no configurations: the kind is the catalog's, the rest its metadata's."""
    card = (await session.cards())["words"]

    assert (card.kind, card.accepts) == (Kind.GENERATE, ("text_input", "image?", "max_new_tokens"))


async def test_mlserver_answers(session):
    """Texts and pictures as they are; a setting goes where the catalog has a tensor for it."""
    plain = await ask(session, "words", Text("hé"), PICTURE, sampling=Sampling(max_tokens=3))
    own = await ask(session, "own", PICTURE, Text("hé"), sampling=Sampling(max_tokens=3, seed=1))

    assert json.loads(plain.text) == {"text": "hé", "image": [len(PICTURE.data)]}
    assert plain.report == {wire.NOT_HONOURED: ["max_tokens"]}
    assert json.loads(own.text) == {"text": "hé", "image": [len(PICTURE.data)], "max_new_tokens": [3]}
    assert own.report == {wire.NOT_HONOURED: ["seed"]}


async def test_mlserver_refuses(session):
    """Its model's error comes through, and what it has no tensor for is not sent."""
    with pytest.raises(ModelFault, match="it broke"):
        await ask(session, "words", Text("fail"))
    with pytest.raises(Unsupported, match="takes no system"):
        await ask(session, "words", Text("a"), system="be brief")
