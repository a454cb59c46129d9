"""shapes_vlm as it is served: whatever is wrong with a request is told to the one who sent it, and costs no other."""

from __future__ import annotations

import asyncio
import io
import random
from math import nan
from typing import Any

import pytest
from PIL import Image

from evaluators.scenes import png, sample
from evaluators.shapes.questions import colour_of
from gateway.session import open_gateway
from gateway.wire import NOT_HONOURED
from kernel.contract import Deadline, Finish, Part, Picture, Reply, Request, Sampling, Text, Turn
from kernel.errors import InvalidRequest, ModelError, TooLarge
from tests.model_repository.folders import load

pytest.importorskip("torch")

MODEL = "shapes-vlm"
SCENE = sample(random.Random(3))
SHOWN = Picture(png(SCENE, 128))
QUESTION = colour_of(SCENE, random.Random(3))
HALF = "red \ud83d"
"""Half of a surrogate pair: JSON can spell it, UTF-8 cannot."""


@pytest.fixture(scope="module")
def respondent() -> Any:
    return load("shapes_vlm", "respondent").Respondent()


def asked(*parts: Part, system: str | None = None, history: tuple[Turn, ...] = (), **sampling: Any) -> Request:
    return Request(MODEL, parts, system=system, history=history, sampling=Sampling(**sampling))


def encoded(picture: Image.Image, kind: str = "PNG") -> Picture:
    buffer = io.BytesIO()
    picture.save(buffer, kind)
    return Picture(buffer.getvalue())


def good(**sampling: Any) -> Request:
    return asked(Text(QUESTION.text), SHOWN, **sampling)


LONG = {"characters": "a" * 20_001, "tokens": "red " * 401}
IMPOSSIBLE: list[tuple[Request, type[ModelError], str]] = [
    (asked(Text("What?"), Picture(b"")), InvalidRequest, "the picture is empty"),
    (asked(Text("What?"), Picture(b"no picture")), InvalidRequest, "not a PNG, JPEG or WebP picture"),
    (asked(Text("What?"), Picture(SHOWN.data[:200])), InvalidRequest, "damaged or cut short"),
    (asked(Text("What?"), encoded(Image.new("RGB", (8, 8)), "GIF")), InvalidRequest, "not a PNG, JPEG or WebP picture"),
    (asked(Text("What?"), encoded(Image.new("1", (8000, 5001)))), TooLarge, "8000 x 5001 pixels"),
    (asked(Text("What?"), SHOWN, SHOWN), InvalidRequest, "2 pictures were sent, the limit is 1"),
    (asked(SHOWN), InvalidRequest, "the question is empty"),
    (asked(Text(" \n")), InvalidRequest, "the question is empty"),
    (asked(Text(LONG["characters"])), InvalidRequest, "20001 characters, the limit is 20000"),
    (asked(Text(LONG["tokens"])), InvalidRequest, "401 tokens, the limit is 400"),
    (asked(Text("What?"), system=LONG["tokens"]), InvalidRequest, "tokens, the limit is 400"),
    (asked(Text("What?"), history=(Turn("user", LONG["tokens"]),)), InvalidRequest, "tokens, the limit is 400"),
    (asked(Text(HALF)), InvalidRequest, "half a surrogate pair at character 4"),
    (asked(Text("What?"), system=HALF), InvalidRequest, "half a surrogate pair"),
    (asked(Text("What?"), history=(Turn("user", HALF),)), InvalidRequest, "half a surrogate pair"),
    (good(n=0), InvalidRequest, "n is 0; expected 1 to 32"),
    (good(n=33), InvalidRequest, "n is 33; expected 1 to 32"),
    (good(max_tokens=0), InvalidRequest, "max_tokens is 0; expected 1 to"),
    (good(temperature=-0.1), InvalidRequest, "temperature is -0.1; expected 0 to 100"),
    (good(temperature=101.0), InvalidRequest, "temperature is 101.0; expected 0 to 100"),
    (good(temperature=nan), InvalidRequest, "temperature is nan"),
    (good(top_p=0.0), InvalidRequest, "top_p is 0.0; expected 1e-06 to 1"),
    (good(top_p=1.1), InvalidRequest, "top_p is 1.1"),
    (good(seed=2**64), InvalidRequest, "seed is 18446744073709551616"),
]


@pytest.mark.parametrize(("request_", "error", "fault"), IMPOSSIBLE, ids=[fault for _, _, fault in IMPOSSIBLE])
def test_the_impossible_is_refused(respondent: Any, request_: Request, error: type[ModelError], fault: str) -> None:
    """One line says what was found and what can be; nothing goes through the network."""
    (refused,) = respondent.answer([request_])

    assert type(refused) is error
    assert fault in str(refused)


