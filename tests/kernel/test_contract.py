"""Requests have a digest that changes with everything that can change the answer, and with nothing else."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from kernel.contract import Deadline, Kind, Picture, Request, Sampling, Text, Turn

BASE = Request("m", (Text("what?"), Picture(b"png")), system="be brief", history=(Turn("user", "hi"),), sampling=Sampling(seed=0))

OTHERS = [
    replace(BASE, parts=(Text("what"), Picture(b"png"))),
    replace(BASE, parts=(Picture(b"png"), Text("what?"))),
    replace(BASE, parts=(Text("what?"), Picture(b"jpg"))),
    replace(BASE, parts=(Text("what?"), Text("png"))),
    replace(BASE, kind=Kind.IMAGINE),
    replace(BASE, system=None),
    replace(BASE, system=""),
    replace(BASE, history=()),
    replace(BASE, history=(Turn("assistant", "hi"),)),
    replace(BASE, negative="blur"),
    replace(BASE, sampling=Sampling()),
    replace(BASE, sampling=Sampling(seed=1)),
    replace(BASE, sampling=Sampling(seed=0, temperature=0.0)),
]


def test_whatever_can_change_the_answer_changes_the_digest():
    """Seed 0 is a seed and an empty system prompt is a system prompt."""
    digests = [request.digest() for request in (BASE, *OTHERS)]
    assert len(set(digests)) == len(digests)


def test_the_name_of_the_model_does_not_change_the_digest():
    assert replace(BASE, model="other").digest() == BASE.digest()


@given(st.lists(st.text(), max_size=4), st.lists(st.text(), max_size=4))
def test_parts_never_run_together(first: list[str], second: list[str]):
    """Two lists of texts have one digest only if they are equal."""
    one, other = (Request("m", tuple(map(Text, texts))).digest() for texts in (first, second))
    assert (one == other) == (first == second)


def test_a_lone_surrogate_has_a_digest():
    assert len(Request("m", (Text("\ud800"),)).digest()) == 64


def test_a_deadline_counts_down_on_the_clock_it_was_given():
    now = [100.0]
    deadline = Deadline.after(5, lambda: now[0])

    now[0] = 103.0
    assert deadline.remaining() == 2.0
    now[0] = 200.0
    assert deadline.remaining() == 0.0
