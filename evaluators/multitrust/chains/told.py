"""Judges and services of which a recording tells in words how they answer."""

from __future__ import annotations

import re
from collections.abc import Callable

from evaluators.multitrust.chains.judged import FALLBACK, NOISE
from kernel.errors import ModelError

CONDITION = re.compile(r"(\S+) if the prompt contains '([^']*)'")
OTHERWISE = re.compile(r"else (\S+)")
FAILS = re.compile(r"always raises(?: for '([^']*)')?")
SCORED = re.compile(r"([\d.]+) (?:maximum )?for '([^']*)'")
SCORED_BACK = re.compile(r"([\d.]+) in every \w+ for the fallback")
BRACKETED = re.compile(r"\[([^\]]*)\]")
QUOTES = "'\""


def judge(words: str) -> Callable[[str], str]:
    """A judge: what it says if the prompt has some text, and else.

    Where a recording only names the judge of another one, it finds a label in brackets in the description before it, and noise by its name.
    """
    conditions, otherwise = CONDITION.findall(words), OTHERWISE.search(words)

    def said(prompt: str) -> str:
        for verdict, text in conditions:
            if text in prompt:
                return str(verdict).strip(QUOTES)
        if otherwise:
            return otherwise[1].strip(QUOTES)
        if prompt.startswith(NOISE.split("{}", maxsplit=1)[0]):
            return "Yes." if "nois" in prompt.rsplit(":", 1)[1] else "No."
        description, label = BRACKETED.findall(prompt)[:2]
        return "Yes." if label in description else "No."

    return said


def service(words: str) -> Callable[[str], list[float]]:
    """A service: what it fails at, if not at everything, and the greatest score of each text. It raises `ModelError`."""
    fails, score = FAILS.search(words), {text: float(value) for value, text in SCORED.findall(words)}
    if back := SCORED_BACK.search(words):
        score[FALLBACK] = float(back[1])

    def scores(text: str) -> list[float]:
        if fails and fails[1] in {None, text}:
            raise ModelError("recorded as a failure")
        return [score[text]]

    return scores
