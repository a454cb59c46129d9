"""The stand-ins as they are served: what they share with the shapes detector is a link, which the gateway and Triton follow."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from evaluators.scenes import Scene, Thing, png
from gateway.repository import BUNDLED, identity, lay_out, read_folder
from gateway.session import open_gateway
from kernel.contract import Deadline, Kind, Picture, Request, Text
from kernel.errors import InvalidRequest
from tests.model_repository.folders import load

SHARING = ("canned_face", "canned_judge", "shapes_embedder")
RED = Picture(png(Scene((Thing("circle", "red", "large", 0.5, 0.5),)), 64))
BLUE = Picture(png(Scene((Thing("square", "blue", "large", 0.5, 0.5),)), 64))


@pytest.mark.parametrize("name", SHARING)
def test_what_is_shared_is_part_of_the_model(tmp_path: Path, name: str) -> None:
    """The links are relative, they hold where the gateway lays a model out, and another detector makes another model."""
    for each in ("open_detector", "shapes_detector", name):
        shutil.copytree(BUNDLED / each, tmp_path / each, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    before = identity(tmp_path / name)
    laid_out = lay_out("mine", read_folder(tmp_path / name, "mine"), tmp_path / "laid_out")

    assert identity(BUNDLED / name) == before
    assert all((laid_out.folder / "1" / path.name).read_bytes() == path.read_bytes() for path in (BUNDLED / name / "1").glob("*.py"))
    with (tmp_path / "shapes_detector" / "1" / "shapes_finder.py").open("a") as file:
        file.write("# changed\n")
    assert identity(tmp_path / name) != before


@pytest.mark.triton
@pytest.mark.slow
async def test_they_answer_through_the_real_server(tmp_path: Path) -> None:
    """Many calls at once, good and bad; each gets its own answer, and the faces' attributes survive the way."""
    catalog = tmp_path / "catalog.yaml"
    bundled = {"d": "shapes_detector", "e": "shapes_embedder", "j": "canned_judge", "f": "canned_face"}
    catalog.write_text(json.dumps({"models": {name: {"bundled": folder} for name, folder in bundled.items()}}))
    question = Text('---\nquestion: "is there a red circle"\nmarker: "ab12"')
    asked = [
        Request("d", (Text("a circle"), RED, BLUE), kind=Kind.DETECT),
        Request("d", (BLUE,), kind=Kind.DETECT),
        Request("e", (Text("a red circle"), Text("a blue square")), kind=Kind.EMBED),
        Request("e", (RED, BLUE), kind=Kind.EMBED),
        Request("j", (RED, question), system="judge: shows"),
        Request("j", (BLUE, question), system="judge: shows\nLook well."),
        Request("j", (Text('---\nobjects: ["cat"]\nresponse: "two cats"'),), system="judge: counts"),
        Request("j", (Text("hello"),), system="judge: moral"),
        Request("f", (RED, BLUE), kind=Kind.DETECT),
        Request("d", (Text("."), RED), kind=Kind.DETECT),
    ]

    async with open_gateway(catalog) as session:
        cards = await session.cards()
        answers = await asyncio.gather(*(session.infer(request, deadline=Deadline.after(120)) for request in asked * 3), return_exceptions=True)

    assert {name: card.kind for name, card in cards.items()} == {"d": Kind.DETECT, "e": Kind.EMBED, "j": Kind.GENERATE, "f": Kind.DETECT}
    assert cards["d"].accepts == ("image", "text_input?")
    faces = load("canned_face", "canned_faces")
    for start in range(0, len(answers), len(asked)):
        circle, square, texts, pictures, yes, no, counted, refused, both, nothing = answers[start : start + len(asked)]
        assert [(each.label, each.more["picture"]) for each in circle.detections] == [("a circle", 0)]
        assert [each.label for each in square.detections] == ["blue square"]
        cosines = [[sum(a * b for a, b in zip(text, picture, strict=True)) for picture in pictures.rows] for text in texts.rows]
        assert [[cosine > 0.3 for cosine in row] for row in cosines] == [[True, False], [False, True]]
        assert [json.loads(each.text) for each in (yes, no)] == [{"marker": "ab12", "verdict": "Yes"}, {"marker": "ab12", "verdict": "No"}]
        assert counted.text == "cat: 2"
        assert [each.more for each in both.detections] == [
            {**faces._attributes("red", "circle"), "picture": 0},
            {**faces._attributes("blue", "square"), "picture": 1},
        ]
        assert [type(each) for each in (refused, nothing)] == [InvalidRequest, InvalidRequest]
