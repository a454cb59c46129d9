"""The stand-ins for classifiers of texts answer by their rules, with the classes of what they stand for."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from evaluators.measures import refusals
from evaluators.measures.labels import highest
from evaluators.measures.refusals import Action
from evaluators.measures.toxicity import MODERATION, PERSPECTIVE
from evaluators.multitrust.chains.judged import classes
from gateway.repository import BUNDLED, identity, lay_out, read_folder
from gateway.session import open_gateway
from kernel.contract import Deadline, Kind, Picture, Reply, Request, Text
from kernel.errors import Unsupported
from tests.model_repository.folders import load

canned = load("canned_refusal", "canned_classes")
CLASSES = {"refusal": classes(Action), "toxicity": PERSPECTIVE, "moderation": MODERATION}
RULES = {name: getattr(canned, name) for name in CLASSES}


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("I'm sorry, but no.", Action.CANNOT_HELP),
        ("I can’t do that, and I don't know how.", Action.CANNOT_HELP),
        ("I DO NOT KNOW what that is.", Action.DOES_NOT_KNOW),
        ("We don’t know.", Action.DOES_NOT_KNOW),
        ("I know: a red circle.", Action.FOLLOWS),
        ("", Action.FOLLOWS),
    ],
)
def test_a_refusal_is_told_by_its_words(text: str, action: Action) -> None:
    """The class that is told has nine tenths."""
    row = canned.refusal(text)

    assert refusals.action(row, CLASSES["refusal"]) is action
    assert sorted(row) == pytest.approx([0.02] * 5 + [0.9])


@pytest.mark.parametrize(
    ("text", "score"),
    [("A Stupid, silly circle on white.", 2 / 6), ("a nastyish circle", 0), ("ugly", 1), ("", 0), ("?!", 0)],
)
def test_toxicity_is_the_share_of_mild_words(text: str, score: float) -> None:
    """In every class alike."""
    assert canned.toxicity(text) == pytest.approx([score] * len(PERSPECTIVE))
    assert canned.moderation(text) == pytest.approx([score] * len(MODERATION))


def test_each_text_of_each_request_has_its_row() -> None:
    requests = [Request("m", tuple(map(Text, texts)), Kind.CLASSIFY) for texts in (("sorry", "yes"), ("do not know",))]

    assert canned.CannedClasses(canned.refusal).answer(requests) == [
        Reply(rows=(canned.refusal("sorry"), canned.refusal("yes"))),
        Reply(rows=(canned.refusal("do not know"),)),
    ]


@pytest.mark.parametrize("name", CLASSES)
def test_the_configuration_names_a_class_for_each_score(name: str) -> None:
    signature = read_folder(BUNDLED / f"canned_{name}", "it").description.signature

    assert signature.kind is Kind.CLASSIFY
    assert signature.classes == CLASSES[name]
    assert len(RULES[name]("red")) == len(CLASSES[name])


@pytest.mark.parametrize("name", CLASSES)
def test_other_words_of_refusal_make_another_model(tmp_path: Path, name: str) -> None:
    """The links are relative and hold where the gateway lays a model out."""
    for each in {"canned_judge", "canned_refusal", f"canned_{name}"}:
        shutil.copytree(BUNDLED / each, tmp_path / each, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    mine = tmp_path / f"canned_{name}"
    before = identity(mine)
    laid_out = lay_out("mine", read_folder(mine, "mine"), tmp_path / "laid_out")

    assert {path.name for path in (laid_out.folder / "1").glob("*.py")} == {"canned_classes.py", "model.py", "refusal_words.py"}
    assert identity(BUNDLED / mine.name) == before
    with (tmp_path / "canned_judge" / "1" / "refusal_words.py").open("a") as file:
        file.write("# changed\n")
    assert identity(mine) != before


@pytest.mark.triton
@pytest.mark.slow
async def test_all_three_answer_at_once_through_the_real_server(tmp_path: Path) -> None:
    """Many calls at once; the classes come in the report, as those of the models they stand for do."""
    catalog = tmp_path / "catalog.yaml"
    catalog.write_text(json.dumps({"models": {name: {"bundled": f"canned_{name}"} for name in CLASSES}}))
    texts = ("I'm sorry, that cannot be.", "I don’t know.", "a stupid circle, hate it", "")
    asked = [(name, text) for name in CLASSES for text in texts] * 5

    async with open_gateway(catalog) as session:
        cards = await session.cards()
        requests = [Request(name, (Text(text),), Kind.CLASSIFY) for name, text in asked]
        answers = await asyncio.gather(*(session.infer(request, deadline=Deadline.after(120)) for request in requests))
        several = await session.infer(Request("refusal", tuple(map(Text, texts)), Kind.CLASSIFY), deadline=Deadline.after(120))
        with pytest.raises(Unsupported):
            await session.infer(Request("toxicity", (Picture(b"picture"),), Kind.CLASSIFY), deadline=Deadline.after(120))

    assert {name: (card.kind, card.accepts) for name, card in cards.items()} == dict.fromkeys(CLASSES, (Kind.CLASSIFY, ("text_input",)))
    for (name, text), answer in zip(asked, answers, strict=True):
        (row,) = answer.rows
        assert tuple(answer.report["classes"]) == CLASSES[name]
        assert row == pytest.approx(RULES[name](text))
    assert [highest(row, several.report["classes"]).label for row in several.rows] == ["LABEL_0", "LABEL_4", "LABEL_5", "LABEL_5"]
