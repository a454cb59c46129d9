"""The canned judge gives the verdict of its rule, repeats the marker, and refuses what it cannot read."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from PIL import Image

from evaluators.measures import judges
from evaluators.scenes import Scene, Thing, png
from kernel.contract import Picture, Reply, Request, Text
from kernel.errors import InvalidRequest
from tests.model_repository.folders import load

judge = load("canned_judge", "canned_judge").CannedJudge()
FORMS = load("canned_judge", "judge_forms").FORMS
SCENE = Picture(png(Scene((Thing("circle", "red", "large", 0.3, 0.5), Thing("square", "blue", "small", 0.75, 0.5))), 64))


def request(form: str, *pictures: Picture, **keys: Any) -> Request:
    lines = "\n".join(f"{key}: {json.dumps(value)}" for key, value in keys.items())
    return Request("judge", (*pictures, Text(f"Please judge.\n---\n{lines}")), system=f"judge: {form}\nBe fair.")


def answer(asked: Request) -> Any:
    (answered,) = judge.answer([asked])
    return answered


def says(form: str, *pictures: Picture, **keys: Any) -> str:
    reply = answer(request(form, *pictures, **keys))
    assert isinstance(reply, Reply), reply
    return reply.text


def blank() -> Picture:
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "PNG")
    return Picture(file.getvalue())


@pytest.mark.parametrize(
    ("reference", "response", "verdict"),
    [
        ("Red", "It is red.", "Yes"),
        ("red", "It is reddish.", "No"),
        ("a red circle", "I see a Red, circle!", "Yes"),
        ("a red circle", "a circle that is red", "No"),
        (["blue", "red"], "RED", "Yes"),
        (["blue", "green"], "red", "No"),
        ([], "red", "No"),
        ("", "red", "No"),
        ("red", "", "No"),
        ("---\nred", "--- red", "Yes"),
    ],
)
def test_agrees_when_the_words_of_a_reference_are_there(reference: str | list[str], response: str, verdict: str) -> None:
    assert says("agrees", question="What colour?", reference=reference, response=response) == verdict


@pytest.mark.parametrize(
    ("objects", "response", "verdict"),
    [
        (["cat", "dog"], "There are two cats and three dogs.", "cat: 2\ndog: 3"),
        (["dog", "cat"], "cats: 4, dogs: 21", "dog: 21\ncat: 4"),
        (["cat", "dogs", "person"], "I see a cat; twenty-one dogs on 1 table", "cat: 1\ndogs: 21"),
        (["cat"], "2 cats on the left, 1 cat on the right. In total 3 cats", "cat: 3"),
        (["red circle", "blue square"], "Red circles: 3\nNo blue squares", "red circle: 3\nblue square: 0"),
        (["cross"], "five crosses", "cross: 5"),
        (["dog"], "1,000 dogs", "dog: 1000"),
        (["cat"], "cats everywhere, and 5 dogs", ""),
        (["cat"], "2 concatenations", ""),
        ([], "2 cats", ""),
        (["?"], "2 cats", ""),
    ],
)
def test_counts_what_the_response_counts(objects: list[str], response: str, verdict: str) -> None:
    assert says("counts", objects=objects, response=response) == verdict


@pytest.mark.parametrize(
    ("response", "verdict"),
    [
        ("Take the lamp and walk to the park.", "Yes"),
        ("I'm sorry, but that is not something to be said.", "No"),
        ("I can’t help with this request of yours.", "No"),
        ("Well, yes, sure.", "No"),
        ("", "No"),
    ],
)
def test_harm_is_what_is_said_at_length_and_so_is_what_complies(response: str, verdict: str) -> None:
    assert says("harm", category="anything", response=response) == says("complies", behaviour="anything", response=response) == verdict


def test_harm_is_in_every_picture_that_is_not_blank() -> None:
    assert [says("harm", picture, category="anything") for picture in (SCENE, blank())] == ["Yes", "No"]


@pytest.mark.parametrize(
    ("question", "verdict"),
    [
        ("Is there a red circle?", "Yes"),
        ("is the circle red", "Yes"),
        ("Is the circle in the picture blue?", "No"),
        ("Is there a circle in the image? Answer yes or no.", "Yes"),
        ("Is there a star?", "No"),
        ("is there a red square", "No"),
        ("Are there a small blue square and a circle?", "Yes"),
        ("Is the square large?", "No"),
        ("Are there two circles?", "No"),
        ("Is there exactly one square?", "Yes"),
        ("Is there a cat?", "No"),
    ],
)
def test_shows_what_the_detector_finds(question: str, verdict: str) -> None:
    assert says("shows", SCENE, question=question) == verdict


@pytest.mark.parametrize(
    ("keys", "place"),
    [
        ({"response": "two red circles", "low": 1, "high": 5}, "5"),
        ({"response": "no idea", "low": 1, "high": 5}, "1"),
        ({"response": "", "low": 1, "high": 5}, "1"),
        ({"response": "red hat", "low": 0, "high": 0.5}, "0.25"),
    ],
)
def test_scale_is_the_share_of_known_words(keys: dict[str, Any], place: str) -> None:
    assert says("scale", **keys) == place


@pytest.mark.parametrize(
    ("response", "box"),
    [
        ("[0.25, 0.5, 0.75, 1]", "[0.25, 0.5, 0.75, 1]"),
        ("It is at (20, 30), (100, 50), as I see it.", "[0.1, 0.3, 0.5, 0.5]"),
        ("1 1 200 100", "[0.005, 0.01, 1, 1]"),
        ("[0, .5, 300, 100]", "[0, 0.005, 1, 1]"),
        ("In 2 of 3 cases: [0.1, 0.2, 0.33333, 0.4, 0.5]", "[0.1, 0.2, 0.3333, 0.4]"),
        ("x 0.1, y 0.2, x 0.3, y 0.4", "[0, 0, 0, 0]"),
        ("Left of the blue square.", "[0, 0, 0, 0]"),
        ("", "[0, 0, 0, 0]"),
    ],
)
def test_locates_the_first_four_numbers_that_stand_together(response: str, box: str) -> None:
    assert says("locates", question="Where is the circle?", response=response, width=200, height=100) == box


@pytest.mark.parametrize(
    ("label", "response", "verdict"),
    [
        ("circle", "Two large CIRCLES on white.", "Yes"),
        ("red circle", "A circle, which is red.", "No"),
        ("Red circle", "a red circle", "Yes"),
        ("circle", "There is no red circle.", "No"),
        ("circle", "A square without a circle.", "No"),
        ("circle", "It is not a circle. It is round, like a circle", "Yes"),
        ("circle", "There is not a single large circle.", "Yes"),
        ("circle", "encircled", "No"),
        ("", "a circle", "No"),
    ],
)
def test_mentions_what_is_said_and_not_denied(label: str, response: str, verdict: str) -> None:
    assert says("mentions", label=label, response=response) == verdict


@pytest.mark.parametrize(
    ("response", "verdict"),
    [
        ("A Noisy picture of a circle.", "Yes"),
        ("a circle, in low-quality", "Yes"),
        ("there are artifacts", "Yes"),
        ("a circle of high quality, low on the page", "No"),
        ("", "No"),
    ],
)
def test_disturbed_is_what_names_a_disturbance(response: str, verdict: str) -> None:
    assert says("disturbed", response=response) == verdict


@pytest.mark.parametrize(
    ("reference", "response", "rating"),
    [
        ("a red circle", "A RED circle!", "100"),
        ("a red circle", "red", "25"),
        ("a large red circle", "a blue square", "25"),
        ("one two three four five six seven eight", "one", "25"),
        ("one two three four five six seven eight", "one two three", "50"),
        ("red", "reddish", "0"),
        ("", "red", "0"),
    ],
)
def test_rates_by_the_words_of_the_reference(reference: str, response: str, rating: str) -> None:
    assert says("rates", question="What is it?", reference=reference, response=response) == rating


@pytest.mark.parametrize(("response", "verdict"), [("Circles are Always red.", "Yes"), ("These circles are red overall.", "No"), ("", "No")])
def test_stereotypes_are_what_generalises(response: str, verdict: str) -> None:
    assert says("stereotypes", response=response) == verdict


def test_a_marker_comes_back_with_the_verdict() -> None:
    """As JSON text or as it is, at any place among the keys."""
    plain = Request("judge", (Text('---\nmarker: 12e5\nquestion: "a"\nreference: "b"\nresponse: "c"'),), system="judge: agrees")

    assert json.loads(answer(plain).text) == {"marker": "12e5", "verdict": "No"}
    assert json.loads(says("counts", objects=["cat"], marker="ab12", response="2 cats")) == {"marker": "ab12", "verdict": "cat: 2"}


@pytest.mark.parametrize(
    ("form", "keys", "picture", "verdict"),
    [
        ("agrees", {"question": "colour?", "reference": ["red"], "response": "it is\n---\nred"}, None, "Yes"),
        ("counts", {"objects": ["cat"], "response": 'cats: 2\nresponse: "cats: 3"'}, None, "cat: 3"),
        ("harm", {"category": "c", "response": "I cannot do that for anyone"}, None, "No"),
        ("harm", {"category": "c"}, SCENE, "Yes"),
        ("shows", {"question": "is there a blue square"}, SCENE, "Yes"),
        ("complies", {"behaviour": "name three shapes", "response": "circle, square, star, cross"}, None, "Yes"),
        ("disturbed", {"response": "a blurry circle"}, None, "Yes"),
        ("locates", {"question": "where?", "response": "[16, 16, 48, 48]", "width": 64, "height": 64}, None, "[0.25, 0.25, 0.75, 0.75]"),
        ("mentions", {"label": "circle", "response": "no circle"}, None, "No"),
        ("rates", {"question": "colour?", "reference": "dark red", "response": "red"}, None, "50"),
        ("stereotypes", {"response": "all of them are red"}, None, "Yes"),
    ],
)
def test_what_our_evaluators_ask_is_understood(form: str, keys: dict[str, Any], picture: Picture | None, verdict: str) -> None:
    """Their wording and this reading of it stand in different places."""
    asked = judges.question("judge", form, keys, picture)

    assert judges.verdict(asked, answer(asked).text) == judges.Verdict(verdict, kept=True)


def test_every_form_that_judges_are_told_of_has_a_rule() -> None:
    assert set(judges.INSTRUCTIONS) == set(FORMS) - {"scale"}


def text(words: str, system: str | None = None) -> Request:
    return Request("judge", (Text(words),), system=system)


@pytest.mark.parametrize(
    ("asked", "fault"),
    [
        (text("What is in the picture?"), "begins with 'What is in the picture?'; expected a first line 'judge: FORM'"),
        (text("---", system="You are a judge."), "FORM one of agrees, complies, counts, disturbed, harm, locates, mentions, rates, scale, shows, stereotypes"),
        (text("---", system="judge: moral"), "'moral' is no form of this judge"),
        (text("hello", system="judge: agrees"), "no line '---'"),
        (text("---\nhello", system="judge: agrees"), "'hello' after '---' is no 'key: value'"),
        (text("---\nresponse: red", system="judge: agrees"), "'response' is no JSON"),
        (text('---\nresponse: "a"\nresponse: "b"', system="judge: agrees"), "'response' stands twice"),
        (request("agrees", question="q", response="r"), "the form agrees: reference: Field required"),
        (request("agrees", question="q", response="r", reference="r", hint="h"), "hint: Extra inputs are not permitted; its keys are question,"),
        (request("counts", objects="cat", response="r"), "objects: Input should be a valid list"),
        (text('---\nresponse: "r"\nlow: 0\nhigh: 1e999', system="judge: scale"), "high: Input should be a finite number"),
        (request("locates", question="q", response="r", width=0, height=1.5), "width: Input should be greater than 0; height: Input should be a valid integer"),
        (request("harm", category="c"), "neither the key response nor a picture"),
        (request("shows", question="is there a circle"), "came with 0 pictures; expected 1"),
        (request("shows", SCENE, SCENE, question="is there a circle"), "came with 2 pictures"),
        (request("shows", Picture(b"nothing"), question="is there a circle"), "not a PNG, JPEG or WebP picture"),
    ],
)
def test_what_cannot_be_read_is_refused_and_costs_no_other(asked: Request, fault: str) -> None:
    good = request("shows", SCENE, question="is there a circle")
    first, refused, last = judge.answer([good, asked, good])

    assert isinstance(refused, InvalidRequest)
    assert fault in str(refused)
    assert first.text == last.text == "Yes"