def test_the_impossible_costs_no_other(respondent: Any) -> None:
    """Its neighbours in the batch get what they would get alone."""
    impossible = [request for request, _, _ in IMPOSSIBLE]

    answers = respondent.answer([good(), *impossible, good(n=3)])

    assert [type(each) for each in answers[1:-1]] == [error for _, error, _ in IMPOSSIBLE]
    assert [answers[0], answers[-1]] == [respondent.answer([each])[0] for each in (good(), good(n=3))]


def test_a_reply_says_all_that_the_contract_has_for_it(respondent: Any) -> None:
    """Texts, why they ended, what was read and written, and who answered."""
    (reply,) = respondent.answer([good(n=2)])

    assert reply == Reply(
        texts=(QUESTION.answer,) * 2,
        finish=(Finish.STOP,) * 2,
        input_tokens=len(respondent._answerer.encode(QUESTION.text)),
        output_tokens=2,
        report={"model": "shapes_vlm"},
    )


def test_what_was_said_before_stands_before_the_question(respondent: Any) -> None:
    """The system's text, then the turns, then the question, wherever the picture is."""
    turns = (Turn("user", "Look at the picture."), Turn("assistant", "blue"))
    talked = asked(SHOWN, Text(QUESTION.text), system="You are asked about shapes.", history=turns)
    plain = asked(Text(f"You are asked about shapes.\nLook at the picture.\nblue\n{QUESTION.text}"), SHOWN)

    first, second, bare = respondent.answer([talked, plain, good()])

    assert first == second
    assert first.input_tokens > bare.input_tokens


def test_the_same_seed_gives_the_same_samples_whatever_the_batch(respondent: Any) -> None:
    """Twelve samples are not all alike, and are the same twelve among others; another seed gives others."""
    drawn, other = (good(n=12, temperature=5.0, seed=seed, max_tokens=3) for seed in (3, 4))

    alone = respondent.answer([drawn])[0]

    assert len(alone.texts) == len(alone.finish) == 12
    assert len(set(alone.texts)) > 1
    assert respondent.answer([good(), other, drawn])[2] == alone
    assert respondent.answer([other])[0].texts != alone.texts


def test_without_a_seed_chance_is_real(respondent: Any) -> None:
    """Two requests that say the same get different samples."""
    first, second = respondent.answer([good(n=12, temperature=5.0)] * 2)

    assert first.texts != second.texts


def test_settings_are_honoured_and_what_is_not_is_told(respondent: Any) -> None:
    """A mark ends the text, a length cuts it and is never longer than the model's own, and sizes are for painters."""
    stopped, cut, capped, sized = respondent.answer(
        [
            good(stop=(QUESTION.answer[1:],)),
            good(temperature=100.0, top_p=1.0, seed=1, max_tokens=2),
            good(temperature=100.0, seed=1, max_tokens=10_000),
            good(width=64, steps=3, n=1, stop=("nothing",)),
        ]
    )

    assert (stopped.texts, stopped.finish) == ((QUESTION.answer[0],), (Finish.STOP,))
    assert (cut.output_tokens, cut.finish) == (2, (Finish.LENGTH,))
    assert capped.output_tokens <= 64
    assert sized.report == {"model": "shapes_vlm", NOT_HONOURED: ["steps", "width"]}


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L", "LA", "1", "I;16", "CMYK"])
def test_any_mode_of_picture_is_looked_at(respondent: Any, mode: str) -> None:
    """Whatever the three formats can hold; CMYK is JPEG's."""
    picture = encoded(Image.new(mode, (200, 31)), "JPEG" if mode == "CMYK" else "PNG")

    assert isinstance(respondent.answer([asked(Text(QUESTION.text), picture)])[0], Reply)


def test_the_network_is_where_the_gpu_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fake network says where it would be; there is no GPU here."""
    module = load("shapes_vlm", "respondent")
    devices = []
    monkeypatch.setattr(module, "Answerer", lambda _, device: devices.append(device))
    for there in (True, False):
        monkeypatch.setattr("torch.cuda.is_available", lambda there=there: there)
        module.Respondent()

    assert devices == ["cuda", "cpu"]


@pytest.mark.triton
@pytest.mark.slow
async def test_through_the_real_server_each_gets_its_own_answer() -> None:
    """Many at once, good and impossible ones mixed, through the client, Triton's batches and back."""
    requests = [each for request, _, _ in IMPOSSIBLE for each in (request, good(n=2))]

    async with open_gateway(only=[MODEL]) as session:
        calls = (session.infer(request, deadline=Deadline.after(120)) for request in requests)
        answers = await asyncio.gather(*calls, return_exceptions=True)

    assert [type(each) for each in answers[::2]] == [error for _, error, _ in IMPOSSIBLE]
    assert {(each.texts, each.finish, each.report["model"]) for each in answers[1::2]} == {((QUESTION.answer,) * 2, (Finish.STOP,) * 2, "shapes_vlm")}
