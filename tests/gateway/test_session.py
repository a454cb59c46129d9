"""The session that the kernel is given: cards before and after the start, routing, players, and servers of others."""

import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gateway.session import Session, open_gateway
from gateway.triton import Options
from kernel.contract import Deadline, Kind, ModelCard, Request, Text
from kernel.errors import GatewayError, InvalidSpec, ModelNotFound, UnknownName

pytestmark = pytest.mark.triton
MODELS = Path(__file__).parent.parent / "models"
CATALOG = """
models:
  talker: {folder: echo, at_once: 4, deadline: 20}
  other: {folder: echo}
  nothing: {player: empty}
  unseeing: {player: blind, of: talker}
"""


@pytest.fixture(scope="module")
def write(tmp_path_factory) -> Callable[[str, str], Path]:
    """Writes a catalog beside a copy of the model folder `echo`."""
    folder = tmp_path_factory.mktemp("catalog")
    shutil.copytree(MODELS / "echo", folder / "echo")

    def write_catalog(text: str, name: str = "catalog.yaml") -> Path:
        (folder / name).write_text(text)
        return folder / name

    return write_catalog


@pytest.fixture(scope="module")
async def session(write) -> AsyncIterator[Session]:
    """A started session, of one model of two; others may read what it serves."""
    async with open_gateway(write(CATALOG), only=["unseeing"], options=Options(described=True)) as session:
        yield session


async def ask(session: Session, model: str, text: str = "hello") -> str:
    return (await session.infer(Request(model, (Text(text),)), deadline=Deadline.after(30))).text


async def test_cards_can_be_read_without_starting_anything(write):
    """Kind, inputs and identity are known from the files; the state says that nothing runs."""
    session = open_gateway(write(CATALOG), only=())

    cards = await session.cards()

    assert list(cards) == ["talker", "other", "nothing", "unseeing"]
    identity = cards["talker"].identity
    assert cards["talker"] == ModelCard(name="talker", kind=Kind.GENERATE, backend="python", state="not started", identity=identity, accepts=("text_input",))
    assert cards["other"].identity == identity
    assert cards["nothing"].player == {"player": "empty"}
    assert cards["nothing"].kind is None
    assert cards["unseeing"].player == {"player": "blind", "of": "talker"}
    assert cards["unseeing"].kind is Kind.GENERATE
    assert identity in cards["unseeing"].identity
    with pytest.raises(GatewayError, match="no server of our own is running"):
        assert session.address
    with pytest.raises(ModelNotFound, match="talker was not started"):
        await ask(session, "talker")
    await session.aclose()


async def test_only_what_is_needed_is_started(session):
    """A blind player brings its model with it; the rest of the catalog is not started."""
    cards = await session.cards()

    assert {name: card.state for name, card in cards.items()} == {
        "talker": "ready",
        "other": "not started",
        "nothing": "not started",
        "unseeing": "ready",
    }


async def test_requests_are_routed_by_name(session):
    """A model of the catalog answers; whatever else is named says why it does not."""
    assert await ask(session, "talker") == "hello"
    with pytest.raises(ModelNotFound, match="other was not started"):
        await ask(session, "other")
    with pytest.raises(ModelNotFound, match="nothing is a null player"):
        await ask(session, "nothing")
    with pytest.raises(ModelNotFound, match="no model named 'nobody'"):
        await ask(session, "nobody")


async def test_a_model_on_another_server_is_one_more_entry(session, write):
    """An entry with an address, and the model behind it is asked and described as if it were here."""
    elsewhere = write(f'models: {{theirs: {{server: "grpc://{session.address}", model: talker}}}}', "elsewhere.yaml")

    async with open_gateway(elsewhere) as other:
        card = (await other.cards())["theirs"]

        assert await ask(other, "theirs") == "hello"
        assert (card.kind, card.backend, card.state, card.accepts) == (Kind.GENERATE, "python", "ready", ("text_input",))
        assert len(card.identity) > 20


async def test_a_server_that_cannot_be_reached_is_unavailable(write):
    """Nobody is there: the card says so, and what the catalog states is kept."""
    elsewhere = write('models: {theirs: {server: "grpc://127.0.0.1:1", kind: generate}}', "nobody.yaml")

    async with open_gateway(elsewhere) as other:
        card = (await other.cards())["theirs"]

    assert (card.kind, card.state, card.backend) == (Kind.GENERATE, "unavailable", "unknown")


def test_unknown_names_are_told_before_anything_is_started(write):
    """A name that is in no entry is refused when the session is opened."""
    with pytest.raises(UnknownName, match="did you mean 'talker'"):
        open_gateway(write(CATALOG), only=["talkre"])


async def test_a_broken_model_folder_is_told_before_anything_is_started(write, tmp_path):
    """A configuration that cannot be read is the user's mistake, and named."""
    (tmp_path / "config.pbtxt").write_text("nonsense {")

    session = open_gateway(write(f"models: {{mine: {{folder: {tmp_path}}}}}", "broken.yaml"))

    with pytest.raises(InvalidSpec, match=r"config\.pbtxt"):
        await session.cards()
