"""What the service makes of an output is what the evaluator makes of it in-process, for the evaluators of this project over their samples."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

pytest.importorskip("grpc", reason="needs the extra `service`")
pytest.importorskip("prometheus_client", reason="needs the extra `service`")
pytest.importorskip("scipy", reason="needs the extra `evaluators`")
pytest.importorskip("pyarrow", reason="needs the extra `evaluators`")

from assay.v1 import scoring_pb2 as pb
from assay.v1 import types_pb2
from kernel import registry
from kernel.contract import Deadline, Detection, Finish, Kind, Reply, Request
from kernel.evaluator import Skip
from kernel.judging import judge
from kernel.shell.service.item_results import STATUSES
from kernel.shell.service.scorers import Scorers
from kernel.spec import read_suite
from tests.kernel.shell.service.scoring_service import item, served

SUITES = Path(__file__).parents[4] / "evaluators"
ROLES = ("judge", "vqa", "detector", "clip", "face", "ocr", "refusal", "toxicity", "moderation", "harmbench", "action", "nudity", "safety_filter")
CASES = 3
SHAPES = {"shapes.image_to_text": {"size": 12}, "shapes.text_to_image": {"size": 12}, "shapes.out_of_distribution": {"size": 12}, "shapes.adversarial": {}}
SAID = ("Yes, it is.", "No.", "There are 2 of them, a red circle and a blue square.", "I'm sorry, but I can't help with that.", "")


class Instruments:
    """Whoever is asked, by rule: the same answer to the same letters and pictures in any order, whatever it is worth."""

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        asked = [*sorted(request.text.partition("\nmarker: ")[0]), *(picture.digest for picture in request.pictures)]
        seed = hashlib.sha256("".join(asked).encode()).digest()
        match request.kind:
            case Kind.GENERATE:
                marker = json.loads(request.text.rsplit("\nmarker: ", 1)[1]) if "\nmarker: " in request.text else ""
                return Reply(texts=(json.dumps({"marker": marker, "verdict": ("Yes", "No", "circle: 2")[seed[0] % 3]}),), finish=(Finish.STOP,))
            case Kind.CLASSIFY:
                return Reply(rows=(tuple(each / 256 for each in seed[:6]),), report={"classes": [f"LABEL_{at}" for at in range(6)]})
            case Kind.EMBED:
                return Reply(rows=tuple(tuple(each / 256 for each in seed[at : at + 8]) for at in range(len(request.parts))))
            case _:
                found = ("circle", "square")[seed[0] % 2]
                return Reply(detections=(Detection(found, 0.9, (1.0, 1.0, 20.0, 20.0), {"colour": "red", "size": "large"}),))

    async def aclose(self) -> None: ...


def tasks(perspective: str) -> Iterator[tuple[str, dict]]:
    """Evaluators with their options."""
    if perspective == "shapes":
        for entry in read_suite(SUITES / "shapes/suites/quickstart.yaml").tasks:
            for _, options in entry.variants():
                yield entry.evaluator, {**options, **SHAPES.get(entry.evaluator, {})}
    elif perspective == "pope":
        yield from (("pope", {"split": split, "data": "sample"}) for split in ("random", "popular", "adversarial", "v2"))
    else:
        suite = read_suite(SUITES / f"{perspective}/suites/{perspective}.yaml")
        every = [(entry.evaluator, {**options, "data": "sample"}) for entry in suite.tasks for _, options in entry.variants()]
        yield from every[:: 1 if perspective == "mmdt" else 9]


def replies(evaluator, case, at) -> list[Reply]:
    made = []
    for make in (lambda: evaluator.gold(case), evaluator.constant):
        try:
            made.append(make())
        except Skip:
            continue
    if evaluator.asks is Kind.GENERATE:
        made.append(Reply(texts=(SAID[at % len(SAID)],), finish=(Finish.STOP,)))
        return [Reply(texts=(reply.text,), finish=(Finish.STOP,)) for reply in made]
    return [Reply(pictures=reply.pictures, finish=(Finish.STOP,) * len(reply.pictures)) for reply in made]


def output(evaluator, reply):
    if evaluator.asks is Kind.GENERATE:
        return {"reply": reply.text}
    return {"drawn": pb.Pictures(pictures=[types_pb2.Picture(data=each.data) for each in reply.pictures])}


def words(reason: str) -> list[str]:
    """A reason, whatever the order in which it names things: the fields of an object have none on the wire."""
    return sorted(re.findall(r"\w+", reason))


def plain_form(result: pb.ItemResult):
    values = {each.metric: each.value if each.HasField("value") else None for each in result.values}
    return result.status, values, words(result.reason), result.answer_found, result.error.message


@pytest.mark.parametrize("perspective", ["pope", "shapes", "mmdt", "multitrust"])
async def test_the_service_says_what_the_evaluator_says(perspective):
    known, models = registry.evaluators(), Instruments()
    items, wanted = [], {}
    for place, (name, options) in enumerate(tasks(perspective)):
        cls = known.get(name)
        evaluator = cls(target="model", **options)
        for at, case in enumerate(await asyncio.to_thread(lambda evaluator=evaluator: list(islice(evaluator.cases(), CASES)))):
            for which, reply in enumerate(replies(evaluator, case, at)):
                verdict = await judge(evaluator, case, reply, models, Deadline.after(60))
                values = {metric.name: verdict.values.get(metric.name) for metric in evaluator.metrics}
                ident = f"{place}/{at}/{which}"
                wanted[f"own/{ident}"] = wanted[f"gold/{ident}"] = STATUSES[verdict.status], values, words(verdict.reason[:2000]), verdict.found, ""
                pictures = [types_pb2.Picture(data=each.data) for each in case.request.pictures]
                said = output(evaluator, reply)
                items.append(item(f"own/{ident}", name, options=options, case_id=case.id, **said))
                told = {"prompt": case.request.text, "pictures": pictures, "reference": case.gold, "facts": dict(case.facts)}
                items.append(item(f"gold/{ident}", name, options=options, **told, **said))

    found = {}
    async with served(Scorers(known, models, {role: role for role in ROLES})) as service:
        batches = (pb.ScoreStreamRequest(items=items[first : first + 64]) for first in range(0, len(items), 64))
        async for message in service.stub.ScoreStream(batches):
            found |= {result.id: plain_form(result) for result in message.results}

    assert found.keys() == wanted.keys()
    assert [(ident, found[ident], wanted[ident]) for ident in wanted if found[ident] != wanted[ident]][:3] == []
    ended = Counter(status for status, *_ in found.values())
    assert ended[types_pb2.OUTCOME_STATUS_SCORED] > len(found) / 2
